"""Every network's colour and shape, and every family's colour: the same on every page.

The colours begin with Okabe and Ito's (2008, "Color universal design"); the others are chosen so
that eyes of every kind tell all of them apart, and that they stand out from white and from black
paper alike. A chart of one study shows networks, each in its own colour; one of the whole zoo shows
families, because more than seven colours nobody tells apart.
"""

from mnistcmp.catalogue.networks import families
from mnistcmp.catalogue.studies import STUDIES

# A colour and a shape (as Vega calls it, and as a character) go together, so that a chart may be
# read by either. A study has at most so many networks.
_PALETTE = ("#E69F00", "#0090D0", "#D55E00", "#97468B", "#89BA95", "#948184", "#5E3DFF")
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
_CHARACTERS = "●■▲◆✚▼▶"


def _places() -> dict[str, int]:
    """Each model's place in the palette: the first that none of its study has, in their order."""
    places: dict[str, int] = {}
    for study in STUDIES.values():
        taken = {places[model] for model in study.models if model in places}
        free = [place for place in range(len(_PALETTE)) if place not in taken]
        places |= zip((model for model in study.models if model not in places), free, strict=False)
    return places


_PLACES = _places()
COLOUR_OF = {model: _PALETTE[place] for model, place in _PLACES.items()}
SHAPE_OF = {model: _SHAPES[place] for model, place in _PLACES.items()}
CHARACTER_OF = {model: _CHARACTERS[place] for model, place in _PLACES.items()}

FAMILIES = families()
COLOURS = dict(zip(FAMILIES, _PALETTE, strict=False))
FAMILY_OF = {model: family for family, models in FAMILIES.items() for model in models}
