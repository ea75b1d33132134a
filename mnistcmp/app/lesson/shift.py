"""Step 2 of the lesson: why convolutions."""

import math

import streamlit as st

from mnistcmp.analysis.robustness_tables import half_lost_levels, shipped
from mnistcmp.app import cached_records
from mnistcmp.app.break_it import slider
from mnistcmp.app.break_it.digit import Digit
from mnistcmp.app.break_it.outcomes import by_family, outcomes, rest
from mnistcmp.app.break_it.sweep import sweep
from mnistcmp.app.lesson import questions
from mnistcmp.app.lesson.questions import Question
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.corruptions import SHIFT_DIRECTIONS
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.records import RecordsError

TITLE = "Why convolutions"
DIAL = "shift"
READERS = ("mlp", "cnn", "base_pooled")  # of about the same size


def show(digit: Digit, recipe: str) -> Question | None:
    """Let the person shift the digit, while three networks read it."""
    seen = sweep(digit.pixels, DIAL, SHIFT_DIRECTIONS[0], recipe)
    seen = seen.of(model for model in READERS if model in seen.models)
    sizes = [MODELS[model].params for model in seen.models]
    st.markdown(
        f"Three networks of {min(sizes):,} to {max(sizes):,} weights: a perceptron, a "
        "convolutional network, and one whose head sees only the mean of each map. "
        f"**Your task:** move the slider, and see who still reads the {digit.label}."
        if sizes
        else "The networks of this step are missing."
    )
    families = by_family(outcomes(seen, digit.label))
    slider.show(seen, families, digit.label, rest(seen.dial))
    return questions.of_shift(seen, digit.label, _usual(recipe))


def _usual(recipe: str) -> dict[str, float]:
    """Where each of the networks has lost half of the test digits, in px; inf if it never does."""
    try:
        records = shipped(cached_records.robustness())
    except RecordsError as error:
        st.warning(plain(error))
        return {}
    measured = records["recipe"].eq(recipe) & records["model"].isin(READERS)
    levels = half_lost_levels(records[measured]).query("side == 'Shift'")
    by_model = levels.set_index("model")["level"].fillna(math.inf)
    return {model: float(by_model[model]) for model in READERS if model in by_model}
