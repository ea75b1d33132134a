"""Sentences and tables of the Benchmarks page, for made-up figures."""

import re

import numpy as np
import pandas as pd
import pytest

from mnistcmp.analysis.comparisons import Gap
from mnistcmp.analysis.text import named
from mnistcmp.app import cached_records
from mnistcmp.app.benchmarks import everything, learning_curves, mistakes, pen_digits
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.records import summarise
from tests import made_up

OLD, NEW = named("mlp"), named("cnn")


def test_summary_of_mistakes_names_the_most_frequent_error_only_if_there_is_one():
    matrix = np.diag([10] * 10)
    title = named("mlp")
    assert mistakes._summary("mlp", matrix).startswith(
        f"{title} misreads **0 of 100 test digits**."
    )
    matrix[3, 8], matrix[4, 9] = 2, 1
    assert "misreads **3 of 103 test digits**, and most often takes **a 3 for an 8**." in (
        mistakes._summary("mlp", matrix)
    )
    matrix[4, 9] = 2
    assert "most often" not in mistakes._summary("mlp", matrix)


@pytest.mark.parametrize(
    ("gap", "sentence"),
    [
        (
            Gap(0.01, 0.005, "5 runs", over_runs=True),
            f"**{NEW} is more accurate than {OLD}**, by 1.00 points, 95 % interval +0.50 to +1.50.",
        ),
        (
            Gap(-0.01, 0.005, "5 runs", over_runs=True),
            f"**{OLD} is more accurate than {NEW}**, by 1.00 points, 95 % interval +0.50 to +1.50.",
        ),
        (
            Gap(-0.01, 0.02, "5 runs", over_runs=True),
            f"**The difference may be due to chance**: {OLD} is ahead of {NEW} by 1.00 points, "
            "95 % interval −1.00 to +3.00.",
        ),
        (
            Gap(0.01, 0.005, "seed 0"),
            f"**This run of {NEW} is more accurate than this run of {OLD}**, by 1.00 points, 95 % "
            "interval +0.50 to +1.50; other seeds may differ.",
        ),
        (Gap(0.01, np.nan, "1 run each"), "**There are too few runs to tell.**"),
    ],
)
def test_verdict_on_two_networks_follows_the_gap(gap, sentence):
    assert mistakes.verdict("mlp", "cnn", gap) == sentence


def test_captions_of_the_hardest_digits_name_a_wrong_digit(monkeypatch):
    captions = []

    def gallery(pack, numbers, caption):
        captions.extend(caption(number) for number in numbers)

    monkeypatch.setattr(mistakes, "_gallery", gallery)
    pack = cached_records.sample_pack("mnist")
    runs = cached_records.reported_runs().query("dataset == 'mnist' and recipe == 'drawn'")
    read, _ = cached_records.readings(runs, len(pack.labels))
    mistakes._hardest(read, pack, None)
    digits = [re.match(r"(\d), read as (\d)\. Right: ", text) for text in captions]
    assert len(digits) == mistakes.GALLERY
    assert all(found[1] != found[2] for found in digits)


def test_table_of_all_figures_leaves_out_columns_without_a_figure():
    runs = pd.DataFrame([made_up.run("kernel_3", 0.99, dataset="mnist")])
    table = everything.beside_published(summarise(runs))
    assert table["network"].tolist() == ["kernel_3"]
    assert "published, %" not in table and "SD" not in table
    assert table["accuracy, %"].tolist() == pytest.approx([99])


@pytest.mark.parametrize(
    ("tuned", "drawn", "sentence"),
    [
        (
            0.90,
            0.98,
            f"**What helps most: {RECIPES['drawn'].adds}.** Of 2 networks, the mean error",
        ),
        (
            0.90,
            0.91,
            f"**What helps most: {RECIPES['tuned'].adds}.** Of 2 networks, the mean error",
        ),
        (0.79, 0.74, "**No recipe reads more pen digits than the one that it builds on.**"),
    ],
)
def test_conclusion_on_recipes_follows_the_figures(tuned, drawn, sentence):
    shares = {"published": [0.80, 0.88], "tuned": [tuned, 0.85], "drawn": [drawn, 0.88]}
    found = pen_digits.gains(pd.DataFrame(shares, index=["one", "other"]))
    assert pen_digits.conclusion(found).startswith(sentence)
    assert found["networks"].tolist() == [2, 2]
    assert found["mean error before"].iloc[0] == pytest.approx(16)
    assert found["mean error after"].iloc[0] == pytest.approx(100 - 50 * (tuned + 0.85))


def test_recipes_are_compared_with_the_one_that_they_build_on():
    shares = {
        "published": [0.80, np.nan, np.nan],
        "tuned": [0.90, 0.90, 0.80],
        "drawn": [0.95, 0.95, 0.95],
        "hardened": [np.nan, 0.92, 0.84],
    }
    found = pen_digits.gains(pd.DataFrame(shares)).set_index("recipe")
    assert found["compared with"].to_dict() == {
        "tuned": "published",
        "drawn": "tuned",
        "hardened": "tuned",
    }
    assert found["networks"].to_dict() == {"tuned": 1, "drawn": 3, "hardened": 2}
    assert found["gain"].to_dict() == pytest.approx({"tuned": 10, "drawn": 25 / 3, "hardened": 3})
    assert found.loc["hardened", "mean error after"] == pytest.approx(12)


@pytest.mark.parametrize(
    "shares", [{"drawn": [0.9]}, {"published": [np.nan, 0.9], "tuned": [0.9, np.nan]}]
)
def test_nothing_is_said_of_recipes_if_no_network_has_two(shares):
    assert pen_digits.conclusion(pen_digits.gains(pd.DataFrame(shares))) == ""


def epochs(**accuracies: list[float]) -> pd.DataFrame:
    """The first epoch of several runs of some networks."""
    return pd.DataFrame(
        [
            {"model": model, "epoch": 1, "heldout_accuracy": accuracy}
            for model, all_runs in accuracies.items()
            for accuracy in all_runs
        ]
    )


def test_sentence_on_curves_names_who_is_ahead_after_one_epoch_if_that_is_certain():
    ahead, behind, last = made_up.around(0.95), made_up.around(0.90), made_up.around(0.80)
    found = learning_curves.quickest(epochs(mlp=behind, cnn=ahead, fcn=last))
    assert found.text == (
        f"**{NEW} learns most in the first epoch**: after it, it reads 95.0 % of the test digits, "
        f"and the next network, {OLD}, 90.0 %."
    )
    assert learning_curves.quickest(epochs(mlp=ahead, cnn=ahead)) is None
    assert learning_curves.quickest(epochs(mlp=behind[:2], cnn=ahead)) is None
