"""The records of all runs: appended as rows, never rewritten, summarised only when read.

`runs.csv` has a row for every run, also for one that failed; `epochs.csv` one for every epoch;
`predictions/` what each run read on the test images (and on the pen digits held out).
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from mnistcmp.safe_files import read_arrays, write_whole

RUN_COLUMNS = (
    "run",  # the run's own id, under which epochs.csv and predictions/ know it
    "finished",  # UTC
    "campaign",
    "dataset",
    "model",
    "recipe",
    "seed",
    "protocol",  # final: test images; validation: the part of the training images held out
    "status",  # ok, or what failed
    "params",
    "epochs",
    "train_seconds",  # training alone, without measuring
    "train_accuracy",  # all training images, unaugmented, after the last epoch
    "train_loss",
    "test_accuracy",  # the protocol's held-out images
    "test_loss",
    "pen_accuracy",  # digits of pen writers who were never trained on
    "pen_loss",
    "ms_per_image",  # median of one image read by itself, on one thread
    "peak_memory_mb",  # of the worker process, up to the end of this run
    "activation_mb",  # what a training step on ACTIVATION_IMAGES keeps for its backward pass, fp32
    "receptive_field_px",  # how far the last convolution sees; without one, the image's side
    "precision",
    "device",
    "workers",  # how many trained at the same time
    "trained_on",
    "settings",  # the recipe as JSON
    "machine",
    "versions",
)
EPOCH_COLUMNS = (
    "run",
    "dataset",
    "model",
    "recipe",
    "seed",
    "epoch",
    "train_loss",  # of the batches as trained on: augmented, with dropout, weights changing
    "train_accuracy",
    "heldout_loss",
    "heldout_accuracy",
    "seconds",
    "gradient_norms",  # JSON: layer -> mean 2-norm of its weight's gradient
)
KEY = ["dataset", "model", "recipe", "seed"]
TIMES = ["train_seconds", "ms_per_image"]  # of which a few are long where the machine was busy
ACTIVATION_IMAGES = 64  # in whatever batches a network was trained: to compare architectures


# The checkout that this package is part of, and the folder it is used in where it is installed.
_CHECKOUT = Path(__file__).resolve().parent.parent
_IN_CHECKOUT = (_CHECKOUT / "pyproject.toml").exists()
FOLDER_VARIABLE = "MNISTCMP_CHECKPOINTS"


def home() -> Path:
    """Where `data/` and `checkpoints/` are: the checkout, or of an installed package `.`."""
    return _CHECKOUT if _IN_CHECKOUT else Path.cwd()


def default_folder() -> Path:
    """The folder of weights and records: what MNISTCMP_CHECKPOINTS names, or `checkpoints/`."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else home() / "checkpoints"


def training_command(*arguments: str) -> str:
    """The command that trains, as it can be typed here."""
    command = "python scripts/train_all.py" if _IN_CHECKOUT else "mnistcmp train"
    return " ".join((command, *arguments))


class RecordsError(Exception):
    """A file of records is damaged, or not what this version wrote."""


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
        """Record one run, its row last: a run whose row is there is there whole.

        Raises OSError (a full disk, say); what was recorded before is then unharmed.
        """
        if predictions:
            buffer = io.BytesIO()
            np.savez_compressed(buffer, **predictions)
            write_whole(self.predictions_path(run["run"]), buffer.getvalue())
        _append_rows(self.folder / "epochs.csv", EPOCH_COLUMNS, epochs)
        _append_rows(self.folder / "runs.csv", RUN_COLUMNS, [run])

    def predictions_path(self, run: object) -> Path:
        """Where the predictions of the run with this id are, or would be."""
        return self.folder / "predictions" / f"{run}.npz"

    def predictions(self, run: str) -> dict[str, np.ndarray]:
        """The labels that a run read, uint8 (N,), by `test` and, where measured, `pen`.

        Raises DamagedFile if they are missing or damaged.
        """
        return read_arrays(self.predictions_path(run))

    def runs(self) -> pd.DataFrame:
        """Every run's row, in the order of recording; empty if nothing was recorded."""
        return _read_rows(self.folder / "runs.csv", RUN_COLUMNS)

    def epochs(self) -> pd.DataFrame:
        """Every epoch's row of the runs that are recorded; `gradient_norms` as dictionaries."""
        path = self.folder / "epochs.csv"
        epochs = _read_rows(path, EPOCH_COLUMNS)
        epochs = epochs[epochs["run"].isin(self.runs()["run"])].reset_index(drop=True)
        try:
            epochs["gradient_norms"] = epochs["gradient_norms"].map(json.loads)
        except ValueError as error:
            raise _damaged(path, error) from error
        return epochs


def newest(runs: pd.DataFrame, protocol: str = "final") -> pd.DataFrame:
    """The last row of each (dataset, model, recipe, seed): what the tables report."""
    rows = runs[runs["protocol"] == protocol]
    return rows.drop_duplicates(KEY, keep="last").reset_index(drop=True)


def summarise(runs: pd.DataFrame, protocol: str = "final") -> pd.DataFrame:
    """One row a (dataset, model, recipe), over the seeds of the newest rows that are `ok`.

    Columns: `seeds` (how many), `params`, `epochs`, for each measure its mean, with
    `<measure>_sd`, the standard deviation over the seeds (n - 1; NaN for one seed), and the medians
    of `TIMES`.
    """
    rows = newest(runs, protocol)
    groups = rows[rows["status"] == "ok"].groupby(["dataset", "model", "recipe"], sort=False)
    measures = [
        "test_accuracy",
        "test_loss",
        "train_accuracy",
        "train_loss",
        "pen_accuracy",
    ]
    table = groups.agg(seeds=("seed", "size"), params=("params", "last"), epochs=("epochs", "last"))
    means, deviations = groups[measures].mean(), groups[measures].std().add_suffix("_sd")
    return table.join([means, deviations, groups[TIMES].median()]).reset_index()


def _append_rows(
    path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, object]]
) -> None:
    """Append rows in one write; on an error take back what was written of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    # Unbuffered: after a full disk, a buffer would write its rest when the file is closed.
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
    """Remove a last row that a power cut left half written -> the length of the file."""
    file.seek(0)
    end = _end_of_rows(file.read())
    file.truncate(end)
    return end


def _end_of_rows(content: bytes) -> int:
    """Where the last whole row ends; a newline between quotes ends none."""
    end = content.rfind(b"\n") + 1
    while content.count(b'"', 0, end) % 2:
        end = content.rfind(b"\n", 0, end - 1) + 1
    return end


def _read_rows(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    content = path.read_bytes() if path.exists() else b""
    content = content[: _end_of_rows(content)]
    if not content:
        return pd.DataFrame(columns=list(columns))
    # An id in hexadecimal may look like a number, 12e45678 say, and so may a folder's name.
    kinds = {"run": str, "campaign": str, "dataset": str}
    try:
        _check_header(path, columns)
        return pd.read_csv(io.BytesIO(content), dtype=kinds)
    except ValueError as error:  # pandas' own errors and those of decoding are such
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
            f"{path} has other columns than this version writes ({differing}): "
            "move it away, or write to another folder with --out"
        )
