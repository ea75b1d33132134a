"""How long networks hold out: which levels are read, and what the answers say."""

import numpy as np
import pytest

from mnistcmp.catalogue.corruptions import DIALS, SIDES
from mnistcmp.robustness.breaking_points import breaking_index
from mnistcmp.robustness.holding_out import (
    UNREAD,
    Held,
    HoldOut,
    coarse_levels,
    held_on,
    levels_to_read,
    majority,
)

BY_TITLE = {side.title: side for side in SIDES}
SHIFT, NOISE = BY_TITLE["Shift"], BY_TITLE["Noise"]
THINNER, THICKER = BY_TITLE["Stroke width, thinner"], BY_TITLE["Stroke width, thicker"]


def all_levels(network_right: float = 1) -> tuple[Held, ...]:
    """A network that reads every level right."""
    return tuple(Held(side, side.levels[-1]) for side in SIDES)


def but(held: tuple[Held, ...], *others: Held) -> tuple[Held, ...]:
    """The same with other results on some sides."""
    by_side = {each.side: each for each in (*held, *others)}
    return tuple(by_side[side] for side in SIDES)


@pytest.mark.parametrize(
    ("sides", "levels", "places"),
    [(1, 12, [2, 5, 8, 11]), (1, 10, [1, 4, 6, 9]), (2, 7, [2, 6])],
)
def test_first_look_is_evenly_spread_and_has_four_levels_a_dial(sides, levels, places):
    assert coarse_levels(sides, levels) == places


def test_next_level_halves_the_gap_between_right_and_misread():
    answers = [UNREAD] * 12
    answers[2], answers[8], answers[11] = 7, 1, 1
    assert levels_to_read(answers, digit=7) == [5]
    answers[5] = 1
    assert levels_to_read(answers, digit=7) == [3]
    answers[3] = 7
    assert levels_to_read(answers, digit=7) == [4]
    answers[4] = 1
    assert levels_to_read(answers, digit=7) == [0, 1]  # nearer to rest, and not yet read
    answers[0] = answers[1] = 7
    assert levels_to_read(answers, digit=7) == []


def test_levels_beyond_the_first_misread_one_are_never_read():
    answers = [1, *[UNREAD] * 11]
    assert levels_to_read(answers, digit=7) == []


def test_search_finds_the_first_misread_level_also_of_networks_that_recover():
    random = np.random.default_rng(0)
    for _ in range(300):
        truth = np.where(random.random(12) < random.random(), 7, 1)
        answers = [truth[at] if at in coarse_levels(1, 12) else UNREAD for at in range(12)]
        while wanted := levels_to_read(answers, digit=7):
            for at in wanted:
                assert answers[at] is UNREAD
                answers[at] = truth[at]
        index = breaking_index(truth, 7)
        levels = tuple(range(1, 13))
        side = SHIFT.__class__(SHIFT.dial, levels)
        held = held_on(side, answers, 7)
        assert held.breaks == (None if index is None else levels[index])
        assert held.right == (12 if index is None else index)


@pytest.mark.parametrize(
    ("answers", "read"),
    [([7, 7, 7, 1, 2], 7), ([7, 7, 1, 2, 2], 2), ([7, 7, 1, 1, 1], 1), ([7], 7), ([4], 4)],
)
def test_level_counts_as_read_right_if_more_than_half_of_the_seeds_are(answers, read):
    assert majority(answers, digit=7) == read


def test_held_so_far_counts_only_levels_that_were_read():
    answers = [UNREAD] * 14
    assert held_on(SHIFT, answers, 7) == Held(SHIFT, 0)
    answers[2] = 7
    assert held_on(SHIFT, answers, 7) == Held(SHIFT, 3)
    answers[6] = 4
    assert held_on(SHIFT, answers, 7) == Held(SHIFT, 3, breaks=7, reads=4)


def test_share_of_a_dial_with_two_sides_is_their_mean():
    held = but(all_levels(), Held(THINNER, -0.75, -1, 1), Held(THICKER, 1, 1.5, 8))
    result = HoldOut(7, ("mlp",), {"mlp": 7}, {"mlp": held})
    assert result.share("mlp", "stroke") == pytest.approx((0.5 + 0.25) / 2)
    assert result.share("mlp", "shift") == 1
    assert result.mean_share("mlp") == pytest.approx((11 + 0.375) / 12)


def test_first_to_break_is_nearest_to_rest_as_a_share_of_the_range():
    mlp = but(all_levels(), Held(SHIFT, 6, 7, 2), Held(NOISE, 0.4, 0.5, 3))
    cnn = but(all_levels(), Held(NOISE, 0.5, 0.6, 8))
    wrong = tuple(Held(side, side.dial.rest, side.dial.rest, 1) for side in SIDES)
    unchanged = {"mlp": 7, "cnn": 7, "fcn": 1}
    result = HoldOut(7, tuple(unchanged), unchanged, {"mlp": mlp, "cnn": cnn, "fcn": wrong})
    assert result.first_to_break() == ("mlp", Held(SHIFT, 6, 7, 2))  # 7 of 14 px before 0.6
    assert not result.knows("fcn")


def test_of_networks_that_break_equally_early_the_weaker_one_is_first():
    breaking = Held(SHIFT, 6, 7, 2)
    held = {
        "mlp": but(all_levels(), breaking),
        "cnn": but(all_levels(), breaking, Held(NOISE, 0.9, 1, 3)),
    }
    result = HoldOut(7, ("mlp", "cnn"), {"mlp": 7, "cnn": 7}, held)
    assert result.first_to_break() == ("cnn", breaking)


def test_no_network_breaks_first_if_none_breaks():
    assert HoldOut(7, ("mlp",), {"mlp": 7}, {"mlp": all_levels()}).first_to_break() is None


@pytest.mark.parametrize(
    ("title", "level", "words"),
    [
        ("Shift", 3, "shifted 3 px to the right"),
        ("Turn, anticlockwise", -20, "turned 20° anticlockwise"),
        ("Turn, clockwise", 20, "turned 20° clockwise"),
        ("Size, smaller", 0.5, "made smaller (× 0.5)"),
        ("Stroke width, thinner", -0.5, "with strokes 0.5 px thinner"),
        ("Contrast", 0.2, "with contrast × 0.2"),
    ],
)
def test_change_is_put_into_words(title, level, words):
    side = BY_TITLE[title]
    assert Held(side, side.dial.rest, level, 2).in_words() == words


def test_every_change_has_words_with_its_level():
    for side in SIDES:
        words = Held(side, side.dial.rest, side.levels[-1], 2).in_words()
        assert side.dial.label(abs(side.levels[-1])) in words
        assert "{" not in words and side.word in words


def test_sides_cover_all_dials():
    assert {side.dial.name for side in SIDES} == set(DIALS)
