"""Marks: distinct colours for every kind of colour vision and on both backgrounds, and shapes."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from mnistcmp.app.palette import (
    MARKS,
    RECIPE_MARKS,
    family_colours,
    family_legend,
    family_marks,
    network_marks,
    recipe_legend,
)
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES, Published
from mnistcmp.models import MODELS

# Linear RGB as seen without one kind of cone: Machado et al. 2009, severity 1.
EYES = {
    "all cones": np.eye(3),
    "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
# Linear RGB to Oklab, in which equal distances look equally different: Ottosson 2020.
CONES = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
OKLAB = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]


def linear(colour: str) -> np.ndarray:
    """#RRGGBB -> linear RGB in [0, 1]."""
    parts = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def seen(colour: str, eyes: str) -> np.ndarray:
    """The Oklab coordinates of a colour for this kind of colour vision."""
    return OKLAB @ np.cbrt(CONES @ np.clip(EYES[eyes] @ linear(colour), 0, 1))


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.title)
def test_networks_of_one_study_differ_in_colour_and_shape(study):
    marks = [network_marks()[model] for model in study.models]
    for cue in ("colour", "shape", "character"):
        assert len({getattr(mark, cue) for mark in marks}) == len(marks)


@pytest.mark.parametrize("eyes", EYES)
def test_colours_differ_for_every_kind_of_colour_vision(eyes):
    for first, second in itertools.combinations({mark.colour for mark in MARKS}, 2):
        apart = np.linalg.norm(seen(first, eyes) - seen(second, eyes))
        assert apart > 0.11, (first, second)  # smallest distance of Okabe and Ito's colours: 0.076


@pytest.mark.parametrize("background", ["#FFFFFF", "#0E1117"])
def test_colours_stand_out_from_the_background(background):
    for colour in {mark.colour for mark in MARKS}:
        luminances = [0.05 + linear(c) @ [0.2126, 0.7152, 0.0722] for c in (colour, background)]
        assert max(luminances) / min(luminances) > 2.2  # the contrast ratio of WCAG 2


def test_every_model_has_a_mark_and_every_family_a_colour():
    families = {spec.family for spec in MODELS.values()}
    assert network_marks().keys() == MODELS.keys()
    assert family_colours().keys() == families
    assert len(set(family_colours().values())) == len(families)


def test_every_recipe_has_a_mark_of_its_own():
    assert list(RECIPE_MARKS) == list(RECIPES)
    for cue in ("shape", "character"):
        assert len({getattr(mark, cue) for mark in RECIPE_MARKS.values()}) == len(RECIPES)


def test_legend_has_the_marks_of_the_recipes_that_are_shown():
    legend = recipe_legend(["tuned", "hardened"])
    for recipe, mark in RECIPE_MARKS.items():
        assert (mark.character in legend) == (recipe in legend) == (recipe in ("tuned", "hardened"))


def test_family_legend_has_the_families_marks_or_only_their_colours():
    legend, colours = family_legend(MODELS), family_legend(MODELS, shapes=False)
    for mark in family_marks().values():
        assert f'{mark.colour}">{mark.character}<' in legend
        assert f'{mark.colour}">●<' in colours
    assert len({mark.character for mark in family_marks().values()}) == len(family_marks())


def test_marks_repeat_if_a_study_has_more_networks_than_there_are_marks(monkeypatch):
    new = {f"new_{number}": Published() for number in range(20)}
    for model in new:
        monkeypatch.setitem(MODELS, model, replace(MODELS["mlp"], name=model))
    old = {model: Published() for model in STUDIES[9].models}
    number = max(STUDIES) + 1
    monkeypatch.setitem(STUDIES, number, replace(STUDIES[9], number=number, models=old | new))
    marks = network_marks()
    assert len({marks[model] for model in new}) == len(MARKS) - len(STUDIES[9].models)
