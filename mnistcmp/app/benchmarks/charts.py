"""Altair charts of the results, with units on the axes and a description for screen readers."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from mnistcmp.analysis.frontier import frontier
from mnistcmp.app.benchmarks.section import title
from mnistcmp.app.charts import (
    ACCURACY,
    COSTS,
    epoch_axis,
    network_colour,
    network_shape,
    with_intervals,
)
from mnistcmp.app.palette import INK, family_colours, family_marks
from mnistcmp.catalogue.networks import MODELS

SELECTED = "model"  # the name of the selection made by a click on a model
TEXT = "currentColor"  # the page's own text colour, light or dark
ROW_PX = 18
NAME_SHARE = 0.13  # of the width of a wide chart, which the longest name takes
WIDE_PX = 600  # from this width on, a chart has room for more names

# Pointing is handled in the browser; only a click is reported to the page.
POINTED_AT = alt.selection_point(
    name="pointed_at", fields=["model"], on="pointerover", clear="pointerout"
)
_FADED = alt.value(0.2)
# All names, none of them cut, and the outermost beside their rows, too.
NAMES = alt.Axis(labelFlush=False, labelLimit=200, labelOverlap=False)
NETWORK = [alt.Tooltip("title:N", title="network"), alt.Tooltip("model:N", title="name")]


def with_names(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `title` and `family` of each `model`."""
    models = rows["model"]
    return rows.assign(title=models.map(title), family=models.map(lambda name: MODELS[name].family))


def accuracy_against(cost: str, summary: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """Accuracy against one of COSTS, on a log axis, with 95 % intervals and the Pareto frontier."""
    rows = with_names(with_intervals(summary, summary["seeds"])).dropna(subset=[cost])
    rows["best"] = frontier(rows[cost], rows["test_accuracy"])
    x = alt.X(f"{cost}:Q", title=COSTS[cost], scale=alt.Scale(type="log", nice=False, padding=20))
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
        base.mark_point(filled=True, size=110, opacity=1)
        .encode(x, y, family_colour(), family_shape(), opacity=opacity, tooltip=_tooltip(cost))
        .add_params(POINTED_AT, alt.selection_point(name=SELECTED, fields=["model"], on="click"))
    )
    best = rows[rows["best"]].sort_values(cost)
    decades = np.log10(rows.set_index("model")[cost])
    place = (decades - decades.min()) / (decades.max() - decades.min())
    named = _with_room(place[best["model"]]) if highlight is None else [highlight]
    shown = rows[rows["model"].isin(named)].sort_values(cost)
    names = _names(shown, left=shown["model"].map(place) < NAME_SHARE, below=False)
    return (line + bars + points + names.encode(x, y)).properties(
        height=340,
        description=f"Test accuracy in percent against {COSTS[cost].lower()} for "
        f"{len(rows)} networks. The best networks for their cost are: {'; '.join(best['title'])}.",
    )


def scatter(
    rows: pd.DataFrame,
    across: tuple[str, str],
    up: tuple[str, str],
    highlight: str | None,
    named: list[str],
) -> alt.LayerChart:
    """One point per network, as `with_names` returns them; the networks in `named` are named.

    across, up: the column, in percent, and the title of each axis. A highlighted network is the
    only one that is named.
    """
    scale = alt.Scale(zero=False, padding=14)
    x, y = (
        alt.X(f"{across[0]}:Q", title=across[1], scale=scale),
        alt.Y(f"{up[0]}:Q", title=up[1], scale=scale),
    )
    figures = [alt.Tooltip(f"{name}:Q", title=label, format=".2f") for name, label in (across, up)]
    points = (
        alt.Chart(rows)
        .mark_point(filled=True, size=110, opacity=1)
        .encode(
            x,
            y,
            family_colour(),
            family_shape(),
            opacity=opacity_for(highlight),
            tooltip=[*NETWORK, *figures],
        )
        .add_params(POINTED_AT)
    )
    shown = rows[rows["model"].isin(named if highlight is None else [highlight])]
    left = shown[across[0]] < (rows[across[0]].min() + rows[across[0]].max()) / 2
    names = _names(shown, left=left, below=shown[up[0]] < shown[up[0]].mean())
    return points + names.encode(x, y)


def _with_room(places: pd.Series) -> list[str]:
    """The networks whose names have room; `places` along the axis, in [0, 1], are ascending.

    The first and the last are always among them.
    """
    first, *middle, last = places.index if len(places) > 1 else [*places.index] * 2
    kept = [first]
    for model in middle:
        if min(places[model] - places[kept[-1]], places[last] - places[model]) >= NAME_SHARE:
            kept.append(model)
    return [*kept, last]


