"""The charts of one study; each network has the same colour and shape in all of them."""

import math
from textwrap import fill
from typing import Literal

import altair as alt
import numpy as np
import pandas as pd

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Change, Gap
from mnistcmp.analysis.robustness_findings import StressedStep
from mnistcmp.app.charts import (
    ACCURACY,
    COSTS,
    epoch_axis,
    network_colour,
    network_shape,
    with_intervals,
)
from mnistcmp.app.palette import INK
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.records import ACTIVATION_IMAGES

HEIGHT_PX = 280
LINE = 22  # characters of a name before it goes on in the next line
# The names beside the rows of a chart, in one or more lines, never cut.
NAMES = alt.Axis(
    labelLimit=0, labelOverlap=False, labelFlush=False, labelExpr="split(datum.label, '\\n')"
)

# The measures that accuracy is plotted against: axis title, scale and number format.
AXES: dict[str, tuple[str, Literal["linear", "log"], str]] = {
    "params": (COSTS["params"], "log", "~s"),
    "epoch_seconds": ("Seconds per epoch", "log", "~g"),
    "receptive_field_px": ("Receptive field, px a side", "linear", "d"),
    "convolutions": ("Convolutions in sequence", "linear", "d"),
    "activation_mb": (f"Activations of {ACTIVATION_IMAGES} images, MB", "linear", "~g"),
}
CURVES = {"accuracy": "Accuracy (%)", "loss": "Loss (nats)"}


