"""Of the Benchmarks page: how well digits are read that people really drew with a pen."""

import pandas as pd
import streamlit as st

from mnistcmp.app import cached_records, palette
from mnistcmp.app.benchmarks import charts
from mnistcmp.catalogue.datasets import HELD_OUT_WRITERS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.safe_files import DamagedFile


def one_recipe(runs: pd.DataFrame, summary: pd.DataFrame, highlight: str | None) -> None:
    """How well the networks of one recipe read pen digits, beside MNIST's."""
    rows = summary.dropna(subset=["pen_accuracy"])
    if rows.empty:
        return
    measured = runs.dropna(subset=["pen_accuracy"])
    try:
        digits = len(cached_records.predictions(measured["run"].iloc[0])["pen"])
    except (DamagedFile, KeyError) as error:
        st.warning(f"How many pen digits were read is not on record: {error}")
        return
    st.header("Digits really drawn with a pen")
    st.caption(
        f"{digits:,} digits by {len(HELD_OUT_WRITERS)} writers, drawn with a pen on a tablet (UCI "
        "81) and replayed on this app's canvas; nothing by these writers was trained on. Dots: pen "
        "digits, with 95 % intervals over the digits; grey ticks: MNIST's test images."
    )
    st.html(palette.family_legend(rows["model"]))
    st.altair_chart(charts.pen(rows, digits, highlight))


def side_by_side(summary: pd.DataFrame, highlight: str | None) -> None:
    """What each recipe makes of the same digits; `summary` has the rows of all recipes."""
    rows = summary.dropna(subset=["pen_accuracy"])
    recorded = [recipe for recipe in RECIPES if recipe in set(rows["recipe"])]
    shares = rows.pivot(index="model", columns="recipe", values="pen_accuracy")[recorded].dropna()
    if len(recorded) < 2 or shares.empty:
        return
    st.subheader("What training data and recipe do to digits drawn with a pen")
    st.markdown(conclusion(shares))
    st.html(palette.recipe_legend() + palette.family_legend(rows["model"]))
    st.altair_chart(charts.pen_by_recipe(rows, highlight))


def conclusion(shares: pd.DataFrame) -> str:
    """What each recipe adds to the one before it, in words.

    `shares` of pen digits read right, in [0, 1]: a row a model, a column a recipe.
    """
    misread = [f"{100 - 100 * share:.1f} % ({recipe})" for recipe, share in shares.mean().items()]
    gains = 100 * shares.diff(axis="columns").iloc[:, 1:]
    best = gains.mean().idxmax()
    steps = [
        f"{RECIPES[recipe].adds.capitalize()}: {gain.mean():+.1f} points on average, "
        f"{gain.min():+.1f} ({gain.idxmin()}) at the least and {gain.max():+.1f} "
        f"({gain.idxmax()}) at the most."
        for recipe, gain in gains.items()
    ]
    first = (
        f"What helps most: {RECIPES[best].adds}." if gains[best].mean() > 0 else "Neither helps."
    )
    return (
        f"**{first}** Of these digits, {len(shares)} networks misread on average "
        f"{', '.join(misread)}. {' '.join(steps)}"
    )
