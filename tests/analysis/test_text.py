"""Numbers in sentences."""

import pytest

from mnistcmp.analysis.text import counted, points


@pytest.mark.parametrize(
    ("share", "text"), [(0.0123, "+1.23"), (-0.0123, "−1.23"), (0.0, "+0.00"), (-0.00001, "−0.00")]
)
def test_points_have_a_sign(share, text):
    assert points(share) == text


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [(1, 1, "1 run each"), (3, 3, "3 runs each"), (3, 2, "3 and 2 runs"), (1, 2, "1 and 2 runs")],
)
def test_equal_counts_are_said_once(first, second, text):
    assert counted(first, second, "run") == text
