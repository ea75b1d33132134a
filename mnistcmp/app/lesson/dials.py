"""Step 4 of the lesson: what breaks the networks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from mnistcmp.analysis.robustness_tables import half_lost_levels, shipped
from mnistcmp.app import background_reading, cached_records, session
from mnistcmp.app.background_reading import Answer
from mnistcmp.app.break_it import heat_map, slider
from mnistcmp.app.break_it import heat_map_chart as chart
from mnistcmp.app.break_it.digit import Digit
from mnistcmp.app.break_it.outcomes import by_family, outcomes, rest
from mnistcmp.app.break_it.sweep import sweep
from mnistcmp.app.lesson import questions
from mnistcmp.app.lesson.questions import Question
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.corruptions import DIALS, SHIFT_DIRECTIONS
from mnistcmp.catalogue.networks import families
from mnistcmp.records import RecordsError
from mnistcmp.robustness.holding_out import HoldOut

if TYPE_CHECKING:
    from torch import nn

TITLE = "What breaks them"
STARTER = "noise"

_half_lost_levels = st.cache_data(show_spinner=False)(half_lost_levels)


def show(digit: Digit, recipe: str, networks: Mapping[str, "nn.Module"]) -> Question | None:
    """Let the person turn any dial, while one network of each family is shown."""
    st.markdown(
        f"All {len(networks)} networks read the digit at each level of a dial; one of each family "
        "is shown. **Your task:** find a dial that breaks most of them early."
    )
    _dial(digit, recipe)
    _with_own_digit(digit, recipe, networks)
    return _question(recipe, list(networks))


# A fragment: the question does not run again when the dial moves.
@st.fragment
def _dial(digit: Digit, recipe: str) -> None:
    st.session_state.setdefault(session.LESSON_DIAL, STARTER)
    name = st.selectbox(
        "Dial",
        list(DIALS),
        format_func=lambda name: DIALS[name].title,
        key=session.LESSON_DIAL,
        persist_state="session",
        width=280,
    )
    direction = SHIFT_DIRECTIONS[0] if name == "shift" else ""
    seen = sweep(digit.pixels, name, direction, recipe)
    shown = [
        next(model for model in members if model in seen.models)
        for members in families().values()
        if set(members) & set(seen.models)
    ]
    groups = by_family(outcomes(seen.of(shown), digit.label))
    slider.show(seen, groups, digit.label, rest(seen.dial))


def _question(recipe: str, models: list[str]) -> Question | None:
    try:
        records = shipped(cached_records.robustness())
    except RecordsError as error:
        st.warning(plain(error))
        return None
    levels = _half_lost_levels(records[records["recipe"] == recipe])
    table = chart.of_records(levels[levels["model"].isin(models)])
    if table.empty:
        return None
    return questions.of_dials(chart.by_dial(table), recipe, int(levels["images"].min()))


def _with_own_digit(digit: Digit, recipe: str, networks: Mapping[str, "nn.Module"]) -> None:
    """Say which dial is the hardest for the digit, as soon as it is known."""

    def ask() -> Answer[HoldOut]:
        return background_reading.hold_out(digit.pixels, digit.label, recipe, networks)

    def draw(answer: Answer[HoldOut]) -> None:
        text = plain(answer.problem) if answer.problem else heat_map.progress(answer.value)
        st.markdown(f"With this digit: {text}")

    background_reading.show_when_ready(ask, draw)
