"""What more parameters add, for made-up runs whose right sentences are known."""

import pandas as pd
import pytest

from mnistcmp.analysis.frontier import farthest_below, what_tenfolds_add
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.records import summarise
from tests import made_up
from tests.made_up import around

# As many networks as there are factors of 10, by growing number of parameters.
ZOO = ("mlp", "tiny_cnn", "cnn", "strong_cnn")


def runs(*means: float, seeds: int = 3) -> pd.DataFrame:
    """Runs of as many networks with these accuracies, of 1,000, 10,000 … parameters."""
    return pd.DataFrame(
        [
            made_up.run(model, accuracy, seed, params=1_000 * 10**power, dataset="mnist")
            for power, (model, mean) in enumerate(zip(ZOO, means, strict=False))
            for seed, accuracy in enumerate(around(mean)[:seeds])
        ]
    )


def tenfolds(rows: pd.DataFrame) -> str | None:
    found = what_tenfolds_add(rows, summarise(rows), "params", "parameters")
    return found and found.text


@pytest.mark.parametrize(
    ("means", "sentence"),
    [
        (
            (0.90, 0.95, 0.97, 0.98),
            "**Each further factor of 10 in parameters adds less**: first 5.00 points, then 2.00, "
            "then 1.00.",
        ),
        (
            (0.90, 0.92, 0.97),
            "**Each further factor of 10 in parameters adds accuracy**: first 2.00 points, then "
            "5.00.",
        ),
        (
            (0.90, 0.95, 0.9501, 0.99),
            "**The first factor of 10 in parameters adds 5.00 points of accuracy.** What a "
            "further one adds may be due to chance.",
        ),
        (
            (0.90, 0.95, 0.94),
            "**The first factor of 10 in parameters adds 5.00 points of accuracy.** What",
        ),
        ((0.90, 0.89), None),
        ((0.90,), None),
    ],
)
def test_sentence_on_tenfolds_ends_where_gains_may_be_chance(means, sentence):
    text = tenfolds(runs(*means))
    assert text is None if sentence is None else text.startswith(sentence)


def test_factor_of_10_that_no_network_reaches_does_not_count():
    rows = runs(0.90, 0.95, 0.97)
    rows.loc[rows["params"] == 100_000, "params"] = 99_000
    assert (
        tenfolds(rows) == "**The first factor of 10 in parameters adds 5.00 points of accuracy.**"
    )


def test_networks_with_few_runs_do_not_count():
    assert tenfolds(runs(0.90, 0.95, seeds=2)) is None


def test_network_farthest_below_the_frontier_is_compared_with_one_that_costs_no_more():
    rows = runs(0.97, 0.98, 0.90, 0.96)
    found = farthest_below(rows, summarise(rows), "params", "parameters")
    below, best = MODELS["cnn"].title, MODELS["tiny_cnn"].title
    assert found.text == (
        f"**Farthest below the line is “{below}”**: “{best}”, with no more parameters, is 8.00 "
        "points more accurate."
    )


@pytest.mark.parametrize(("means", "seeds"), [((0.90, 0.95), 3), ((0.95, 0.90), 2), ((0.9,), 3)])
def test_nothing_is_below_the_frontier_if_all_are_on_it_or_the_runs_are_few(means, seeds):
    rows = runs(*means, seeds=seeds)
    assert farthest_below(rows, summarise(rows), "params", "parameters") is None
