"""Two charts of a study of parts: what each dial does, and what a part or the training changes."""

import streamlit as st

from mnistcmp.analysis import effects
from mnistcmp.analysis.effects import AFTER, BEFORE
from mnistcmp.analysis.robustness_tables import BRIEFLY, spreads
from mnistcmp.app import palette
from mnistcmp.app.studies import robustness_charts as charts
from mnistcmp.app.studies.results import Result
from mnistcmp.catalogue.corruptions import SIDES

COLUMNS = 3
EXPLANATION = (
    "A head that pools the whole map adds up what was found anywhere in the image, so that its "
    "answer hardly depends on the place (Lin, Chen and Yan, “Network in Network”, ICLR 2014, "
    "section 3.2). “Hardly”, because the 2×2 pooling before it depends on the place by single "
    "pixels, and ink that leaves the image is lost (Zhang, “Making convolutional networks "
    "shift-invariant again”, ICML 2019)."
)


def ladders(found: Result) -> None:
    """The accuracy along some dials, with both recipes."""
    records = found.robustness[found.robustness["recipe"].isin([BEFORE, AFTER])]
    rows = {side: spreads(records, side) for side in SIDES if side.dial.name in BRIEFLY}
    rows = {side: of_side for side, of_side in rows.items() if not of_side.empty}
    if not rows:
        st.caption("The dials have not been measured yet.")
        return
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
    st.html(palette.network_legend(found.study.models))
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


def effects_of_parts(found: Result) -> None:
    """The effect of each part and of training on each dial, and a known explanation."""
    if not found.effects:
        st.caption(
            f"This needs at least {effects.ENOUGH_RUNS} trained networks of each kind with the "
            f"recipes {BEFORE} and {AFTER}."
        )
        return
    parts = list(dict.fromkeys(effect.part for effect in found.effects))
    st.caption(
        "The change in mean accuracy over all levels of a dial, with 95 % intervals over the "
        "trained networks. Faded: the pairs of networks do not agree, or one of them shows no "
        f"significant change. The findings name only effects of {100 * effects.WORTH_NAMING:.0f} "
        "points or more on which all agree."
    )
    st.html(palette.recipe_legend((BEFORE, AFTER)))
    for part, column in zip(parts, st.columns(len(parts)), strict=True):
        column.markdown(f"**{part.capitalize()}**")
        column.altair_chart(charts.effects(each for each in found.effects if each.part == part))
    st.markdown(f"**Known explanation, not a finding of this study.** {EXPLANATION}")
