"""Findings about robustness, for made-up records whose right sentences are known."""

import numpy as np
import pandas as pd
import pytest

from mnistcmp.analysis import robustness_findings as findings
from mnistcmp.analysis.robustness_tables import corrupted, half_lost_levels
from mnistcmp.analysis.statistics import Correlation
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.robustness_records import RobustnessRecords
from tests.made_up import around, measured, said


@pytest.fixture
def table(tmp_path):
    def table(*entries):
        records = RobustnessRecords(tmp_path)
        for entry in entries:
            records.append(entry)
        return records.table()

    return table


def networks(clean: np.ndarray, under_corruption: np.ndarray, recipe: str = "tuned"):
    models = list(MODELS)[: len(clean)]
    return pd.DataFrame(
        {"model": models, "recipe": recipe, "clean": clean, "corrupted": under_corruption}
    )


ORDER = np.linspace(0.95, 0.99, 20)


def test_clean_accuracy_that_gives_the_order_says_much():
    text = said(findings.clean_and_corrupted(networks(ORDER, ORDER - 0.3)), None)
    assert "**Networks that are better on clean digits are better on corrupted ones, too.**" in text


def test_clean_accuracy_that_gives_the_opposite_order_is_named_so():
    text = said(findings.clean_and_corrupted(networks(ORDER, 1 - ORDER)), None)
    assert "**Networks that are better on clean digits are worse on corrupted ones.**" in text


def test_spread_is_that_of_the_better_half_on_clean_digits():
    under_corruption = np.full(20, 0.6)
    under_corruption[[0, 12, 19]] = 0.1, 0.4, 0.8
    text = said(findings.clean_and_corrupted(networks(ORDER, under_corruption)), None)
    worst, first = (list(MODELS.values())[place].title for place in (12, 19))
    assert "the better half of the networks lies within 1.9 points on clean digits" in text
    assert f"of the corrupted ones “{worst}” reads 40 % and “{first}” 80 %." in text


def test_spread_that_is_no_larger_under_corruption_is_not_mentioned():
    text = said(findings.clean_and_corrupted(networks(ORDER, 0.5 + ORDER / 2)), None)
    assert "the better half" not in text


def test_few_networks_say_nothing():
    assert findings.clean_and_corrupted(networks(ORDER[:9], ORDER[:9])) == []
    assert findings.correlations(networks(ORDER[:9], ORDER[:9])).empty


def test_correlations_are_by_recipe_and_for_all():
    rows = pd.concat(
        [networks(ORDER, ORDER - 0.3), networks(ORDER, 1 - ORDER, recipe="drawn")],
        ignore_index=True,
    )
    table = findings.correlations(rows).set_index("recipe")
    assert table["networks"].to_dict() == {"tuned": 20, "drawn": 20, "all": 40}
    assert table.loc["tuned", ["correlation", "low", "high"]].tolist() == pytest.approx([1, 1, 1])
    assert table.loc["drawn", "correlation"] == pytest.approx(-1)
    assert abs(table.loc["all", "correlation"]) < 0.9


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.71, 0.9, "are better on corrupted ones, too"),
        (-0.4, 0.49, "says little"),
        (0.1, 0.4, "says little"),
        (0.1, 0.8, "tend to be better"),
        (-0.8, -0.1, "are worse"),
        (-0.1, 0.6, "cannot be told"),
        (np.nan, np.nan, "cannot be told"),
    ],
)
def test_verdict_on_clean_accuracy_follows_the_interval(low, high, words):
    assert words in findings.verdict(Correlation((low + high) / 2, low, high))


def steps(records: pd.DataFrame, study: int = 9):
    return findings.stressed_steps(STUDIES[study], corrupted(records), half_lost_levels(records))


def test_step_between_single_networks_has_the_interval_of_two_shares(table):
    records = table(measured("res_basic", 0.60), measured("res_wide", 0.65))
    (step,) = steps(records)
    assert step.gain.share == pytest.approx(0.05)
    # 1.96 · √((0.6 · 0.4 + 0.65 · 0.35) / 10,000)
    assert step.gain.half == pytest.approx(0.013401, abs=1e-6)
    text = said(findings.say_steps([step]), None)
    assert "**From res_basic to res_wide**, wide blocks: +5.00 points under corruption" in text
    assert "95 % interval +3.66 to +6.34 (one trained network each, 10,000 images)" in text


def test_step_down_is_said_to_lose(table):
    (step,) = steps(table(measured("res_basic", 0.65), measured("res_wide", 0.60)))
    assert ": -5.00 points under corruption, 95 % interval -6.34" in findings._sentence(step)


def test_small_step_is_too_close_to_be_told_apart(table):
    found = steps(table(measured("res_basic"), measured("res_wide")))
    assert said(findings.say_steps(found), None) == (
        "**Too close to be told apart** under corruption: from res_basic to res_wide "
        "(+0.00 points)."
    )


def test_step_between_several_networks_has_welchs_interval(table):
    entries = [
        measured(model, accuracy, seed)
        for model, mean in {"res_basic": 0.6, "res_wide": 0.61}.items()
        for seed, accuracy in enumerate(around(mean))
    ]
    (step,) = steps(table(*entries))
    assert step.gain.over_runs and step.gain.grounds == "3 and 3 trained networks"
    assert step.gain.share == pytest.approx(0.01)
    assert step.gain.half == pytest.approx(0.0045337, abs=1e-6)  # t(4) · √(2 · 0.002² / 3)


def test_step_names_the_dials_whose_intervals_do_not_overlap(table):
    before = measured("res_basic", 0.6, lost={"shift": 1.0, "noise": 0.7, "blur": 0.8})
    after = measured("res_wide", 0.7, lost={"shift": 0.7, "noise": 1.0, "blur": 0.81})
    (step,) = steps(table(before, after))
    assert step.later == ("shift (7 px → 10 px)",)
    assert step.earlier == ("noise (σ 0.714 → σ 0.5)",)
    text = said(findings.say_steps([step]), None)
    assert "; half are lost later: shift (7 px → 10 px); half are lost earlier: noise (σ" in text


def test_step_whose_gain_is_unclear_but_whose_dials_differ_is_said_with_its_doubt(table):
    before, after = measured("res_basic"), measured("res_wide", lost={"shift": 1.0})
    text = said(findings.say_steps(steps(table(before, after))), None)
    assert "+0.00 points under corruption, which may be due to chance, 95 % interval" in text
    assert "half are lost earlier: shift (8.75 px → 7 px)" in text
    assert "told apart" not in text


def test_step_to_a_network_that_never_loses_half(table):
    before, after = (
        measured("res_basic", lost={"shift": 1}),
        measured("res_wide", lost={"shift": 0}),
    )
    (step,) = steps(table(before, after))
    assert step.later == ("shift (7 px → beyond 14 px)",)
    (back,) = steps(
        table(measured("res_basic", lost={"shift": 0}), measured("res_wide", lost={"shift": 1}))
    )
    assert back.earlier == ("shift (beyond 14 px → 7 px)",)


def test_many_dials_are_counted(table):
    lost = dict.fromkeys(("shift", "noise", "blur", "contrast", "square"), 0.0)
    (step,) = steps(table(measured("res_basic", 0.5), measured("res_wide", 0.7, lost=lost)))
    assert len(step.later) == 5
    assert " and 2 more" in findings._sentence(step)


def test_steps_of_networks_without_records_are_left_out(table):
    assert steps(table(measured("res_basic"))) == []
    assert findings.say_steps([]) == []