def accuracies(rows: pd.DataFrame, title: str, domain: tuple[float, float]) -> alt.LayerChart:
    """The accuracy of each network in percent, one below the other, with 95 % intervals.

    `rows`: `test_accuracy`, `test_accuracy_sd` and `runs` by model. `domain`: both ends of the
    axis, in percent.
    """
    rows = with_intervals(rows, rows["runs"], ENOUGH_RUNS).rename_axis("model").reset_index()
    rows["network"] = [MODELS[model].title for model in rows["model"]]
    scale = alt.Scale(domain=domain)
    tooltip = [
        alt.Tooltip("model:N"),
        *(alt.Tooltip(f"{name}:Q", format=".2f") for name in ("accuracy", "low", "high")),
        alt.Tooltip("runs:Q", title="trained networks"),
    ]
    x = alt.X("accuracy:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6))
    base = alt.Chart(rows).encode(
        y=alt.Y("network:N", sort=list(rows["network"]), title=None, axis=NAMES)
    )
    colour, shape = network_colour(rows["model"]), network_shape(rows["model"])
    bars = base.mark_rule(strokeWidth=2, aria=False).encode(
        alt.X("low:Q", title=title, scale=scale), alt.X2("high:Q"), colour
    )
    dots = base.mark_point(filled=True, size=120, opacity=1).encode(
        x, colour, shape, tooltip=tooltip
    )
    listed = ", ".join(f"{row.network} {row.accuracy:.2f}" for row in rows.itertuples())
    return (bars + dots).properties(
        height=alt.Step(34), description=f"{title}, by network: {listed}."
    )


def gains(rows: pd.DataFrame, title: str) -> alt.LayerChart:
    """The gain from each change in points, with 95 % intervals; published gains are ticks.

    `rows` as `gain_rows` returns.
    """
    rows = rows.assign(change=rows["change"].map(lambda text: fill(text, LINE)))
    y = alt.Y("change:N", sort=None, title=None, axis=NAMES)
    tooltip = _gain_tooltip(rows)
    base = alt.Chart(rows).encode(y=y)
    zero = alt.Chart().mark_rule(color=INK, strokeDash=[3, 3], aria=False).encode(x=alt.datum(0))
    bars = base.mark_rule(strokeWidth=2, aria=False).encode(
        alt.X("low:Q", title=title),
        alt.X2("high:Q"),
        network_colour(rows["model"]),
        tooltip=tooltip,
    )
    ticks = base.mark_tick(color=INK, thickness=3, size=18).encode(x="published:Q", tooltip=tooltip)
    dots = base.mark_point(filled=True, size=120, opacity=1).encode(
        alt.X("points:Q", title=title),
        network_colour(rows["model"]),
        network_shape(rows["model"]),
        tooltip=tooltip,
    )
    listed = ", ".join(
        f"{' '.join(row.change.split())} {row.points:+.2f}" for row in rows.itertuples()
    )
    # Without marks, a layer is a picture without a text, which screen readers stumble over.
    behind = zero + bars + ticks if rows["published"].notna().any() else zero + bars
    return (behind + dots).properties(
        height=alt.Step(40), description=f"{title}, by change: {listed}."
    )


def _gain_tooltip(rows: pd.DataFrame) -> list[str | alt.Tooltip]:
    costs = [name for name in ("parameters", "seconds") if name in rows]
    return [
        "change",
        "networks",
        *(alt.Tooltip(name, format="+.2f") for name in ("points", "low", "high", "published")),
        "based on",
        *(alt.Tooltip(name, title=f"× {name}", format=".3~g") for name in costs),
    ]


def gain_rows(steps: list[Change]) -> pd.DataFrame:
    """The gains on clean images, one row each."""
    return pd.DataFrame(
        _gain(step.before, step.after, step.what, step.gain)
        | {
            "published": None if step.published is None else 100 * step.published,
            "parameters": step.cost["params"],
            "seconds": step.cost["epoch_seconds"],
        }
        for step in steps
    ).astype({"published": float})


def stressed_gain_rows(steps: list[StressedStep]) -> pd.DataFrame:
    """The gains under corruption, one row each."""
    return pd.DataFrame(
        _gain(each.step.before, each.step.after, each.step.what, each.gain)
        | {"published": math.nan}
        for each in steps
    )


def accuracy_against(axis: str, measures: pd.DataFrame, published: pd.DataFrame) -> alt.LayerChart:
    """Test accuracy against one of AXES, with 95 % intervals; published points are hollow.

    Both tables are by model, as in study_tables.py. A published network is left out if one of the
    two figures is missing.
    """
    ours = _accuracies(axis, measures).assign(whose="ours")
    theirs = _accuracies(axis, published).assign(whose="published")
    theirs = theirs.dropna(subset=[axis, "accuracy"])
    rows = pd.concat([ours, theirs])
    title, scale, form = AXES[axis]
    x = alt.X(
        f"{axis}:Q",
        title=title,
        scale=alt.Scale(type=scale, zero=False, nice=False, padding=30),
        axis=alt.Axis(grid=False, labelOverlap=True, format=form),
    )
    y = alt.Y("accuracy:Q", title=ACCURACY, scale=alt.Scale(zero=False, padding=12))
    tooltip = [
        alt.Tooltip("model:N"),
        alt.Tooltip("whose:N", title="figures"),
        alt.Tooltip("accuracy:Q", title=ACCURACY, format=".2f"),
        alt.Tooltip(f"{axis}:Q", title=title, format=",.4~g"),
    ]
    base = alt.Chart(rows).encode(x, color=network_colour(rows["model"]))
    bars = base.mark_rule(aria=False).encode(alt.Y("low:Q", title=ACCURACY), alt.Y2("high:Q"))
    hollow, filled = (
        base.mark_point(filled=whose == "ours", size=120, strokeWidth=2, opacity=1)
        .transform_filter(alt.datum.whose == whose)
        .encode(y, shape=network_shape(rows["model"]), tooltip=tooltip)
        for whose in ("published", "ours")
    )
    best = ours.loc[ours["accuracy"].idxmax()]
    behind = bars if theirs.empty else bars + hollow
    return (behind + filled).properties(
        height=HEIGHT_PX,
        description=f"{ACCURACY}, against {title} of {len(ours)} networks; the best is "
        f"{MODELS[best['model']].title} with {best['accuracy']:.2f}.",
    )


def curves(rows: pd.DataFrame, measure: str, images: str, order: list[str]) -> alt.LayerChart:
    """`measure` by epoch on the `training` or `test` images, one line per network in `order`.

    `rows` are those of study_tables.curves, for both sets of images, so that both charts have the
    same scale.
    """
    rows = rows.assign(model=pd.Categorical(rows["model"], order)).sort_values(["model", "epoch"])
    unit = 100 if measure == "accuracy" else 1
    rows = rows.assign(**{name: unit * rows[name] for name in ("mean", "low", "high")})
    domain = [rows["low"].min(), rows["high"].max()]
    rows = rows[rows["images"] == images].astype({"model": str})
    last = rows["epoch"].max()
    x = alt.X(
        "epoch:Q",
        title="Epoch",
        axis=epoch_axis(last),
        scale=alt.Scale(domain=[1, max(last, 2)], nice=False, padding=10),
    )
    title = f"{CURVES[measure]}, {images} images"
    scale = alt.Scale(domain=domain, zero=False, padding=6)
    y = alt.Y("mean:Q", title=title, scale=scale)
    base = alt.Chart(rows)
    band = base.mark_area(opacity=0.2).encode(
        x,
        alt.Y("low:Q", title=title, scale=scale, stack=None),
        alt.Y2("high:Q"),
        network_colour(rows["model"]),
    )
    tooltip = [
        "model:N",
        "epoch:Q",
        *(alt.Tooltip(f"{name}:Q", format=".4~g") for name in ("mean", "low", "high")),
        "runs:Q",
    ]
    line = base.mark_line().encode(x, y, network_colour(rows["model"]))
    dots = base.mark_point(filled=True, size=50, opacity=1).encode(
        x, y, network_colour(rows["model"]), network_shape(rows["model"]), tooltip=tooltip
    )
    return (band + line + dots).properties(
        height=HEIGHT_PX,
        description=f"{title} of {rows['model'].nunique()} networks by epoch, 1 to {last}: mean "
        "over the runs, with a band from the lowest to the highest run.",
    )


def gradient_flow(flow: dict[str, pd.DataFrame], moment: str) -> alt.LayerChart:
    """Gradient norm by layer in the `first` or `last` epoch, from the image to the logits.

    `flow` is from study_tables.gradient_flow, with both epochs, so that both charts have the same
    scale.
    """
    both, rows = (table[table["norm"] > 0] for table in (pd.concat(flow.values()), flow[moment]))
    x = alt.X(
        "place:Q",
        title="Layer, from the image to the output",
        axis=alt.Axis(values=list(range(1, both["place"].max() + 1)), format="d", grid=False),
        scale=alt.Scale(nice=False, zero=False, padding=10),
    )
    title = f"Gradient norm, {moment} epoch"
    low, high = math.floor(np.log10(both["norm"].min())), math.ceil(np.log10(both["norm"].max()))
    powers = [10.0**power for power in range(low, high + 1)]
    y = alt.Y(
        "norm:Q",
        title=title,
        scale=alt.Scale(type="log", domain=[powers[0], powers[-1]]),
        axis=alt.Axis(values=powers, format="~g"),
    )
    base = alt.Chart(rows).encode(x, y, network_colour(rows["model"]))
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        network_shape(rows["model"]),
        tooltip=["model:N", "layer:N", "place:Q", alt.Tooltip("norm:Q", format=".3~g")],
    )
    weakest = rows.loc[rows["norm"].idxmin()]
    return (base.mark_line() + dots).properties(
        height=HEIGHT_PX,
        description=f"{title}, by layer, of {rows['model'].nunique()} networks; the smallest is "
        f"{weakest['norm']:.2g} in {MODELS[weakest['model']].title}, layer {weakest['layer']}.",
    )


def without_gradient(flow: dict[str, pd.DataFrame]) -> list[str]:
    """The networks with a layer whose gradient is 0, which a log scale cannot show."""
    rows = pd.concat(flow.values())
    return rows.loc[rows["norm"] == 0, "model"].unique().tolist()


def _gain(before: str, after: str, what: str, gain: Gap) -> dict[str, object]:
    return {
        "model": after,
        "change": what,
        "networks": f"{before} → {after}",
        "points": 100 * gain.share,
        "low": 100 * gain.low,
        "high": 100 * gain.high,
        "based on": gain.grounds,
    }


def _accuracies(axis: str, table: pd.DataFrame) -> pd.DataFrame:
    rows = table.reindex(columns=[axis, "test_accuracy", "test_accuracy_sd", "runs"])
    rows = with_intervals(rows, rows["runs"], ENOUGH_RUNS)
    return rows.rename_axis("model").reset_index()
