"""Altair charts of what the networks of one study survive."""

from collections.abc import Iterable

import altair as alt
import pandas as pd

from mnistcmp.analysis.effects import BEFORE, MEAN, Effect, table
from mnistcmp.app.charts import network_colour, network_shape, recipe_shape
from mnistcmp.app.palette import INK
from mnistcmp.app.studies.charts import NAMES
from mnistcmp.catalogue.corruptions import Side

HEIGHT_PX = 240
EFFECT_COLOUR = "#0090D0"


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
    bars = base.mark_rule(strokeWidth=2, color=EFFECT_COLOUR, aria=False).encode(
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
    return alt.Chart().mark_rule(color=INK, strokeDash=[3, 3], aria=False).encode(x=alt.datum(0))
