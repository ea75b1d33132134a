"""Keys to the charts, as HTML: it wraps where a chart's own legend would be cut off."""

from collections.abc import Iterable

from mnistcmp.app.colours import CHARACTER_OF, COLOUR_OF, COLOURS, FAMILY_OF

INK = "#888888"  # readable on white and on black

# A mark for each recipe, as Vega calls it and as a character.
RECIPE_MARKS = {
    "published": ("square", "■"),
    "tuned": ("triangle-up", "▲"),
    "drawn": ("circle", "●"),
}


def families(models: Iterable[str]) -> str:
    """Which colour is which family's, of the families that the models are of."""
    there = {FAMILY_OF[model] for model in models}
    return _key((COLOURS[family], "●", family) for family in COLOURS if family in there)


def networks(models: Iterable[str]) -> str:
    """Which colour and mark is which network's."""
    return _key((COLOUR_OF[model], CHARACTER_OF[model], model) for model in models)


def recipes() -> str:
    """Which mark is which recipe's."""
    return _key((INK, character, recipe) for recipe, (_, character) in RECIPE_MARKS.items())


def _key(entries: Iterable[tuple[str, str, str]]) -> str:
    spans = (
        f'<span style="white-space: nowrap; margin-right: 1.2em">'
        f'<span style="color: {colour}">{character}</span> {name}</span>'
        for colour, character, name in entries
    )
    return f"<div>{' '.join(spans)}</div>"
