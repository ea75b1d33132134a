"""The records of all runs: lines are appended, never rewritten, and summarised only when read.

`runs.jsonl` has one line per run, including failed runs: its row, its epochs, the sha256 of its
predictions and a checksum. A damaged line is left out and named; its run can be trained again.
`predictions/` has each run's predicted labels for the test images and the held-out pen digits.
`runs.csv` and `epochs.csv` are written from it for people and other programs, and never read.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np
import pandas as pd

from mnistcmp import json_files, safe_files
from mnistcmp.json_files import Count, FileName, Measure, Sha256, Share
from mnistcmp.records.folders import training_command
from mnistcmp.records.lines import LinesFile, RecordsError
from mnistcmp.safe_files import DamagedFile


class RunRow(TypedDict, total=False):
    """The row of a run; columns that do not apply to it are left out."""

    run: FileName  # the run's id, used in epochs.csv and predictions/
    finished: str  # UTC
    campaign: str
    dataset: FileName
    model: FileName
    recipe: FileName
    seed: Count
    protocol: str  # final: measured on test images; validation: on held-out training images
    status: str  # ok, or the reason of the failure
    params: Count
    epochs: Count
    train_seconds: Measure  # training alone, without evaluation
    train_accuracy: Share  # all training images, unaugmented, after the last epoch
    train_loss: Measure
    test_accuracy: Share  # the protocol's held-out images
    test_loss: Measure
    pen_accuracy: Share  # pen digits of the held-out writers
    pen_loss: Measure
    ms_per_image: Measure  # median, one image at a time, on one thread
    peak_memory_mb: Count | None  # of the worker process, up to the end of this run
    activation_mb: Measure  # for the backward pass of an fp32 step on ACTIVATION_IMAGES images
    receptive_field_px: Count  # of the last convolution; without one, the image's side
    precision: str
    device: str
    workers: Count  # worker processes that trained at the same time
    trained_on: str
    settings: str  # the recipe as JSON
    machine: str
    versions: str
    host: str  # the name of the computer; not in older records


class EpochRow(TypedDict):
    """One epoch of a run."""

    epoch: Count
    train_loss: Measure  # of the training batches: augmented, with dropout, while parameters change
    train_accuracy: Share
    heldout_loss: Measure
    heldout_accuracy: Share
    seconds: Measure
    gradient_norms: dict[str, Measure]  # layer -> mean L2 norm of the gradient of its weight


class Entry(TypedDict):
    """One line of runs.jsonl, without its checksum."""

    run: RunRow
    epochs: list[EpochRow]
    predictions: Sha256 | None  # of the file; None if there is none


RUN_COLUMNS = tuple(RunRow.__annotations__)
KEY = ["dataset", "model", "recipe", "seed"]
EPOCH_COLUMNS = ("run", *KEY, *EpochRow.__annotations__)
# Summarised by medians, because a busy machine makes a few long.
TIMES = ["train_seconds", "ms_per_image"]
ACTIVATION_IMAGES = 64  # the same for every network, whatever its batch size
MOST_BYTES = 200_000_000  # of runs.jsonl; a run has about 2,000
MOST_PREDICTION_BYTES = 100_000_000  # of one run; MNIST's 10,000 have about 5,000

# What even a completed run may lack, and what a failed one lacks besides.
_OPTIONAL = {"pen_accuracy", "pen_loss", "peak_memory_mb", "activation_mb", "receptive_field_px"}
_OPTIONAL |= {"host"}
_RESULTS = {*TIMES, "train_accuracy", "train_loss", "test_accuracy", "test_loss", "trained_on"}


class Records:
    """The records in one folder, `OUT/results`."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "runs.jsonl"
        self._file = LinesFile(self.path, MOST_BYTES, _entry)

    def append(
        self,
        run: Mapping[str, object],
        epochs: Iterable[Mapping[str, object]] = (),
        predictions: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Record one run; `gradient_norms` of its epochs are JSON texts, as in epochs.csv.

        Its line is written last, so a run with a line is complete. Raises ValueError if a value is
        not as RunRow and EpochRow say, and OSError if writing fails; earlier records then stay.
        """
        content = io.BytesIO()
        if predictions:
            np.savez_compressed(content, allow_pickle=False, **predictions)
        line = run_line(run, epochs, content.getvalue())
        self._write(run["run"], line, content.getvalue())

    def predictions_path(self, run: object) -> Path:
        """The path of the predictions of the run with this id."""
        return self.folder / "predictions" / f"{run}.npz"

    def predictions(self, run: str) -> dict[str, np.ndarray]:
        """A run's predicted labels, uint8 (N,), under `test` and, if measured, `pen`.

        Raises DamagedFile if the file is missing, or is not the one that was recorded.
        """
        path, entry = self.predictions_path(run), self._lines().entries.get(run)
        if not entry or not entry["predictions"]:
            raise DamagedFile(f"{path} is not on record")
        labels = safe_files.read_arrays(path, entry["predictions"])
        if any(each.dtype != np.uint8 or each.ndim != 1 for each in labels.values()):
            raise DamagedFile(f"{path} is damaged (it has something else than labels)")
        return labels

    def runs(self) -> pd.DataFrame:
        """The rows of all runs in the order of recording; empty if nothing was recorded."""
        rows = [entry["run"] for entry in self._lines().entries.values()]
        return _table(rows, RunRow.__annotations__)

    def epochs(self) -> pd.DataFrame:
        """The epochs of all runs; `gradient_norms` are dictionaries."""
        kinds = {name: RunRow.__annotations__[name] for name in ("run", *KEY)}
        rows = [row for entry in self._lines().entries.values() for row in _epochs_of(entry)]
        return _table(rows, kinds | EpochRow.__annotations__)

    def entries(self) -> dict[str, Entry]:
        """All lines by run, in the order of recording."""
        return self._lines().entries

    def append_entry(self, entry: Entry, predictions: bytes) -> None:
        """Record a run as it is in other records, with the content of its predictions' file.

        Raises OSError as `append`.
        """
        self._write(entry["run"]["run"], json_files.line_of(entry), predictions)

    def predictions_file(self, entry: Entry) -> bytes:
        """The content of the file of a run's predictions; empty if it has none.

        Raises DamagedFile if the file is missing, or is not the one that was recorded.
        """
        if entry["predictions"] is None:
            return b""
        path = self.predictions_path(entry["run"]["run"])
        content = safe_files.read_bytes(path, MOST_PREDICTION_BYTES, within=self.folder)
        if hashlib.sha256(content).hexdigest() != entry["predictions"]:
            raise DamagedFile(f"{path} is damaged (its sha256 is not the recorded one)")
        return content

    def problems(self) -> list[str]:
        """The damaged lines, which are left out: their numbers, the reasons and the remedy."""
        remedy = f" and train its run again with {training_command('--missing')}"
        return self._file.problems(self._lines().damaged, remedy)

    def write_tables(self) -> None:
        """Write runs.csv and epochs.csv. Raises OSError if that fails."""
        entries = self._lines().entries.values()
        rows = [row for entry in entries for row in _epochs_of(entry)]
        epochs = [row | {"gradient_norms": json.dumps(row["gradient_norms"])} for row in rows]
        runs = [entry["run"] for entry in entries]
        safe_files.write_csv(self.folder / "runs.csv", RUN_COLUMNS, runs)
        safe_files.write_csv(self.folder / "epochs.csv", EPOCH_COLUMNS, epochs)

    def _write(self, run: object, line: bytes, predictions: bytes) -> None:
        self._refuse_earlier_version()
        if predictions:
            safe_files.write_whole(self.predictions_path(run), predictions)
        safe_files.append_line(self.path, line)

    def _lines(self) -> "_Runs":
        self._refuse_earlier_version()
        lines = self._file.read()
        entries: dict[str, Entry] = {}
        damaged = dict(lines.damaged)
        for number, entry in lines.entries.items():
            run = entry["run"]["run"]
            if run in entries:
                damaged[number] = f"run {run} is recorded twice"
            else:
                entries[run] = entry
        return _Runs(entries, dict(sorted(damaged.items())))

    def _refuse_earlier_version(self) -> None:
        if not self.path.exists() and (self.folder / "runs.csv").exists():
            raise RecordsError(
                f"{self.folder} has the records of an earlier version: convert them with "
                f"`python scripts/convert_records.py {self.folder}`, or use another folder"
            )


def newest(runs: pd.DataFrame, protocol: str = "final") -> pd.DataFrame:
    """The newest row of each (dataset, model, recipe, seed); these are the reported runs.

    The row that was finished last counts, because a merge appends older runs; of several that were
    finished in the same second, the last one.
    """
    rows = in_order(runs[runs["protocol"] == protocol])
    return rows.drop_duplicates(KEY, keep="last").reset_index(drop=True)


def in_order(runs: pd.DataFrame) -> pd.DataFrame:
    """The same rows in the order in which the runs were finished."""
    return runs.sort_values("finished", kind="stable")


def summarise(runs: pd.DataFrame, protocol: str = "final") -> pd.DataFrame:
    """One row per (dataset, model, recipe): statistics over the seeds whose newest row is `ok`.

    Columns: `seeds` (their number), `params`, `epochs`, the mean of each measure, its standard
    deviation as `<measure>_sd` (n - 1; NaN for one seed), and the medians of `TIMES` over the runs
    that `with_comparable_times` leaves.
    """
    rows = with_comparable_times(newest(runs, protocol))
    groups = rows[rows["status"] == "ok"].groupby(["dataset", "model", "recipe"], sort=False)
    measures = ["test_accuracy", "test_loss", "train_accuracy", "train_loss", "pen_accuracy"]
    table = groups.agg(seeds=("seed", "size"), params=("params", "last"), epochs=("epochs", "last"))
    means, deviations = groups[measures].mean(), groups[measures].std().add_suffix("_sd")
    return table.join([means, deviations, groups[TIMES].median()]).reset_index()


def with_comparable_times(runs: pd.DataFrame) -> pd.DataFrame:
    """The same runs, without the times of runs on a GPU if the group has runs on a CPU.

    A group is a network with a recipe on a data set. A mixture would compare machines.
    """
    on_cpu = runs["device"] == "cpu"
    timed = on_cpu & runs["train_seconds"].notna()
    mixed = timed.groupby([runs[name] for name in KEY[:3]]).transform("any") & ~on_cpu
    return runs.assign(**{time: runs[time].mask(mixed) for time in TIMES})


def run_line(
    run: Mapping[str, object], epochs: Iterable[Mapping[str, object]], predictions: bytes
) -> bytes:
    """The line of a run in runs.jsonl; `predictions` is the content of its file, if any.

    Raises ValueError if a value is not as RunRow and EpochRow say.
    """
    entry = {
        "run": {name: value for name, value in run.items() if value is not None},
        "epochs": [
            {name: row[name] for name in EpochRow.__annotations__ if name in row}
            | {"gradient_norms": json.loads(str(row["gradient_norms"]))}
            for row in epochs
        ],
        "predictions": hashlib.sha256(predictions).hexdigest() if predictions else None,
    }
    line = json_files.line_of(entry)
    _entry(line)
    return line


class _Runs(NamedTuple):
    """The content of runs.jsonl: the entries by run, and the reason of each damaged line."""

    entries: dict[str, Entry]
    damaged: dict[int, str]


def _entry(line: bytes) -> Entry:
    """The content of a line. Raises ValueError, with the reason, if it is damaged."""
    entry = json_files.read_line(line, Entry)
    lacking = set(RUN_COLUMNS) - _OPTIONAL - entry["run"].keys()
    if entry["run"].get("status") != "ok":
        lacking -= _RESULTS
    if lacking:
        raise ValueError(f"it lacks {', '.join(sorted(lacking))}")
    return entry


def _epochs_of(entry: Entry) -> list[dict[str, object]]:
    """The rows of an entry's epochs, with `gradient_norms` as a dictionary."""
    of_run = {name: entry["run"][name] for name in ("run", *KEY)}  # type: ignore[literal-required]
    return [of_run | epoch for epoch in entry["epochs"]]


def _table(rows: Iterable[Mapping[str, object]], kinds: Mapping[str, Any]) -> pd.DataFrame:
    """Rows with a column of the right type for each kind; numbers that are missing are NaN."""
    table = pd.DataFrame(rows, columns=list(kinds))
    for name, kind in kinds.items():
        base = json_files.base_type(kind)
        if base is int and table[name].isna().any():
            base = float
        if base is not dict:
            table[name] = table[name].astype(base)
    return table
