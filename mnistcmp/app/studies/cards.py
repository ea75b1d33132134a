"""All studies as cards: the question, the answer in a sentence, a small chart, the verdict."""

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st

from mnistcmp.analysis import findings
from mnistcmp.analysis.comparisons import setting
from mnistcmp.analysis.text import Verdict
from mnistcmp.app import cached_records, recipe_choice
from mnistcmp.app.cached_records import changed
from mnistcmp.app.palette import Mark, network_marks
from mnistcmp.app.studies import results, verdicts
from mnistcmp.catalogue.corruptions import CORRUPTIONS
from mnistcmp.catalogue.datasets import title
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import USUAL_RECIPE
from mnistcmp.catalogue.studies import STUDIES, Study
from mnistcmp.data import sample_pack
from mnistcmp.records import Records, default_folder
from mnistcmp.records.robustness import RobustnessRecords

STYLE = Path(__file__).with_name("cards.css").read_text()
NO_RUNS = "None of its networks has been trained yet."


@dataclass(frozen=True)
class Row:
    """One network of the small chart; accuracies in percent, NaN if not measured."""

    model: str
    clean: float
    corrupted: float = math.nan


@dataclass(frozen=True)
class Card:
    """What the card of one study shows; `rows` is empty if none of its networks was trained.

    `verdict` is that of the comparison with the source, with the recipe `compared`; None if there
    is nothing to compare with.
    """

    number: int
    answer: str
    rows: tuple[Row, ...] = ()
    dataset: str = ""
    recipe: str = ""
    verdict: Verdict | None = None
    compared: str = ""


def show() -> None:
    """Show the cards; a button on each opens its study."""
    st.title("Studies")
    st.markdown(
        "Each study compares a few networks to answer one question. **Under corruption** means: on "
        f"test digits spoiled in {len(CORRUPTIONS)} ways, such as noise, blur, fog or a zigzag "
        "line; the figure is the mean over all of them."
    )
    cached_records.warn_of_damaged_lines()
    runs = cached_records.reported_runs()
    trained = [recipe for study in STUDIES.values() for recipe in _recipes(study, runs)]
    recipe = recipe_choice.choose(set(trained)) if trained else USUAL_RECIPE
    st.html(f"<style>{STYLE}</style>")
    answers = {}
    with st.container(key="study_cards"):
        for study in STUDIES.values():
            with st.container(border=True, height="stretch", vertical_alignment="distribute"):
                answers[study.number] = st.empty()
                answers[study.number].html(_html(study))
                st.button(
                    f"Open study {study.number}: {study.title}",
                    key=f"open_{study.number}",
                    on_click=open_study,
                    args=(study.number,),
                    width="stretch",
                )
    # All questions are shown first: the answers take a second after the records have changed.
    for number, place in answers.items():
        found = card(STUDIES[number], recipe)
        with place.container():
            st.html(_html(STUDIES[number], found))
            st.markdown(verdicts.on_card(found.verdict, found.compared))


def open_study(number: int) -> None:
    """Put the study in the address, which decides what the page shows."""
    st.query_params["study"] = str(number)


def card(study: Study, recipe: str) -> Card:
    """The card of one study; with another recipe if `recipe` is not available.

    Raises RecordsError if the records cannot be read.
    """
    return _card(study.number, recipe, _state())


def _state() -> tuple[object, ...]:
    """The state of all files that the cards depend on."""
    folder = default_folder()
    datasets = sorted({name for study in STUDIES.values() for name in study.datasets})
    files = [
        Records(folder / "results").path,
        RobustnessRecords(folder / "results").path,
        *(sample_pack.path(folder, name) for name in datasets),
    ]
    return (str(folder), *map(changed, files))


@st.cache_data
def _card(number: int, recipe: str, state: tuple[object, ...]) -> Card:
    study = STUDIES[number]
    runs = results.runs_of(study)
    dataset, available = results.default_dataset(study, runs), _recipes(study, runs)
    if dataset is None or not available:
        return Card(number, NO_RUNS)
    shown = results.result(study, dataset, results.preferred(recipe, available))
    corrupted = shown.networks.groupby("model")["corrupted"].mean()
    rows = tuple(
        Row(model, 100 * accuracy, 100 * corrupted.get(model, math.nan))
        for model, accuracy in shown.table["test_accuracy"].items()
    )
    return Card(number, shown.answer, rows, dataset, shown.recipe, *_verdict(number, state))


@st.cache_data
def _verdict(number: int, state: tuple[object, ...]) -> tuple[Verdict | None, str]:
    """Whether our accuracies confirm the published ones, and with which recipe; see `setting`.

    None if there is nothing to compare with.
    """
    study = STUDIES[number]
    compared = setting(study, results.runs_of(study))
    if compared is None:
        return None, ""
    found = results.result(study, *compared)
    verdict = findings.overall(study, found.dataset, found.table, found.evidence)
    return verdict, found.recipe


def _recipes(study: Study, runs: pd.DataFrame) -> list[str]:
    """The recipes with which the study is shown first."""
    runs = runs[runs["model"].isin(study.models)]
    first = results.default_dataset(study, runs)
    return results.recipes(study, runs[runs["dataset"] == first])


def _html(study: Study, card: Card | None = None) -> str:
    """The question, and the answer with its chart if there is a card."""
    answer = f"<p>{escape(card.answer)}</p>{_chart(card) if card.rows else ''}" if card else ""
    return (
        f'<div class="study-card"><p class="study-note">Study {study.number} · '
        f"{escape(study.title)}</p><h2>{escape(study.question)}</h2>{answer}</div>"
    )


def _chart(card: Card) -> str:
    """Accuracy of each network as a mark on a line, clean and, if measured, under corruption."""
    figures = [figure for row in card.rows for figure in (row.clean, row.corrupted)]
    low = 10 * math.floor(min(figure for figure in figures if not math.isnan(figure)) / 10.001)
    stressed = any(not math.isnan(row.corrupted) for row in card.rows)
    marks = network_marks()
    rows = "".join(_row(row, low, marks[row.model]) for row in card.rows)
    listed = ", ".join(f"{MODELS[row.model].title} {_in_words(row)}" for row in card.rows)
    what = "Stroke: clean digits; coloured mark: under corruption" if stressed else "Test accuracy"
    where = f"{title(card.dataset)}, recipe {card.recipe}"
    return (
        f'<div class="study-chart" role="img" aria-label="{escape(f"Accuracy: {listed}.")}">{rows}'
        f"<span></span><span class=study-scale><span>{low} %</span><span>100 %</span></span></div>"
        f'<p class="study-note">{what}. {escape(where)}.</p>'
    )


def _in_words(row: Row) -> str:
    under = "" if math.isnan(row.corrupted) else f", under corruption {row.corrupted:.1f} %"
    return f"{row.clean:.2f} %{under}"


def _row(row: Row, low: int, mark: Mark) -> str:
    """One line: the clean accuracy as a tick beside the mark of that under corruption."""
    stressed = not math.isnan(row.corrupted)
    places = {"mark": row.corrupted if stressed else row.clean}
    if stressed:
        places["tick"] = row.clean
    symbols = {"mark": mark.character, "tick": "│"}
    spans = "".join(
        f'<span class="study-{kind}" style="left: {100 * (figure - low) / (100 - low):.2f}%'
        f'{f"; color: {mark.colour}" if kind == "mark" else ""}">{symbols[kind]}</span>'
        for kind, figure in places.items()
    )
    name = escape(MODELS[row.model].title)
    return f'<span>{name}</span><span class="study-line">{spans}</span>'
