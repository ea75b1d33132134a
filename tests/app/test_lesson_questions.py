"""The questions of the lesson: the answers that follow from made-up networks and records."""

import math

import numpy as np
import pandas as pd
import pytest

from mnistcmp.app.break_it.outcomes import Sweep
from mnistcmp.app.lesson import questions
from mnistcmp.app.lesson.evidence import CHANGES, compare, recipe_with_enough_runs
from mnistcmp.app.lesson.questions import NO_SINGLE_ONE, NONE, SEVERAL, Question
from mnistcmp.catalogue.corruptions import DIALS
from tests.made_up import around, run, tables

SIX, SEVEN, SHORTCUTS = CHANGES
LABEL = 3


def shifted(**breaks: int | None) -> Sweep:
    """A sweep in which each network reads 3, but 1 from this distance in px outwards."""
    count = len(DIALS["shift"].positions)
    answers = np.full((len(breaks), count), LABEL)
    for row, at in zip(answers, breaks.values(), strict=True):
        if at is not None:
            row[at:] = 1
    pictures = np.zeros((count, 28, 28), np.uint8)
    return Sweep("shift", "right", tuple(breaks), pictures, answers, np.ones(answers.shape))


def of_shift(usual: dict[str, float] | None = None, **breaks: int | None) -> Question:
    question = questions.of_shift(shifted(**breaks), LABEL, usual or {})
    assert question
    return question


def test_network_sees_as_many_numbers_as_the_picture_has_pixels():
    question = questions.of_pixels(28, 28, 10)
    assert question.answer.startswith("784: ")
    assert [text.partition(":")[0] for text in question.options] == ["10", "784", "78,400"]
    assert "28 rows of 28 pixels are 784 numbers" in question.why


def test_first_network_to_misread_a_shifted_digit_is_the_answer():
    question = of_shift(mlp=4, cnn=6, base_pooled=None)
    assert question.answer == "Perceptron 32"
    assert question.options == ("Perceptron 32", "Small CNN", "Pooled head", NO_SINGLE_ONE)
    assert (
        "“Perceptron 32” misreads it at 4 px, “Small CNN” misreads it at 6 px and “Pooled head” "
        "reads it at every level."
    ) in question.why
    assert of_shift(mlp=6, cnn=4, base_pooled=None).answer == "Small CNN"


def test_network_that_misreads_the_digit_where_it_stands_is_the_first():
    question = of_shift(mlp=3, cnn=0, base_pooled=9)
    assert question.answer == "Small CNN"
    assert "“Small CNN” misreads it even where it stands" in question.why


@pytest.mark.parametrize("breaks", [(4, 4, 9), (None, None, None), (0, 0, 0)])
def test_no_single_network_is_the_first_if_several_or_none_break(breaks):
    assert of_shift(**dict(zip(("mlp", "cnn", "base_pooled"), breaks, strict=True))).answer == (
        NO_SINGLE_ONE
    )


def test_usual_distances_are_those_of_the_records():
    question = of_shift({"mlp": 4.04, "base_pooled": math.inf}, mlp=4, cnn=6, base_pooled=None)
    assert question.why.endswith(
        "Half of the test digits are lost by “Perceptron 32” at 4.04 px and by “Pooled head” "
        "beyond 14 px."
    )
    assert "test digits" not in of_shift(mlp=4, cnn=6).why


def test_one_network_alone_gives_no_question():
    assert questions.of_shift(shifted(mlp=4), LABEL, {}) is None


