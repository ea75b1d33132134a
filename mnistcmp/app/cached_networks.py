"""Trained networks, their structure and their activations for one image, shared by all visitors."""

import gc
import os
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import streamlit as st

from mnistcmp.app.cached_records import changed
from mnistcmp.app.plain_text import code, plain
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.manifest import CheckpointError, read_manifest
from mnistcmp.records import default_folder, training_command

if TYPE_CHECKING:
    from torch import nn

    from mnistcmp.inspection.explain import Look
    from mnistcmp.inspection.structure import Structure

# Importing torch keeps one processor and Python's interpreter lock busy for a second. Meanwhile the
# first visitor's browser, often on the same machine, would wait for the page: it comes first.
PAGE_FIRST_SECONDS = 0.5

States: TypeAlias = tuple[dict[str, list["nn.Module"]], list[str]]


class Loaded(NamedTuple):
    """The networks of one recipe by name, and why others could not be loaded."""

    networks: dict[str, "nn.Module"]
    problems: list[str]


def networks(recipe: str, dataset: str = "mnist") -> Loaded:
    """All trained networks of a recipe by name, and problems with others.

    Waits until they are loaded, which takes seconds: show everything that does not need them first.
    """
    return _loaded(recipe, dataset)


def awake(recipe: str) -> bool:
    """Whether `networks(recipe)` answers at once. If not, they are being loaded from now on."""
    return _loading(recipe, "mnist").done()


def networks_or_remedy(recipe: str) -> dict[str, "nn.Module"]:
    """The networks of `networks`; shows what is wrong with others, and the remedy without any."""
    models, problems = networks(recipe)
    for problem in problems:
        st.warning(plain(problem))
    if not models:
        st.info(
            f"There are no networks trained with the recipe “{recipe}” in "
            f"{code(default_folder())}. Train them with "
            f"{code(training_command('--recipe', recipe))}."
        )
    return models


def ordered(models: Iterable[str], recipe: str, order: str) -> list[str]:
    """The trained networks, sorted by `size`, test `accuracy` or `family`."""
    folder = default_folder()
    if order == "family":
        positions: dict[str, float] = {model: at for at, model in enumerate(MODELS)}
    else:
        positions = _positions(folder, recipe, order, changed(folder / "manifest.json"))
    return sorted(models, key=lambda model: positions.get(model, -1))


def network(name: str, recipe: str) -> tuple["nn.Module | None", str]:
    """One trained network, and ""; or None and the problem with its remedy."""
    loaded = _loaded(recipe, "mnist").networks
    if name in loaded:
        return loaded[name], ""
    try:
        return _checkpoints().load(name, recipe, folder=default_folder()), ""
    except CheckpointError as error:
        return None, str(error)


def during_training() -> States:
    """Small networks by name, each before training and after each epoch; problems with others."""
    _checkpoints()
    from mnistcmp.inspection.snapshots import DATASET, RECIPE, folder_in

    folder = default_folder()
    return _during_training(folder, *weights_changed(folder_in(folder), RECIPE, DATASET))


@st.cache_data(max_entries=64, show_spinner=False)
def structure(name: str) -> "Structure":
    """The structure of a network, trained or not."""
    from mnistcmp.inspection import structure
    from mnistcmp.models import build

    return structure.structure(build(name), (1, 28, 28))


def look(name: str, recipe: str, network: "nn.Module", pixels: np.ndarray) -> "Look":
    """How the trained `network` of this name and recipe processes float32 (28, 28) pixels."""
    folder = default_folder()
    return _look(name, recipe, weights_changed(folder, recipe, "mnist"), network, pixels)


def weights_changed(folder: Path, recipe: str, dataset: str) -> tuple[int, int]:
    """When the folder of the weights (for example by git) and the manifest last changed."""
    return changed(folder / dataset / recipe), changed(folder / "manifest.json")


