"""Write the tables of README.md anew from the records, between its marks `<!-- table: NAME -->`.

python scripts/update_readme.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnistcmp import report
from mnistcmp.checkpoints import CHECKPOINTS

README = Path(__file__).resolve().parent.parent / "README.md"


def main() -> None:
    """Update the file in place."""
    README.write_text(report.filled(README.read_text(), CHECKPOINTS / "results"))


if __name__ == "__main__":
    main()
