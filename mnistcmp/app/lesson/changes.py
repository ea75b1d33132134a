"""Step 3 of the lesson: what depth, kernels and shortcuts buy, from the records."""

from html import escape

import streamlit as st

from mnistcmp.analysis.comparisons import Gap
from mnistcmp.analysis.robustness_tables import corrupted
from mnistcmp.analysis.text import percent, times
from mnistcmp.app import cached_records
from mnistcmp.app.lesson import questions
from mnistcmp.app.lesson.evidence import CHANGES, Comparison, compare, recipe_with_enough_runs
from mnistcmp.app.lesson.questions import Question
from mnistcmp.catalogue.corruptions import CORRUPTIONS
from mnistcmp.catalogue.networks import MODELS

TITLE = "What depth, kernels and shortcuts buy"


def show() -> Question | None:
    """Let the person compare networks that differ in one thing.

    Raises RecordsError if the records cannot be read.
    """
    runs = cached_records.reported_runs().query("dataset == 'mnist'")
    recipe = recipe_with_enough_runs(runs)
    stressed = corrupted(cached_records.robustness().query("recipe == @recipe"))
    compared = {each.title: each for each in compare(runs.query("recipe == @recipe"), stressed)}
    st.markdown(
        "Is a bigger network a better one? Here are two networks that differ in one thing. "
        "**Your task:** look at all three changes, and compare the rows."
    )
    if not compared:
        st.info("The records do not have the networks of this step yet.")
        return None
    title = st.radio("Change", list(compared), horizontal=True, label_visibility="collapsed")
    st.html(_table(compared[title]))
    st.caption(_grounds(compared[title], recipe))
    complete = len(compared) == len(CHANGES)
    return questions.of_changes(list(compared.values())) if complete else None


def _table(each: Comparison) -> str:
    rows = [
        ("Right on clean digits", *map(_percent, each.accuracies), _verdict(each.clean)),
        (
            f"Right under {len(CORRUPTIONS)} corruptions",
            *map(_percent, each.corrupted_accuracies),
            _verdict(each.corrupted),
        ),
        ("Training time", *(f"{time:.0f} s" for time in each.seconds), times(each.slower)),
    ]
    head = ("", MODELS[each.before].title, MODELS[each.after].title, "Difference")
    cell = 'style="padding:0.4rem 0.6rem 0.4rem 0;text-align:left;border-bottom:1px solid #8888"'
    lines = [
        "<tr><td></td>"
        + "".join(f'<th scope="col" {cell}>{escape(text)}</th>' for text in head[1:])
        + "</tr>"
    ]
    lines += [
        f'<tr><th scope="row" {cell}>{escape(name)}</th>'
        + "".join(f"<td {cell}>{escape(text)}</td>" for text in texts)
        + "</tr>"
        for name, *texts in rows
    ]
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>'


def _percent(share: float) -> str:
    return f"{percent(share)} %"


def _verdict(gap: Gap) -> str:
    if not gap.sure:
        return "too close to tell"
    return "clearly more" if gap.share > 0 else "clearly less"


def _grounds(each: Comparison, recipe: str) -> str:
    return (
        f"Trained with the recipe “{recipe}”. On clean digits: {each.clean.grounds}. Under "
        f"corruption: {each.corrupted.grounds}. A difference is clear if its 95 % interval does "
        "not contain 0."
    )