def _names(named: pd.DataFrame, left: pd.Series, below: pd.Series | bool) -> alt.Chart:
    """The names of some networks beside their points, because all names would overlap.

    Names of points that are on the left stand to their right. A narrow chart has room only for the
    first and the last.
    """
    ends = [named.index[0], named.index[-1]] if len(named) else []
    rows = named.assign(left=left, below=below, end=named.index.isin(ends))
    marks = alt.Chart(rows).mark_text(
        color=TEXT,
        fontSize=12,
        align=alt.expr("datum.left ? 'left' : 'right'"),
        dx=alt.expr("datum.left ? 9 : -6"),
        dy=alt.expr("datum.below ? 14 : -10"),
        opacity=alt.expr(f"datum.end || width > {WIDE_PX} ? 1 : 0"),
    )
    return marks.encode(text="title:N")


def losses(summary: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """The test loss of each model, smallest first."""
    rows = with_names(with_intervals(summary, summary["seeds"]))
    base = alt.Chart(rows).encode(
        x=alt.X(
            "test_loss:Q",
            title="Test loss per image (cross-entropy, nats)",
            scale=from_zero(rows["test_loss"]),
        ),
        y=by_rank(rows, "test_loss", ascending=True),
    )
    bars = (
        base.mark_bar()
        .encode(color=family_colour(), opacity=opacity_for(highlight), tooltip=_tooltip("params"))
        .add_params(POINTED_AT)
    )
    values = base.mark_text(align="left", dx=4, color=TEXT).encode(
        text=alt.Text("test_loss:Q", format=".4f")
    )
    smallest = rows.loc[rows["test_loss"].idxmin()]
    return (bars + values).properties(
        height=alt.Step(ROW_PX),
        description=f"Test loss of {len(rows)} networks; {smallest['title']} has the smallest, "
        f"{smallest['test_loss']:.4f}.",
    )


def curves(epochs: pd.DataFrame, measure: str, highlight: str | None) -> alt.LayerChart:
    """Mean `loss` or `accuracy` over the seeds by epoch, on training and on test images."""
    means = with_names(
        epochs.groupby(["model", "epoch"])[[f"train_{measure}", f"heldout_{measure}"]]
        .mean()
        .reset_index()
        .rename(columns={f"train_{measure}": "training", f"heldout_{measure}": "test"})
        .melt(["model", "epoch"], var_name="images", value_name="value")
    )
    name, scale = "Loss per image", alt.Scale(zero=False)
    if measure == "accuracy":
        means["value"] *= 100
        name, scale = "Accuracy, %", alt.Scale(zero=False, domainMax=100)
    opacity = opacity_for(highlight)
    base = alt.Chart(means).encode(
        alt.X("epoch:Q", title="Epoch", axis=epoch_axis(means["epoch"].max())),
        alt.Y("value:Q", title=name, scale=scale),
        network_colour(means["model"]),
        opacity=opacity,
    )
    dashes = alt.StrokeDash(
        "images:N", title=None, sort=["test", "training"], legend=alt.Legend(orient="bottom")
    )
    value = alt.Tooltip("value:Q", title=name, format=".3f")
    points = (
        base.mark_point(filled=True, size=50)
        .encode(network_shape(means["model"]), tooltip=[*NETWORK, "images", "epoch", value])
        .add_params(POINTED_AT)
    )
    return (base.mark_line().encode(dashes) + points).properties(
        height=300,
        description=f"{name} of {means['model'].nunique()} networks by epoch, on the training "
        "batches and on the test images.",
    )


def by_rank(rows: pd.DataFrame, column: str, *, ascending: bool) -> alt.Y:
    """One row per network, by its title, in the order of a column."""
    order = rows.sort_values(column, ascending=ascending, kind="stable")["title"]
    return alt.Y("title:N", sort=order.drop_duplicates().tolist(), title=None, axis=NAMES)


def family_colour() -> alt.Color:
    """The column `family` as colour; palette.family_legend is its legend."""
    colours = family_colours()
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color("family:N", scale=scale, legend=None)


def family_shape() -> alt.Shape:
    """The column `family` as shape; palette.family_legend is its legend."""
    marks = family_marks()
    scale = alt.Scale(domain=list(marks), range=[mark.shape for mark in marks.values()])
    return alt.Shape("family:N", scale=scale, legend=None)


def opacity_for(highlight: str | None) -> Mapping[str, object]:
    """Full opacity for the highlighted network and the one pointed at; without either, for all."""
    pointed_at = alt.when(POINTED_AT, empty=highlight is None).then(alt.value(1))
    return pointed_at.when(alt.datum.model == highlight).then(alt.value(1)).otherwise(_FADED)


def from_zero(lengths: pd.Series) -> alt.Scale:
    """The scale of bars from 0, with room for a figure at the end of the longest one."""
    return alt.Scale(domain=[0, 1.25 * lengths.max()], nice=False)


def _tooltip(cost: str) -> list[alt.Tooltip]:
    return [
        *NETWORK,
        alt.Tooltip("accuracy:Q", title="accuracy, %", format=".2f"),
        alt.Tooltip("seeds:Q", title="seeds"),
        alt.Tooltip(f"{cost}:Q", title=COSTS[cost].lower(), format=",.4~g"),
        alt.Tooltip("test_loss:Q", title="test loss", format=".4f"),
    ]
