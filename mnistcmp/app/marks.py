"""How the networks of one study are told apart in a chart: by colour and by shape alike."""

from collections.abc import Iterable

import altair as alt

from mnistcmp.app.colours import COLOUR_OF, SHAPE_OF


def colour(models: Iterable[str]) -> alt.Color:
    """The column `model`, each network in its own colour; keys.networks is the legend."""
    there = list(dict.fromkeys(models))
    scale = alt.Scale(domain=there, range=[COLOUR_OF[model] for model in there])
    return alt.Color("model:N", scale=scale, legend=None)


def shape(models: Iterable[str]) -> alt.Shape:
    """The column `model`, each network with its own shape; keys.networks is the legend."""
    there = list(dict.fromkeys(models))
    scale = alt.Scale(domain=there, range=[SHAPE_OF[model] for model in there])
    return alt.Shape("model:N", scale=scale, legend=None)
