"""The records of robustness as tables: accuracy under corruption, how far a dial can be turned.

`records` is the table of `records.robustness.RobustnessRecords`, for one data set: one row for each
trained network, kind and level. A trained network is a model, a recipe and a seed.
"""

import numpy as np
import pandas as pd

from mnistcmp.analysis.text import NOTHING, percent
from mnistcmp.catalogue.corruptions import CORRUPTIONS, SIDES, Side
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.records.robustness import CLEAN
from mnistcmp.robustness.breaking_points import half_lost

NETWORK = ["model", "recipe", "seed"]


# Six dials where there is no room for all. Each has one side.
BRIEFLY = ("shift", "noise", "contrast", "blur", "salt_and_pepper", "exchange")


def shipped(records: pd.DataFrame) -> pd.DataFrame:
    """The rows of the networks that are shipped: those with seed 0."""
    return records[records["seed"] == 0]


def corrupted(records: pd.DataFrame) -> pd.DataFrame:
    """One row for each trained network that was measured under all corruptions.

    Columns: `model`, `recipe`, `seed`, `clean` (accuracy), `corrupted` (mean accuracy under the
    corruptions), `images` (on which each was measured).
    """
    accuracies = _wide(records, [CLEAN, *CORRUPTIONS], "accuracy").dropna()
    images = _wide(records, list(CORRUPTIONS), "n").loc[accuracies.index]
    return pd.DataFrame(
        {
            "clean": accuracies[CLEAN],
            "corrupted": accuracies[list(CORRUPTIONS)].mean(axis=1),
            "images": images.min(axis=1).astype(int),
        }
    ).reset_index()


def by_corruption(records: pd.DataFrame) -> pd.DataFrame:
    """The accuracy of each trained network under each corruption, one column each."""
    return _wide(records, list(CORRUPTIONS), "accuracy").dropna()


def _wide(records: pd.DataFrame, kinds: list[str], values: str) -> pd.DataFrame:
    """One row per trained network, one column per kind; NaN where it was not measured."""
    rows = records[records["kind"].isin(kinds)]
    table = rows.pivot_table(index=NETWORK, columns="kind", values=values, aggfunc="first")
    return table.reindex(columns=kinds).sort_index()


def ladder(records: pd.DataFrame, side: Side) -> pd.DataFrame:
    """The accuracy of each trained network at each level of a side, one column each; rest first.

    Only networks that were measured at all levels.
    """
    rows = records[records["kind"] == side.dial.name]
    table = rows.pivot_table(index=NETWORK, columns="level", values="accuracy", aggfunc="first")
    return table.reindex(columns=[side.dial.rest, *side.levels]).dropna()


def ladder_means(records: pd.DataFrame) -> pd.DataFrame:
    """Each trained network's mean accuracy over the levels of each side, one column per title.

    The rest position does not count. NaN where a side was not measured.
    """
    means = {side.title: ladder(records, side)[list(side.levels)].mean(axis=1) for side in SIDES}
    return pd.DataFrame(means).rename_axis(NETWORK)


def spreads(records: pd.DataFrame, side: Side) -> pd.DataFrame:
    """One row per model, recipe and level of a side: mean, lowest and highest over the seeds.

    Columns: `model`, `recipe`, `level`, `mean`, `low`, `high`, `networks` (their number).
    """
    rows = ladder(records, side).melt(ignore_index=False, var_name="level").reset_index()
    groups = rows.groupby(["model", "recipe", "level"], sort=False)["value"]
    return groups.agg(mean="mean", low="min", high="max", networks="size").reset_index()


def half_lost_levels(records: pd.DataFrame) -> pd.DataFrame:
    """Where each trained network has lost half of the digits, for each side of each dial.

    Columns: `model`, `recipe`, `seed`, `side`, `level` with its 95 % interval `low` to `high`,
    `share` of the side's range (1 if `never`), `never` (half were not lost; the other four are then
    NaN), `images`.
    """
    rows = [
        _half_lost(network, side, accuracies.tolist(), _images(records, side))
        for side in SIDES
        for network, accuracies in ladder(records, side).iterrows()
    ]
    columns = [*NETWORK, "side", "level", "low", "high", "share", "never", "images"]
    return pd.DataFrame(rows, columns=columns)


def _half_lost(
    network: tuple[str, str, int], side: Side, accuracies: list[float], images: int
) -> list[object]:
    """A row of `half_lost_levels`; `accuracies` begin at the rest position."""
    found = half_lost([side.dial.rest, *side.levels], accuracies, images)
    if found is None:
        return [*network, side.title, np.nan, np.nan, np.nan, 1.0, True, images]
    share = side.share(found.level)
    return [*network, side.title, found.level, found.low, found.high, share, False, images]


def _images(records: pd.DataFrame, side: Side) -> int:
    """On how many images the levels of a side were measured, at least."""
    return int(records.loc[records["kind"] == side.dial.name, "n"].min())


def overview(records: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """One row per model and recipe, in the order of the catalogue.

    Columns: `model`, `recipe`, `networks` (trained ones), `images`, `clean` and `corrupted` (means
    over the trained networks), and for each side of a dial, by its title, the level at which the
    network with the lowest seed has lost half of the digits: NaN if it was not measured, infinite
    if it never does. `levels` is the table `half_lost_levels` of the records.
    """
    groups = corrupted(records).groupby(["model", "recipe"])
    table = groups.agg(
        networks=("seed", "size"),
        images=("images", "min"),
        clean=("clean", "mean"),
        corrupted=("corrupted", "mean"),
    )
    first = levels.sort_values("seed").drop_duplicates(["model", "recipe", "side"])
    first = first.assign(level=first["level"].where(~first["never"], np.inf))
    lost = first.pivot(index=["model", "recipe"], columns="side", values="level")
    table = table.join(lost.reindex(columns=[side.title for side in SIDES])).reset_index()
    places = {name: place for place, name in enumerate((*MODELS, *RECIPES))}
    return table.sort_values(
        ["model", "recipe"], key=lambda names: names.map(places), ignore_index=True
    )


def in_text(records: pd.DataFrame) -> pd.DataFrame:
    """The `overview` of one recipe as text, with the half-lost levels of the dials in BRIEFLY."""
    table = overview(records, half_lost_levels(records))
    text = {
        "model": table["model"],
        "trained": table["networks"].map(str),
        "images": table["images"].map("{:,}".format),
        "clean": table["clean"].map(percent),
        "under corruption": table["corrupted"].map(percent),
    }
    for side in SIDES:
        if side.dial.name in BRIEFLY:
            levels = table[side.title].map(side.label, na_action="ignore")
            text[side.title.lower()] = levels.fillna(NOTHING)
    return pd.DataFrame(text)


def endurance(levels: pd.DataFrame) -> pd.Series:
    """The mean share of the dials' ranges before half of the digits are lost, longest first.

    By model; `levels` is the table `half_lost_levels` of one recipe.
    """
    means = levels.groupby("model")["share"].mean()
    return means.sort_values(ascending=False, kind="stable")
