"""The records of runs, robustness and nudges: lines that are appended, never rewritten."""

from mnistcmp.records.folders import (
    FOLDER_VARIABLE,
    default_folder,
    home,
    training_command,
)
from mnistcmp.records.lines import RecordsError
from mnistcmp.records.runs import (
    ACTIVATION_IMAGES,
    EPOCH_COLUMNS,
    KEY,
    RUN_COLUMNS,
    TIMES,
    Entry,
    EpochRow,
    Records,
    RunRow,
    in_order,
    newest,
    run_line,
    summarise,
    with_comparable_times,
)

__all__ = [
    "ACTIVATION_IMAGES",
    "EPOCH_COLUMNS",
    "FOLDER_VARIABLE",
    "KEY",
    "RUN_COLUMNS",
    "TIMES",
    "Entry",
    "EpochRow",
    "Records",
    "RecordsError",
    "RunRow",
    "default_folder",
    "home",
    "in_order",
    "newest",
    "run_line",
    "summarise",
    "training_command",
    "with_comparable_times",
]
