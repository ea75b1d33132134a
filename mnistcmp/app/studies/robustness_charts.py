"""Altair charts of what the networks of one study survive."""

from collections.abc import Iterable

import altair as alt
import pandas as pd

from mnistcmp.analysis.effects import BEFORE, MEAN, Effect, table
from mnistcmp.analysis.robustness_findings import StressedStep
from mnistcmp.app.charts import network_colour, network_shape, recipe_shape
from mnistcmp.app.palette import INK
from mnistcmp.catalogue.corruptions import Side

UNDER_CORRUPTION = "Mean accuracy under corruption, %"
HEIGHT_PX = 240
EFFECT_COLOUR = "#0090D0"
NAMES = alt.Axis(labelLimit=180, labelOverlap=False, labelFlush=False)


def under_corruption(networks: pd.DataFrame, order: list[str]) -> alt.LayerChart:
    """Each network's mean accuracy under corruption, over its seeds; clean accuracy as a tick.

    `networks` as `robustness_tables.corrupted` returns.
    """
    groups = networks.groupby("model")
    rows = 100 * groups.agg(
        clean=("clean", "mean"),
        corrupted=("corrupted", "mean"),
        low=("corrupted", "min"),
        high=("corrupted", "max"),
    )
    rows = rows.assign(networks=groups.size(), images=groups["images"].min())
    rows = rows.loc[order].reset_index()
    tooltip = [
        "model",
        *(alt.Tooltip(name, format=".2f") for name in ("clean", "corrupted", "low", "high")),
        alt.Tooltip("networks", title="trained networks"),
        alt.Tooltip("images", format=","),
    ]
    colour = network_colour(rows["model"])
    base = alt.Chart(rows).encode(y=alt.Y("model:N", sort=order, title=None, axis=NAMES))
    ranges = base.mark_rule(strokeWidth=2).encode(
        alt.X("low:Q", title=UNDER_CORRUPTION), alt.X2("high:Q"), colour
    )
    ticks = base.mark_tick(color=INK, thickness=3, size=18).encode(x="clean:Q", tooltip=tooltip)
    x = alt.X("corrupted:Q", title=UNDER_CORRUPTION, scale=alt.Scale(zero=False))
    dots = base.mark_point(filled=True, size=120, opacity=1).encode(
        x, colour, network_shape(rows["model"]), tooltip=tooltip
    )
    listed = ", ".join(f"{row.model} {row.corrupted:.1f}" for row in rows.itertuples())
    return (ranges + ticks + dots).properties(
        height=alt.Step(34), description=f"{UNDER_CORRUPTION}, by network: {listed}."
    )


def gains(steps: list[StressedStep]) -> alt.LayerChart:
    """The gain of each step in mean accuracy under corruption, with 95 % intervals."""
    rows = pd.DataFrame(
        {
            "model": each.step.after,
            "change": each.step.what,
            "networks": f"{each.step.before} → {each.step.after}",
            "points": 100 * each.gain.share,
            "low": 100 * each.gain.low,
            "high": 100 * each.gain.high,
            "based on": each.gain.grounds,
        }
        for each in steps
    )
    title = "Gain under corruption, points"
    tooltip = [
        "change",
        "networks",
        *(alt.Tooltip(name, format="+.2f") for name in ("points", "low", "high")),
        "based on",
    ]
    base = alt.Chart(rows).encode(y=alt.Y("change:N", sort=None, title=None, axis=NAMES))
    bars = base.mark_rule(strokeWidth=2).encode(
        alt.X("low:Q", title=title), alt.X2("high:Q"), network_colour(rows["model"])
    )
    dots = base.mark_point(filled=True, size=120, opacity=1).encode(
        alt.X("points:Q", title=title),
        network_colour(rows["model"]),
        network_shape(rows["model"]),
        tooltip=tooltip,
    )
    listed = ", ".join(f"{row.change} {row.points:+.2f}" for row in rows.itertuples())
    return (_zero() + bars + dots).properties(
        height=alt.Step(34), description=f"{title}, by change: {listed}."
    )


def ladder(rows: pd.DataFrame, side: Side) -> alt.LayerChart:
    """Accuracy along one side of a dial; one line per network and recipe, BEFORE solid.

    `rows` as `robustness_tables.spreads` returns.
    """
    rows = rows.assign(**{name: 100 * rows[name] for name in ("mean", "low", "high")})
    dial = side.dial
    x = alt.X(
        "level:Q",
        title=f"{dial.title}, {dial.unit}",
        axis=alt.Axis(format="%" if dial.unit == "%" else "~g", grid=False),
        scale=alt.Scale(nice=False, zero=False, reverse=side.levels[-1] < dial.rest),
    )
    scale = alt.Scale(domain=[0, 100])
    y = alt.Y("mean:Q", title="Accuracy, %", scale=scale)
    colour = network_colour(rows["model"])
    base = alt.Chart(rows).encode(x, detail=["model:N", "recipe:N"])
    bands = base.mark_area(opacity=0.2).encode(
        alt.Y("low:Q", title="Accuracy, %", scale=scale, stack=None), alt.Y2("high:Q"), colour
    )
    dash = alt.condition(alt.datum.recipe == BEFORE, alt.value([1, 0]), alt.value([5, 3]))
    lines = base.mark_line().encode(y, colour, strokeDash=dash)
    tooltip = ["model:N", "recipe:N", "level:Q", alt.Tooltip("networks:Q", title="seeds")]
    tooltip += [alt.Tooltip(f"{name}:Q", format=".1f") for name in ("mean", "low", "high")]
    dots = base.mark_point(filled=True, size=35, opacity=1).encode(
        y, colour, network_shape(rows["model"]), tooltip=tooltip
    )
    return (bands + lines + dots).properties(
        height=HEIGHT_PX,
        description=f"Accuracy in percent by {dial.title.lower()}, of {rows['model'].nunique()} "
        f"networks with {rows['recipe'].nunique()} recipes.",
    )


def effects(found: Iterable[Effect]) -> alt.LayerChart:
    """The mean effects of one part on each side of each dial; faded if the gaps do not agree."""
    rows = table(list(found))
    rows = rows[rows["networks"] == MEAN]
    title = "Change in mean accuracy, points"
    base = alt.Chart(rows).encode(
        y=alt.Y("dial:N", sort=None, title=None, axis=NAMES),
        opacity=alt.condition("datum.consistent", alt.value(1), alt.value(0.45)),
    )
    tooltip = [
        "dial",
        "recipe",
        *(alt.Tooltip(n, format="+.1f") for n in ("effect", "low", "high")),
    ]
    bars = base.mark_rule(strokeWidth=2, color=EFFECT_COLOUR).encode(
        alt.X("low:Q", title=title), alt.X2("high:Q"), yOffset="recipe:N"
    )
    dots = base.mark_point(filled=True, size=70, color=EFFECT_COLOUR).encode(
        alt.X("effect:Q", title=title), recipe_shape(), yOffset="recipe:N", tooltip=tooltip
    )
    return (_zero() + bars + dots).properties(
        height=alt.Step(26, **{"for": "position"}),
        description=f"{title}, by dial, of {rows['part'].iloc[0]}.",
    )


def _zero() -> alt.Chart:
    return alt.Chart().mark_rule(color=INK, strokeDash=[3, 3]).encode(x=alt.datum(0))