class Loader:
    """Loads networks in one background thread, each recipe once for all visitors."""

    def __init__(self, worker: Executor) -> None:
        self._worker = worker
        self._lock = threading.Lock()
        # For each (folder, recipe, data set): when its weights had changed, and the networks.
        self._loads: dict[tuple[Path, str, str], tuple[tuple[int, int], Future[Loaded]]] = {}

    def load(self, folder: Path, recipe: str, dataset: str) -> "Future[Loaded]":
        """The networks; they are loaded if they are not yet, or were trained again since."""
        place, changed = (folder, recipe, dataset), weights_changed(folder, recipe, dataset)
        with self._lock:
            known = self._loads.get(place)
            if known is None or known[0] != changed:
                known = changed, self._worker.submit(_load, *place)
                self._loads[place] = known
            return known[1]


@st.cache_resource(show_spinner=False)
def _loader() -> Loader:
    """The one for all visitors. Python waits for its thread before the server ends."""
    return Loader(ThreadPoolExecutor(1, "loading"))


def _loading(recipe: str, dataset: str) -> "Future[Loaded]":
    return _loader().load(default_folder(), recipe, dataset)


def _loaded(recipe: str, dataset: str) -> Loaded:
    loading = _loading(recipe, dataset)
    if not loading.done():
        with st.spinner("Loading the networks …"):
            wait([loading])
    return loading.result()


def _load(folder: Path, recipe: str, dataset: str) -> Loaded:
    if "torch" not in sys.modules:
        time.sleep(PAGE_FIRST_SECONDS)
    load_checkpoint = _checkpoints().load_checkpoint
    loaded: dict[str, nn.Module] = {}
    problems = []
    try:
        manifest = read_manifest(folder)
    except CheckpointError as error:
        return Loaded({}, [str(error)])
    for checkpoint in manifest:
        if (checkpoint.recipe, checkpoint.dataset) == (recipe, dataset):
            try:
                loaded[checkpoint.model] = load_checkpoint(checkpoint, folder)
            except CheckpointError as error:
                problems.append(str(error))
    _hide_from_garbage_collector()
    return Loaded(loaded, problems)


def _checkpoints() -> ModuleType:
    """The module that loads weights, with torch, which takes seconds to import."""
    # For one image, more threads only wait for each other. Each visitor is served by separate
    # threads, and torch's own setting would have to be repeated in each of them.
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from mnistcmp import checkpoints

    torch.set_num_threads(1)
    return checkpoints


# All together have about 14 MB.
@st.cache_resource(show_spinner="Loading the networks …", max_entries=1)
def _during_training(folder: Path, folder_changed: int, manifest_changed: int) -> States:
    from mnistcmp.inspection import snapshots

    states, problems = {}, []
    try:
        manifest = read_manifest(snapshots.folder_in(folder))
    except CheckpointError as error:
        return {}, [str(error)]
    for entry in manifest:
        try:
            states[entry.model] = snapshots.load(entry, folder)
        except CheckpointError as error:
            problems.append(str(error))
    _hide_from_garbage_collector()
    return states, problems


@st.cache_resource
def _positions(folder: Path, recipe: str, order: str, changed: int) -> dict[str, float]:
    measure = {"size": "params", "accuracy": "test_accuracy"}[order]
    return {
        checkpoint.model: getattr(checkpoint, measure)
        for checkpoint in read_manifest(folder)
        if (checkpoint.recipe, checkpoint.dataset) == (recipe, "mnist")
    }


# A look holds all activations, about 1 MB. Streamlit does not hash arguments that begin with "_".
@st.cache_data(max_entries=16, show_spinner=False)
def _look(
    name: str, recipe: str, changed: tuple[int, int], _network: "nn.Module", pixels: np.ndarray
) -> "Look":
    from mnistcmp.inspection import explain

    return explain.look(_network, pixels)


def _hide_from_garbage_collector() -> None:
    """Exclude torch's objects from garbage collection.

    A collection that visits its hundreds of thousands of objects stops all readings for 150 ms.
    """
    gc.collect()
    gc.freeze()
