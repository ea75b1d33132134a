"""Records, predictions and test images: read from disk once for all visitors, without torch.

What is read is kept until its file changes, so that new records show without a restart.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.data import sample_pack as packs
from mnistcmp.data.sample_pack import Samples
from mnistcmp.records import Records, default_folder, newest
from mnistcmp.safe_files import DamagedFile


def results() -> Path:
    """The folder of the records."""
    return default_folder() / "results"


def reported_runs() -> pd.DataFrame:
    """The newest `final` run of each (data set, model, recipe, seed), of those that finished.

    Raises RecordsError if the records are damaged.
    """
    return _reported_runs(results(), changed(results() / "runs.csv"))


def reported_epochs() -> pd.DataFrame:
    """The epochs of those runs. Raises RecordsError if the records are damaged."""
    folder = results()
    return _reported_epochs(folder, changed(folder / "epochs.csv"), changed(folder / "runs.csv"))


def threshold() -> dict[str, Any] | None:
    """What scripts/find_threshold.py has found; None if it has not been run.

    Raises ValueError if that is damaged.
    """
    path = results() / "threshold.json"
    return _threshold(path, changed(path))


def predictions(run: str) -> dict[str, np.ndarray]:
    """The labels that a run read, uint8 (N,), as `Records.predictions` gives and raises."""
    return _predictions(results(), run)


def readings(runs: pd.DataFrame, count: int) -> tuple[dict[str, np.ndarray], list[str]]:
    """What the run with seed 0 of each network read on the `count` test images, and what is wrong.

    A network is left out where that is not on record, or is of images that are no longer there.
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
    """When the file was last written; 0 if there is none."""
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
def _threshold(path: Path, changed: int) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if changed else None


@st.cache_resource(max_entries=500)
def _predictions(folder: Path, run: str) -> dict[str, np.ndarray]:
    return Records(folder).predictions(run)


@st.cache_resource
def _sample_pack(path: Path, changed: int) -> Samples:
    return packs.load(path)
