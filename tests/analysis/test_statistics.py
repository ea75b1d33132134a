"""Intervals, the paired test, the frontier and the confusion matrix."""

import math

import numpy as np
import pandas as pd
import pytest

from mnistcmp.analysis.frontier import MOST_BUDGETS, frontier, tenfolds
from mnistcmp.analysis.statistics import (
    Paired,
    confusion,
    half_interval,
    half_interval_of_contrast,
    half_interval_of_gap,
    half_interval_of_shares,
    median_interval,
    paired,
    rank_correlation,
    t_quantile_975,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("degrees_of_freedom", "quantile"),  # scipy.stats.t.ppf(0.975, …) of SciPy 1.17.1
    [
        (1, 12.706204736174694),
        (1.0000001, 12.706201733566232),
        (1.5, 6.016663104427929),
        (2, 4.302652729749462),
        (2.37, 3.7189208397974567),
        (4, 2.7764451051977934),
        (7.3, 2.345066736547703),
        (19.99, 2.0860303454555824),
        (20, 2.085963447265864),
        (20.5, 2.0827066506260796),
        (21, 2.0796138447276795),
        (59.9, 2.0003665086108584),
        (1000, 1.9623390808264083),
        (1e6, 1.959966356814107),
    ],
)
def test_t_quantile_agrees_with_scipy(degrees_of_freedom, quantile):
    assert t_quantile_975(degrees_of_freedom) == pytest.approx(quantile, rel=1e-10)


def test_t_quantile_decreases_towards_the_normal_quantile():
    quantiles = np.array([t_quantile_975(n) for n in np.geomspace(1, 1e6, 60)])
    assert (np.diff(quantiles) < 0).all()
    assert quantiles[-1] == pytest.approx(1.959963985, abs=3e-6)
    around_20 = [t_quantile_975(n) for n in np.linspace(19, 23, 41)]
    assert np.diff(around_20).min() > -0.001


@pytest.mark.parametrize("degrees_of_freedom", [0, 0.99, math.nan])
def test_t_quantile_rejects_fewer_than_one_degree_of_freedom(degrees_of_freedom):
    with pytest.raises(ValueError, match=f"{degrees_of_freedom} degrees of freedom are too few"):
        t_quantile_975(degrees_of_freedom)


def test_half_interval_uses_students_t():
    # mean of 1, 2, 3: s = 1, t(2) = 4.302653
    assert half_interval(1.0, 3) == pytest.approx(4.302653 / math.sqrt(3))
    assert half_interval(2.0, 5) == pytest.approx(2 * 2.776445 / math.sqrt(5))
    assert half_interval(1.0, 400) == pytest.approx(1.965927 / 20)
    assert half_interval(1.0, 2) == pytest.approx(12.706205 / math.sqrt(2))
    assert math.isnan(half_interval(1.0, 1))


@pytest.mark.parametrize(
    ("first", "second", "half"),
    # Half of scipy.stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    [
        ([3, 4, 5, 8], [1, 2, 2], 3.3016176248182623),  # 3.55 degrees of freedom
        ([1, 2, 3, 4, 5], [3, 4, 4, 9], 4.030786685607254),  # 4.60
        ([0.97, 0.98, 0.99], [0.985, 0.986, 0.987], 0.024502039328425557),  # 2.04
        ([0.97, 0.98, 0.99], [0.5, 0.5, 0.5], 0.024841377117503),  # 2
    ],
)
def test_half_interval_of_gap_uses_welchs_t(first, second, half):
    first, second = np.array(first), np.array(second)
    assert half_interval_of_gap(first, second) == pytest.approx(half, rel=1e-9)
    assert half_interval_of_gap(second, first) == pytest.approx(half, rel=1e-9)
    assert type(half_interval_of_gap(first, second)) is float


def test_half_interval_of_gap_is_0_if_runs_do_not_vary():
    assert half_interval_of_gap(np.ones(3), np.zeros(4)) == 0


def test_half_interval_of_contrast_of_two_means_is_that_of_their_gap():
    first, second = np.array([3, 4, 5, 8.0]), np.array([1, 2, 2.0])
    terms = [(1, first), (-1, second)]
    assert half_interval_of_contrast(terms) == half_interval_of_gap(first, second)


def test_half_interval_of_contrast_of_equal_variances_adds_the_degrees_of_freedom():
    # Four means of three values with s = 1: variance 4 · (1/2)² / 3, 8 degrees of freedom.
    terms = [(weight, np.array([4, 5, 6.0])) for weight in (0.5, -0.5, 0.5, -0.5)]
    assert half_interval_of_contrast(terms) == pytest.approx(2.306004 * math.sqrt(1 / 3))


def test_half_interval_of_shares_agrees_with_a_worked_example():
    # 1.959964 · √((0.5 · 0.5 + 0.8 · 0.2) / 100)
    assert half_interval_of_shares(0.5, 0.8, 100) == pytest.approx(0.1254997, abs=1e-6)


def test_rank_correlation_is_pearsons_of_the_ranks():
    # Ranks 1 2.5 2.5 4 5 6 and 2 1 3.5 3.5 6 5; their covariance is 13.75 / 5
    first, second = np.array([1, 2, 2, 4, 5, 7.0]), np.array([3, 1, 4, 4, 6, 5.0])
    found = rank_correlation(first, second, np.arange(6))
    assert found.value == pytest.approx(0.8088235294)
    assert found.low < found.value < found.high <= 1
    assert rank_correlation(first, -second, np.arange(6)).value == pytest.approx(-0.8088235294)


