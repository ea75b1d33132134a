"""Parts that several pages' charts share: axes, and each network's colour and shape."""

import math
from collections.abc import Iterable

import altair as alt
import pandas as pd

from mnistcmp.analysis.statistics import half_interval
from mnistcmp.app.palette import RECIPE_MARKS, network_marks

ACCURACY = "Test accuracy, %"
COSTS = {
    "params": "Parameters",
    "train_seconds": "Training time on one core, seconds",
    "ms_per_image": "Time per image, milliseconds",
}


def with_intervals(rows: pd.DataFrame, counts: pd.Series, least: int = 2) -> pd.DataFrame:
    """The rows with `accuracy` and its 95 % interval, `low` to `high`, in percent.

    `counts` is the number of runs in each row; with fewer than `least` there is no interval (NaN).
    """
    half = [
        half_interval(deviation, count) if count >= least else math.nan
        for deviation, count in zip(rows["test_accuracy_sd"], counts, strict=True)
    ]
    accuracy = rows["test_accuracy"]
    return rows.assign(
        accuracy=100 * accuracy,
        low=100 * (accuracy - half).clip(lower=0),
        high=100 * (accuracy + half).clip(upper=1),
    )


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


def recipe_shape() -> alt.Shape:
    """The column `recipe` as shape; palette.recipe_legend is its legend."""
    scale = alt.Scale(
        domain=list(RECIPE_MARKS), range=[mark.shape for mark in RECIPE_MARKS.values()]
    )
    return alt.Shape("recipe:N", scale=scale, legend=None)


def epoch_axis(last: int) -> alt.Axis:
    """An axis with one tick per epoch."""
    return alt.Axis(values=list(range(1, last + 1)), format="d", grid=False)
