"""Part of the Benchmarks page: what changed images and small nudges do to the networks."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from mnistcmp.analysis import nudge_tables
from mnistcmp.analysis.robustness_findings import clean_and_corrupted
from mnistcmp.analysis.robustness_tables import (
    by_corruption,
    corrupted,
    endurance,
    half_lost_levels,
    shipped,
)
from mnistcmp.analysis.text import Finding
from mnistcmp.app import cached_records, palette
from mnistcmp.app.benchmarks import robustness_charts as charts
from mnistcmp.app.plain_text import code, plain
from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.nudge_records import COMMAND as NUDGE_COMMAND
from mnistcmp.nudge_records import Entry
from mnistcmp.records import RecordsError
from mnistcmp.robustness_records import COMMAND

# The bootstrap and 600 interpolations: not again at every click.
_clean_and_corrupted = st.cache_data(clean_and_corrupted)
_half_lost_levels = st.cache_data(half_lost_levels)


def show(recipe: str, highlight: str | None) -> None:
    """The section; without records, one line that says how to measure."""
    st.header("What breaks them")
    try:
        records = shipped(cached_records.robustness())
        nudges = cached_records.nudges(recipe)
    except RecordsError as error:
        st.warning(plain(error))
        return
    cached_records.warn_of_damaged_robustness()
    networks = corrupted(records)
    if networks.empty:
        st.caption(f"Robustness has not been measured yet. Measure it with {code(COMMAND)}.")
    else:
        st.caption(
            "Every figure in this section is of one trained network, the one that the app uses "
            "(seed 0). Other seeds may differ."
        )
        _accuracies(networks, highlight)
        _dials(records[records["recipe"] == recipe], recipe)
        _corruptions(records[records["recipe"] == recipe], recipe)
    _nudges(nudges, recipe, highlight)


def _accuracies(networks: pd.DataFrame, highlight: str | None) -> None:
    st.subheader("Clean digits and corrupted ones")
    images = networks["images"].min()
    st.caption(
        f"Fifteen corruptions after MNIST-C (Mu and Gilmer, 2019), written anew for this app, on "
        f"{images:,} test digits each; the mean of the fifteen. All networks and recipes: "
        f"{len(networks)} trained networks."
    )
    left, right = st.columns([3, 2], gap="large")
    left.html(palette.family_legend(networks["model"]) + _recipes(networks))
    left.altair_chart(charts.clean_and_corrupted(networks, highlight))
    _say(right, _clean_and_corrupted(networks))
    _download("Clean and corrupted accuracy as CSV", networks, "corrupted")


def _dials(records: pd.DataFrame, recipe: str) -> None:
    levels = _half_lost_levels(records)
    if levels.empty:
        return
    st.subheader("Where half of the digits are lost")
    st.caption(
        f"{len(DIALS)} dials change {levels['images'].min():,} test digits more and more. Colour: "
        "at which part of a dial's range a network of the recipe "
        f"“{recipe}” reads only half as many as without the change. “>”: beyond the last level. "
        "Networks that hold out longest on average are at the top. Point at a cell for its level "
        "with a 95 % interval over the digits."
    )
    lasting = endurance(levels)
    st.markdown(
        f"**{lasting.index[0]} holds out longest**: on average, half of the digits are lost at "
        f"{100 * lasting.iloc[0]:.0f} % of a dial's range. {lasting.index[-1]} holds out least: "
        f"{100 * lasting.iloc[-1]:.0f} %. (A network that never loses half counts as 100 %.)"
    )
    st.altair_chart(charts.half_lost(levels, lasting.index.tolist()))
    _download("Half-lost levels as CSV", levels, f"half-lost-{recipe}")


def _corruptions(records: pd.DataFrame, recipe: str) -> None:
    accuracies = by_corruption(records).droplevel(["recipe", "seed"])
    if accuracies.empty:
        return
    st.subheader("Accuracy under each corruption")
    means = accuracies.mean().sort_values()
    hardest, easiest = (CORRUPTIONS[name].title for name in means.index[[0, -1]])
    images = records.loc[records["kind"].isin(list(CORRUPTIONS)), "n"].min()
    st.caption(
        f"The {len(CORRUPTIONS)} corruptions after MNIST-C, the hardest first; recipe “{recipe}”, "
        f"{images:,} test digits each. Networks with the highest mean are at the top."
    )
    st.markdown(
        f"**{hardest} is the hardest** for these {len(accuracies)} networks: they read "
        f"{100 * means.iloc[0]:.0f} % on average, and {100 * means.iloc[-1]:.0f} % under the "
        f"easiest, {easiest.lower()}."
    )
    order = accuracies.mean(axis=1).sort_values(ascending=False, kind="stable").index.tolist()
    st.altair_chart(charts.by_corruption(accuracies, order))
    table = (100 * accuracies.loc[order]).rename(
        columns={n: c.title for n, c in CORRUPTIONS.items()}
    )
    with st.expander("Table"):
        st.dataframe(
            table.rename_axis("network"),
            column_config={
                name: st.column_config.NumberColumn(f"{name}, %", format="%.1f") for name in table
            },
        )
    _download("Accuracy by corruption as CSV", accuracies.reset_index(), f"corruptions-{recipe}")


def _nudges(entries: list[Entry], recipe: str, highlight: str | None) -> None:
    st.subheader("The smallest nudge, and whom else it fools")
    medians = nudge_tables.medians(entries)
    if medians["median_norm"].isna().all():
        st.caption(
            f"Nudges have not been measured yet for the recipe “{recipe}”. Measure them with "
            f"{code(NUDGE_COMMAND)}."
        )
        return
    digits = max(len(entry["norms"]) for entry in entries)
    st.caption(
        f"For {digits} fixed test digits, the smallest change of pixels found that makes a network "
        "answer something else. The search follows the gradient and gives an upper bound: smaller "
        "changes may exist. Bars: the median over the digits that the network reads correctly; "
        f"lines: 95 % intervals over the digits. Recipe “{recipe}”, one trained network each "
        "(seed 0)."
    )
    st.html(palette.family_legend(medians["model"]))
    st.altair_chart(charts.nudge_norms(medians, highlight))
    _download("Sizes of the nudges as CSV", medians, f"nudges-{recipe}")
    _transfers(nudge_tables.transfers(entries), recipe)


def _transfers(pairs: pd.DataFrame, recipe: str) -> None:
    shares = nudge_tables.matrix(pairs)
    if shares.empty:
        return
    st.caption(
        "Each row: the smallest nudges that fool this network, each pixel’s change twice as large. "
        "Each column: how often this other network is fooled, too, of at least "
        f"{pairs['n'].min()} digits that both read correctly without a nudge. Networks that the "
        "same nudges fool stand together. Grey: the network itself, fooled by definition."
    )
    _say(st.container(), nudge_tables.say_transfers(pairs))
    st.altair_chart(charts.transfers(shares, nudge_tables.alike_together(shares)))
    _download("Whom nudges fool as CSV", pairs, f"nudge-transfers-{recipe}")


def _recipes(networks: pd.DataFrame) -> str:
    return palette.recipe_legend(recipe for recipe in RECIPES if recipe in set(networks["recipe"]))


def _say(place: st.delta_generator.DeltaGenerator, found: Iterable[Finding]) -> None:
    place.markdown("\n".join(f"- {one.text}" for one in found))


def _download(label: str, rows: pd.DataFrame, name: str) -> None:
    content = rows.to_csv(index=False)
    st.download_button(label, content, f"mnistcmp-{name}.csv", "text/csv", on_click="ignore")
