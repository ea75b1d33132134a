"""The Studies page: published comparisons beside our own results, from the records alone."""

import math

import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import (
    ENOUGH_RUNS,
    Change,
    Evidence,
    accuracies_comparable,
    changes,
)
from mnistcmp.analysis.findings import conclude
from mnistcmp.analysis.study_tables import (
    curves,
    gradient_flow,
    measures,
    published,
    side_by_side,
    stated_accuracy,
)
from mnistcmp.analysis.text import Finding, Verdict, listed
from mnistcmp.app import cached_records, palette
from mnistcmp.app.plain_text import code, plain
from mnistcmp.app.studies import charts, robustness, survival
from mnistcmp.app.studies.table import published_on, show_table
from mnistcmp.catalogue.datasets import DATASETS, argument, title
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES, Study
from mnistcmp.data.sample_pack import SamplesError
from mnistcmp.records import training_command

BADGES = {
    Verdict.CONTRADICTS: "red",
    Verdict.IN_PART: "orange",
    Verdict.AGREES: "green",
    Verdict.UNCLEAR: "gray",
}


def page() -> None:
    """Show the page."""
    st.title("Studies")
    study = st.selectbox(
        "Study",
        list(STUDIES.values()),
        format_func=lambda study: f"{study.number} {study.title}",
        key="study",
        bind="query-params",
    )
    st.header(study.question)
    below = (
        "our results beside the published ones, the gain and cost of each change, and where the "
        "two disagree"
        if study.has_figures
        else "our results, and the gain and cost of each change"
    )
    st.caption(f"Source: {study.source}. Below: {below}.")
    cached_records.warn_of_damaged_lines()
    runs = cached_records.reported_runs()
    runs = runs[runs["model"].isin(study.models)]
    dataset = _dataset(study, runs)
    if dataset is None:
        if study.has_figures:
            st.subheader("Published results")
            show_table(study, published(study).add_prefix("published_"), math.nan)
        return
    runs = runs[runs["dataset"] == dataset]
    recipe = _recipe(study, runs)
    runs = runs[runs["recipe"] == recipe]
    epochs = cached_records.reported_epochs()
    _study(study, dataset, recipe, runs, epochs[epochs["run"].isin(runs["run"])])


def _dataset(study: Study, runs: pd.DataFrame) -> str | None:
    """The data set to show, the study's own by default; None if there is none.

    Says which of the study's data sets have no runs yet. Another listed data set is offered if two
    of the study's networks were trained on it: a single one may belong to another study.
    """
    networks = runs.groupby("dataset", sort=False)["model"].nunique()
    others = DATASETS.keys() - study.datasets
    trained = [name for name, count in networks.items() if count > 1 or name not in others]
    for dataset in study.datasets:
        if dataset not in trained:
            st.info(f"No runs on {title(dataset)} yet. Train with {_command(study, dataset)}.")
    choices = [
        dataset for dataset in dict.fromkeys((*study.datasets, *trained)) if dataset in trained
    ]
    if len(choices) < 2:
        return choices[0] if choices else None
    return st.segmented_control(
        "Data set",
        choices,
        default=choices[0],
        required=True,
        format_func=lambda dataset: plain(title(dataset)),
        key=f"dataset_{study.number}",
    )


def _recipe(study: Study, runs: pd.DataFrame) -> str:
    choices = [recipe for recipe in RECIPES if recipe in set(runs["recipe"])]
    if len(choices) == 1:
        return choices[0]
    return st.segmented_control(
        "Recipe", choices, default=choices[0], required=True, key=f"recipe_{study.number}"
    )


def _study(
    study: Study, dataset: str, recipe: str, runs: pd.DataFrame, epochs: pd.DataFrame
) -> None:
    table = measures(study, runs, epochs)
    missing = [model for model in study.models if model not in table.index]
    if missing:
        command = _command(study, dataset, "--missing")
        st.info(f"Not trained yet: {', '.join(missing)}. Train with {command}.")
    evidence = _evidence(dataset, runs)
    found = conclude(study, dataset, table, evidence)
    if study.stressed and dataset == "mnist":
        survival.show(study)
    st.html(palette.network_legend(table.index))
    _gains(changes(study, dataset, table, evidence), found)
    _costs(study, dataset, table)
    if dataset == "mnist":  # robustness is measured on MNIST alone
        robustness.show(study, recipe)
    _against(study, dataset, recipe, found)
    _figures(study, dataset, side_by_side(study, table), stated_accuracy(study, epochs))
    _learning(study, list(table.index), epochs)


