"""Everything that the app reads from disk, read once for all visitors."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp import samples
from mnistcmp.results import Records, newest

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
RESULTS = CHECKPOINTS / "results"


def reported_runs() -> pd.DataFrame:
    """The newest finished `final` run of each (data set, model, recipe, seed)."""
    return _reported_runs(_changed(RESULTS / "runs.csv"))


def reported_epochs() -> pd.DataFrame:
    """The epochs of those runs."""
    return _reported_epochs(_changed(RESULTS / "epochs.csv"))


def predictions(run: str, images: str = "test") -> np.ndarray:
    """The labels that a run read, uint8 (N,). Raises OSError or KeyError if they are not there."""
    return _predictions(run)[images]


def sample_pack(dataset: str) -> samples.Samples:
    """The pack of test images. Raises SamplesError if it is missing or damaged."""
    path = CHECKPOINTS / dataset / "samples.npz"
    return _sample_pack(path, _changed(path))


def _changed(path: Path) -> int:
    """When the file was last written: new records show without a restart. 0 if there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_data
def _reported_runs(changed: int) -> pd.DataFrame:
    rows = newest(Records(RESULTS).runs())
    return rows[rows["status"] == "ok"].reset_index(drop=True)


@st.cache_data
def _reported_epochs(changed: int) -> pd.DataFrame:
    epochs = Records(RESULTS).epochs()
    return epochs[epochs["run"].isin(reported_runs()["run"])].reset_index(drop=True)


@st.cache_resource(max_entries=500)
def _predictions(run: str) -> dict[str, np.ndarray]:
    return Records(RESULTS).predictions(run)


@st.cache_resource
def _sample_pack(path: Path, changed: int) -> samples.Samples:
    return samples.load(path)
