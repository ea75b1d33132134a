"""Which network reads a person's own drawings best, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mnistcmp.analysis.statistics import paired, wilson_interval
from mnistcmp.analysis.text import listed
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.drawing.canvas import Picture, Stroke

MOST_KEPT = 200  # drawings of one session
# The probability of calling two equal networks different, over all pairs of networks together.
ERROR_RATE = 0.05
MOST_NAMED = 3


@dataclass
class Kept:
    """A drawing, and what the person says that it is.

    first: its first stroke or picture. A drawing with the same first stroke is the same drawing.
    pixels: uint8 (28, 28), bright ink, as networks read it. label: 0..9.
    reads: recipe -> network -> the digit that it reads.
    """

    first: Stroke | Picture
    pixels: np.ndarray
    label: int
    reads: dict[str, dict[str, int]] = field(default_factory=dict)


def right(kept: Sequence[Kept], recipe: str) -> pd.DataFrame:
    """Whether each network read each drawing right: bool, drawings in rows, networks in columns.

    Only networks of the recipe that have read all drawings.
    """
    # In the order of the catalogue, in which equal scores stay.
    names = [name for name in MODELS if all(name in each.reads[recipe] for each in kept)]
    return pd.DataFrame(
        {name: [each.reads[recipe][name] == each.label for each in kept] for name in names}
    )


def score(right: pd.DataFrame) -> pd.DataFrame:
    """The score of each network, the best first.

    index: the networks' names. right, wrong, asked: counts. low, high: the 95 % interval of the
    share that is right, in [0, 1].
    """
    asked, counts = len(right), right.sum().sort_values(ascending=False, kind="stable")
    intervals = [wilson_interval(count / asked, asked) for count in counts]
    low, high = zip(*intervals, strict=True)
    return pd.DataFrame(
        {"right": counts, "wrong": asked - counts, "asked": asked, "low": low, "high": high}
    )


def conclusion(right: pd.DataFrame) -> str:
    """What the score says about which network is best, in Markdown; as sure as it is, no more.

    The best network is compared with each other one by McNemar's exact test. Because it was chosen
    among all of them, the test is corrected for the number of pairs (Bonferroni).
    """
    counts = right.sum().sort_values(ascending=False, kind="stable")
    networks, asked = list(counts.index), len(right)
    best, worst = networks[0], networks[-1]
    if counts[best] == counts[worst]:
        return (
            f"All {len(networks)} networks read {counts[best]} of your {asked} "
            f"{_drawings(asked)} right, so they cannot be told apart yet."
        )
    level = ERROR_RATE / math.comb(len(networks), 2)
    beaten = [name for name in networks[1:] if _p_value(right, best, name, asked) <= level]
    if len(beaten) == len(networks) - 1:
        return (
            f"**“{MODELS[best].title}” reads your hand best:** {counts[best]} of {asked} drawings "
            "right, more than any other network, and the difference is larger than chance."
        )
    leading = [name for name in networks if counts[name] == counts[best]]
    lead = f"Best so far: {_named(leading)}, with {counts[best]} of {asked} drawings right."
    if beaten:
        return f"{lead} That is surely better than {_named(beaten)}, but not than all the others."
    return (
        f"{lead} Last: {_named([worst])}, with {counts[worst]}. This is **not enough to tell them "
        f"apart**. If it goes on like this, {_enough(right, best, worst, level)}."
    )


def _enough(right: pd.DataFrame, best: str, worst: str, level: float) -> str:
    """How many drawings more would be enough, if the next ones are read as those before."""
    asked = len(right)
    for count in range(asked + 1, MOST_KEPT + 1):
        if _p_value(right, best, worst, count) <= level:
            return f"about {count - asked} more {_drawings(count - asked)} would be enough"
    return f"the {MOST_KEPT} drawings that can be kept are too few"


def _p_value(right: pd.DataFrame, first: str, second: str, count: int) -> float:
    """McNemar's test on `count` drawings, those of `right` again and again."""
    ours, theirs = (np.resize(right[name].to_numpy(), count) for name in (first, second))
    return paired(ours, theirs, np.ones(count, bool)).p_value


def _named(networks: Sequence[str]) -> str:
    """The networks by title, or how many they are."""
    if len(networks) > MOST_NAMED:
        return f"{len(networks)} networks"
    return listed(f"“{MODELS[name].title}”" for name in networks)


def _drawings(count: int) -> str:
    return "drawing" if count == 1 else "drawings"
