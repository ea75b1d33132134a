"""What the charts of several pages share: axes, and networks told apart by colour and shape."""

from collections.abc import Iterable

import altair as alt

from mnistcmp.app.palette import network_marks

ACCURACY = "Test accuracy, %"
COSTS = {
    "params": "Parameters",
    "train_seconds": "Training time on one core, seconds",
    "ms_per_image": "Reading one image, milliseconds",
}


def network_colour(models: Iterable[str]) -> alt.Color:
    """The column `model`, each network in its own colour; palette.network_legend explains it."""
    shown, marks = list(dict.fromkeys(models)), network_marks()
    scale = alt.Scale(domain=shown, range=[marks[model].colour for model in shown])
    return alt.Color("model:N", scale=scale, legend=None)


def network_shape(models: Iterable[str]) -> alt.Shape:
    """The column `model`, each network with its own shape; palette.network_legend explains it."""
    shown, marks = list(dict.fromkeys(models)), network_marks()
    scale = alt.Scale(domain=shown, range=[marks[model].shape for model in shown])
    return alt.Shape("model:N", scale=scale, legend=None)


def epoch_axis(last: int) -> alt.Axis:
    """An axis with one tick for each epoch."""
    return alt.Axis(values=list(range(1, last + 1)), format="d", grid=False)
