"""Train all networks: get the data, train each network with each recipe, save weights and records.

    python scripts/train_all.py                        # every network, every recipe, seed 0
    python scripts/train_all.py --models cnn mlp --recipe tuned --seeds 5
    python scripts/train_all.py --seeds 3 --missing    # only runs that have no record yet
    python scripts/train_all.py --dataset my_images    # a folder of your own images

This is the same as `mnistcmp train`. It can be stopped at any time (Ctrl-C); the same command then
continues where it stopped.
"""

import site
import sys
from pathlib import Path

# Without an installation, the package is in the parent folder.
site.addsitedir(str(Path(__file__).resolve().parent.parent))

from mnistcmp.__main__ import run

if __name__ == "__main__":
    sys.argv.insert(1, "train")
    run()
