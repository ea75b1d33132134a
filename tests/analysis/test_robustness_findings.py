"""Findings about robustness, for made-up records whose right sentences are known."""

import numpy as np
import pandas as pd
import pytest

from mnistcmp.analysis import robustness_findings as findings
from mnistcmp.analysis.robustness_tables import by_corruption, corrupted, half_lost_levels
from mnistcmp.analysis.statistics import Correlation
from mnistcmp.catalogue.corruptions import CORRUPTIONS
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.records.robustness import RobustnessRecords
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
    (found,) = findings.say_steps([step])
    assert found.text == "The accuracy under corruption **rises** with wide blocks."
    assert found.figures == (
        "wide blocks: +5.00 points, 95 % interval +3.66 to +6.34 (one trained network each, 10,000 "
        "images)"
    )


def test_step_down_is_said_to_lose(table):
    found = steps(table(measured("res_basic", 0.65), measured("res_wide", 0.60)))
    (sentence,) = findings.say_steps(found)
    assert sentence.text == "The accuracy under corruption **falls** with wide blocks."
    assert "−5.00 points, 95 % interval −6.34" in sentence.figures


def test_small_step_is_too_close_to_be_told_apart(table):
    found = steps(table(measured("res_basic"), measured("res_wide")))
    (sentence,) = findings.say_steps(found)
    assert sentence.text == "**No clear change** under corruption comes with wide blocks."
    assert sentence.figures.startswith("wide blocks: +0.00 points")


def test_step_between_several_networks_has_welchs_interval(table):
    entries = [
        measured(model, accuracy, seed)
        for model, mean in {"res_basic": 0.6, "res_wide": 0.61}.items()
        for seed, accuracy in enumerate(around(mean))
    ]
    (step,) = steps(table(*entries))
    assert step.gain.over_runs and step.gain.grounds == "3 trained networks each"
    assert step.gain.share == pytest.approx(0.01)
    assert step.gain.half == pytest.approx(0.0045337, abs=1e-6)  # t(4) · √(2 · 0.002² / 3)


def test_step_names_the_dials_whose_intervals_do_not_overlap(table):
    before = measured("res_basic", 0.6, lost={"shift": 1.0, "noise": 0.7, "blur": 0.8})
    after = measured("res_wide", 0.7, lost={"shift": 0.7, "noise": 1.0, "blur": 0.81})
    (step,) = steps(table(before, after))
    assert step.later == ("shift (7 px → 10 px)",)
    assert step.earlier == ("noise (σ 0.714 → σ 0.5)",)
    (found,) = findings.say_steps([step])
    assert (
        ", half are lost later under shift (7 px → 10 px), half are lost earlier under noise (σ"
        in found.figures
    )


def test_step_whose_gain_is_unclear_has_its_dials_among_the_figures(table):
    before, after = measured("res_basic"), measured("res_wide", lost={"shift": 1.0})
    (found,) = findings.say_steps(steps(table(before, after)))
    assert found.text.startswith("**No clear change** under corruption")
    assert "half are lost earlier under shift (8.75 px → 7 px)" in found.figures


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
    assert " and 2 more" in findings.say_steps([step])[0].figures


def test_networks_that_part_under_corruption_are_named_with_what_they_read(table):
    records = table(measured("res_basic", 0.6), measured("res_wide", 0.8))
    found = findings.parting(corrupted(records))
    assert found.text == (
        "Under corruption, “Wide blocks” **still reads 80 %** and “Basic blocks” 60 %."
    )
    assert found.figures == (
        "“Wide blocks” 80.0 %; “Basic blocks” 60.0 % (one trained network each, 10,000 images)"
    )


def test_networks_that_do_not_part_under_corruption_are_said_not_to(table):
    records = table(measured("res_basic", 0.6), measured("res_wide", 0.601))
    found = findings.parting(corrupted(records))
    assert found.text == "Under corruption, **no network is clearly ahead**."


def test_one_network_alone_does_not_part(table):
    records = table(measured("res_basic"))
    assert findings.parting(corrupted(records)) is None
    assert findings.widest(by_corruption(records)) is None


def test_widest_corruption_is_that_with_the_largest_difference(table):
    usual = dict.fromkeys(CORRUPTIONS, 0.8)
    worse = measured("res_basic", corruptions=usual | {"fog": 0.3, "stripe": 0.5})
    found = findings.widest(by_corruption(table(worse, measured("res_wide", corruptions=usual))))
    assert found.text == (
        "**The networks part most** under “fog”, where “Wide blocks” reads 80 % and “Basic blocks” "
        "30 %."
    )


def test_steps_of_networks_without_records_are_left_out(table):
    assert steps(table(measured("res_basic"))) == []
    assert findings.say_steps([]) == []
