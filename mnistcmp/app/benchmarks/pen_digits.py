"""Part of the Benchmarks page: accuracy on digits that people drew with a pen."""

import pandas as pd
import streamlit as st

from mnistcmp.app import cached_records, palette
from mnistcmp.app.benchmarks import pen_charts
from mnistcmp.app.benchmarks.section import NUMBER, Shown, chart, table, view
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.datasets import HELD_OUT_WRITERS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.safe_files import DamagedFile

GAIN_COLUMNS = {
    name: NUMBER(f"{name}, %", format="%.1f") for name in ("mean error before", "mean error after")
}


@st.fragment
def show(shown: Shown) -> None:
    """The section; without pen digits on record, nothing but a line."""
    measured = shown.runs.dropna(subset=["pen_accuracy"])
    if measured.empty:
        st.caption(f"No network of the recipe “{shown.recipe}” was tried on pen digits.")
        return
    try:
        digits = len(cached_records.predictions(measured["run"].iloc[0])["pen"])
    except (DamagedFile, KeyError) as error:
        st.warning(f"The number of pen digits is not on record: {plain(error)}")
        return
    views = {"Beside MNIST": _beside_mnist, "By network": _by_network, "By recipe": _by_recipe}
    view("pen digits", views)(shown, digits)
    st.caption(
        f"{digits:,} digits by {len(HELD_OUT_WRITERS)} writers, drawn with a pen on a tablet "
        "(UCI 81) and replayed on this app's canvas. None of these writers is in the training data."
    )


def _beside_mnist(shown: Shown, digits: int) -> None:
    rows = shown.summary.dropna(subset=["pen_accuracy"])
    st.markdown(
        f"**Trained with “{shown.recipe}”, {len(rows)} networks read "
        f"{100 * rows['pen_accuracy'].mean():.1f} % of the pen digits** on average, and "
        f"{100 * rows['test_accuracy'].mean():.1f} % of MNIST’s test images."
    )
    st.html(palette.family_legend(rows["model"]))
    chart(pen_charts.beside_mnist, rows, shown.highlight)
    table("pen", lambda: _accuracies(rows), _ACCURACY_COLUMNS)


def _by_network(shown: Shown, digits: int) -> None:
    rows = shown.summary.dropna(subset=["pen_accuracy"])
    st.markdown(
        "Coloured: pen digits, with 95 % intervals over the digits. Grey ticks: MNIST’s test "
        "images. Means over the runs."
    )
    st.html(palette.family_legend(rows["model"]))
    chart(pen_charts.by_network, rows, digits, shown.highlight)
    table("pen by network", lambda: _accuracies(rows), _ACCURACY_COLUMNS)


def _by_recipe(shown: Shown, digits: int) -> None:
    rows = shown.all_recipes.dropna(subset=["pen_accuracy"])
    recorded = [recipe for recipe in RECIPES if recipe in set(rows["recipe"])]
    shares = rows.pivot(index="model", columns="recipe", values="pen_accuracy")[recorded]
    found = gains(shares)
    st.markdown(conclusion(found))
    st.html(palette.recipe_legend(recorded) + palette.family_legend(rows["model"], shapes=False))
    chart(pen_charts.by_recipe, rows, shown.highlight)
    table("recipes", lambda: found.drop(columns="gain"), GAIN_COLUMNS)


def _accuracies(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "network": rows["model"],
            "pen digits, %": 100 * rows["pen_accuracy"],
            "MNIST, %": 100 * rows["test_accuracy"],
            "difference": 100 * (rows["pen_accuracy"] - rows["test_accuracy"]),
            "runs": rows["seeds"],
        }
    ).sort_values("pen digits, %", ascending=False)


_ACCURACY_COLUMNS = {
    name: NUMBER(format="%.2f") for name in ("pen digits, %", "MNIST, %", "difference")
}


def gains(shares: pd.DataFrame) -> pd.DataFrame:
    """What each recipe gains on pen digits over the one that it builds on.

    `shares` are accuracies in [0, 1], with one row per model, one column per recipe; NaN where a
    model was not trained with a recipe. Only the networks that were trained with both count, and
    recipes without such networks are left out. Columns: `recipe`, `compared with`, `networks`,
    `mean error before` and `mean error after` in percent, `gain` in points.
    """
    rows = []
    for recipe in shares:
        before = RECIPES[recipe].builds_on
        if before in shares and len(both := shares[[before, recipe]].dropna()):
            old, new = 100 - 100 * both.mean()
            rows.append((recipe, before, len(both), old, new, old - new))
    errors = ["mean error before", "mean error after"]
    return pd.DataFrame(rows, columns=["recipe", "compared with", "networks", *errors, "gain"])


def conclusion(found: pd.DataFrame) -> str:
    """Which recipe helps most; `found` as `gains` returns. "" if there is nothing to compare."""
    if found.empty:
        return ""
    best = found.loc[found["gain"].idxmax()]
    if best["gain"] <= 0:
        return "**No recipe reads more pen digits than the one that it builds on.**"
    return (
        f"**What helps most: {RECIPES[best['recipe']].adds}.** Of {best['networks']} networks, the "
        f"mean error falls from {best['mean error before']:.1f} % to "
        f"{best['mean error after']:.1f} %."
    )
