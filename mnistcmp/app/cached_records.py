"""Records, predictions and test images: read from disk once for all visitors, without torch.

The contents of a file are cached until the file changes, so new records appear without a restart.
"""

import json
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.data import sample_pack as packs
from mnistcmp.data.sample_pack import Samples
from mnistcmp.records import Records, default_folder, newest
from mnistcmp.safe_files import DamagedFile


class Rates(TypedDict):
    """How often "not sure" is right and wrong with the shipped networks of one recipe."""

    networks: int
    test_digits: int
    test_digits_rejected: float
    pen_digits: int
    pen_digits_rejected: float
    nondigits: int
    nondigits_accepted: float
    nondigits_accepted_by_kind: dict[str, float]


class Threshold(TypedDict):
    """The contents of threshold.json; `shipped` holds the rates of each recipe."""

    least_certainty: float
    recipe: str
    networks: int
    validation: dict[str, float]
    shipped: dict[str, Rates]


def results() -> Path:
    """The folder of the records."""
    return default_folder() / "results"


def reported_runs() -> pd.DataFrame:
    """The newest completed `final` run of each (data set, model, recipe, seed).

    Raises RecordsError if the records are damaged.
    """
    return _reported_runs(results(), changed(results() / "runs.csv"))


def reported_epochs() -> pd.DataFrame:
    """The epochs of the reported runs. Raises RecordsError if the records are damaged."""
    folder = results()
    return _reported_epochs(folder, changed(folder / "epochs.csv"), changed(folder / "runs.csv"))


def threshold() -> Threshold | None:
    """The result of scripts/find_threshold.py; None if there is none.

    Raises ValueError if the file is damaged.
    """
    path = results() / "threshold.json"
    return _threshold(path, changed(path))


def predictions(run: str) -> dict[str, np.ndarray]:
    """A run's predicted labels, uint8 (N,); returns and raises as `Records.predictions` does."""
    return _predictions(results(), run)


def readings(runs: pd.DataFrame, count: int) -> tuple[dict[str, np.ndarray], list[str]]:
    """Predictions of each network's run with seed 0 on the `count` test images, and problems.

    A network is left out if its predictions are missing, or do not match the test images.
    """
    read, problems = {}, []
    for run in runs[runs["seed"] == 0].itertuples():
        try:
            labels = predictions(run.run)["test"]
        except (DamagedFile, KeyError) as error:
            problems.append(f"{run.model} is left out of what follows: {error}")
            continue
        if len(labels) == count:
            read[run.model] = labels
        else:
            problems.append(
                f"{run.model} is left out of what follows: it read {len(labels)} test images, "
                f"not these {count}"
            )
    return read, problems


def sample_pack(dataset: str) -> Samples:
    """The pack of test images. Raises SamplesError if it is missing or damaged."""
    path = packs.path(default_folder(), dataset)
    return _sample_pack(path, changed(path))


def changed(path: Path) -> int:
    """When the file was last written (ns since the epoch); 0 if it does not exist."""
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_data
def _reported_runs(folder: Path, changed: int) -> pd.DataFrame:
    rows = newest(Records(folder).runs())
    return rows[rows["status"] == "ok"].reset_index(drop=True)


@st.cache_data
def _reported_epochs(folder: Path, epochs_changed: int, runs_changed: int) -> pd.DataFrame:
    epochs = Records(folder).epochs()
    reported = _reported_runs(folder, runs_changed)
    return epochs[epochs["run"].isin(reported["run"])].reset_index(drop=True)


@st.cache_resource
def _threshold(path: Path, changed: int) -> Threshold | None:
    # Only scripts/find_threshold.py writes this file.
    return cast(Threshold, json.loads(path.read_text())) if changed else None


@st.cache_resource(max_entries=500)
def _predictions(folder: Path, run: str) -> dict[str, np.ndarray]:
    return Records(folder).predictions(run)


@st.cache_resource
def _sample_pack(path: Path, changed: int) -> Samples:
    return packs.load(path)
