"""Altair charts of the section "What breaks them"."""

import math
from typing import Any

import altair as alt
import pandas as pd

from mnistcmp.app.benchmarks.charts import (
    NAMES,
    NETWORK,
    POINTED_AT,
    ROW_PX,
    by_rank,
    family_colour,
    opacity_for,
    scatter,
    with_names,
)
from mnistcmp.app.benchmarks.section import title
from mnistcmp.app.palette import INK
from mnistcmp.catalogue.corruptions import CORRUPTIONS, SIDES, Side

LEGEND = alt.Legend(orient="top", gradientLength=160, titleLimit=300)
COLUMNS = alt.Axis(orient="top", labelAngle=-90, labelLimit=170, labelOverlap=False)
MANY_COLUMNS = alt.Axis(
    orient="top", labelAngle=-90, labelLimit=200, labelOverlap=True, title="fool"
)


def clean_and_corrupted(networks: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """Accuracy under corruption against clean accuracy; `networks` as `corrupted` returns."""
    rows = with_names(networks).assign(
        **{name: 100 * networks[name] for name in ("clean", "corrupted")}
    )
    x_title, y_title = "Accuracy on clean test digits, %", "Mean under corruption, %"
    # The names of two networks that are as accurate on clean digits, and far apart here.
    better = rows[rows["clean"] >= rows["clean"].median()]
    named = [better.loc[better["corrupted"].agg(end), "model"] for end in ("idxmax", "idxmin")]
    chart = scatter(rows, ("clean", x_title), ("corrupted", y_title), highlight, named)
    return chart.properties(
        height=330,
        description=f"{y_title}, against {x_title.lower()}, of {len(rows)} trained networks; from "
        f"{rows['corrupted'].min():.1f} to {rows['corrupted'].max():.1f} % under corruption.",
    )


def half_lost(levels: pd.DataFrame, order: list[str]) -> alt.LayerChart:
    """How much of each dial's range each network survives; `levels` as `half_lost_levels`."""
    by_title = {side.title: side for side in SIDES}
    rows = with_names(levels).assign(
        percent=100 * levels["share"],
        **{"half lost at": [_level(by_title[row.side], row) for row in levels.itertuples()]},
    )
    titles = [title for title in by_title if title in set(rows["side"])]
    base = alt.Chart(rows).encode(
        x=alt.X("side:N", sort=titles, title=None, axis=COLUMNS),
        y=_in_order(order),
    )
    tooltip = [*NETWORK, "side:N", "half lost at:N", alt.Tooltip("images:Q", format=",")]
    cells = base.mark_rect().encode(
        color=_colour("percent:Q", "Half lost at, % of the range"), tooltip=tooltip
    )
    beyond = (
        base.transform_filter("datum.never")
        .mark_text(color="black", fontSize=11)
        .encode(text=alt.value(">"), tooltip=tooltip)
    )
    return (cells + beyond).properties(
        height=alt.Step(ROW_PX),
        description=f"Where each of {len(order)} networks has lost half of the digits, on "
        f"{len(titles)} sides of dials. {title(order[0])} holds out longest on average.",
    )


def half_lost_table(levels: pd.DataFrame) -> pd.DataFrame:
    """The figures of `half_lost` in words."""
    by_title = {side.title: side for side in SIDES}
    return pd.DataFrame(
        {
            "network": levels["model"],
            "dial": levels["side"],
            "half lost at": [_level(by_title[row.side], row) for row in levels.itertuples()],
            "% of the range": 100 * levels["share"],
            "digits": levels["images"],
        }
    )


def _level(side: Side, row: Any) -> str:
    """`3.1 px (95 % interval 2.9 px to 3.4 px)`, or that half of the digits are never lost."""
    if row.never:
        return side.label(math.inf)
    high = math.inf if math.isnan(row.high) else row.high
    interval = f"{side.label(row.low)} to {side.label(high)}"
    return f"{side.label(row.level)} (95 % interval {interval})"


def by_corruption(accuracies: pd.DataFrame, order: list[str]) -> alt.Chart:
    """Accuracy by network and corruption; `accuracies` as `by_corruption` returns, by model."""
    rows = 100 * accuracies.rename_axis(index="model", columns="kind")
    rows = with_names(rows.stack().rename("accuracy").reset_index())
    rows["corruption"] = [CORRUPTIONS[kind].title for kind in rows["kind"]]
    hardest_first = rows.groupby("corruption")["accuracy"].mean().sort_values().index.tolist()
    return (
        alt.Chart(rows)
        .mark_rect()
        .encode(
            x=alt.X("corruption:N", sort=hardest_first, title=None, axis=COLUMNS),
            y=_in_order(order),
            color=_colour("accuracy:Q", "Accuracy, %"),
            tooltip=[*NETWORK, "corruption", alt.Tooltip("accuracy:Q", title="%", format=".1f")],
        )
        .properties(
            height=alt.Step(ROW_PX),
            description=f"Accuracy of {len(order)} networks under {len(hardest_first)} "
            f"corruptions; the hardest on average is {hardest_first[0].lower()}.",
        )
    )


def nudge_norms(medians: pd.DataFrame, highlight: str | None) -> alt.LayerChart:
    """The median size of the smallest nudge by network; `medians` as in nudge_tables.py."""
    rows = with_names(medians.dropna(subset=["median_norm"]))
    base = alt.Chart(rows).encode(
        y=by_rank(rows, "median_norm", ascending=False), opacity=opacity_for(highlight)
    )
    name = "Median smallest nudge (L2 norm)"
    tooltip = [
        *NETWORK,
        alt.Tooltip("median_norm", title="median", format=".2f"),
        alt.Tooltip("low", format=".2f"),
        alt.Tooltip("high", format=".2f"),
        alt.Tooltip("n", title="digits nudged"),
        alt.Tooltip("not_found", title="no nudge found for"),
    ]
    bars = (
        base.mark_bar()
        .encode(alt.X("median_norm:Q", title=name), family_colour(), tooltip=tooltip)
        .add_params(POINTED_AT)
    )
    intervals = base.mark_rule(color=INK, strokeWidth=2).encode(
        alt.X("low:Q", title=name), alt.X2("high:Q"), tooltip=tooltip
    )
    strongest, weakest = (rows.loc[rows["median_norm"].agg(end)] for end in ("idxmax", "idxmin"))
    return (bars + intervals).properties(
        height=alt.Step(ROW_PX),
        description=f"{name}, of {len(rows)} networks: from {weakest['median_norm']:.2f} "
        f"({weakest['title']}) to {strongest['median_norm']:.2f} ({strongest['title']}).",
    )


def transfers(shares: pd.DataFrame, order: list[str]) -> alt.LayerChart:
    """How often doubled nudges of one network (row) fool another (column)."""
    rows = 100 * shares.rename_axis(index="model", columns="other")
    rows = with_names(rows.stack().rename("percent").reset_index())
    rows["fooled"] = rows["other"].map(title)
    titles = [title(model) for model in order]
    base = alt.Chart(rows).encode(
        x=alt.X("fooled:N", sort=titles, axis=MANY_COLUMNS),
        y=alt.Y("title:N", sort=titles, axis=NAMES, title="nudges of"),
    )
    tooltip = [
        alt.Tooltip("title", title="nudges of"),
        alt.Tooltip("fooled", title="fool"),
        alt.Tooltip("percent:Q", title="%", format=".0f"),
    ]
    cells = (
        base.transform_filter("isValid(datum.percent)")
        .mark_rect()
        .encode(color=_colour("percent:Q", "Fooled, % of the digits"), tooltip=tooltip)
    )
    itself = base.transform_filter("!isValid(datum.percent)").mark_rect(color=INK, opacity=0.4)
    return (itself + cells).properties(
        height=alt.Step(ROW_PX),
        description=f"How often doubled nudges of one of {len(order)} networks fool another.",
    )


def _in_order(models: list[str]) -> alt.Y:
    return alt.Y("title:N", sort=[title(model) for model in models], title=None, axis=NAMES)


def _colour(column: str, name: str) -> alt.Color:
    """Percent as colour, the same scale everywhere."""
    scale = alt.Scale(scheme="viridis", domain=[0, 100])
    return alt.Color(column, title=name, scale=scale, legend=LEGEND)
