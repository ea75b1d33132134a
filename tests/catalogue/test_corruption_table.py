"""The dials and corruptions: their levels, descriptions and the check of a level."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS, find_corruption, find_dial
from mnistcmp.catalogue.recipes import RECIPES

# Recipes that are not in the catalogue yet may be named by a dial.
KNOWN_RECIPES = {*RECIPES, "hardened"}


def test_there_are_twelve_dials_and_fifteen_corruptions():
    assert len(DIALS) == 12
    assert len(CORRUPTIONS) == 15
    assert not DIALS.keys() & CORRUPTIONS.keys()


@pytest.mark.parametrize("dial", DIALS.values(), ids=DIALS)
def test_ladder_has_ten_to_fourteen_ascending_levels_without_rest(dial):
    assert 10 <= len(dial.ladder) <= 14
    assert list(dial.ladder) == sorted(set(dial.ladder))
    assert dial.rest not in dial.ladder


@pytest.mark.parametrize("dial", DIALS.values(), ids=DIALS)
def test_sides_go_from_rest_outwards_and_make_up_the_ladder(dial):
    assert sorted(level for side in dial.sides for level in side) == list(dial.ladder)
    for side in dial.sides:
        distances = [abs(level - dial.rest) for level in side]
        assert distances == sorted(distances)
        assert len({level > dial.rest for level in side}) == 1


def test_positions_include_rest_in_its_place():
    dial = replace(DIALS["turn"], ladder=(-2, -1, 1))
    assert dial.positions == (-2, -1, 0, 1)
    assert dial.sides == ((-1, -2), (1,))
    assert replace(DIALS["contrast"], ladder=(0.5, 0.8)).sides == ((0.8, 0.5),)


@pytest.mark.parametrize("dial", DIALS.values(), ids=DIALS)
def test_dial_with_two_sides_has_words_for_them(dial):
    assert bool(dial.lower) == bool(dial.upper) == (len(dial.sides) == 2)


@pytest.mark.parametrize("entry", [*DIALS.values(), *CORRUPTIONS.values()], ids=lambda e: e.name)
def test_description_is_one_sentence(entry):
    assert entry.description[0].isupper()
    assert entry.description.endswith(".")
    assert ". " not in entry.description
    assert entry.title[0].isupper()


@pytest.mark.parametrize("dial", DIALS.values(), ids=DIALS)
def test_dial_is_seen_by_recipes_only(dial):
    assert set(dial.seen_by) <= KNOWN_RECIPES


@pytest.mark.parametrize("dial", DIALS.values(), ids=DIALS)
def test_check_returns_every_position_as_a_float(dial):
    for level in dial.positions:
        assert dial.check(level) == level
        assert type(dial.check(level)) is float
    assert type(dial.check(np.float32(dial.rest))) is float


@pytest.mark.parametrize("dial", DIALS.values(), ids=DIALS)
def test_check_raises_outside_the_dial(dial):
    for level in (dial.positions[0] - 0.5, dial.positions[-1] + 0.5):
        with pytest.raises(ValueError, match=f"{dial.name} takes a number from .* not {level}"):
            dial.check(level)


@pytest.mark.parametrize("level", [nan, inf, -inf, "1", None, True, [1], 1j, 10**400])
def test_check_raises_if_the_level_is_no_number(level):
    with pytest.raises(ValueError, match="the dial shift takes a number from 0 to 14, not "):
        DIALS["shift"].check(level)


@pytest.mark.parametrize(
    "name, level, label",
    [
        ("shift", 8, "8 px"),
        ("turn", -20, "−20°"),
        ("size", 0.5, "× 0.5"),
        ("noise", 0.3, "σ 0.3"),
        ("salt_and_pepper", 0.15, "15 %"),
        ("slant", -0.4, "−0.4 px per px"),
    ],
)
def test_label_has_the_unit_in_its_usual_place(name, level, label):
    assert DIALS[name].label(level) == label


@pytest.mark.parametrize("find, table", [(find_dial, DIALS), (find_corruption, CORRUPTIONS)])
def test_find_raises_with_the_choices(find, table):
    for name, entry in table.items():
        assert find(name) is entry
    with pytest.raises(ValueError, match=f"'shove'.*choose from .*{list(table)[-1]}"):
        find("shove")