def records(gains: dict[str, float], runs: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(runs, corrupted): accuracies around .98, where each change gains so much."""
    clean = dict.fromkeys((model for pair in CHANGES.values() for model in pair), 0.98)
    for title, gain in gains.items():
        before, after = CHANGES[title]
        clean[after] = clean[before] + gain
    rows = [
        run(
            model,
            accuracy,
            seed,
            dataset="mnist",
            train_seconds=90.0 if model == "depth_6" else 30.0,
        )
        for model, mean in clean.items()
        for seed, accuracy in enumerate(around(mean)[:runs])
    ]
    columns = ["model", "recipe", "seed", "clean", "corrupted", "images"]
    stressed = [
        (model, "tuned", 0, mean, 0.9 if model == "depth_6" else 0.8, 10_000)
        for model, mean in clean.items()
    ]
    return tables(*rows)[0], pd.DataFrame(stressed, columns=columns)


def of_changes(gains: dict[str, float], runs: int = 3) -> Question | None:
    return questions.of_changes(compare(*records(gains, runs)))


@pytest.mark.parametrize(
    ("gains", "answer"),
    [
        ({}, NONE),
        ({SIX: 0.001}, NONE),  # not clear: the runs of one network lie farther apart
        ({SEVEN: -0.015}, NONE),
        ({SEVEN: 0.015}, SEVEN),
        ({SHORTCUTS: 0.015}, SHORTCUTS),
        ({SEVEN: 0.015, SHORTCUTS: 0.015}, SEVERAL),
    ],
)
def test_change_that_is_clearly_better_on_clean_digits_is_the_answer(gains, answer):
    question = of_changes(gains)
    assert question and question.answer == answer
    assert question.options == (SIX, SEVEN, SHORTCUTS, NONE, SEVERAL)


def test_reason_names_gains_chance_corruption_and_price():
    question = of_changes({SEVEN: 0.015})
    assert question
    assert (
        f"the gains are +0.00 for “{SIX}”, +1.50 for “{SEVEN}” and +0.00 for “{SHORTCUTS}”"
        in question.why
    )
    assert "2 of them could be chance" in question.why
    assert f"under corruption, “{SIX}” gains +10.00." in question.why
    assert f"“{SIX}” costs most: 3 × the training time." in question.why
    assert "All could be chance" in of_changes({}).why


def test_too_few_trainings_give_no_question():
    assert of_changes({SEVEN: 0.015}, runs=2) is None
    assert questions.of_changes([]) is None


def test_change_without_a_measurement_is_left_out():
    runs, stressed = records({})
    without = stressed[stressed["model"] != "kernel_7"]
    assert [each.title for each in compare(runs, without)] == [SIX, SHORTCUTS]


def test_recipe_is_the_first_with_enough_runs():
    tuned = records({})[0]
    assert recipe_with_enough_runs(tuned) == "tuned"
    assert recipe_with_enough_runs(pd.concat([tuned, tuned.assign(recipe="drawn")])) == "drawn"
    few = tuned[tuned["seed"] < 2].assign(recipe="drawn")
    assert recipe_with_enough_runs(pd.concat([tuned, few])) == "tuned"
    assert recipe_with_enough_runs(few) == "drawn"


def survived(*hardest: str) -> pd.DataFrame:
    """The shares of the dials' ranges that networks survive: .2 of their hardest, .8 of others."""
    rows = [{dial: 0.2 if dial == worst else 0.8 for dial in DIALS} for worst in hardest]
    return pd.DataFrame(rows)


def test_dial_on_which_most_networks_give_up_earliest_is_the_answer():
    question = questions.of_dials(survived("blur", "blur", "shift"), "tuned", 1000)
    assert question and question.answer == "Blur"
    assert len(question.options) == 4 and "Shift" in question.options
    assert "On 1,000 test digits" in question.text
    assert "2 of 3 networks give up earliest on this dial" in question.why
    assert "there it saw no such pictures" in question.why


def test_dial_that_is_nearly_as_hard_is_not_offered():
    shares = survived(*["blur"] * 5, *["shift"] * 4, "noise")
    question = questions.of_dials(shares, "tuned", 1000)
    assert question and question.answer == "Blur"
    assert "Shift" not in question.options and "Noise" in question.options


def test_changes_that_training_shows_are_said():
    question = questions.of_dials(survived("shift"), "tuned", 1000)
    assert question and "there it saw only small changes of this kind" in question.why


def test_dials_that_break_nothing_or_all_alike_give_no_question():
    assert questions.of_dials(pd.DataFrame([dict.fromkeys(DIALS, 1.0)]), "tuned", 9) is None
    assert questions.of_dials(pd.DataFrame([dict.fromkeys(DIALS, 0.5)]), "tuned", 9) is None


def test_answer_that_is_no_option_is_refused():
    with pytest.raises(ValueError, match="'c' is not one of"):
        Question("?", ("a", "b"), "c", "")
