"""Where a network breaks: from its answers, or from its accuracy, level by level."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

_Z_975 = NormalDist().inv_cdf(0.975)


def breaking_index(answers: np.ndarray, label: int) -> int | None:
    """The index of the first level at which the answer is not `label`; None if there is none.

    answers: the digits read, int (levels,) from the rest position outwards, or (levels, seeds) for
    a dial that is random: there an answer is right if more than half of the seeds give it.
    A right answer farther out does not count.
    """
    right = np.asarray(answers) == label
    if right.ndim == 2:
        right = right.mean(axis=1) > 0.5
    wrong = np.flatnonzero(~right)
    return int(wrong[0]) if len(wrong) else None


def breaking_level(levels: Sequence[float], answers: np.ndarray, label: int) -> float | None:
    """The first of `levels` at which the answer is not `label`; see `breaking_index`.

    Raises ValueError if there is not one row of answers for each level.
    """
    if len(levels) != len(answers):
        raise ValueError(f"{len(answers)} answers do not fit {len(levels)} levels")
    index = breaking_index(answers, label)
    return None if index is None else levels[index]


class HalfLost(NamedTuple):
    """The level at which half of the digits are lost, with the ends of its 95 % interval.

    `low` is the end towards the rest position. `high` is NaN if it lies beyond the ladder.
    """

    level: float
    low: float
    high: float


def half_lost(levels: Sequence[float], accuracies: Sequence[float], n: int) -> HalfLost | None:
    """Where the accuracy has fallen to half of that at rest; None if it never does.

    levels: one side of a dial, from the rest position outwards, the rest position first.
    accuracies: at these levels, each on the same `n` images, in [0, 1].
    Between two levels the accuracy is interpolated. At the ends of the interval it differs just so
    much from half of that at rest as the score test allows at 5 %; the accuracy at rest is taken as
    exact. Raises ValueError if there is not one accuracy for each
    level, or no level besides the rest position.
    """
    if len(levels) != len(accuracies) or len(levels) < 2:
        raise ValueError(
            f"{len(accuracies)} accuracies and {len(levels)} levels: give one for each level, the "
            "rest position first"
        )
    half = accuracies[0] / 2
    spread = _Z_975 * math.sqrt(half * (1 - half) / n)
    level = _falls_to(half, levels, accuracies)
    if math.isnan(level):
        return None
    low, high = (_falls_to(half + side * spread, levels, accuracies) for side in (1, -1))
    return HalfLost(level, low, high)


def _falls_to(target: float, levels: Sequence[float], accuracies: Sequence[float]) -> float:
    """The first level, interpolated, at which the accuracy is `target` or less; NaN if none is."""
    if accuracies[0] <= target:
        return float(levels[0])
    for i in range(1, len(levels)):
        if accuracies[i] <= target:
            share = (accuracies[i - 1] - target) / (accuracies[i - 1] - accuracies[i])
            return float(levels[i - 1] + share * (levels[i] - levels[i - 1]))
    return math.nan
