"""The records of all runs: rows are appended, never rewritten, and summarised only when read.

`runs.csv` has one row per run, including failed runs, and `epochs.csv` one row per epoch.
`predictions/` has each run's predicted labels for the test images and the held-out pen digits.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd

from mnistcmp.safe_files import read_arrays, write_whole


class RunRow(TypedDict, total=False):
    """One row of runs.csv; columns that do not apply to a run are left out."""

    run: str  # the run's id, used in epochs.csv and predictions/
    finished: str  # UTC
    campaign: str
    dataset: str
    model: str
    recipe: str
    seed: int
    protocol: str  # final: measured on test images; validation: on held-out training images
    status: str  # ok, or the reason of the failure
    params: int
    epochs: int
    train_seconds: float  # training alone, without evaluation
    train_accuracy: float  # all training images, unaugmented, after the last epoch
    train_loss: float
    test_accuracy: float  # the protocol's held-out images
    test_loss: float
    pen_accuracy: float  # pen digits of the held-out writers
    pen_loss: float
    ms_per_image: float  # median, one image at a time, on one thread
    peak_memory_mb: int | None  # of the worker process, up to the end of this run
    activation_mb: float  # kept for the backward pass of one fp32 step on ACTIVATION_IMAGES images
    receptive_field_px: int  # of the last convolution; without one, the image's side
    precision: str
    device: str
    workers: int  # worker processes that trained at the same time
    trained_on: str
    settings: str  # the recipe as JSON
    machine: str
    versions: str


RUN_COLUMNS = tuple(RunRow.__annotations__)
EPOCH_COLUMNS = (
    "run",
    "dataset",
    "model",
    "recipe",
    "seed",
    "epoch",
    "train_loss",  # of the training batches: augmented, with dropout, while parameters change
    "train_accuracy",
    "heldout_loss",
    "heldout_accuracy",
    "seconds",
    "gradient_norms",  # JSON: layer -> mean L2 norm of the gradient of its weight
)
KEY = ["dataset", "model", "recipe", "seed"]
TIMES = [
    "train_seconds",
    "ms_per_image",
]  # summarised by medians, because a busy machine makes a few long
ACTIVATION_IMAGES = 64  # the same for every network, whatever its batch size

_CHECKOUT = Path(__file__).resolve().parent.parent
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


class RecordsError(Exception):
    """A file of records is damaged, or written by another version."""


class Records:
    """The records in one folder, `OUT/results`."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def append(
        self,
        run: Mapping[str, object],
        epochs: Iterable[Mapping[str, object]] = (),
        predictions: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Record one run. Its row is written last, so a run with a row is complete.

        Raises OSError if that fails (for example, because the disk is full); earlier records are
        then unchanged.
        """
        if predictions:
            buffer = io.BytesIO()
            np.savez_compressed(buffer, allow_pickle=False, **predictions)
            write_whole(self.predictions_path(run["run"]), buffer.getvalue())
        _append_rows(self.folder / "epochs.csv", EPOCH_COLUMNS, epochs)
        _append_rows(self.folder / "runs.csv", RUN_COLUMNS, [run])

    def predictions_path(self, run: object) -> Path:
        """The path of the predictions of the run with this id."""
        return self.folder / "predictions" / f"{run}.npz"

    def predictions(self, run: str) -> dict[str, np.ndarray]:
        """A run's predicted labels, uint8 (N,), under `test` and, if measured, `pen`.

        Raises DamagedFile if the file is missing or damaged.
        """
        return read_arrays(self.predictions_path(run))

    def runs(self) -> pd.DataFrame:
        """The rows of all runs in the order of recording; empty if nothing was recorded."""
        return _read_rows(self.folder / "runs.csv", RUN_COLUMNS)

    def epochs(self) -> pd.DataFrame:
        """The epochs of all recorded runs; `gradient_norms` are dictionaries."""
        path = self.folder / "epochs.csv"
        epochs = _read_rows(path, EPOCH_COLUMNS)
        epochs = epochs[epochs["run"].isin(self.runs()["run"])].reset_index(drop=True)
        try:
            epochs["gradient_norms"] = epochs["gradient_norms"].map(json.loads)
        except ValueError as error:
            raise _damaged(path, error) from error
        return epochs


def newest(runs: pd.DataFrame, protocol: str = "final") -> pd.DataFrame:
    """The last row of each (dataset, model, recipe, seed); these are the reported runs."""
    rows = runs[runs["protocol"] == protocol]
    return rows.drop_duplicates(KEY, keep="last").reset_index(drop=True)


def summarise(runs: pd.DataFrame, protocol: str = "final") -> pd.DataFrame:
    """One row per (dataset, model, recipe): statistics over the seeds whose newest row is `ok`.

    Columns: `seeds` (their number), `params`, `epochs`, the mean of each measure, its standard
    deviation as `<measure>_sd` (n - 1; NaN for one seed), and the medians of `TIMES`.
    """
    rows = newest(runs, protocol)
    groups = rows[rows["status"] == "ok"].groupby(["dataset", "model", "recipe"], sort=False)
    measures = ["test_accuracy", "test_loss", "train_accuracy", "train_loss", "pen_accuracy"]
    table = groups.agg(seeds=("seed", "size"), params=("params", "last"), epochs=("epochs", "last"))
    means, deviations = groups[measures].mean(), groups[measures].std().add_suffix("_sd")
    return table.join([means, deviations, groups[TIMES].median()]).reset_index()


def _append_rows(
    path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, object]]
) -> None:
    """Append rows in one write; on an error, remove what was written of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    # Unbuffered: a buffer that met a full disk would write its rest when the file is closed.
    with path.open("a+b", buffering=0) as file:
        end = _cut_torn_row(file)
        if end == 0:
            writer.writeheader()
        else:
            _check_header(path, columns)
        for row in rows:
            writer.writerow(row)
        try:
            content = memoryview(text.getvalue().encode())
            while content:
                content = content[file.write(content) :]
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), end)
            raise


def _cut_torn_row(file: io.FileIO) -> int:
    """Remove a last row that a power cut left incomplete -> the length of the file."""
    file.seek(0)
    end = _end_of_rows(file.read())
    file.truncate(end)
    return end


def _end_of_rows(content: bytes) -> int:
    """The end of the last complete row; a newline within quotes ends no row."""
    end = content.rfind(b"\n") + 1
    while content.count(b'"', 0, end) % 2:
        end = content.rfind(b"\n", 0, end - 1) + 1
    return end


def _read_rows(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    content = path.read_bytes() if path.exists() else b""
    content = content[: _end_of_rows(content)]
    if not content:
        return pd.DataFrame(columns=list(columns))
    # A hexadecimal id such as 12e45678 may look like a number, and so may a folder's name.
    kinds = {"run": str, "campaign": str, "dataset": str}
    try:
        _check_header(path, columns)
        return pd.read_csv(io.BytesIO(content), dtype=kinds)
    except ValueError as error:  # includes pandas' errors and decoding errors
        raise _damaged(path, error) from error


def _damaged(path: Path, error: ValueError) -> RecordsError:
    reason = str(error).strip()
    return RecordsError(f"{path} is damaged ({reason}): restore it from git, or move it away")


def _check_header(path: Path, columns: tuple[str, ...]) -> None:
    with path.open(newline="") as file:
        found = next(csv.reader(file), [])
    if found != list(columns):
        differing = ", ".join(sorted(set(found) ^ set(columns))) or "their order"
        raise RecordsError(
            f"{path} has different columns from those of this version ({differing}): "
            "move it away, or write to another folder with --out"
        )
