"""Part of the Benchmarks page: what changed images and small nudges do to the networks."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from mnistcmp.analysis import nudge_tables
from mnistcmp.analysis.robustness_findings import clean_and_corrupted, correlations
from mnistcmp.analysis.robustness_tables import (
    by_corruption,
    corrupted,
    endurance,
    half_lost_levels,
    shipped,
)
from mnistcmp.analysis.text import named
from mnistcmp.app import cached_records, palette
from mnistcmp.app.benchmarks import robustness_charts as charts
from mnistcmp.app.benchmarks.section import NUMBER, Shown, chart, say, table, view
from mnistcmp.app.plain_text import code, plain
from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS
from mnistcmp.records import RecordsError
from mnistcmp.records.nudges import COMMAND as NUDGE_COMMAND
from mnistcmp.records.robustness import COMMAND

Downloads = dict[str, tuple[str, Callable[[], pd.DataFrame]]]  # file name -> (label, its rows)

# The bootstrap and 600 interpolations: not again at every click.
_clean_and_corrupted = st.cache_data(clean_and_corrupted)
_correlations = st.cache_data(correlations)
_half_lost_levels = st.cache_data(half_lost_levels)


@st.fragment
def show(shown: Shown) -> None:
    """The section; without records, one line that says how to measure."""
    try:
        cached_records.warn_of_damaged_robustness()
        view(
            "what breaks them",
            {
                "Corruptions": _corruptions,
                "Each corruption": _each_corruption,
                "Dials": _dials,
                "Nudges": _nudges,
                "Whom nudges fool": _transfers,
            },
        )(shown)
    except RecordsError as error:
        st.warning(plain(error))


def downloads(recipe: str) -> Downloads:
    """What can be downloaded. Raises RecordsError if the records cannot be read."""
    records = shipped(cached_records.robustness())
    of_recipe = records[records["recipe"] == recipe]
    nudges = cached_records.nudges(recipe)
    found: Downloads = {}
    if not corrupted(records).empty:
        found["corrupted"] = ("Clean and corrupted accuracy", lambda: corrupted(records))
    if not of_recipe.empty:
        found[f"half-lost-{recipe}"] = ("Half-lost levels", lambda: _half_lost_levels(of_recipe))
        found[f"corruptions-{recipe}"] = (
            "Accuracy by corruption",
            lambda: by_corruption(of_recipe).reset_index(),
        )
    if nudges:
        found[f"nudges-{recipe}"] = ("Sizes of the nudges", lambda: nudge_tables.medians(nudges))
        found[f"nudge-transfers-{recipe}"] = (
            "Whom nudges fool",
            lambda: nudge_tables.transfers(nudges),
        )
    return found


def _measured(recipe: str) -> pd.DataFrame:
    """The records of the shipped networks of one recipe; says so if there are none."""
    records = shipped(cached_records.robustness())
    records = records[records["recipe"] == recipe]
    if records.empty:
        st.caption(
            f"Robustness has not been measured yet for the recipe “{recipe}”. Measure it with "
            f"{code(COMMAND)}."
        )
    return records


def _corruptions(shown: Shown) -> None:
    networks = corrupted(_measured(shown.recipe))
    if networks.empty:
        return
    say(_clean_and_corrupted(networks))
    st.html(palette.family_legend(networks["model"]))
    chart(charts.clean_and_corrupted, networks, shown.highlight)
    st.caption(
        f"{len(networks)} trained networks, those with seed 0, which the app uses; others may "
        "differ. The mean of fifteen corruptions after MNIST-C (Mu and Gilmer, 2019), in our "
        f"own implementation, on {networks['images'].min():,} test digits each."
    )
    formats = {name: NUMBER(f"{name}, %", format="%.2f") for name in ("clean", "corrupted")}
    table("corruptions", lambda: networks.sort_values("corrupted", ascending=False), formats)
    table(
        "correlations",
        lambda: _correlations(corrupted(shipped(cached_records.robustness()))),
        {name: NUMBER(format="%.2f") for name in ("correlation", "low", "high")},
        label="Rank correlation of clean and corrupted accuracy",
    )


def _each_corruption(shown: Shown) -> None:
    records = _measured(shown.recipe)
    accuracies = by_corruption(records).droplevel(["recipe", "seed"])
    if accuracies.empty:
        return
    means = accuracies.mean().sort_values()
    hardest, easiest = (CORRUPTIONS[name].title for name in means.index[[0, -1]])
    images = records.loc[records["kind"].isin(list(CORRUPTIONS)), "n"].min()
    st.markdown(
        f"**{hardest} is the hardest corruption**: these {len(accuracies)} networks read "
        f"{100 * means.iloc[0]:.0f} % on average, and {100 * means.iloc[-1]:.0f} % under the "
        f"easiest, {easiest.lower()}."
    )
    order = accuracies.mean(axis=1).sort_values(ascending=False, kind="stable").index.tolist()
    chart(charts.by_corruption, accuracies, order)
    st.caption(
        f"The hardest corruption is on the left, the network with the highest mean at the top; "
        f"{images:,} test digits each, trained networks with seed 0."
    )
    titles = {name: each.title for name, each in CORRUPTIONS.items()}
    table(
        "each corruption",
        lambda: (
            (100 * accuracies.loc[order])
            .rename(columns=titles)
            .rename_axis("network")
            .reset_index()
        ),
        {name: NUMBER(f"{name}, %", format="%.1f") for name in titles.values()},
    )


def _dials(shown: Shown) -> None:
    records = _measured(shown.recipe)
    levels = _half_lost_levels(records)
    if levels.empty:
        return
    lasting = endurance(levels)
    st.markdown(
        f"**{named(lasting.index[0])} holds out longest**: on average, it loses half of the digits "
        f"at {100 * lasting.iloc[0]:.0f} % of a dial’s range, and {named(lasting.index[-1])}, "
        f"which holds out least, at {100 * lasting.iloc[-1]:.0f} %."
    )
    chart(charts.half_lost, levels, lasting.index.tolist())
    st.caption(
        f"{len(DIALS)} dials change {levels['images'].min():,} test digits more and more. Colour: "
        "at which part of a dial’s range a network reads only half as many as without the change. "
        "“>”: beyond the last level, which counts as 100 %. Point at a cell for its level with a "
        "95 % interval over the digits. Trained networks with seed 0."
    )
    table("dials", lambda: charts.half_lost_table(levels))


def _nudges(shown: Shown) -> None:
    entries = cached_records.nudges(shown.recipe)
    medians = nudge_tables.medians(entries)
    if medians["median_norm"].isna().all():
        _say_unmeasured_nudges(shown.recipe)
        return
    digits = max(len(entry["norms"]) for entry in entries)
    say([nudge_tables.say_range(medians)])
    st.html(palette.family_legend(medians["model"]))
    chart(charts.nudge_norms, medians, shown.highlight)
    st.caption(
        f"For {digits} fixed test digits, the smallest change of pixels found that makes a network "
        "answer something else. The search follows the gradient and gives an upper bound: smaller "
        "changes may exist. Bars: the median over the digits that the network reads correctly; "
        "lines: 95 % intervals over the digits. Trained networks with seed 0."
    )
    columns = {"model": "network", "median_norm": "median", "low": "low", "high": "high"}
    rows = medians[[*columns, "n"]].rename(columns=columns | {"n": "digits"})
    formats = {name: NUMBER(format="%.2f") for name in ("median", "low", "high")}
    table("nudges", lambda: rows.sort_values("median", ascending=False), formats)


def _transfers(shown: Shown) -> None:
    pairs = nudge_tables.transfers(cached_records.nudges(shown.recipe))
    shares = nudge_tables.matrix(pairs)
    if shares.empty:
        _say_unmeasured_nudges(shown.recipe)
        return
    say(nudge_tables.say_transfers(pairs))
    chart(charts.transfers, shares, nudge_tables.alike_together(shares))
    st.caption(
        "Each row: the smallest nudges that fool this network, each pixel’s change twice as large. "
        "Each column: how often this other network is fooled, too, of at least "
        f"{pairs['n'].min()} digits that both read correctly without a nudge. {len(pairs):,} pairs "
        "of networks; those that the same nudges fool stand together. Grey: the network itself, "
        "fooled by definition."
    )
    in_percent = pd.DataFrame(
        {
            "nudges of": pairs["model"],
            "fool": pairs["other"],
            "digits": pairs["n"],
            "as they are, %": 100 * pairs["share"],
            "twice as large, %": 100 * pairs["share_doubled"],
        }
    )
    formats = {name: NUMBER(format="%.0f") for name in in_percent.columns[-2:]}
    table("transfers", lambda: in_percent, formats)


def _say_unmeasured_nudges(recipe: str) -> None:
    st.caption(
        f"Nudges have not been measured yet for the recipe “{recipe}”. Measure them with "
        f"{code(NUDGE_COMMAND)}."
    )
