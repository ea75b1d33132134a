"""The colour and shape of every network, family and recipe, the same on every page; and legends.

The first colours are based on Okabe and Ito's (2008, "Color universal design"). The others are
chosen so that people with any kind of colour vision can tell all colours apart, and so that they
are visible on white and on black. A chart of one study gives each network its own colour. A chart
of all networks gives each family a colour, because no one can tell more than seven colours apart.
"""

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS, families
from mnistcmp.catalogue.studies import STUDIES


class Mark(NamedTuple):
    """A colour and a shape; `shape` is Vega's name for it and `character` its Unicode symbol."""

    colour: str
    shape: str
    character: str


# Each colour has its own shape, so that a chart can be read by either.
MARKS = (
    Mark("#E69F00", "circle", "●"),
    Mark("#0090D0", "square", "■"),
    Mark("#D55E00", "triangle-up", "▲"),
    Mark("#97468B", "diamond", "◆"),
    Mark("#89BA95", "cross", "✚"),
    Mark("#948184", "triangle-down", "▼"),
    Mark("#5E3DFF", "triangle-right", "▶"),
)
INK = "#888888"  # visible on white and on black
RECIPE_MARKS = {
    "published": Mark(INK, "square", "■"),
    "tuned": Mark(INK, "triangle-up", "▲"),
    "drawn": Mark(INK, "circle", "●"),
    "hardened": Mark(INK, "diamond", "◆"),
}


def network_marks() -> dict[str, Mark]:
    """Each network's mark: the first one that is free in its study, in the order of the studies."""
    places: dict[str, int] = {}
    for study in STUDIES.values():
        new = [model for model in study.models if model not in places]
        taken = {places[model] for model in study.models if model in places}
        free = [place for place in range(len(MARKS)) if place not in taken] or range(len(MARKS))
        # A study with more networks than there are marks repeats marks.
        places |= {model: free[number % len(free)] for number, model in enumerate(new)}
    return {model: MARKS[place] for model, place in places.items()}


def family_marks() -> dict[str, Mark]:
    """Each family's mark."""
    return dict(zip(families(), MARKS, strict=False))


def family_colours() -> dict[str, str]:
    """Each family's colour."""
    return {family: mark.colour for family, mark in family_marks().items()}


def family_legend(models: Iterable[str], *, shapes: bool = True) -> str:
    """The legend of the marks of the models' families, as HTML; without `shapes`, of the colours.

    Leave the shapes out where they mean something else.
    """
    shown = set(models)
    marks = family_marks()
    if not shapes:
        marks = {family: Mark(mark.colour, "circle", "●") for family, mark in marks.items()}
    return _legend(
        (marks[family], FAMILY_TITLES[family])
        for family, members in families().items()
        if shown & set(members)
    )


def network_legend(models: Iterable[str]) -> str:
    """The legend of the networks' marks, as HTML."""
    marks = network_marks()
    return _legend((marks[model], MODELS[model].title) for model in models)


def recipe_legend(recipes: Iterable[str]) -> str:
    """The legend of the recipes' marks, as HTML."""
    return _legend((RECIPE_MARKS[recipe], recipe) for recipe in recipes)


def _legend(entries: Iterable[tuple[Mark, str]]) -> str:
    """HTML, because it wraps; a chart's own legend would be cut off."""
    spans = (
        f'<span style="white-space: nowrap; margin-right: 1.2em">'
        f'<span style="color: {mark.colour}">{mark.character}</span> {escape(name)}</span>'
        for mark, name in entries
    )
    return f"<div>{' '.join(spans)}</div>"
