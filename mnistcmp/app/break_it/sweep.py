"""All networks read a digit at every position of a dial: once for all visitors."""

import numpy as np
import streamlit as st

from mnistcmp.app import cached_networks
from mnistcmp.app.break_it.outcomes import NO_MAJORITY, Sweep
from mnistcmp.catalogue.corruptions import DIALS, SHIFT_DIRECTIONS
from mnistcmp.records import default_folder

SEEDS = 5  # pictures at each position of a dial that is random


def sweep(pixels: np.ndarray, dial: str, direction: str, recipe: str) -> Sweep:
    """Read the digit, float32 (28, 28) in [0, 1], with all networks of the recipe.

    Raises ValueError if there is no network.
    """
    changed = cached_networks.weights_changed(default_folder(), recipe, "mnist")
    return _sweep(pixels, dial, direction, recipe, changed)


# A sweep has about 20 kB. Visitors share only those of test images.
@st.cache_data(max_entries=200, show_spinner="Reading the digit at every level …")
def _sweep(
    pixels: np.ndarray, dial: str, direction: str, recipe: str, changed: tuple[int, int]
) -> Sweep:
    networks, _ = cached_networks.networks(recipe)  # limits torch's threads, so it comes first

    import torch

    from mnistcmp.inference import probabilities
    from mnistcmp.robustness.dials import apply

    image = torch.tensor(pixels)[None, None]
    spec = DIALS[dial]
    seeds = range(SEEDS if spec.random else 1)
    pictures = torch.cat(
        [
            apply(image, dial, level, seed=seed, direction=direction or SHIFT_DIRECTIONS[0])
            for level in spec.positions
            for seed in seeds
        ]
    )[:, 0].numpy()
    shape = (len(networks), len(spec.positions), len(seeds), 10)
    answers, certainties = _majority(probabilities(pictures, networks).reshape(shape))
    first = np.rint(255 * pictures[:: len(seeds)]).astype(np.uint8)
    return Sweep(dial, direction, tuple(networks), first, answers, certainties)


def _majority(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(models, positions, seeds, 10) -> answers and certainties of a Sweep."""
    votes = (probabilities.argmax(axis=3)[..., None] == np.arange(10)).mean(axis=2)
    answers = np.where(votes.max(axis=2) > 0.5, votes.argmax(axis=2), NO_MAJORITY)
    most = votes.argmax(axis=2)[..., None]
    certainties = np.take_along_axis(probabilities.mean(axis=2), most, axis=2)[..., 0]
    return answers, certainties
