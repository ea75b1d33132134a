"""Train the zoo: get the data, train every network with every recipe, keep weights and records.

    python scripts/train_all.py                        # every network, every recipe, seed 0
    python scripts/train_all.py --models cnn mlp --recipe tuned --seeds 5
    python scripts/train_all.py --seeds 3 --missing    # only what has no record yet
    python scripts/train_all.py --dataset my_images    # a folder of your own images

The same as `mnistcmp train`. You can stop it at any time (Ctrl-C): the same command continues where
it stopped.
"""

import site
import sys
from pathlib import Path

# In a checkout that is not installed, the package lies beside this folder.
site.addsitedir(str(Path(__file__).resolve().parent.parent))

from mnistcmp import cli

if __name__ == "__main__":
    sys.argv.insert(1, "train")
    cli.run()
