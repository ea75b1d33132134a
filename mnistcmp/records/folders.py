"""Where weights and records are, and the command that makes them."""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
_IN_CHECKOUT = (_CHECKOUT / "pyproject.toml").exists()
FOLDER_VARIABLE = "MNISTCMP_CHECKPOINTS"


def home() -> Path:
    """The folder of `data/` and `checkpoints/`: the checkout, or `.` for an installed package."""
    return _CHECKOUT if _IN_CHECKOUT else Path.cwd()


def default_folder() -> Path:
    """The folder of weights and records: MNISTCMP_CHECKPOINTS if set, or `checkpoints/`."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else home() / "checkpoints"


def training_command(*arguments: str) -> str:
    """The command that trains, for a checkout or for an installed package."""
    command = "python scripts/train_all.py" if _IN_CHECKOUT else "mnistcmp train"
    return " ".join((command, *arguments))
