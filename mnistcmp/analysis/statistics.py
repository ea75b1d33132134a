"""How sure a figure is, and whether two networks really differ."""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import mpmath
import numpy as np

_Z_975 = NormalDist().inv_cdf(0.975)


def half_interval(deviation: float, count: int) -> float:
    """Half the 95 % interval of a mean of `count` values with this standard deviation (n - 1).

    Student's t; NaN for a single value, which says nothing of its own spread.
    """
    if count < 2:
        return math.nan
    return t_quantile_975(count - 1) * deviation / math.sqrt(count)


def half_interval_of_gap(first: np.ndarray, second: np.ndarray) -> float:
    """Half the 95 % interval of the difference of two means, each of at least two values.

    Welch's t (Biometrika 34, 1947); its degrees of freedom need not be a whole number.
    """
    parts = [values.var(ddof=1) / len(values) for values in (first, second)]
    if not sum(parts):
        return 0.0
    spread = sum(part**2 / (len(v) - 1) for part, v in zip(parts, (first, second), strict=True))
    return t_quantile_975(sum(parts) ** 2 / spread) * math.sqrt(sum(parts))


@lru_cache(maxsize=1024)
def t_quantile_975(degrees_of_freedom: float) -> float:
    """The 97.5 % quantile of Student's t distribution, also for a fraction of degrees of freedom.

    Newton's method on P(|T| <= t) = I(t² / (n + t²); 1/2, n/2), the regularised incomplete beta
    function. For t > 0 this probability is concave, so that no step from below the quantile goes
    beyond it. It starts with the first terms of the quantile's expansion in 1/n, which lie below.
    Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.5.27 and 26.7.5.
    Raises ValueError for less than 1 degree of freedom.
    """
    if not degrees_of_freedom >= 1:
        raise ValueError(
            f"{degrees_of_freedom} degrees of freedom are too few: an interval needs two values"
        )
    n, z = float(degrees_of_freedom), _Z_975
    t = z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    log_density_at_0 = math.lgamma((n + 1) / 2) - math.lgamma(n / 2) - math.log(n * math.pi) / 2
    step = 1.0
    while abs(step) > 1e-6 * t:  # the error after a step is about the square of that step
        within = mpmath.betainc(0.5, n / 2, 0, t**2 / (n + t**2), regularized=True)
        density = math.exp(log_density_at_0 - (n + 1) / 2 * math.log1p(t**2 / n))
        step = float(0.95 - within) / (2 * density)
        t += step
    return t


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share observed among `count` independent digits, in [0, 1].

    Source: E. B. Wilson, "Probable inference", J. Amer. Statist. Assoc. 22, 1927.
    """
    spread = _Z_975**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z_975 / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return middle - half, middle + half


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