def _evidence(dataset: str, runs: pd.DataFrame) -> Evidence:
    try:
        labels = cached_records.sample_pack(dataset).labels
    except SamplesError:
        return Evidence(runs)
    # A network without predictions can still be judged by its runs.
    read, _ = cached_records.readings(runs, len(labels))
    return Evidence(runs, read, labels)


def _gains(steps: list[Change], found: list[Finding]) -> None:
    left, right = st.columns(2, gap="large")
    if steps:
        left.subheader("Gain from each change")
        text = (
            "Marks: ours, with 95 % intervals. If an interval includes 0, the gain may be due to "
            "chance."
        )
        if any(step.published is not None for step in steps):
            text += " Grey ticks: published."
        if not all(step.gain.over_runs for step in steps):
            text += (
                f" If a network has fewer than {ENOUGH_RUNS} runs, the interval reflects only the "
                "sampling of test images, not the variation between seeds."
            )
        left.caption(text)
        left.altair_chart(charts.gains(steps))
    right.subheader("Findings")
    right.markdown("\n".join(f"- {one.text}" for one in found if one.verdict is None))


def _costs(study: Study, dataset: str, table: pd.DataFrame) -> None:
    axes = [axis for axis in study.against if table[axis].notna().any()]
    theirs = published(study)
    if not (study.published_on and accuracies_comparable(study, dataset)):
        theirs["test_accuracy"] = math.nan
    # A source that gives no number of parameters describes the same network as ours.
    theirs["params"] = theirs["params"].fillna(table["params"])
    st.subheader("Accuracy and cost")
    st.caption(
        f"Vertical lines: 95 % intervals over the runs, for networks with at least {ENOUGH_RUNS} "
        "runs." + (" Hollow marks: published." if theirs["test_accuracy"].notna().any() else "")
    )
    for axis, column in zip(axes, st.columns(len(axes)), strict=True):
        column.altair_chart(charts.accuracy_against(axis, table, theirs))


def _against(study: Study, dataset: str, recipe: str, found: list[Finding]) -> None:
    if not study.has_figures:
        return
    st.subheader("Comparison with the published results")
    st.caption(
        f"Published on {published_on(study)}; ours on {plain(title(dataset))}, trained with "
        f"the recipe “{recipe}”."
    )
    weighed = [
        f"- :{colour}-badge[{verdict}] {one.text}"
        for verdict, colour in BADGES.items()
        for one in found
        if one.verdict == verdict
    ]
    st.markdown("\n".join(weighed) or "The source publishes nothing that can be compared.")


def _figures(study: Study, dataset: str, figures: pd.DataFrame, stated: float) -> None:
    st.subheader("All figures, ours and published" if study.has_figures else "All figures")
    show_table(study, figures, stated)
    text = "Means over the runs. Times are medians, because other work can slow down a run."
    if not math.isnan(stated):
        text += (
            f" “Epochs until {100 * stated:.0f} %” counts the epochs until a network first reaches "
            "this test accuracy, which is the final accuracy of the weakest run, rounded down."
        )
    st.caption(text)
    name = f"study-{study.number}-{dataset}.csv"
    st.download_button("As CSV", figures.to_csv(), name, "text/csv", on_click="ignore")


def _learning(study: Study, models: list[str], epochs: pd.DataFrame) -> None:
    if epochs.empty:
        return
    st.subheader("Learning curves")
    st.caption(
        "Means over the runs; bands from the lowest to the highest run. On training images, "
        "accuracy and loss are measured during training, with the recipe's augmentation, if any."
    )
    st.html(palette.network_legend(models))
    for measure in charts.CURVES:
        rows = curves(epochs, measure)
        for images, column in zip(("test", "training"), st.columns(2), strict=True):
            column.altair_chart(charts.curves(rows, measure, images, models))
    if study.show_gradients:
        st.subheader("Gradients by layer")
        st.caption(
            "The norm of the loss gradient with respect to each layer's weights. A steep fall "
            "towards the image is a vanishing gradient. The weights of shortcuts are left out."
        )
        flow = gradient_flow(epochs)
        if none := charts.without_gradient(flow):
            st.caption(
                f"In some layers of {listed(none)} the gradient is 0: no mark on this scale."
            )
        for moment, column in zip(flow, st.columns(2), strict=True):
            column.altair_chart(charts.gradient_flow(flow, moment))


def _command(study: Study, dataset: str, *options: str) -> str:
    """The command that trains the study, in Markdown."""
    arguments = f"--study {study.number} --dataset {argument(dataset)}"
    return code(training_command(arguments, *options))


page()
