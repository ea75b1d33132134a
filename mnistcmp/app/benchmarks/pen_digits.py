"""Part of the Benchmarks page: accuracy on digits that people drew with a pen."""

import pandas as pd
import streamlit as st

from mnistcmp.analysis.text import listed
from mnistcmp.app import cached_records, palette
from mnistcmp.app.benchmarks import charts
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.datasets import HELD_OUT_WRITERS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.safe_files import DamagedFile


def one_recipe(runs: pd.DataFrame, summary: pd.DataFrame, highlight: str | None) -> None:
    """The accuracy of one recipe's networks on pen digits, beside that on MNIST."""
    rows = summary.dropna(subset=["pen_accuracy"])
    if rows.empty:
        return
    measured = runs.dropna(subset=["pen_accuracy"])
    try:
        digits = len(cached_records.predictions(measured["run"].iloc[0])["pen"])
    except (DamagedFile, KeyError) as error:
        st.warning(f"The number of pen digits is not on record: {plain(error)}")
        return
    st.header("Accuracy on digits drawn with a pen")
    st.caption(
        f"{digits:,} digits by {len(HELD_OUT_WRITERS)} writers, drawn with a pen on a tablet (UCI "
        "81) and replayed on this app's canvas. None of these writers is in the training data. "
        "Dots: pen digits, with 95 % intervals over the digits. Grey ticks: MNIST's test images."
    )
    st.html(palette.family_legend(rows["model"]))
    st.altair_chart(charts.pen(rows, digits, highlight))


def side_by_side(summary: pd.DataFrame, highlight: str | None) -> None:
    """The accuracy of every recipe on the pen digits; `summary` has the rows of all recipes."""
    rows = summary.dropna(subset=["pen_accuracy"])
    recorded = [recipe for recipe in RECIPES if recipe in set(rows["recipe"])]
    shares = rows.pivot(index="model", columns="recipe", values="pen_accuracy")[recorded]
    text = conclusion(shares)
    if not text:
        return
    st.subheader("The effect of recipe and training data on pen digits")
    st.markdown(text)
    st.html(palette.recipe_legend(recorded) + palette.family_legend(rows["model"]))
    st.altair_chart(charts.pen_by_recipe(rows, highlight))


def conclusion(shares: pd.DataFrame) -> str:
    """The gain of each recipe over the one that it builds on, in words; "" if there are no two.

    `shares` are accuracies on pen digits in [0, 1], with one row per model, one column per recipe;
    NaN where a model was not trained with a recipe. A gain is over the models that have both.
    """
    pairs = {
        recipe: both
        for recipe in shares
        if (before := RECIPES[recipe].builds_on) in shares
        and len(both := shares[[before, recipe]].dropna())
    }
    if not pairs:
        return ""
    gains = {recipe: 100 * (both[recipe] - both.iloc[:, 0]) for recipe, both in pairs.items()}
    best = max(gains, key=lambda recipe: gains[recipe].mean())
    first = (
        f"What helps most: {RECIPES[best].adds}."
        if gains[best].mean() > 0
        else "No recipe improves on the one that it builds on."
    )
    steps = (_step(recipe, pairs[recipe], gain) for recipe, gain in gains.items())
    return (
        f"**{first}** {' '.join(steps)} Each gain is over the n networks that were trained with "
        "both recipes."
    )


def _step(recipe: str, both: pd.DataFrame, gain: pd.Series) -> str:
    """One recipe's gain in words; `both` has the accuracies without and with its change."""
    errors = listed(f"{100 - 100 * share:.1f} % ({name})" for name, share in both.mean().items())
    return (
        f"{RECIPES[recipe].adds.capitalize()}: {gain.mean():+.1f} points on average "
        f"(n = {len(gain)}), from {gain.min():+.1f} ({plain(gain.idxmin())}) to "
        f"{gain.max():+.1f} ({plain(gain.idxmax())}); mean error rates {errors}."
    )
