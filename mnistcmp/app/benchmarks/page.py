"""The Benchmarks page: the results of all recorded runs. It needs no torch and no data set."""

from collections.abc import Callable
from html import escape
from typing import NamedTuple

import pandas as pd
import streamlit as st

from mnistcmp.app import cached_records, recipe_choice, session
from mnistcmp.app.benchmarks import (
    accuracy,
    everything,
    learning_curves,
    mistakes,
    pen_digits,
    robustness,
)
from mnistcmp.app.benchmarks.section import Shown, title
from mnistcmp.app.plain_text import code
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.records import default_folder, training_command

HIGHLIGHT_PX = 270  # the width of the choice


class Section(NamedTuple):
    """A part of the page; `anchor` is its place in links."""

    anchor: str
    title: str
    show: Callable[[Shown], None]


SECTIONS = (
    Section("accuracy", "Accuracy and size", accuracy.against_parameters),
    Section("what-breaks-them", "What breaks them", robustness.show),
    Section("drawn-digits", "Digits drawn with a pen", pen_digits.show),
    Section("training-time", "Training time", accuracy.against_time),
    Section("mistakes", "Mistakes", mistakes.show),
    Section("difference", "Do two networks differ?", mistakes.compare),
    Section("learning-curves", "Learning curves", learning_curves.show),
    Section("everything", "Everything", everything.show),
)


def page() -> None:
    """Show the page."""
    above = st.container(horizontal=True, vertical_alignment="bottom")
    above.title("Benchmarks", width="content")
    cached_records.warn_of_damaged_lines()
    runs = cached_records.reported_runs()
    runs = runs[runs["dataset"] == "mnist"]
    if runs.empty:
        st.info(
            f"There are no training runs on MNIST in {code(default_folder())}. Train the networks "
            f"with {code(training_command())}."
        )
        return
    with above:
        recipe, highlight = _choices(runs)
    summary = cached_records.summary()
    summary = summary[summary["dataset"] == "mnist"]
    shown = Shown(recipe, highlight, runs[runs["recipe"] == recipe], summary)
    st.html(_links())
    for section in SECTIONS:
        with st.container(key=f"section-{section.anchor}"):
            st.header(section.title, anchor=section.anchor)
            section.show(shown)


def _choices(runs: pd.DataFrame) -> tuple[str, str | None]:
    recipe = recipe_choice.choose(set(runs["recipe"]))
    recorded = set(runs["model"])
    highlight = st.selectbox(
        "Highlight",
        [model for model in MODELS if model in recorded],
        index=None,
        format_func=title,
        key=session.HIGHLIGHT,
        placeholder="one network in all charts",
        width=HIGHLIGHT_PX,
    )
    return recipe, highlight


def _links() -> str:
    """Links to the sections, as HTML, because it wraps."""
    style = "padding: 0.25rem 0; color: inherit"  # high enough for a finger
    links = (
        f'<a href="#{section.anchor}" style="{style}">{escape(section.title)}</a>'
        for section in SECTIONS
    )
    return (
        '<nav aria-label="Sections of this page" style="display: flex; flex-wrap: wrap; '
        f'gap: 0.25rem 1.25rem">{"".join(links)}</nav>'
    )


page()
