"""Intervals, the paired test, and what more buys."""

import math

import numpy as np
import pandas as pd
import pytest

from mnistcmp.analysis.frontier import frontier, tenfolds
from mnistcmp.analysis.statistics import confusion, half_interval, paired, wilson_interval


def test_half_interval_is_students():
    # mean of 1, 2, 3: s = 1, t(2) = 4.303
    assert half_interval(1.0, 3) == pytest.approx(4.303 / math.sqrt(3))
    assert half_interval(2.0, 5) == pytest.approx(2 * 2.776 / math.sqrt(5))
    assert half_interval(1.0, 400) == pytest.approx(1.96 / 20)
    assert math.isnan(half_interval(1.0, 1))


def test_wilson_interval_agrees_with_a_worked_example():
    # 8 of 10: 0.490 to 0.943 (Brown, Cai, DasGupta 2001)
    assert wilson_interval(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_wilson_interval_stays_between_0_and_1_and_narrows():
    low, high = wilson_interval(1.0, 50)
    assert high == pytest.approx(1.0)
    assert low > wilson_interval(1.0, 10)[0]


def test_paired_counts_what_only_one_reads_right():
    labels = np.zeros(20, int)
    first, second = labels.copy(), labels.copy()
    second[:8] = 1  # only the first is right
    first[10] = 1  # only the second is right
    first[15] = second[15] = 1  # both wrong
    result = paired(first, second, labels)
    assert (result.only_first, result.only_second) == (8, 1)
    assert result.p_value == pytest.approx(2 * (1 + 9) / 2**9)


@pytest.mark.parametrize(("more", "fewer"), [(14, 5), (15, 5), (5, 0), (6, 0), (60, 40), (61, 40)])
def test_interval_holds_0_just_where_the_exact_test_finds_chance(more, fewer):
    labels = np.zeros(10_000, int)
    first, second = labels.copy(), labels.copy()
    second[:more] = 1
    first[more : more + fewer] = 1
    result = paired(first, second, labels)
    assert ((more - fewer) / 10_000 > result.half_interval()) == (result.p_value < 0.05)


def test_paired_of_equal_models_shows_no_difference():
    labels = np.arange(10)
    assert paired(labels, labels, labels).p_value == 1.0


def test_frontier_keeps_what_nothing_cheaper_beats():
    costs = [1, 2, 3, 4, 4, 5]
    accuracies = [0.9, 0.95, 0.94, 0.96, 0.97, 0.97]
    assert frontier(costs, accuracies).tolist() == [True, True, False, False, True, False]


def test_tenfolds_take_the_best_within_each_budget():
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


def test_confusion_has_the_true_digit_in_its_rows():
    matrix = confusion(np.array([1, 7, 7], np.uint8), np.array([1, 1, 7], np.uint8))
    assert matrix[1, 1] == matrix[1, 7] == matrix[7, 7] == 1
    assert matrix.sum() == 3
