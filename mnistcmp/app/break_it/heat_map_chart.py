"""The heat map, networks by dials: its tables, its chart and what it says."""

import json
from collections import Counter
from collections.abc import Iterable

import pandas as pd
import pyarrow as pa

from mnistcmp.app.palette import INK, family_colours
from mnistcmp.catalogue.corruptions import DIALS, SIDES, Side
from mnistcmp.catalogue.networks import MODELS, families
from mnistcmp.robustness.holding_out import Held, HoldOut

ROW_PX = 15
SELECTED = "cell"  # the selection made by a click: {"model": name, "dial": name}
CHOSEN = "#D55E00"
SCALE = "viridis"  # sequential, also for colour-blind eyes and in grey
COLUMNS = ("model", "dial", "share", "detail")


def nothing() -> pd.DataFrame:
    """The table before the first network was looked at."""
    return pd.DataFrame(columns=list(COLUMNS))


def of_image(result: HoldOut) -> pd.DataFrame:
    """One row for each network looked at and dial, with how far it gets with one image.

    Columns: `model`, `dial`, `share` of the dial's range in [0, 1], `detail` in words.
    """
    rows = [
        (network, dial, result.share(network, dial), _detail(result, network, dial))
        for network in result.held
        for dial in DIALS
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _detail(result: HoldOut, network: str, dial: str) -> str:
    if not result.knows(network):
        return f"reads the unchanged digit as {result.unchanged[network]}"
    sides = [held for held in result.held[network] if held.side.dial.name == dial]
    text = "; ".join(map(_on_side, sides))
    return text if network in result.refined else f"{text} (at first look)"


def _on_side(held: Held) -> str:
    """`thinner: right to −0.5 px, reads 1 at −0.75 px`."""
    dial = held.side.dial
    word = f"{held.side.word}: " if len(dial.sides) > 1 else ""
    if held.breaks is None:
        return f"{word}right at every level, to {dial.label(held.right)}"
    upto = f"right to {dial.label(held.right)}, " if held.right != dial.rest else ""
    return f"{word}{upto}reads {held.reads} at {dial.label(held.breaks)}"


def of_records(levels: pd.DataFrame) -> pd.DataFrame:
    """The same table from the rows of `robustness_tables.half_lost_levels` of one recipe.

    A network is left out if one side of a dial was not measured.
    """
    sides = {side.title: side for side in SIDES}
    rows = levels[levels.groupby("model")["side"].transform("nunique") == len(sides)]
    rows = rows.assign(
        dial=[sides[title].dial.name for title in rows["side"]],
        detail=[
            _half_lost(sides[title], level, never)
            for title, level, never in zip(rows["side"], rows["level"], rows["never"], strict=True)
        ],
    )
    groups = rows.groupby(["model", "dial"], sort=False)
    table = groups.agg(share=("share", "mean"), detail=("detail", "; ".join)).reset_index()
    return table[list(COLUMNS)]


def _half_lost(side: Side, level: float, never: bool) -> str:
    """`thinner: half lost at −0.8 px`."""
    word = f"{side.word}: " if side.word else ""
    if never:
        return f"{word}half are not lost, even at {side.dial.label(side.levels[-1])}"
    return f"{word}half lost at {side.label(level)}"


def in_family_order(models: Iterable[str]) -> list[str]:
    """The networks by family, as in the catalogue."""
    shown = set(models)
    return [model for members in families().values() for model in members if model in shown]


def in_words(table: pd.DataFrame) -> str:
    """Who holds out longest over all dials, and which dial most often breaks a network first.

    Empty without networks.
    """
    if table.empty:
        return ""
    shares = table.pivot_table(index="model", columns="dial", values="share")
    means = shares.mean(axis=1)
    # A network may survive equally little of several dials.
    first = Counter(
        dial
        for _, row in shares.iterrows()
        for dial, share in row.items()
        if share == row.min() and share < 1
    )
    longest = means.idxmax()
    text = (
        f"**{longest}** holds out longest: it survives {means.max():.0%} of a dial’s range on "
        "average."
    )
    if not first:
        return f"{text} No dial breaks a network."
    dial, count = max(first.items(), key=lambda item: item[1])
    return (
        f"{text} Most often, **{DIALS[dial].title}** breaks a network first: {count} of "
        f"{len(shares)} survive the smallest share of this dial."
    )


def spec(table: pd.DataFrame, models: list[str]) -> dict[str, object]:
    """The heat map as a Vega-Lite specification, with one row for each of `models`.

    Only the data depend on `table`, so that the browser keeps the chart.
    """
    return {
        "height": {"step": ROW_PX},
        "description": "A heat map: networks by dials, and the share of each dial’s range that the "
        "network survives. The table below has the same figures.",
        "datasets": {"cells": _cells(table)},
        "data": {"name": "cells"},
        "params": [
            {"name": SELECTED, "select": {"type": "point", "fields": ["model", "dial"]}},
        ],
        "mark": {"type": "rect", "cursor": "pointer"},
        "encoding": {
            "x": _titles_axis(),
            "y": _models_axis(models),
            "color": {
                "field": "share",
                "type": "quantitative",
                "scale": {"domain": [0, 1], "scheme": SCALE},
                "legend": {
                    "title": "Share of the dial’s range survived",
                    "format": "%",
                    "orient": "bottom",
                    "gradientLength": 160,
                    "titleLimit": 300,
                },
            },
            "stroke": {
                "condition": {"param": SELECTED, "empty": False, "value": CHOSEN},
                "value": None,
            },
            "strokeWidth": {"value": 3},
            "tooltip": [
                {"field": "model"},
                {"field": "title", "title": "dial"},
                {"field": "share", "title": "share survived", "format": ".0%"},
                {"field": "detail"},
            ],
        },
    }


def _cells(table: pd.DataFrame) -> pa.Table:
    return pa.table(
        {
            "model": table["model"].tolist(),
            "dial": table["dial"].tolist(),
            "title": [DIALS[name].title for name in table["dial"]],
            "share": table["share"].astype(float).tolist(),
            "detail": table["detail"].tolist(),
        }
    )


def _titles_axis() -> dict[str, object]:
    return {
        "field": "title",
        "type": "nominal",
        "scale": {"domain": [dial.title for dial in DIALS.values()]},
        "title": None,
        "axis": {"orient": "top", "labelAngle": -60, "labelLimit": 150, "labelOverlap": False},
    }


def _models_axis(models: list[str]) -> dict[str, object]:
    colours = family_colours()
    by_model = json.dumps({model: colours[MODELS[model].family] for model in models})
    return {
        "field": "model",
        "type": "nominal",
        "scale": {"domain": models},
        "title": None,
        "axis": {
            "labelLimit": 110,
            "labelFontSize": 11,
            "labelOverlap": False,
            "labelFlush": False,
            "labelColor": {"expr": f"{by_model}[datum.value] || '{INK}'"},
            "ticks": False,
            "domain": False,
        },
    }


def chosen_cell(selection: object) -> tuple[str, str] | None:
    """The dial and network of a click that the browser reports; None if it names none."""
    rows = selection.get(SELECTED) if isinstance(selection, dict) else None
    cell = rows[0] if isinstance(rows, list) and rows else None
    if not isinstance(cell, dict):
        return None
    dial, model = cell.get("dial"), cell.get("model")
    known = isinstance(dial, str) and isinstance(model, str) and dial in DIALS and model in MODELS
    return (dial, model) if known else None  # type: ignore[return-value]
