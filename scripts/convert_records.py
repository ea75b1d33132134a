"""Convert the records of an earlier version, runs.csv and epochs.csv, to runs.jsonl.

    python scripts/convert_records.py checkpoints/results

Every value is compared before and after. An existing runs.jsonl is never overwritten; the two CSV
files are written again, with the same values. Epochs of interrupted runs are left out.
"""

import argparse
import csv
import sys
import tempfile
from pathlib import Path

from mnistcmp.json_files import base_type
from mnistcmp.records import EPOCH_COLUMNS, RUN_COLUMNS, EpochRow, Records, RunRow, run_line
from mnistcmp.safe_files import append_line

KINDS = RunRow.__annotations__ | EpochRow.__annotations__
TABLES = {"runs.csv": RUN_COLUMNS, "epochs.csv": EPOCH_COLUMNS}


def convert(folder: Path) -> int:
    """Convert the records in `folder` -> the number of runs.

    Raises ValueError, and changes nothing, if runs.jsonl exists or a value is damaged.
    """
    records = Records(folder)
    if records.path.exists():
        raise ValueError(f"{records.path} exists already: there is nothing to convert")
    before = {name: _rows(folder / name, columns) for name, columns in TABLES.items()}
    epochs: dict[str, list[dict[str, str]]] = {row["run"]: [] for row in before["runs.csv"]}
    before["epochs.csv"] = [row for row in before["epochs.csv"] if row["run"] in epochs]
    for row in before["epochs.csv"]:
        epochs[row["run"]].append(row)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        made = Records(temporary)
        for row in before["runs.csv"]:
            path = records.predictions_path(row["run"])
            predictions = path.read_bytes() if path.exists() else b""
            try:
                line = run_line(_values(row), map(_values, epochs[row["run"]]), predictions)
            except ValueError as error:
                raise ValueError(f"{folder}: run {row['run']} is damaged: {error}") from error
            append_line(made.path, line)
        made.write_tables()
        for name, columns in TABLES.items():
            _compare(before[name], _rows(made.folder / name, columns), name)
        for path in (*(made.folder / name for name in TABLES), made.path):
            path.replace(folder / path.name)
    return len(epochs)


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        reader = csv.DictReader(file, strict=True)
        rows = list(reader)
    if reader.fieldnames is None or tuple(reader.fieldnames) != columns:
        raise ValueError(f"{path} does not have the columns {', '.join(columns)}")
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise ValueError(f"{path}: row {number} has more or fewer than {len(columns)} values")
    return rows


def _values(row: dict[str, str]) -> dict[str, object]:
    """The cells as values; an empty cell is None, and `gradient_norms` stay JSON."""
    values: dict[str, object] = {}
    for name, cell in row.items():
        kind = base_type(KINDS[name])
        values[name] = kind(cell) if cell and kind in (int, float) else cell or None
    return values


def _compare(before: list[dict[str, str]], after: list[dict[str, str]], name: str) -> None:
    """Raise ValueError unless all cells are equal."""
    for old, new in zip(before, after, strict=True):
        for column, cell in old.items():
            if new[column] != cell:
                raise ValueError(
                    f"{name}: {column} of run {old['run']} is {cell!r} before and "
                    f"{new[column]!r} after the conversion"
                )


def main() -> None:
    """Convert the records in the folder that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of runs.csv")
    folder = parser.parse_args().folder
    try:
        print(f"{convert(folder)} runs converted: every value in {folder} is as before.")
    except (ValueError, OSError, csv.Error) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
