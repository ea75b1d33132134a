"""Trained networks, their structure and their activations for one image, shared by all visitors."""

import gc
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnistcmp.app.cached_records import changed
from mnistcmp.app.plain_text import code, plain
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.manifest import CheckpointError, read_manifest
from mnistcmp.records import default_folder, training_command

if TYPE_CHECKING:
    from torch import nn

    from mnistcmp.inspection.explain import Look
    from mnistcmp.inspection.structure import Structure


def networks(recipe: str, dataset: str = "mnist") -> tuple[dict[str, "nn.Module"], list[str]]:
    """All trained networks of a recipe by name, for inference only, and problems with others.

    The first call imports torch, which takes seconds: show everything that does not need it first.
    """
    folder = default_folder()
    return _readers(folder, recipe, dataset, *weights_changed(folder, recipe, dataset))


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
    """One trained network, not frozen, and ""; or None and the problem with its remedy."""
    folder = default_folder()
    loaded, _ = _networks(folder, recipe, "mnist", *weights_changed(folder, recipe, "mnist"))
    if name in loaded:
        return loaded[name], ""

    from mnistcmp.checkpoints import load

    try:
        return load(name, recipe, folder=folder), ""
    except CheckpointError as error:
        return None, str(error)


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


# `max_entries` drops old networks when others are trained while the app runs.
@st.cache_resource(show_spinner="Loading the networks …", max_entries=len(RECIPES))
def _readers(
    folder: Path, recipe: str, dataset: str, folder_changed: int, manifest_changed: int
) -> tuple[dict[str, "nn.Module"], list[str]]:
    loaded, problems = _networks(folder, recipe, dataset, folder_changed, manifest_changed)

    from mnistcmp.inference import frozen

    readers = {name: frozen(network) for name, network in loaded.items()}
    _hide_from_garbage_collector()
    return readers, problems


@st.cache_resource(show_spinner="Loading the networks …", max_entries=len(RECIPES))
def _networks(
    folder: Path, recipe: str, dataset: str, folder_changed: int, manifest_changed: int
) -> tuple[dict[str, "nn.Module"], list[str]]:
    # For one image, more threads only wait for each other. Each visitor is served by separate
    # threads, and torch's own setting would have to be repeated in each of them.
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from mnistcmp.checkpoints import load_checkpoint

    torch.set_num_threads(1)
    loaded, problems = {}, []
    try:
        manifest = read_manifest(folder)
    except CheckpointError as error:
        return {}, [str(error)]
    for checkpoint in manifest:
        if (checkpoint.recipe, checkpoint.dataset) == (recipe, dataset):
            try:
                loaded[checkpoint.model] = load_checkpoint(checkpoint, folder)
            except CheckpointError as error:
                problems.append(str(error))
    _hide_from_garbage_collector()
    return loaded, problems


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
