"""Altair charts of the results, with units on the axes and a description for screen readers."""

from collections.abc import Mapping
from typing import Literal

import altair as alt
import numpy as np
import pandas as pd

from mnistcmp.analysis.frontier import frontier
from mnistcmp.analysis.statistics import wilson_interval
from mnistcmp.app.charts import (
    ACCURACY,
    COSTS,
    epoch_axis,
    network_colour,
    network_shape,
    recipe_shape,
    with_intervals,
)
from mnistcmp.app.palette import INK, family_colours
from mnistcmp.catalogue.networks import MODELS

SELECTED = "model"  # the name of the selection made by a click on a model
CURVES_PX = 400  # height, including
LEGENDS_PX = 130  # legend and axis

# Pointing is handled in the browser; only a click is reported to the page.
POINTED_AT = alt.selection_point(
    name="pointed_at", fields=["model"], on="pointerover", clear="pointerout"
)
_FADED = alt.value(0.2)
NAMES = alt.Axis(labelFlush=False)  # keep the outermost labels beside their rows too


def _with_families(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of `records.summarise`, with `family`, and `accuracy`, `low`, `high` in percent."""
    rows = with_intervals(summary, summary["seeds"])
    return rows.assign(family=rows["model"].map(family_of))


def accuracy_against(cost: str, summary: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """Accuracy against one of COSTS, on a log axis, with 95 % intervals and the Pareto frontier."""
    rows = _with_families(summary)
    rows["best"] = frontier(rows[cost], rows["test_accuracy"])
    x = alt.X(f"{cost}:Q", title=COSTS[cost], scale=alt.Scale(type="log", nice=False, padding=45))
    y = alt.Y("accuracy:Q", title=ACCURACY, scale=alt.Scale(zero=False))
    base = alt.Chart(rows)
    line = (
        base.transform_filter("datum.best")
        .mark_line(color=INK, strokeDash=[4, 3], interpolate="step-after")
        .encode(x, y)
    )
    opacity = opacity_for(highlight)
    bars = base.mark_rule(strokeOpacity=0.6).encode(
        x, alt.Y("low:Q", title=ACCURACY), alt.Y2("high:Q"), family_colour(), opacity=opacity
    )
    points = (
        base.mark_circle(size=110, opacity=1)
        .encode(x, y, family_colour(), opacity=opacity, tooltip=_tooltip(cost))
        .add_params(POINTED_AT, alt.selection_point(name=SELECTED, fields=["model"], on="click"))
    )

    def names(some: pd.DataFrame, align: Literal["left", "right"], dx: int, dy: int) -> alt.Chart:
        text = alt.Chart(some).mark_text(align=align, dx=dx, dy=dy, fontSize=11)
        return text.encode(x, y, text="model:N", color=alt.value(INK))

    # Only the frontier and the highlighted network are named, because all names would overlap.
    # Neighbouring names are at two heights; the last is to the right, where there is room.
    named = rows[rows["best"] | (rows["model"] == highlight)].sort_values(cost)
    low, high = names(named[:-1:2], "right", -8, -8), names(named[1:-1:2], "right", -8, -20)
    end = names(named[-1:], "left", 8, -8)
    best = ", ".join(rows[rows["best"]].sort_values(cost)["model"])
    return (line + bars + points + low + high + end).properties(
        height=420,
        description=f"Test accuracy in percent against {COSTS[cost].lower()} for "
        f"{len(rows)} networks. The best networks for their cost are: {best}.",
    )


def losses(summary: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """The test loss of each model, smallest first."""
    rows = _with_families(summary)
    base = alt.Chart(rows).encode(
        x=alt.X("test_loss:Q", title="Test loss per image (cross-entropy, nats)"),
        y=alt.Y("model:N", sort=_by(rows, "test_loss"), title=None, axis=NAMES),
    )
    opacity = opacity_for(highlight)
    bars = (
        base.mark_bar()
        .encode(color=family_colour(), opacity=opacity, tooltip=_tooltip("params"))
        .add_params(POINTED_AT)
    )
    values = base.mark_text(align="left", dx=4, color=INK).encode(
        text=alt.Text("test_loss:Q", format=".4f")
    )
    smallest = rows.loc[rows["test_loss"].idxmin()]
    return (bars + values).properties(
        height=alt.Step(22),
        description=f"Test loss of {len(rows)} networks; {smallest['model']} has the smallest, "
        f"{smallest['test_loss']:.4f}.",
    )


def curves(epochs: pd.DataFrame, measure: str, highlight: str | None) -> alt.LayerChart:
    """Mean `loss` or `accuracy` over the seeds by epoch, on training and on test images."""
    means = (
        epochs.groupby(["model", "epoch"])[[f"train_{measure}", f"heldout_{measure}"]]
        .mean()
        .reset_index()
        .rename(columns={f"train_{measure}": "training", f"heldout_{measure}": "test"})
        .melt(["model", "epoch"], var_name="images", value_name="value")
    )
    title, scale = "Loss per image", alt.Scale(zero=False)
    if measure == "accuracy":
        means["value"] *= 100
        title, scale = "Accuracy, %", alt.Scale(zero=False, domainMax=100)
    colour, opacity = network_colour(means["model"]), opacity_for(highlight)
    last = means["epoch"].max()
    # This leaves room for the names to the right of the last epoch.
    x = alt.X(
        "epoch:Q",
        title="Epoch",
        axis=epoch_axis(last),
        scale=alt.Scale(domain=[1, 1 + (last - 1) * 1.4], nice=False),
    )
    y = alt.Y("value:Q", title=title, scale=scale)
    lines = (
        alt.Chart(means)
        .mark_line()
        .encode(
            x,
            y,
            colour,
            strokeDash=alt.StrokeDash("images:N", title=None, legend=alt.Legend(orient="bottom")),
            opacity=opacity,
        )
    )
    points = (
        alt.Chart(means)
        .mark_point(filled=True, size=50)
        .encode(
            x,
            y,
            colour,
            network_shape(means["model"]),
            opacity=opacity,
            tooltip=["model", "images", "epoch", alt.Tooltip("value:Q", title=title, format=".3f")],
        )
        .add_params(POINTED_AT)
    )
    ends = means[(means["epoch"] == last) & (means["images"] == "test")]
    apart = (means["value"].max() - means["value"].min()) / (CURVES_PX - LEGENDS_PX) * 13
    names = (
        alt.Chart(ends.assign(value=_spread(ends["value"].to_numpy(), apart)))
        .mark_text(align="left", dx=8, fontSize=11, color=INK)
        .encode(x, y, text="model:N", opacity=opacity)
    )
    return (lines + points + names).properties(
        height=CURVES_PX,
        description=f"{title} of {means['model'].nunique()} networks by epoch, on the training "
        "batches and on the test images.",
    )


def pen(summary: pd.DataFrame, digits: int, highlight: str | None) -> alt.LayerChart:
    """The accuracy of each model on `digits` pen digits, beside that on MNIST's test images."""
    rows = summary.assign(family=summary["model"].map(family_of))
    intervals = [wilson_interval(share, digits) for share in rows["pen_accuracy"]]
    rows["low"], rows["high"] = 100 * np.array(intervals).T
    rows["pen digits"], rows["MNIST"] = 100 * rows["pen_accuracy"], 100 * rows["test_accuracy"]
    base = alt.Chart(rows).encode(
        y=alt.Y("model:N", sort=_by(rows, "pen_accuracy")[::-1], title=None, axis=NAMES),
        opacity=opacity_for(highlight),
    )
    x = alt.X("pen digits:Q", title="Accuracy, %", scale=alt.Scale(zero=False))
    bars = base.mark_rule().encode(
        alt.X("low:Q", title="Accuracy, %"), alt.X2("high:Q"), family_colour()
    )
    tooltip = ["model", *(alt.Tooltip(name, format=".2f") for name in ("pen digits", "MNIST"))]
    points = (
        base.mark_circle(size=90, opacity=1)
        .encode(x, family_colour(), tooltip=tooltip)
        .add_params(POINTED_AT)
    )
    mnist = base.mark_tick(color=INK, thickness=2).encode(x="MNIST:Q", tooltip=tooltip)
    best = rows.loc[rows["pen_accuracy"].idxmax()]
    return (bars + mnist + points).properties(
        height=alt.Step(22),
        description=f"Accuracy of {len(rows)} networks on pen digits (dots) and on MNIST's test "
        f"images (grey ticks); {best['model']} is the best on pen digits.",
    )


def pen_by_recipe(summary: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """Accuracy on pen digits: one row per model, best first, with one mark per recipe."""
    rows = summary.assign(
        family=summary["model"].map(family_of), **{"pen digits": 100 * summary["pen_accuracy"]}
    )
    best_first = rows.sort_values("pen digits", ascending=False)["model"].drop_duplicates()
    base = alt.Chart(rows).encode(
        y=alt.Y("model:N", sort=best_first.tolist(), title=None, axis=NAMES),
        opacity=opacity_for(highlight),
    )
    title = "Accuracy on pen digits, %"
    lines = base.mark_rule().encode(
        alt.X("min(pen digits):Q", title=title), alt.X2("max(pen digits):Q"), family_colour()
    )
    points = (
        base.mark_point(filled=True, size=90)
        .encode(
            alt.X("pen digits:Q", title=title, scale=alt.Scale(zero=False)),
            family_colour(),
            recipe_shape(),
            tooltip=["model", "recipe", alt.Tooltip("pen digits:Q", title=title, format=".2f")],
        )
        .add_params(POINTED_AT)
    )
    means = rows.groupby("recipe")["pen digits"].mean().items()
    listed = ", ".join(f"{recipe} {mean:.1f}" for recipe, mean in means)
    return (lines + points).properties(
        height=alt.Step(22),
        description=f"{title}, by recipe, for {rows['model'].nunique()} networks; means: {listed}.",
    )


def confusions(matrix: pd.DataFrame) -> alt.LayerChart:
    """The confusion matrix without its diagonal; `matrix` has `digit`, `read as`, `images`."""
    wrong = matrix[matrix["digit"] != matrix["read as"]]
    base = alt.Chart(wrong).encode(
        x=alt.X("read as:O", axis=alt.Axis(labelAngle=0, orient="top"), title="read as"),
        y=alt.Y("digit:O", title="true digit"),
    )
    cells = (
        base.mark_rect()
        .encode(
            color=alt.Color("images:Q", scale=alt.Scale(scheme="viridis"), title="images"),
            tooltip=["digit:O", "read as:O", "images:Q"],
        )
        .add_params(alt.selection_point(name="cell", fields=["digit", "read as"], on="click"))
    )
    numbers = (
        base.transform_filter("datum.images > 0")
        .mark_text(fontSize=11)
        .encode(
            text="images:Q",
            # Viridis is dark for low values and bright for high ones.
            color=alt.condition(
                f"datum.images > {wrong['images'].max() / 2}",
                alt.value("black"),
                alt.value("white"),
            ),
        )
    )
    worst = wrong.loc[wrong["images"].idxmax()]
    return (cells + numbers).properties(
        height=340,
        description=f"{wrong['images'].sum()} misread images; the most frequent error is "
        f"{worst['digit']} read as {worst['read as']}, {worst['images']} times.",
    )


def family_colour() -> alt.Color:
    """The column `family` as colour; palette.family_legend is its legend."""
    colours = family_colours()
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color("family:N", scale=scale, legend=None)


def family_of(model: str) -> str:
    return MODELS[model].family


def _by(rows: pd.DataFrame, column: str) -> list[str]:
    """The models sorted by a column, smallest first."""
    return rows.sort_values(column)["model"].tolist()


def _spread(values: np.ndarray, apart: float) -> np.ndarray:
    """The values, moved up just enough that neighbours are at least `apart` from each other."""
    order = np.argsort(values)
    steps = apart * np.arange(len(values))
    spread = np.empty(len(values))
    spread[order] = np.maximum.accumulate(values[order] - steps) + steps
    return spread


def opacity_for(highlight: str | None) -> Mapping[str, object]:
    """Full opacity for the highlighted network and the one pointed at; without either, for all."""
    pointed_at = alt.when(POINTED_AT, empty=highlight is None).then(alt.value(1))
    return pointed_at.when(alt.datum.model == highlight).then(alt.value(1)).otherwise(_FADED)


def _tooltip(cost: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("model:N"),
        alt.Tooltip("accuracy:Q", title="accuracy, %", format=".2f"),
        alt.Tooltip("seeds:Q", title="seeds"),
        alt.Tooltip(f"{cost}:Q", title=COSTS[cost].lower(), format=",.4~g"),
        alt.Tooltip("test_loss:Q", title="test loss", format=".4f"),
    ]
