"""Part of the Studies page: what an architecture survives, and what only training mends."""

import pandas as pd
import streamlit as st

from mnistcmp.analysis import effects
from mnistcmp.analysis.effects import AFTER, BEFORE, Effect
from mnistcmp.analysis.robustness_tables import BRIEFLY, ladder_means, spreads
from mnistcmp.app import palette
from mnistcmp.app.studies import robustness_charts as charts
from mnistcmp.app.studies.robustness import records_of
from mnistcmp.catalogue.corruptions import SIDES, Side
from mnistcmp.catalogue.studies import Study

COLUMNS = 3
EXPLANATION = (
    "A head that pools the whole map adds up what was found anywhere in the image, so that its "
    "answer hardly depends on the place (Lin, Chen and Yan, “Network in Network”, ICLR 2014, "
    "section 3.2). “Hardly”, because the 2×2 pooling before it depends on the place by single "
    "pixels, and ink that leaves the image is lost (Zhang, “Making convolutional networks "
    "shift-invariant again”, ICML 2019)."
)

_ladder_means = st.cache_data(ladder_means)


def show(study: Study) -> None:
    """The ladders of the study's networks with both recipes, the effects, and the conclusion."""
    st.subheader("How much of each change they survive")
    records = records_of(study, (BEFORE, AFTER))
    if records.empty:
        return
    rows = {side: spreads(records, side) for side in SIDES if side.dial.name in BRIEFLY}
    rows = {side: of_side for side, of_side in rows.items() if not of_side.empty}
    if not rows:
        st.caption("The dials have not been measured yet.")
        return
    _ladders(study, records, rows)
    means = _ladder_means(records)
    found = effects.effects(study, means)
    st.subheader("What only the architecture decides, and what only training improves")
    st.markdown("\n".join(f"- {one.text}" for one in effects.conclusion(found, means)))
    if found:
        _effects(study, found)
    st.markdown(f"**Known explanation, not a finding of this study.** {EXPLANATION}")


def _ladders(study: Study, records: pd.DataFrame, rows: dict[Side, pd.DataFrame]) -> None:
    measured = records[records["kind"].isin(BRIEFLY)]
    seeds = measured.groupby(["model", "recipe"])["seed"].nunique()
    each = " to ".join(map(str, sorted({seeds.min(), seeds.max()})))
    st.caption(
        f"Accuracy on {measured['n'].min():,} test digits. Solid lines: recipe {BEFORE}; dashed "
        f"lines: {AFTER}. "
        + (
            "One trained network each: other seeds may differ."
            if seeds.max() == 1
            else f"Mean over {each} trained networks each, with a band from the lowest to the "
            "highest."
        )
    )
    st.html(palette.network_legend(study.models))
    sides = list(rows)
    for start in range(0, len(sides), COLUMNS):
        for side, column in zip(sides[start : start + COLUMNS], st.columns(COLUMNS), strict=False):
            seen = [recipe for recipe in (BEFORE, AFTER) if recipe in side.dial.seen_by]
            column.markdown(
                f"**{side.title}**, "
                + (
                    f"seen in training with {' and '.join(seen)}"
                    if seen
                    else "not seen in training"
                )
            )
            column.altair_chart(charts.ladder(rows[side], side))


def _effects(study: Study, found: list[Effect]) -> None:
    parts = list(dict.fromkeys(effect.part for effect in found))
    st.caption(
        "The change in mean accuracy over all levels of a dial, with 95 % intervals over the "
        "trained networks. Faded: the pairs of networks do not agree, or one of them shows no "
        f"significant change. Below: only effects of {100 * effects.WORTH_NAMING:.0f} points or "
        "more on which all agree."
    )
    st.html(palette.recipe_legend((BEFORE, AFTER)))
    for part, column in zip(parts, st.columns(len(parts)), strict=True):
        column.markdown(f"**{part.capitalize()}**")
        column.altair_chart(charts.effects(each for each in found if each.part == part))
    st.markdown("\n".join(f"- {one.text}" for one in effects.say(found)))
    rows = effects.table(found)
    with st.expander("Table"):
        st.caption("In points, with 95 % intervals over the trained networks.")
        st.dataframe(_side_by_side(rows))
    name = f"study-{study.number}-effects.csv"
    content = rows.to_csv(index=False)
    st.download_button("Effects as CSV", content, name, "text/csv", on_click="ignore")


def _side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """The gaps as text: one row per dial; one column per part, recipe and pair of networks.

    For training there is only the mean over the networks.
    """
    rows = rows[(rows["networks"] == effects.MEAN) == (rows["recipe"] == "")]
    half = (rows["high"] - rows["low"]) / 2
    texts = [f"{gap:+.1f} ± {side:.1f}" for gap, side in zip(rows["effect"], half, strict=True)]
    headings = [
        f"{row.part} ({row.recipe}): {row.networks}" if row.recipe else row.part
        for row in rows.itertuples()
    ]
    table = rows.assign(gap=texts, heading=headings)
    wide = table.pivot(index="dial", columns="heading", values="gap")
    return wide.loc[table["dial"].unique(), list(dict.fromkeys(headings))]
