"""The heat map, networks by dials: its tables, its grid in the browser and what it says."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from mnistcmp.app.in_browser.part import browser_part
from mnistcmp.app.palette import family_marks
from mnistcmp.catalogue.corruptions import DIALS, SIDES, Side
from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS, families
from mnistcmp.robustness.holding_out import Held, HoldOut

FOLDER = Path(__file__).parent
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


def first_to_fail(shares: pd.DataFrame) -> Counter[str]:
    """For each dial, how many networks give up on no other one earlier, if on any.

    shares: of each dial's range survived, one row per network, one column per dial.
    """
    # A network may survive equally little of several dials.
    return Counter(
        dial
        for _, row in shares.iterrows()
        for dial, share in row.items()
        if share == row.min() and share < 1
    )


def by_dial(table: pd.DataFrame) -> pd.DataFrame:
    """The shares of a table, one row per network, one column per dial."""
    return table.pivot_table(index="model", columns="dial", values="share")


def in_words(table: pd.DataFrame) -> str:
    """Who holds out longest over all dials, and which dial most often breaks a network first.

    Empty without networks.
    """
    if table.empty:
        return ""
    shares = by_dial(table)
    means = shares.mean(axis=1)
    first = first_to_fail(shares)
    longest = MODELS[means.idxmax()].title
    text = (
        f"**{longest}** holds out longest: it survives {100 * means.max():.0f} % of a dial’s range "
        "on average."
    )
    if not first:
        return f"{text} No dial breaks a network."
    ((dial, count),) = first.most_common(1)
    return (
        f"{text} The hardest dial is **{DIALS[dial].title}**: {count} of {len(shares)} networks "
        "give up earliest on it."
    )


def grid(
    key: str, table: pd.DataFrame, models: list[str], title: str, on_cell: Callable[[], None]
) -> None:
    """Show the table as a heat map, with one row for each of `models`; see heat_map.js.

    A click on a cell, or Enter, calls `on_cell`; `chosen_cell` of the session's value at `key` then
    names the cell.
    """
    part = browser_part("mnistcmp_heat_map", FOLDER, "heat_map")
    part(key=key, data=as_data(table, models, title), on_cell_change=on_cell)


def as_data(table: pd.DataFrame, models: list[str], title: str) -> dict[str, object]:
    """Everything that the browser shows; cells that are not known yet are left out."""
    marks = family_marks()
    return {
        "title": title,
        "about": "Networks by dials: the share of each dial’s range that a network survives. The "
        "arrow keys move from cell to cell, and Enter chooses.",
        "corner": "Network",
        "hint": "Point at a cell, or move to it with the arrow keys.",
        "scale": ["0 %", "of a dial’s range survived", "100 %"],
        "dials": [{"name": dial.name, "title": dial.title} for dial in DIALS.values()],
        "families": [
            {
                "title": FAMILY_TITLES[family],
                "colour": marks[family].colour,
                "character": marks[family].character,
                "rows": [
                    {"name": model, "title": MODELS[model].title}
                    for model in models
                    if model in members
                ],
            }
            for family, members in families().items()
            if set(members) & set(models)
        ],
        "cells": {
            f"{row.model} {row.dial}": {
                "share": row.share,
                "text": f"{MODELS[row.model].title}, {DIALS[row.dial].title}: "
                f"{100 * row.share:.0f} %; {row.detail}",
            }
            for row in table.itertuples()
        },
    }


def chosen_cell(value: object) -> tuple[str, str] | None:
    """The dial and network of a click that the browser reports; None if it names none."""
    cell = value.get("cell") if isinstance(value, Mapping) else None
    if not isinstance(cell, Mapping):
        return None
    dial, model = cell.get("dial"), cell.get("model")
    known = isinstance(dial, str) and isinstance(model, str) and dial in DIALS and model in MODELS
    return (dial, model) if known else None  # type: ignore[return-value]
