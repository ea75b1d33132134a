"""Breaking points of made-up answers and accuracies, computed by hand."""

import math

import numpy as np
import pytest

from mnistcmp.robustness.breaking_points import breaking_index, breaking_level, half_lost

# With n = 100, the score test allows 1.959964 · sqrt(0.5 · 0.5 / 100) around a half.
SPREAD = 0.0979982


@pytest.mark.parametrize(
    "answers, index",
    [
        ([7, 7, 1, 1], 2),
        ([1, 7, 7, 7], 0),
        ([7, 7, 7, 7], None),
        ([7, 1, 7, 7], 1),  # a right answer farther out does not count
        ([7, 7, 7, 2], 3),
    ],
)
def test_breaking_index_is_the_first_wrong_answer(answers, index):
    assert breaking_index(np.array(answers), 7) == index


def test_breaking_index_of_a_random_dial_takes_the_majority_of_the_seeds():
    answers = np.array(
        [
            [7, 7, 7, 7, 7],
            [7, 7, 7, 1, 1],
            [7, 7, 1, 2, 3],  # 7 is the most frequent answer, but not that of most seeds
            [7, 7, 7, 7, 7],
        ]
    )
    assert breaking_index(answers, 7) == 2
    assert breaking_index(answers[[0, 1, 3]], 7) is None
    assert breaking_index(np.array([[7, 1], [7, 7]]), 7) == 0  # half of the seeds are not most


def test_breaking_level_is_a_level_of_the_side():
    assert breaking_level((1.0, 0.5, 0.25), np.array([3, 3, 8]), 3) == 0.25
    assert breaking_level((1.0, 0.5, 0.25), np.array([3, 3, 3]), 3) is None
    with pytest.raises(ValueError, match="2 answers do not fit 3 levels"):
        breaking_level((1.0, 0.5, 0.25), np.array([3, 3]), 3)


def test_half_lost_is_interpolated_between_two_levels():
    found = half_lost((0, 1, 2, 3), (1.0, 0.8, 0.4, 0.1), 100)
    assert found.level == pytest.approx(1 + 0.3 / 0.4)
    assert found.low == pytest.approx(1 + (0.3 - SPREAD) / 0.4, abs=1e-6)
    assert found.high == pytest.approx(1 + (0.3 + SPREAD) / 0.4, abs=1e-6)


def test_half_lost_is_half_of_the_accuracy_at_rest():
    assert half_lost((0, 1, 2), (0.8, 0.6, 0.2), 1000).level == pytest.approx(1.5)


def test_half_lost_follows_a_side_on_which_the_levels_fall():
    found = half_lost((1, 0.5, 0.3), (1.0, 0.9, 0.1), 100)
    assert found.level == pytest.approx(0.4)
    assert found.low == pytest.approx(0.4 + 0.2 * SPREAD / 0.8, abs=1e-6)
    assert found.high == pytest.approx(0.4 - 0.2 * SPREAD / 0.8, abs=1e-6)


def test_half_lost_is_where_the_accuracy_falls_for_the_first_time():
    assert half_lost((0, 1, 2, 3), (1.0, 0.4, 0.9, 0.1), 1000).level == pytest.approx(5 / 6)


def test_half_lost_may_be_exactly_at_a_level():
    assert half_lost((0, 2, 4), (0.9, 0.45, 0.1), 1000).level == 2


def test_half_lost_is_none_if_more_than_half_are_read_everywhere():
    assert half_lost((0, 1, 2), (1.0, 0.8, 0.55), 100) is None


def test_end_of_the_interval_beyond_the_ladder_is_nan():
    found = half_lost((0, 1, 2), (1.0, 0.8, 0.49), 100)
    assert found.low < found.level < 2
    assert math.isnan(found.high)


def test_interval_shrinks_with_the_square_root_of_the_images():
    few, many = (half_lost((0, 1), (1.0, 0.0), n) for n in (100, 10_000))
    assert few.high - few.low == pytest.approx(10 * (many.high - many.low))
    assert many.low == pytest.approx(0.5 - SPREAD / 10, abs=1e-6)


@pytest.mark.parametrize("levels, accuracies", [((0, 1), (1.0,)), ((0,), (1.0,)), ((), ())])
def test_half_lost_needs_an_accuracy_for_each_level(levels, accuracies):
    with pytest.raises(ValueError, match="give one for each level, the rest position first"):
        half_lost(levels, accuracies, 100)
