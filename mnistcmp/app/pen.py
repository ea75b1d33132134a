"""Of the Benchmarks page: how well digits are read that people really drew with a pen."""

import pandas as pd
import streamlit as st

from mnistcmp.app import cached, charts, keys
from mnistcmp.files import DamagedFile
from mnistcmp.studies import HELD_OUT_WRITERS

# The recipes, and what each adds to the one before it.
ADDED = {
    "published": "",
    "tuned": "our own recipe in place of the source's",
    "drawn": "real pen strokes in the training images",
}


def one_recipe(runs: pd.DataFrame, summary: pd.DataFrame, highlight: str | None) -> None:
    """How well the networks of one recipe read pen digits, beside MNIST's."""
    rows = summary.dropna(subset=["pen_accuracy"])
    if rows.empty:
        return
    measured = runs.dropna(subset=["pen_accuracy"])
    try:
        digits = len(cached.predictions(measured["run"].iloc[0])["pen"])
    except (DamagedFile, KeyError) as error:
        st.warning(f"How many pen digits were read is not on record: {error}")
        return
    st.header("Digits really drawn with a pen")
    st.caption(
        f"{digits:,} digits by {len(HELD_OUT_WRITERS)} writers, drawn with a pen on a tablet (UCI "
        "81) and replayed on this app's canvas; nothing by these writers was trained on. Dots: pen "
        "digits, with 95 % intervals over the digits; grey ticks: MNIST's test images."
    )
    st.html(keys.families(rows["model"]))
    st.altair_chart(charts.pen(rows, digits, highlight))


def side_by_side(summary: pd.DataFrame, highlight: str | None) -> None:
    """What each recipe makes of the same digits; `summary` has the rows of all recipes."""
    rows = summary.dropna(subset=["pen_accuracy"])
    shares = rows.pivot(index="model", columns="recipe", values="pen_accuracy").reindex(
        columns=list(ADDED)
    )
    if shares.dropna().empty:
        return
    st.subheader("What training data and recipe do to digits drawn with a pen")
    st.markdown(conclusion(shares.dropna()))
    st.html(keys.recipes() + keys.families(rows["model"]))
    st.altair_chart(charts.pen_by_recipe(rows, highlight))


def conclusion(shares: pd.DataFrame) -> str:
    """What each recipe adds to the one before it, in words.

    `shares` of pen digits read right, in [0, 1]: a row a model, a column a recipe of ADDED.
    """
    misread = [f"{100 - 100 * share:.1f} % ({recipe})" for recipe, share in shares.mean().items()]
    gains = 100 * shares.diff(axis="columns").iloc[:, 1:]
    best = gains.mean().idxmax()
    steps = [
        f"{ADDED[recipe].capitalize()}: {gain.mean():+.1f} points on average, {gain.min():+.1f} "
        f"({gain.idxmin()}) at the least and {gain.max():+.1f} ({gain.idxmax()}) at the most."
        for recipe, gain in gains.items()
    ]
    helps = f"What helps most: {ADDED[best]}." if gains[best].mean() > 0 else "Neither helps."
    return (
        f"**{helps}** Of these digits, {len(shares)} networks misread on average "
        f"{', '.join(misread)}. {' '.join(steps)}"
    )