def test_rank_correlation_depends_on_ranks_only_and_repeats_exactly():
    generator = np.random.default_rng(1)
    first = generator.random(30)
    second = first + 0.2 * generator.random(30)
    groups = np.arange(30)
    assert rank_correlation(first, second, groups) == rank_correlation(
        np.exp(first), second**3, groups
    )


def test_rank_correlation_of_values_in_groups_has_a_wider_interval():
    generator = np.random.default_rng(2)
    first, second = generator.random((2, 12))
    alone = rank_correlation(first, second, np.arange(12))
    as_if_independent = rank_correlation(np.tile(first, 5), np.tile(second, 5), np.arange(60))
    together = rank_correlation(np.tile(first, 5), np.tile(second, 5), np.tile(np.arange(12), 5))
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    assert as_if_independent.high - as_if_independent.low < 0.7 * (together.high - together.low)


def test_rank_correlation_of_a_constant_is_unknown():
    found = rank_correlation(np.ones(5), np.arange(5.0), np.arange(5))
    assert math.isnan(found.value) and math.isnan(found.low)


def test_wilson_interval_agrees_with_a_worked_example():
    # 8 of 10: 0.490 to 0.943 (Brown, Cai, DasGupta 2001)
    assert wilson_interval(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_wilson_interval_stays_between_0_and_1_and_narrows():
    low, high = wilson_interval(1.0, 50)
    assert high == pytest.approx(1.0)
    assert low > wilson_interval(1.0, 10)[0]


def test_paired_counts_images_that_only_one_model_classifies_correctly():
    labels = np.zeros(20, int)
    first, second = labels.copy(), labels.copy()
    second[:8] = 1  # only the first is correct
    first[10] = 1  # only the second is correct
    first[15] = second[15] = 1  # both wrong
    result = paired(first, second, labels)
    assert (result.only_first, result.only_second) == (8, 1)
    assert result.p_value == pytest.approx(2 * (1 + 9) / 2**9)


def test_interval_of_paired_models_is_walds_with_continuity_correction():
    # (1.959964 · √(8 + 1 - 7² / 20) + 1) / 20
    assert Paired(8, 1, 0.04, 20).half_interval() == pytest.approx(0.300806, abs=1e-6)
    assert Paired(0, 0, 1.0, 20).half_interval() == pytest.approx(0.05)


@pytest.mark.parametrize(("more", "fewer"), [(14, 5), (15, 5), (5, 0), (6, 0), (60, 40), (61, 40)])
def test_interval_includes_0_exactly_if_the_exact_test_is_not_significant(more, fewer):
    labels = np.zeros(10_000, int)
    first, second = labels.copy(), labels.copy()
    second[:more] = 1
    first[more : more + fewer] = 1
    result = paired(first, second, labels)
    assert ((more - fewer) / 10_000 > result.half_interval()) == (result.p_value < 0.05)


def test_paired_of_equal_models_shows_no_difference():
    labels = np.arange(10)
    assert paired(labels, labels, labels).p_value == 1.0


def test_frontier_keeps_points_that_nothing_cheaper_beats():
    costs = [1, 2, 3, 4, 4, 5]
    accuracies = [0.9, 0.95, 0.94, 0.96, 0.97, 0.97]
    assert frontier(costs, accuracies).tolist() == [True, True, False, False, True, False]


def test_tenfolds_choose_the_best_model_within_each_budget():
    summary = pd.DataFrame(
        {
            "model": ["big", "small", "bad", "middle"],
            "params": [10_001, 100, 5_000, 1_000],
            "test_accuracy": [0.98, 0.90, 0.80, 0.97],
        }
    )
    rows = tenfolds(summary, "params")
    assert rows["at_most"].tolist() == [100, 1_000, 10_000, 100_000]
    assert rows["model"].tolist() == ["small", "middle", "middle", "big"]
    assert rows["points"].tolist()[1:] == pytest.approx([7, 0, 1])
    assert math.isnan(rows["points"][0])


def test_tenfolds_of_a_single_model_have_one_row():
    one = pd.DataFrame({"model": ["cnn"], "params": [7], "test_accuracy": [0.5]})
    assert tenfolds(one, "params")["model"].tolist() == ["cnn"]


def test_tenfolds_end_whatever_the_costs():
    costs = [0.0, math.nan, 1e-300, 1e300]
    summary = pd.DataFrame({"model": list("abcd"), "cost": costs, "test_accuracy": 0.5})
    assert len(tenfolds(summary, "cost")) == MOST_BUDGETS
    assert tenfolds(summary[:2], "cost").empty


def test_confusion_has_the_true_digit_in_its_rows():
    matrix = confusion(np.array([1, 7, 7], np.uint8), np.array([1, 1, 7], np.uint8))
    assert matrix[1, 1] == matrix[1, 7] == matrix[7, 7] == 1
    assert matrix.sum() == 3


def test_median_interval_leaves_out_as_many_values_at_each_end_as_95_percent_allow():
    # Tables of the sign test: 0 of 6 values, 1 of 9, 9 of 30, 39 of 100.
    for count, left_out in {6: 0, 9: 1, 30: 9, 100: 39}.items():
        values = np.random.default_rng(0).permutation(count)
        assert median_interval(values) == (left_out, count - 1 - left_out)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_median_interval_of_too_few_values_is_unknown(count):
    assert np.isnan(median_interval(np.zeros(count))).all()


def test_median_interval_covers_the_true_median_19_times_in_20():
    generator = np.random.default_rng(1)
    intervals = [median_interval(generator.exponential(size=25)) for _ in range(2000)]
    covered = np.mean([low <= np.log(2) <= high for low, high in intervals])
    assert 0.94 < covered < 0.97  # 95.7 % by the binomial distribution
