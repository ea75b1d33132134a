"""Everything that the app reads from disk, read once for all visitors."""

import gc
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.app.colours import FAMILY_OF
from mnistcmp.data.sample_pack import Samples
from mnistcmp.data.sample_pack import load as load_samples
from mnistcmp.records import Records, newest
from mnistcmp.safe_files import DamagedFile

if TYPE_CHECKING:
    from torch import nn

    from mnistcmp.inspection.explain import Look
    from mnistcmp.inspection.structure import Structure

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
RESULTS = CHECKPOINTS / "results"


def reported_runs() -> pd.DataFrame:
    """The newest `final` run of each (data set, model, recipe, seed), of those that finished.

    Raises RecordsError if the records are damaged.
    """
    return _reported_runs(_changed(RESULTS / "runs.csv"))


def reported_epochs() -> pd.DataFrame:
    """The epochs of those runs. Raises RecordsError if the records are damaged."""
    return _reported_epochs(_changed(RESULTS / "epochs.csv"), _changed(RESULTS / "runs.csv"))


def threshold() -> dict[str, Any] | None:
    """What scripts/find_threshold.py has found; None if it has not been run.

    Raises ValueError if that is damaged.
    """
    path = RESULTS / "threshold.json"
    return _threshold(path, _changed(path))


def ordered(models: Iterable[str], recipe: str, order: str) -> list[str]:
    """The trained networks by `size`, by `accuracy` on the test images, or by `family`."""
    places = _places(recipe, order, _changed(CHECKPOINTS / "manifest.json"))
    return sorted(models, key=lambda model: places.get(model, -1))


@st.cache_resource
def _places(recipe: str, order: str, changed: int) -> dict[str, float]:
    if order == "family":
        return {model: place for place, model in enumerate(FAMILY_OF)}

    from mnistcmp.checkpoints import read_manifest

    measure = {"size": "params", "accuracy": "test_accuracy"}[order]
    return {
        checkpoint.model: getattr(checkpoint, measure)
        for checkpoint in read_manifest(CHECKPOINTS)
        if (checkpoint.recipe, checkpoint.dataset) == (recipe, "mnist")
    }


def predictions(run: str) -> dict[str, np.ndarray]:
    """The labels that a run read, uint8 (N,), as `Records.predictions` gives and raises."""
    return _predictions(run)


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
def _reported_epochs(epochs_changed: int, runs_changed: int) -> pd.DataFrame:
    epochs = Records(RESULTS).epochs()
    return epochs[epochs["run"].isin(reported_runs()["run"])].reset_index(drop=True)


@st.cache_resource
def _threshold(path: Path, changed: int) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if changed else None


@st.cache_resource(max_entries=500)
def _predictions(run: str) -> dict[str, np.ndarray]:
    return Records(RESULTS).predictions(run)


@st.cache_resource
def _sample_pack(path: Path, changed: int) -> Samples:
    return load_samples(path)


def networks(recipe: str, dataset: str = "mnist") -> tuple[dict[str, "nn.Module"], list[str]]:
    """All trained networks of a recipe by name, for reading alone, and what is wrong with others.

    The first call imports torch, which takes seconds: first paint what does not need it.
    """
    return _readers(recipe, dataset, *_weights_changed(recipe, dataset))


def _weights_changed(recipe: str, dataset: str) -> tuple[int, int]:
    """When weights were last put into their folder, as by git, and into the manifest."""
    return _changed(CHECKPOINTS / dataset / recipe), _changed(CHECKPOINTS / "manifest.json")


# While networks are trained anew, those of before are let go.
@st.cache_resource(show_spinner="Waking the networks …", max_entries=3)
def _readers(
    recipe: str, dataset: str, folder_changed: int, manifest_changed: int
) -> tuple[dict[str, "nn.Module"], list[str]]:
    loaded, problems = _networks(recipe, dataset, folder_changed, manifest_changed)

    from mnistcmp.inference import frozen

    readers = {name: frozen(network) for name, network in loaded.items()}
    _hide_from_garbage_collector()
    return readers, problems


@st.cache_resource(show_spinner="Waking the networks …", max_entries=3)
def _networks(
    recipe: str, dataset: str, folder_changed: int, manifest_changed: int
) -> tuple[dict[str, "nn.Module"], list[str]]:
    # For one image, more threads only wait for each other. Every visitor is served by threads of
    # their own, in which torch's own setting would have to be made again.
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from mnistcmp.checkpoints import CheckpointError, load_checkpoint, read_manifest

    torch.set_num_threads(1)
    loaded, problems = {}, []
    try:
        manifest = read_manifest(CHECKPOINTS)
    except CheckpointError as error:
        return {}, [str(error)]
    for checkpoint in manifest:
        if (checkpoint.recipe, checkpoint.dataset) == (recipe, dataset):
            try:
                loaded[checkpoint.model] = load_checkpoint(checkpoint, CHECKPOINTS)
            except CheckpointError as error:
                problems.append(str(error))
    _hide_from_garbage_collector()
    return loaded, problems


def _hide_from_garbage_collector() -> None:
    """Streamlit collects garbage after every run of a page, and torch's hundred thousands of
    objects are none: out of the collector's sight, a run is 150 ms shorter.
    """
    gc.collect()
    gc.freeze()


def network(name: str, recipe: str) -> tuple["nn.Module | None", str]:
    """One trained network, layer by layer, and "", or None and what is wrong, with the remedy."""
    from mnistcmp.checkpoints import CheckpointError, load

    loaded, _ = _networks(recipe, "mnist", *_weights_changed(recipe, "mnist"))
    if name in loaded:
        return loaded[name], ""
    try:
        return load(name, recipe, folder=CHECKPOINTS), ""
    except CheckpointError as error:
        return None, str(error)


@st.cache_data(max_entries=64, show_spinner=False)
def structure(name: str) -> "Structure":
    """How the network is built, trained or not."""
    from mnistcmp.inspection import structure
    from mnistcmp.models import build

    return structure.structure(build(name), (1, 28, 28))


def look(name: str, recipe: str, network: "nn.Module", pixels: np.ndarray) -> "Look":
    """What becomes of float32 (28, 28) pixels in the trained `network` of this name and recipe."""
    return _look(name, recipe, _weights_changed(recipe, "mnist"), network, pixels)


# A look holds every activation, about a megabyte. Streamlit does not hash what begins with "_".
@st.cache_data(max_entries=16, show_spinner=False)
def _look(
    name: str, recipe: str, changed: tuple[int, int], _network: "nn.Module", pixels: np.ndarray
) -> "Look":
    from mnistcmp.inspection import explain

    return explain.look(_network, pixels)
