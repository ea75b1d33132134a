"""The page "Lesson": four guided steps with the person's own digit, a question at each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from mnistcmp.app import cached_networks, session
from mnistcmp.app.lesson import changes, dials, digit, pixels, progress, shift
from mnistcmp.app.lesson.questions import Question
from mnistcmp.app.main import BENCHMARKS, BREAK_IT, DRAW, INSIDE, STUDIES
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.recipes import USUAL_RECIPE
from mnistcmp.data.sample_pack import SamplesError
from mnistcmp.records import RecordsError

if TYPE_CHECKING:
    from torch import nn

TITLES = (pixels.TITLE, shift.TITLE, changes.TITLE, dials.TITLE)
LAST = len(TITLES)
END = LAST + 1  # the summary
PARAMETER = "step"  # of the address
LONGEST_QUOTE = 40  # characters of a value from outside that a message repeats


class Answered(NamedTuple):
    """A question that was answered, its right answer, and whether the first try was right."""

    question: str
    answer: str
    right_at_first: bool


def page() -> None:
    """Show the page."""
    step = _step()
    head = st.container(horizontal=True, vertical_alignment="center")
    head.title("Lesson", anchor=False, width="content")
    with head:
        progress.show("The end" if step == END else f"Step {step} of {LAST}")
    if step == END:
        _end()
        _buttons(step)
        return
    st.header(TITLES[step - 1])
    left, right = st.columns([3, 2], gap="large")
    with left:
        question = _material(step)
    with right:
        if question:
            _ask(step, question)
        else:
            st.info("There is not enough evidence for a question here. Go on with the next step.")
        _buttons(step)


def _buttons(step: int) -> None:
    row = st.container(horizontal=True)
    if step > 1:
        row.button("Back", key=f"back_{step}", on_click=_go, args=(step - 1,))
    if step < END:
        row.button("Next", key=f"next_{step}", on_click=_go, args=(step + 1,))


def _step() -> int:
    """The step that the address names; the first, after a warning, if there is no such step."""
    given = st.query_params.get(PARAMETER, "1")
    if given in map(str, range(1, END + 1)):
        return int(given)
    st.warning(plain(f"There is no step “{given[:LONGEST_QUOTE]}”: the lesson begins with step 1."))
    return 1


def _go(step: int) -> None:
    st.query_params[PARAMETER] = str(step)


def _material(step: int) -> Question | None:
    """Show what a step is about -> its question, if there is enough evidence for one."""
    if step == 3:  # it needs no network
        try:
            return changes.show()
        except RecordsError as error:
            st.warning(plain(error))
            return None
    networks = cached_networks.networks_or_remedy(USUAL_RECIPE)
    return _with_networks(step, networks) if networks else None


def _with_networks(step: int, networks: Mapping[str, "nn.Module"]) -> Question | None:
    steps = digit.stages()
    try:
        chosen = digit.find(steps, networks)
    except SamplesError as error:
        st.warning(plain(error))
        return None
    if steps is None:
        st.caption("This digit is an example.")
        st.page_link(DRAW, label="Draw one of your own", icon=":material/draw:")
    if step == 1:
        return pixels.show(chosen, steps, networks)
    if step == 2:
        return shift.show(chosen, USUAL_RECIPE)
    return dials.show(chosen, USUAL_RECIPE, networks)


def _ask(step: int, question: Question) -> None:
    """Ask, and say at once whether the answer is right, and why."""
    st.markdown(f"**{question.text}**")
    chosen = st.radio(
        question.text,
        question.options,
        index=None,
        label_visibility="collapsed",  # its Markdown would be read out as it is written
        key=f"{session.LESSON_ANSWER}_{step}",
        persist_state="session",
    )
    if chosen is None:
        return
    right = chosen == question.answer
    answers: dict[int, Answered] = st.session_state.setdefault(session.LESSON_ANSWERS, {})
    first = answers[step].right_at_first if step in answers else right
    answers[step] = Answered(question.text, question.answer, first)
    if right:
        st.success(f"**Right.** {question.why}")
    else:
        st.info(f"**Not quite.** The answer is: {question.answer}. {question.why}")


def _end() -> None:
    """What was learned, and where to go on."""
    st.header("What you have seen")
    answers: dict[int, Answered] = st.session_state.get(session.LESSON_ANSWERS, {})
    right = sum(each.right_at_first for each in answers.values())
    st.markdown(
        f"You answered {len(answers)} of {LAST} questions, {right} of them right at the first try."
    )
    for step in sorted(answers):
        each = answers[step]
        st.markdown(f"{step}. **{TITLES[step - 1]}.** {each.question}  \n→ {each.answer}")
    st.header("Go on")
    for target, label in (
        (DRAW, "Draw: all networks read your digit while you draw"),
        (BREAK_IT, "Break it: all dials, all networks"),
        (BENCHMARKS, "Benchmarks: every network’s figures"),
        (STUDIES, "Studies: one question each, with what was published"),
        (INSIDE, "Inside a network: filters, maps and pixels that matter"),
    ):
        st.page_link(target, label=label)


page()
