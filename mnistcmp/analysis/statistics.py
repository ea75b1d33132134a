"""Confidence intervals, and tests of whether two networks really differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import mpmath
import numpy as np

_Z_975 = NormalDist().inv_cdf(0.975)
RESAMPLES = 1000  # of the bootstrap


def half_interval(deviation: float, count: int) -> float:
    """Half the width of the 95 % confidence interval of a mean of `count` values.

    Student's t; `deviation` is the sample standard deviation (n - 1). NaN for a single value, which
    has no spread.
    """
    if count < 2:
        return math.nan
    return t_quantile_975(count - 1) * deviation / math.sqrt(count)


def half_interval_of_gap(first: np.ndarray, second: np.ndarray) -> float:
    """Half the width of the 95 % interval of the difference of two means (see the next)."""
    return half_interval_of_contrast([(1, first), (-1, second)])


def half_interval_of_contrast(terms: Sequence[tuple[float, np.ndarray]]) -> float:
    """Half the width of the 95 % interval of a weighted sum of means, of (weight, values) each.

    Each mean is of at least two values. Welch's t (Biometrika 34, 1947), whose degrees of freedom
    need not be an integer.
    """
    parts = [weight**2 * values.var(ddof=1) / len(values) for weight, values in terms]
    if not sum(parts):
        return 0.0
    spread = sum(part**2 / (len(v) - 1) for part, (_, v) in zip(parts, terms, strict=True))
    return t_quantile_975(sum(parts) ** 2 / spread) * math.sqrt(sum(parts))


@lru_cache(maxsize=1024)
def t_quantile_975(degrees_of_freedom: float) -> float:
    """The 97.5 % quantile of Student's t distribution; the degrees of freedom may be fractional.

    Newton's method on P(|T| <= t) = I(t² / (n + t²); 1/2, n/2), the regularised incomplete beta
    function. This probability is concave for t > 0, so no step from below overshoots the quantile.
    The start value is below it: the first terms of the quantile's expansion in 1/n.
    Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.5.27 and 26.7.5.
    Raises ValueError for fewer than 1 degree of freedom.
    """
    if not degrees_of_freedom >= 1:
        raise ValueError(
            f"{degrees_of_freedom} degrees of freedom are too few: an interval needs two values"
        )
    n, z = float(degrees_of_freedom), _Z_975
    t = z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    log_density_at_0 = math.lgamma((n + 1) / 2) - math.lgamma(n / 2) - math.log(n * math.pi) / 2
    step = 1.0
    while abs(step) > 1e-6 * t:  # the error after a step is about the step squared
        within = mpmath.betainc(0.5, n / 2, 0, t**2 / (n + t**2), regularized=True)
        density = math.exp(log_density_at_0 - (n + 1) / 2 * math.log1p(t**2 / n))
        step = float(0.95 - within) / (2 * density)
        t += step
    return t


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a proportion observed in `count` independent trials, in [0, 1].

    Source: E. B. Wilson, "Probable inference", J. Amer. Statist. Assoc. 22, 1927.
    """
    spread = _Z_975**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z_975 / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return middle - half, middle + half


def half_interval_of_shares(first: float, second: float, count: int) -> float:
    """Half the width of the 95 % interval of the difference of two shares of `count` images each.

    Wald's interval for independent shares. It is too wide for shares of the same images, and for
    means of several shares of them, because the networks tend to fail on the same images.
    """
    return _Z_975 * math.sqrt((first * (1 - first) + second * (1 - second)) / count)


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation and its 95 % interval, `low` to `high`, all in [-1, 1].

    NaN if one of the two quantities does not vary.
    """

    value: float
    low: float
    high: float


def rank_correlation(first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> Correlation:
    """The rank correlation of two quantities, each (N,), with an interval by the bootstrap.

    Values of the same group (N,) are not independent, so that whole groups are drawn: RESAMPLES
    times, as many as there are, with replacement. The percentiles of the correlations found are the
    interval. The same data always give the same interval.
    Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13.
    """
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    generator = np.random.default_rng(0)
    found = []
    for drawn in generator.integers(len(members), size=(RESAMPLES, len(members))):
        rows = np.concatenate([members[group] for group in drawn])
        found.append(_spearman(first[rows], second[rows]))
    if np.isnan(found).all():
        return Correlation(math.nan, math.nan, math.nan)
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Correlation(_spearman(first, second), float(low), float(high))


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of the ranks; NaN if all values of one quantity are equal."""
    first, second = (ranks - ranks.mean() for ranks in (_ranks(first), _ranks(second)))
    spread = math.sqrt((first @ first) * (second @ second))
    return float(first @ second) / spread if spread else math.nan


def _ranks(values: np.ndarray) -> np.ndarray:
    """The ranks of the values, from 1; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


@dataclass(frozen=True)
class Paired:
    """Two models on the same `count` images: how many images only one of them classifies correctly.

    `p_value` is the probability of a difference at least this large if both were equally accurate.
    """

    only_first: int
    only_second: int
    p_value: float
    count: int

    def half_interval(self) -> float:
        """Half the width of the 95 % interval of the difference of the two accuracies.

        Wald's interval with a continuity correction, without which it is too narrow for few images
        (J. L. Fleiss, "Statistical Methods for Rates and Proportions", 1981, chapter 8).
        """
        differing, gap = self.only_first + self.only_second, self.only_first - self.only_second
        return (_Z_975 * math.sqrt(differing - gap**2 / self.count) + 1) / self.count


def paired(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> Paired:
    """McNemar's exact test on the predicted labels of two models, each (N,).

    Source: Q. McNemar, Psychometrika 12, 1947; the exact binomial form.
    """
    right_first, right_second = first == labels, second == labels
    only_first = int((right_first & ~right_second).sum())
    only_second = int((right_second & ~right_first).sum())
    differing = only_first + only_second
    tail = sum(math.comb(differing, k) for k in range(min(only_first, only_second) + 1))
    return Paired(only_first, only_second, min(1.0, 2 * tail / 2**differing), len(labels))


def confusion(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The confusion matrix, true digits in rows and predicted digits in columns: int (10, 10)."""
    return np.bincount(10 * labels.astype(int) + predicted, minlength=100).reshape(10, 10)


def median_interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the median of independent values (N,), two of the values themselves.

    The number of values below the true median is binomial with p = 1/2, whatever the distribution.
    NaN for fewer than 6 values, which are too few for 95 %.
    Source: H. A. David and H. N. Nagaraja, "Order Statistics", 2003, section 7.1.
    """
    count = len(values)
    left_out, tail = -1, 0.0  # values left out at each end, and the probability of each end
    while tail + math.comb(count, left_out + 1) / 2**count <= 0.025:
        left_out += 1
        tail += math.comb(count, left_out) / 2**count
    if left_out < 0:
        return math.nan, math.nan
    in_order = np.sort(values)
    return float(in_order[left_out]), float(in_order[count - 1 - left_out])
