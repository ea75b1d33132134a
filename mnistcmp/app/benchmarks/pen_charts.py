"""Altair charts of the section on digits drawn with a pen."""

import altair as alt
import numpy as np
import pandas as pd

from mnistcmp.analysis.statistics import wilson_interval
from mnistcmp.app.benchmarks.charts import (
    NETWORK,
    POINTED_AT,
    ROW_PX,
    by_rank,
    family_colour,
    family_shape,
    opacity_for,
    scatter,
    with_names,
)
from mnistcmp.app.charts import recipe_shape
from mnistcmp.app.palette import INK

PEN, MNIST = "Accuracy on pen digits, %", "Accuracy on MNIST’s test images, %"


def beside_mnist(summary: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """Accuracy on pen digits against that on MNIST's test images."""
    rows = _in_percent(summary)
    best, worst = (rows.loc[rows["pen"].agg(end)] for end in ("idxmax", "idxmin"))
    named = [best["model"], worst["model"]]
    return scatter(rows, ("mnist", MNIST), ("pen", PEN), highlight, named).properties(
        height=340,
        description=f"{PEN}, against {MNIST.lower()}, of {len(rows)} networks; {best['title']} is "
        "the best on pen digits.",
    )


def by_network(summary: pd.DataFrame, digits: int, highlight: str | None) -> alt.LayerChart:
    """The accuracy of each model on `digits` pen digits, beside that on MNIST's test images."""
    rows = _in_percent(summary)
    intervals = [wilson_interval(share, digits) for share in rows["pen_accuracy"]]
    rows["low"], rows["high"] = 100 * np.array(intervals).T
    base = alt.Chart(rows).encode(
        y=by_rank(rows, "pen_accuracy", ascending=False), opacity=opacity_for(highlight)
    )
    bars = base.mark_rule().encode(
        alt.X("low:Q", title="Accuracy, %"), alt.X2("high:Q"), family_colour()
    )
    tooltip = [
        *NETWORK,
        alt.Tooltip("pen:Q", title="pen digits", format=".2f"),
        alt.Tooltip("mnist:Q", title="MNIST", format=".2f"),
    ]
    x = alt.X("pen:Q", title="Accuracy, %", scale=alt.Scale(zero=False))
    points = (
        base.mark_point(filled=True, size=90, opacity=1)
        .encode(x, family_colour(), family_shape(), tooltip=tooltip)
        .add_params(POINTED_AT)
    )
    ticks = base.mark_tick(color=INK, thickness=2).encode(x="mnist:Q", tooltip=tooltip)
    best = rows.loc[rows["pen"].idxmax()]
    return (bars + ticks + points).properties(
        height=alt.Step(ROW_PX),
        description=f"Accuracy of {len(rows)} networks on pen digits and on MNIST's test "
        f"images (grey ticks); {best['title']} is the best on pen digits.",
    )


def by_recipe(summary: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """Accuracy on pen digits: one row per model, best first, with one mark per recipe."""
    rows = _in_percent(summary)
    base = alt.Chart(rows).encode(
        y=by_rank(rows, "pen", ascending=False), opacity=opacity_for(highlight)
    )
    lines = base.mark_rule().encode(
        alt.X("min(pen):Q", title=PEN), alt.X2("max(pen):Q"), family_colour()
    )
    points = (
        base.mark_point(filled=True, size=90)
        .encode(
            alt.X("pen:Q", title=PEN, scale=alt.Scale(zero=False)),
            family_colour(),
            recipe_shape(),
            tooltip=[*NETWORK, "recipe", alt.Tooltip("pen:Q", title=PEN, format=".2f")],
        )
        .add_params(POINTED_AT)
    )
    means = rows.groupby("recipe")["pen"].mean().items()
    listed = ", ".join(f"{recipe} {mean:.1f}" for recipe, mean in means)
    return (lines + points).properties(
        height=alt.Step(ROW_PX),
        description=f"{PEN}, by recipe, for {rows['model'].nunique()} networks; means: {listed}.",
    )


def _in_percent(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows with `pen` and `mnist`, both in percent."""
    return with_names(summary).assign(
        pen=100 * summary["pen_accuracy"], mnist=100 * summary["test_accuracy"]
    )
