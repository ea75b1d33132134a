"""Records, predictions and test images: read from disk once for all visitors, without torch.

The contents of a file are cached until the file changes, so new records appear without a restart.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.data import sample_pack as packs
from mnistcmp.data.sample_pack import Samples
from mnistcmp.drawing.threshold import Threshold
from mnistcmp.drawing.threshold import read as read_threshold
from mnistcmp.records import Records, default_folder, newest, summarise
from mnistcmp.records.nudges import Entry, NudgeRecords
from mnistcmp.records.robustness import RobustnessRecords
from mnistcmp.safe_files import DamagedFile

MOST_PROBLEMS = 5  # that a page names


def results() -> Path:
    """The folder of the records."""
    return default_folder() / "results"


def reported_runs() -> pd.DataFrame:
    """The newest completed `final` run of each (data set, model, recipe, seed).

    Runs of networks and recipes that are not in the catalogue are left out.
    Raises RecordsError if the records are damaged.
    """
    records = Records(results())
    return _reported_runs(records.folder, changed(records.path))


def summary() -> pd.DataFrame:
    """`records.summarise` of the reported runs. Raises RecordsError if the records are damaged."""
    records = Records(results())
    return _summary(records.folder, changed(records.path))


def reported_epochs() -> pd.DataFrame:
    """The epochs of the reported runs. Raises RecordsError if the records are damaged."""
    records = Records(results())
    return _reported_epochs(records.folder, changed(records.path))


def warn_of_damaged_lines() -> None:
    """Show what the records leave out, if anything. Raises RecordsError as `reported_runs`."""
    records = Records(results())
    _warn(_problems(records.folder, changed(records.path)))


def robustness(dataset: str = "mnist") -> pd.DataFrame:
    """The records of robustness on one data set, of the networks and recipes in the catalogue.

    Raises RecordsError if the records cannot be read.
    """
    records = RobustnessRecords(results())
    return _robustness(records.folder, changed(records.path), dataset)


def nudges(recipe: str) -> list[Entry]:
    """The records of the smallest nudges of one recipe on MNIST, of the networks with seed 0.

    Raises RecordsError if the records cannot be read.
    """
    return [
        entry
        for entry in NudgeRecords(results()).entries()
        if (entry["dataset"], entry["recipe"], entry["seed"]) == ("mnist", recipe, 0)
        and entry["model"] in MODELS
    ]


def warn_of_damaged_robustness() -> None:
    """Show what the records of robustness and of nudges leave out. Raises RecordsError."""
    _warn([*RobustnessRecords(results()).problems(), *NudgeRecords(results()).problems()])


def _warn(problems: list[str]) -> None:
    if problems:
        more = len(problems) - MOST_PROBLEMS
        others = [f"{more} more lines are left out."] * (more > 0)
        st.warning("\n\n".join(map(plain, [*problems[:MOST_PROBLEMS], *others])))


def nudge_medians() -> pd.DataFrame:
    """`nudge_tables.medians` of all records. Raises RecordsError if they cannot be read."""
    records = NudgeRecords(results())
    return _nudge_medians(results(), changed(records.path))


def threshold() -> Threshold | None:
    """The result of scripts/find_threshold.py; None if there is none.

    Raises DamagedFile if the file is damaged.
    """
    return _threshold(results(), changed(results() / "threshold.json"))


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
    known = rows["model"].isin(list(MODELS)) & rows["recipe"].isin(list(RECIPES))
    return rows[(rows["status"] == "ok") & known].reset_index(drop=True)


@st.cache_data
def _summary(folder: Path, changed: int) -> pd.DataFrame:
    return summarise(_reported_runs(folder, changed))


@st.cache_data
def _reported_epochs(folder: Path, changed: int) -> pd.DataFrame:
    epochs = Records(folder).epochs()
    reported = _reported_runs(folder, changed)
    return epochs[epochs["run"].isin(reported["run"])].reset_index(drop=True)


@st.cache_data
def _robustness(folder: Path, changed: int, dataset: str) -> pd.DataFrame:
    rows = RobustnessRecords(folder).table()
    known = rows["model"].isin(list(MODELS)) & rows["recipe"].isin(list(RECIPES))
    return rows[(rows["dataset"] == dataset) & known].reset_index(drop=True)


@st.cache_data
def _problems(folder: Path, changed: int) -> list[str]:
    return Records(folder).problems()


@st.cache_data
def _nudge_medians(folder: Path, changed: int) -> pd.DataFrame:
    from mnistcmp.analysis import nudge_tables  # with mpmath, which a first visit should not await

    return nudge_tables.medians(NudgeRecords(folder).entries())


@st.cache_resource
def _threshold(results: Path, changed: int) -> Threshold | None:
    return read_threshold(results)


@st.cache_resource(max_entries=500)
def _predictions(folder: Path, run: str) -> dict[str, np.ndarray]:
    return Records(folder).predictions(run)


@st.cache_resource
def _sample_pack(path: Path, changed: int) -> Samples:
    return packs.load(path)
