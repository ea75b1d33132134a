"""How sure a figure is, and whether two networks really differ."""

import math
from dataclasses import dataclass

import numpy as np

# 97.5 % quantiles of Student's t for 1 to 20 degrees of freedom (any table of it).
_T_975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)
_Z_975 = 1.960


def half_interval(deviation: float, count: int) -> float:
    """Half the 95 % interval of a mean of `count` values with this standard deviation (n - 1).

    Student's t; NaN for a single value, which says nothing of its own spread.
    """
    if count < 2:
        return math.nan
    return _t_975(count - 1) * deviation / math.sqrt(count)


def half_interval_of_gap(first: np.ndarray, second: np.ndarray) -> float:
    """Half the 95 % interval of the difference of two means, each of at least two values.

    Welch's t (Biometrika 34, 1947), its degrees of freedom rounded down.
    """
    parts = [values.var(ddof=1) / len(values) for values in (first, second)]
    if not sum(parts):
        return 0.0
    spread = sum(part**2 / (len(v) - 1) for part, v in zip(parts, (first, second), strict=True))
    freedom = int(sum(parts) ** 2 / spread + 1e-6)  # a whole number may come out a little less
    return _t_975(freedom) * math.sqrt(sum(parts))


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share observed among `count` independent digits, in [0, 1].

    Source: E. B. Wilson, "Probable inference", J. Amer. Statist. Assoc. 22, 1927.
    """
    spread = _Z_975**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z_975 / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return middle - half, middle + half


def _t_975(freedom: int) -> float:
    return _T_975[freedom - 1] if freedom <= len(_T_975) else _Z_975


@dataclass(frozen=True)
class Paired:
    """Two models on the same `count` images: how many only the first, only the second reads right.

    `p_value` is the chance of a difference at least as large if both were equally good.
    """

    only_first: int
    only_second: int
    p_value: float
    count: int

    def half_interval(self) -> float:
        """Half the 95 % interval of the difference of the two shares of the images.

        Wald's with a correction for continuity, without which few images would be too sure
        (J. L. Fleiss, "Statistical Methods for Rates and Proportions", 1981, chapter 8).
        """
        differing, gap = self.only_first + self.only_second, self.only_first - self.only_second
        return (_Z_975 * math.sqrt(differing - gap**2 / self.count) + 1) / self.count


def paired(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> Paired:
    """McNemar's exact test on the labels that two models read, each (N,).

    Source: Q. McNemar, Psychometrika 12, 1947; the exact binomial form.
    """
    right_first, right_second = first == labels, second == labels
    only_first = int((right_first & ~right_second).sum())
    only_second = int((right_second & ~right_first).sum())
    differing = only_first + only_second
    tail = sum(math.comb(differing, k) for k in range(min(only_first, only_second) + 1))
    return Paired(only_first, only_second, min(1.0, 2 * tail / 2**differing), len(labels))


def confusion(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How often each digit (row) was read as each digit (column): int (10, 10)."""
    return np.bincount(10 * labels.astype(int) + predicted, minlength=100).reshape(10, 10)
