"""One study: its question, charts, findings and tables, and how it was done."""

import math

import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import setting
from mnistcmp.analysis.study_tables import published
from mnistcmp.analysis.text import Finding
from mnistcmp.app import cached_records, recipe_choice
from mnistcmp.app.plain_text import code, plain
from mnistcmp.app.studies import figures, method, results, table, verdicts
from mnistcmp.app.studies.results import Result
from mnistcmp.catalogue.datasets import argument, title
from mnistcmp.catalogue.studies import Study
from mnistcmp.records import training_command

# The question is a sentence: in the usual size of a title it fills the screen of a phone. The grey
# that Streamlit gives the text of charts is too light for everyone to read.
STYLE = (
    ".stMain h1 { font-size: clamp(1.5rem, 3vw, 2rem); padding-top: 0 } "
    ".stVegaLiteChart .mark-text text { fill: currentColor }"
)


def show(study: Study) -> None:
    """Show the study with the chosen data set and training recipe."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("← All studies", key="all_studies", on_click=_close, type="tertiary")
        st.markdown(f"Study {study.number} · {study.title}")
    st.html(f"<style>{STYLE}</style>")
    st.title(study.question)
    cached_records.warn_of_damaged_lines()
    cached_records.warn_of_damaged_robustness()
    runs = results.runs_of(study)
    _say_which_data_sets_are_missing(study, runs)
    with st.container(horizontal=True, gap="medium"):
        dataset = _dataset(study, runs)
        available = results.recipes(study, runs[runs["dataset"] == dataset])
        recipe = _recipe(dataset, available) if dataset and available else None
    if dataset is None or recipe is None:
        _without_runs(study)
        return
    found = results.result(study, dataset, recipe)
    _say_what_is_missing(found)
    figures.show(found)
    compared = setting(study, runs)
    _findings(found, results.result(study, *compared) if compared else None)
    table.show(found)
    method.show(found, compared)


def _close() -> None:
    del st.query_params["study"]


def _say_which_data_sets_are_missing(study: Study, runs: pd.DataFrame) -> None:
    trained = results.datasets(study, runs)
    for dataset in study.datasets:
        if dataset not in trained:
            st.info(f"No runs on {title(dataset)} yet. Train with {_command(study, dataset)}.")


def _dataset(study: Study, runs: pd.DataFrame) -> str | None:
    """The data set to show, the study's own by default; None if there is none."""
    choices = results.datasets(study, runs)
    if len(choices) < 2:
        return choices[0] if choices else None
    return st.segmented_control(
        "Data set",
        choices,
        default=choices[0],
        required=True,
        format_func=lambda dataset: plain(title(dataset)),
        key=f"dataset_{study.number}",
        width="content",
    )


def _recipe(dataset: str, available: list[str]) -> str:
    if len(available) > 1:
        return recipe_choice.choose(available)
    # The choice stays as it is for the other pages.
    st.markdown(
        f"Training recipe: {available[0]}, the only one on {plain(title(dataset))}.",
        width="content",
    )
    return available[0]


def _without_runs(study: Study) -> None:
    if study.has_figures:
        st.header("Published results")
        table.show_figures(study, published(study).add_prefix("published_"), math.nan)


def _say_what_is_missing(found: Result) -> None:
    missing = [
        model
        for model in results.taking(found.study, found.recipe)
        if model not in found.table.index
    ]
    if missing:
        command = _command(found.study, found.dataset, "--missing")
        st.info(f"Not trained yet: {', '.join(missing)}. Train with {command}.")


def _findings(found: Result, compared: Result | None) -> None:
    """What our figures say, and whether they confirm the published ones."""
    st.header("Findings")
    st.markdown(f"**{found.answer}**")
    st.markdown("\n".join(f"- {one.text}" for one in found.other_findings))
    weighed = [one for one in compared.findings if one.verdict] if compared else []
    if compared and found.study.has_figures:
        st.subheader("Compared with the source")
        # With the data set and recipe that are shown, this would be said twice.
        other = (compared.dataset, compared.recipe) != (found.dataset, found.recipe)
        st.markdown(
            f"The source’s figures are on {table.published_on(found.study)}. Whatever is chosen "
            f"above, they are compared with our networks on {plain(title(compared.dataset))}, "
            f"trained with the recipe {compared.recipe}."
            + (f" There, {_inside(compared.best)}" if other else "")
        )
        st.markdown(verdicts.in_list(weighed) or "The source gives no figure to compare with.")
    _figures([*found.main_findings, *found.other_findings, *weighed])


def _inside(finding: Finding) -> str:
    """The finding's sentence after other words; a name in quotation marks stays as it is."""
    return finding.text[:1].lower() + finding.text[1:]


def _figures(found: list[Finding]) -> None:
    with st.expander("Figures behind the findings"):
        st.markdown("\n".join(f"- {one.text} {one.figures}." for one in found if one.figures))


def _command(study: Study, dataset: str, *options: str) -> str:
    """The command that trains the study, in Markdown."""
    arguments = f"--study {study.number} --dataset {argument(dataset)}"
    return code(training_command(arguments, *options))
