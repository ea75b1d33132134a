"""Claims of sources, compared with made-up records that confirm or contradict them."""

import pytest

from mnistcmp.analysis import claims
from mnistcmp.analysis.claims import judge
from mnistcmp.analysis.text import Finding, Verdict, in_words, listed, one_sentence, times
from mnistcmp.catalogue.studies import STUDIES
from tests.made_up import said, trained

KERNELS, DEPTH, LAYERS, BLOCKS = (STUDIES[number] for number in (6, 7, 8, 9))


def test_gradients_that_do_not_vanish_contradict_the_source():
    table, _ = trained({"depth_4": [0.7], "depth_6": [0.7]})
    norm = "The change in **the first layer’s gradient in the first epoch**"
    step = "from “4 layers deep” to “6 layers deep”"
    found = claims.factors(DEPTH, table)
    assert f"{norm} {step} is not as published." in said(found, Verdict.CONTRADICTS)
    assert f"{step}: 1 ×, published 0.01 ×" in [one.figures for one in found]
    table.loc["depth_6", "first_gradient_norm"] = table.loc["depth_4", "first_gradient_norm"] / 90
    found = claims.factors(DEPTH, table)
    assert f"{norm} {step} is as published." in said(found, Verdict.AGREES)
    assert f"{step}: 0.0111 ×, published 0.01 ×" in [one.figures for one in found]


@pytest.mark.parametrize(
    ("ours", "published", "verdict"),
    [
        (1.44, 1.44, Verdict.AGREES),
        (1.08, 1.15, Verdict.AGREES),
        (1.03, 1.15, Verdict.UNCLEAR),
        (3.3, 1.12, Verdict.IN_PART),
        (1.15, 1.5, Verdict.IN_PART),
        (0.97, 1.15, Verdict.UNCLEAR),
        (0.9, 1.15, Verdict.CONTRADICTS),
        (1.0, 1.44, Verdict.CONTRADICTS),
        (0.9, 0.001, Verdict.CONTRADICTS),
        (0.01, 0.001, Verdict.AGREES),
        # Half and twice the published effect, on a log scale:
        (2.0, 4.0, Verdict.AGREES),
        (1.95, 4.0, Verdict.IN_PART),
        (4.0, 2.0, Verdict.AGREES),
        (4.1, 2.0, Verdict.IN_PART),
        (2.0, 16.0, Verdict.IN_PART),  # a quarter
        (1.99, 16.0, Verdict.CONTRADICTS),
        (1.125, 1.265625, Verdict.AGREES),
        (1.12, 1.265625, Verdict.UNCLEAR),
    ],
)
def test_judge_compares_factors(ours, published, verdict):
    assert judge(ours, published) == verdict


def test_factors_include_the_claims_that_a_source_states_in_words():
    table, _ = trained(
        {"res_basic": [0.92], "res_bottleneck": [0.92], "res_wide": [0.92]},
        res_basic={"activation_mb": 10.0},
        res_bottleneck={"activation_mb": 12.0, "train_seconds": 45.0},
        res_wide={"activation_mb": 13.0},
    )
    found = claims.factors(BLOCKS, table)
    assert said(found, Verdict.CONTRADICTS) == (
        "The change in **training time per epoch** from “Basic blocks” to “Bottleneck blocks” is "
        "not as published."
    )
    assert said(found, Verdict.AGREES) == (
        "The change in **activation memory** from “Basic blocks” to “Wide blocks” is as published."
    )
    assert [one.figures for one in found] == [
        "from “Basic blocks” to “Bottleneck blocks”: 1.5 ×, published 0.8 ×",
        "from “Basic blocks” to “Wide blocks”: 1.3 ×, published 1.3 ×",
    ]


