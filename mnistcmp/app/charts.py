"""Parts that several pages' charts share: axes, and each network's colour and shape."""

from collections.abc import Iterable

import altair as alt

from mnistcmp.app.palette import network_marks

ACCURACY = "Test accuracy, %"
COSTS = {
    "params": "Parameters",
    "train_seconds": "Training time on one core, seconds",
    "ms_per_image": "Time per image, milliseconds",
}


def network_colour(models: Iterable[str]) -> alt.Color:
    """The column `model` as colour; palette.network_legend is its legend."""
    shown, marks = list(dict.fromkeys(models)), network_marks()
    scale = alt.Scale(domain=shown, range=[marks[model].colour for model in shown])
    return alt.Color("model:N", scale=scale, legend=None)


def network_shape(models: Iterable[str]) -> alt.Shape:
    """The column `model` as shape; palette.network_legend is its legend."""
    shown, marks = list(dict.fromkeys(models)), network_marks()
    scale = alt.Scale(domain=shown, range=[marks[model].shape for model in shown])
    return alt.Shape("model:N", scale=scale, legend=None)


def epoch_axis(last: int) -> alt.Axis:
    """An axis with one tick per epoch."""
    return alt.Axis(values=list(range(1, last + 1)), format="d", grid=False)
