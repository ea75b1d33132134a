"""The charts of one study, one tab each; a tab is drawn when it is opened."""

import math

import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, accuracies_comparable
from mnistcmp.analysis.study_tables import curves, gradient_flow, published
from mnistcmp.analysis.text import listed
from mnistcmp.app import palette
from mnistcmp.app.charts import with_intervals
from mnistcmp.app.studies import charts, survival
from mnistcmp.app.studies.results import Result
from mnistcmp.catalogue.corruptions import CORRUPTIONS
from mnistcmp.catalogue.networks import MODELS

CLEAN, CORRUPTED = "Test accuracy, %", "Accuracy under corruption, %"


def show(found: Result) -> None:
    """Show the charts; the first is the accuracy of each network."""
    shown = {"Accuracy": _accuracies, "Each change": _gains, "Cost": _costs}
    if found.study.stressed and not found.robustness.empty:
        shown |= {"Each dial": survival.ladders, "Parts and training": survival.effects_of_parts}
    if not found.epochs.empty:
        shown["Learning curves"] = _learning
        if found.study.show_gradients:
            shown["Gradients"] = _gradients
    tabs = st.tabs(list(shown), key=f"charts_{found.study.number}", on_change="rerun")
    for tab, draw in zip(tabs, shown.values(), strict=True):
        if tab.open:
            with tab:
                draw(found)


def _accuracies(found: Result) -> None:
    """Clean accuracy, and beside it that under corruption: same order, colours and scale."""
    clean = found.table[["test_accuracy", "test_accuracy_sd", "runs"]]
    if found.networks.empty:
        st.altair_chart(charts.accuracies(clean, CLEAN, _axis(clean)))
        return
    groups = found.networks.groupby("model")["corrupted"]
    corrupted = pd.DataFrame(
        {
            "test_accuracy": groups.mean(),
            "test_accuracy_sd": groups.std(),
            "runs": groups.size(),
        }
    ).reindex([model for model in clean.index if model in groups.groups])
    axis = _axis(clean, corrupted)
    for rows, title, column in zip(
        (clean, corrupted), (CLEAN, CORRUPTED), st.columns(2, gap="large"), strict=True
    ):
        column.altair_chart(charts.accuracies(rows, title, axis))
    st.caption(
        "Test accuracy is on clean digits, the test images as they are. Accuracy under corruption "
        f"is the mean over {len(CORRUPTIONS)} changes of these images, such as noise, blur or fog. "
        f"Lines are 95 % intervals, for networks with at least {ENOUGH_RUNS} runs."
    )


def _axis(*tables: pd.DataFrame) -> tuple[float, float]:
    """Both ends of an axis, in percent, on which all accuracies and their intervals lie."""
    rows = pd.concat([with_intervals(rows, rows["runs"], ENOUGH_RUNS) for rows in tables])
    low, high = rows[["accuracy", "low"]].min().min(), rows[["accuracy", "high"]].max().max()
    return 5 * math.floor(low / 5), 5 * math.ceil(high / 5)


def _gains(found: Result) -> None:
    if not found.steps:
        st.caption("No two networks of one change have been trained yet.")
        return
    text = (
        "Marks: the gain in accuracy from each change, with 95 % intervals. If an interval "
        "includes 0, the gain may be due to chance."
    )
    if any(step.published is not None for step in found.steps):
        text += " Grey ticks: published."
    gains = [each.gain for each in found.steps] + [each.gain for each in found.stressed_steps]
    if not all(gain.over_runs for gain in gains):
        text += (
            f" If a network has fewer than {ENOUGH_RUNS} runs, the interval reflects only the "
            "sampling of test images, not the variation between seeds."
        )
    st.caption(text)
    left, right = st.columns(2, gap="large")
    left.altair_chart(charts.gains(charts.gain_rows(found.steps), "Gain in test accuracy, points"))
    if found.stressed_steps:
        rows = charts.stressed_gain_rows(found.stressed_steps)
        right.altair_chart(charts.gains(rows, "Gain under corruption, points"))


def _costs(found: Result) -> None:
    study, table = found.study, found.table
    axes = [axis for axis in study.against if table[axis].notna().any()]
    theirs = published(study)
    if not (study.published_on and accuracies_comparable(study, found.dataset)):
        theirs["test_accuracy"] = math.nan
    # A source that gives no number of parameters describes the same network as ours.
    theirs["params"] = theirs["params"].fillna(table["params"])
    st.caption(
        f"Vertical lines: 95 % intervals over the runs, for networks with at least {ENOUGH_RUNS} "
        "runs." + (" Hollow marks: published." if theirs["test_accuracy"].notna().any() else "")
    )
    st.html(palette.network_legend(table.index))
    for axis, column in zip(axes, st.columns(len(axes)), strict=True):
        column.altair_chart(charts.accuracy_against(axis, table, theirs))


def _learning(found: Result) -> None:
    st.caption(
        "Means over the runs; bands from the lowest to the highest run. On training images, "
        "accuracy and loss are measured during training, with the recipe's augmentation, if any."
    )
    st.html(palette.network_legend(found.table.index))
    for measure in charts.CURVES:
        rows = curves(found.epochs, measure)
        for images, column in zip(("test", "training"), st.columns(2), strict=True):
            column.altair_chart(charts.curves(rows, measure, images, list(found.table.index)))


def _gradients(found: Result) -> None:
    st.caption(
        "The norm of the loss gradient with respect to each layer's weights. A steep fall towards "
        "the image is a vanishing gradient. The weights of shortcuts are left out."
    )
    flow = gradient_flow(found.epochs)
    if none := charts.without_gradient(flow):
        names = listed(MODELS[model].title for model in none)
        st.caption(f"In some layers of {names} the gradient is 0: no mark on this scale.")
    st.html(palette.network_legend(found.table.index))
    for moment, column in zip(flow, st.columns(2), strict=True):
        column.altair_chart(charts.gradient_flow(flow, moment))