@pytest.mark.parametrize(
    ("epochs", "verdict"),
    [
        ((9, 7.5), Verdict.AGREES),  # published: 45 and 40
        ((4, 3), Verdict.UNCLEAR),
        ((3, 4), Verdict.UNCLEAR),
        ((2, 6), Verdict.CONTRADICTS),
    ],
)
def test_epochs_until_an_accuracy_need_a_difference_of_two_epochs(epochs, verdict):
    table, _ = trained({"base_cnn": [0.9], "swish_cnn": [0.9]})
    table["epochs_until"] = epochs
    (found,) = claims.factors(LAYERS, table)
    assert found.verdict == verdict


def test_figures_that_are_nearly_equal_claim_nothing():
    gaps = [claim for claim in claims.claims(STUDIES[4]) if claim.measure == "gap"]
    assert [claim.after for claim in gaps] == ["simple_cnn"]  # not residual_cnn: 0.87 to 0.91


def test_claims_are_factors_above_0_that_differ_by_more_than_a_twentieth(monkeypatch):
    figures = claims.published(KERNELS)
    gaps = {"kernel_3": 1.0, "kernel_5": 1.04, "kernel_7": 1.06, "kernel_1_3": -2.0}
    monkeypatch.setattr(claims, "published", lambda study: figures.assign(gap=gaps))
    claimed = [claim.after for claim in claims.claims(KERNELS) if claim.measure == "gap"]
    assert claimed == ["kernel_7"]
    gaps |= {"kernel_5": 0.96, "kernel_7": 0.94}
    claimed = [claim.after for claim in claims.claims(KERNELS) if claim.measure == "gap"]
    assert claimed == ["kernel_7"]


def test_factors_ignore_measures_without_data():
    table, _ = trained({"res_basic": [0.92], "res_wide": [0.92]})
    assert not claims.factors(BLOCKS, table)


def test_receptive_fields_that_differ_from_the_published_ones_contradict():
    fields = {"kernel_3": 8, "kernel_5": 14, "kernel_7": 20, "kernel_1_3": 8}
    table, _ = trained(
        {model: [0.7] for model in fields},
        **{model: {"receptive_field_px": field} for model, field in fields.items()},
    )
    found = claims.receptive_fields(KERNELS, table)
    assert said(found, Verdict.AGREES) == (
        "The **receptive field** of “Kernel 3×3” and “Kernels 1×1 and 3×3” is as published."
    )
    assert said(found, Verdict.CONTRADICTS).startswith(
        "The **receptive field** of “Kernel 5×5” and “Kernel 7×7” is not as published, because for "
        "two k×k convolutions"
    )
    assert found[1].figures == (
        "“Kernel 5×5” 14 px, published 12 px; “Kernel 7×7” 20 px, published 16 px"
    )


def test_receptive_fields_as_published_agree():
    table, _ = trained({"kernel_5": [0.7]}, kernel_5={"receptive_field_px": 12})
    (found,) = claims.receptive_fields(KERNELS, table)
    assert found.verdict == Verdict.AGREES


def test_listed_joins_with_commas_and_and():
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]


def test_counts_up_to_ten_are_in_words():
    assert [in_words(count) for count in (1, 7, 10, 11)] == ["one", "seven", "ten", "11"]


def test_findings_become_one_sentence_of_plain_text():
    found = [Finding("All are **level**."), Finding("Under fog, A **leads**.")]
    assert one_sentence(found) == "All are level; under fog, A leads."
    assert one_sentence(found[:1]) == "All are level."


def test_times_shows_the_digits_that_matter():
    assert [times(x) for x in (1.0062, 1.444, 1.00001, 0.0001, 1234.0)] == [
        *("1.006 ×", "1.44 ×", "1 ×", "0.0001 ×", "1,234 ×"),
    ]


def test_gap_of_zero_is_compared_with_nothing():
    table, _ = trained({"fcn": [0.9], "simple_cnn": [0.95]})
    assert "the gap between" in "".join(one.text for one in claims.factors(STUDIES[4], table))
    table.loc["fcn", "gap"] = 0.0
    found = claims.factors(STUDIES[4], table)
    assert "the gap between" not in "".join(one.text for one in found)
