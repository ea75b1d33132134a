"""Conclusions from records made up so that the conclusion is known, one way and the other."""

import math

import numpy as np
import pandas as pd
import pytest

from mnistcmp import claims, findings
from mnistcmp.changes import STEPS, Evidence, changes, published_gain
from mnistcmp.claims import CLAIMS, judge
from mnistcmp.findings import conclude
from mnistcmp.measures import CONVOLUTIONS, measures, side_by_side, stated_accuracy
from mnistcmp.models import MODELS, build
from mnistcmp.studies import STUDIES
from mnistcmp.wording import Verdict, listed, times
from tests.made_up import LABELS, readings, run, tables

KERNELS, DEPTH, LAYERS, BLOCKS = (STUDIES[number] for number in (6, 7, 8, 9))


def trained(accuracies: dict[str, list[float]], **of_model) -> tuple:
    """(measures, evidence) of three runs or so of each network, with further columns by model."""
    runs, epochs = tables(
        *(
            run(model, accuracy, seed, **of_model.get(model, {}))
            for model, values in accuracies.items()
            for seed, accuracy in enumerate(values)
        )
    )
    study = next(study for study in STUDIES.values() if set(accuracies) <= set(study.models))
    return measures(study, runs, epochs), Evidence(runs)


def around(accuracy: float) -> list[float]:
    return [accuracy - 0.002, accuracy, accuracy + 0.002]


def said(found: list, verdict: Verdict | None) -> str:
    return "\n".join(one.text for one in found if one.verdict == verdict)


def test_best_is_named_when_it_is_more_than_chance():
    found = findings.best(*trained({"kernel_3": around(0.78), "kernel_7": around(0.74)}))
    assert found.text == (
        "**kernel_3 reads best**: 78.00 %, +4.00 points against kernel_7, more than chance "
        "(3 and 3 runs)."
    )


def test_best_is_not_clear_within_chance():
    means = {"kernel_3": around(0.781), "kernel_5": around(0.78), "kernel_7": around(0.7)}
    found = findings.best(*trained(means))
    assert found.text.startswith(
        "**Not clear which reads best**: kernel_3 (78.10 %) and kernel_5 (78.00 %) are within"
    )


def test_best_of_one_run_each_is_judged_by_the_same_images():
    table, evidence = trained({"kernel_3": [0.9], "kernel_7": [0.8]})
    assert "too few runs to tell" in findings.best(table, evidence).text
    many = dict(zip(["kernel_3", "kernel_7"], readings(900, 800), strict=True))
    found = findings.best(table, Evidence(evidence.runs, many, LABELS))
    assert (
        "+10.00 points against kernel_7, more than chance (seed 0 on the same 1,000" in found.text
    )
    few = dict(zip(["kernel_3", "kernel_7"], readings(802, 800), strict=True))
    found = findings.best(table, Evidence(evidence.runs, few, LABELS))
    assert found.text.startswith("**Not clear") and "p = 0.5" in found.text


def test_best_of_a_single_network_claims_nothing():
    assert findings.best(*trained({"kernel_3": [0.78]})).text == (
        "So far only **kernel_3** is trained: 78.00 %."
    )


def test_gap_over_runs_is_welchs():
    _, evidence = trained({"kernel_3": [0.7, 0.71, 0.72], "kernel_5": [0.74, 0.75, 0.76]})
    gap = evidence.gap("kernel_3", "kernel_5")
    half = 2.776 * math.sqrt(2 * 0.01**2 / 3)  # t of 4 degrees of freedom
    assert (gap.share, gap.low, gap.high) == pytest.approx((0.04, 0.04 - half, 0.04 + half))
    assert gap.sure


def test_gap_over_images_has_an_interval_about_what_was_read():
    _, evidence = trained({"kernel_3": [0.8], "kernel_5": [0.9]})
    read = dict(zip(["kernel_3", "kernel_5"], readings(800, 900), strict=True))
    gap = Evidence(evidence.runs, read, LABELS).gap("kernel_3", "kernel_5")
    half = 1.96 * math.sqrt(100 - 100**2 / 1000) / 1000
    assert (gap.share, gap.low, gap.high) == pytest.approx((0.1, 0.1 - half, 0.1 + half))
    assert gap.sure


def test_changes_are_told_with_their_price_and_by_what_they_did():
    table, evidence = trained(
        {"depth_2": around(0.72), "depth_4": around(0.78), "depth_6": around(0.7)}
        | {"resnet_6": around(0.7)},
        depth_4={"params": 150_000, "train_seconds": 60.0},
    )
    paid, worse, unclear = findings.paid(changes(DEPTH, "cifar10-jpeg", table, evidence))
    assert paid.text == (
        "**What paid**: 2 → 4 convolutions +6.00 points (1.5 × parameters, 2 × seconds)."
    )
    assert worse.text.startswith("**What made it worse**: 4 → 6 convolutions -8.00 points (0.667")
    assert unclear.text.startswith("**Not clear, within chance**: shortcuts +0.00 points")


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [
        (0.74, Verdict.AGREES),
        (0.80, Verdict.CONTRADICTS),
        (0.7801, Verdict.UNCLEAR),
    ],
)
def test_gain_is_weighed_against_the_published_one(accuracy, verdict):
    table, evidence = trained({"kernel_3": around(0.78), "kernel_7": around(accuracy)})
    (found,) = findings.gains(changes(KERNELS, "cifar10-jpeg", table, evidence))
    gained = 100 * (accuracy - 0.78)
    assert found.verdict == verdict
    assert found.text == f"**Gain**: 7×7 kernels {gained:+.2f} points (published -4.10)."


def test_published_gain_is_of_the_same_data_set_or_of_one_not_stated():
    assert published_gain(KERNELS, "cifar10-jpeg", "kernel_3", "kernel_7") == pytest.approx(-0.041)
    assert published_gain(KERNELS, "mnist", "kernel_3", "kernel_7") is None
    for dataset in LAYERS.datasets:
        gain = published_gain(LAYERS, dataset, "base_cnn", "swish_cnn")
        assert gain == pytest.approx(0.007)
    assert published_gain(LAYERS, "mnist", "base_cnn", "custom_conv") == pytest.approx(-0.003)
    assert published_gain(LAYERS, "cifar10-jpeg", "base_cnn", "custom_conv") is None
    assert published_gain(LAYERS, "mnist", "base_cnn", "avg_pool_cnn") is None


def test_order_as_published_agrees():
    means = {"depth_2": 0.75, "depth_4": 0.8, "depth_6": 0.7, "resnet_6": 0.85}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.AGREES
    assert found.text == "**Order**: resnet_6 > depth_4 > depth_2 > depth_6."


def test_order_that_differs_by_more_than_chance_contradicts():
    means = {"depth_2": 0.75, "depth_4": 0.8, "depth_6": 0.85, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.CONTRADICTS
    assert found.text == (
        "**Order**: ours resnet_6 > depth_6 > depth_4 > depth_2; "
        "published resnet_6 > depth_4 > depth_2 > depth_6."
    )


def test_order_within_chance_is_not_clear():
    means = {"depth_2": 0.75, "depth_4": 0.8, "depth_6": 0.7501, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.UNCLEAR


def test_order_of_two_is_left_to_their_gain():
    assert not findings.order(DEPTH, *trained({"depth_2": [0.7], "depth_4": [0.6]}))


@pytest.mark.parametrize(
    ("first", "text"),
    [
        (0.1, "**No gradient vanishes**: the first layer’s is least of the last’s in depth_6 "),
        (1e-4, "**Gradients vanish**: the first layer’s is next to none of the last’s in depth_6 "),
    ],
)
def test_gradients_vanish_or_not(first, text):
    norms = [{"network.a": first, "network.s.shortcut": 9.0, "network.b": 0.5}] * 3
    runs, epochs = tables(run("depth_2", 0.7), run("depth_6", 0.7), depth_6=norms)
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert found.text.startswith(text)
    assert f"first epoch {times(first / 0.5)}" in found.text


def test_gradients_that_do_not_vanish_contradict_what_was_published():
    table, _ = trained({"depth_4": [0.7], "depth_6": [0.7]})
    told = said(claims.factors(DEPTH, table), Verdict.CONTRADICTS)
    assert (
        "**First layer’s gradient, first epoch**: depth_6 1 × depth_4 (published 0.01 ×)."
    ) in told
    table.loc["depth_6", "first_gradient_norm"] = table.loc["depth_4", "first_gradient_norm"] / 90
    told = said(claims.factors(DEPTH, table), Verdict.AGREES)
    assert "**First layer’s gradient, first epoch**: depth_6 0.011 × depth_4" in told


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
    ],
)
def test_judge_weighs_factors(ours, published, verdict):
    assert judge(ours, published) == verdict


def test_factors_weigh_what_a_source_says_in_words():
    table, _ = trained(
        {"res_basic": [0.92], "res_bottleneck": [0.92], "res_wide": [0.92]},
        res_basic={"activation_mb": 10.0},
        res_bottleneck={"activation_mb": 12.0, "train_seconds": 45.0},
        res_wide={"activation_mb": 13.0},
    )
    found = claims.factors(BLOCKS, table)
    assert said(found, Verdict.CONTRADICTS) == (
        "**Seconds per epoch**: res_bottleneck 1.5 × res_basic (published 0.8 ×)."
    )
    assert said(found, Verdict.AGREES) == (
        "**Activation memory**: res_wide 1.3 × res_basic (published 1.3 ×)."
    )


@pytest.mark.parametrize(
    ("epochs", "verdict"),
    [
        ((9, 7.5), Verdict.AGREES),  # published: 45 and 40
        ((4, 3), Verdict.UNCLEAR),
        ((3, 4), Verdict.UNCLEAR),
        ((2, 6), Verdict.CONTRADICTS),
    ],
)
def test_epochs_until_an_accuracy_say_something_from_two_epochs_on(epochs, verdict):
    table, _ = trained({"base_cnn": [0.9], "swish_cnn": [0.9]})
    table["epochs_until"] = epochs
    (found,) = claims.factors(LAYERS, table)
    assert found.verdict == verdict


def test_factors_pass_over_what_was_not_measured():
    table, _ = trained({"res_basic": [0.92], "res_wide": [0.92]})
    assert not claims.factors(BLOCKS, table)


def test_receptive_fields_that_do_not_follow_are_named():
    fields = {"kernel_3": 8, "kernel_5": 14, "kernel_7": 20, "kernel_1_3": 8}
    table, _ = trained(
        {model: [0.7] for model in fields},
        **{model: {"receptive_field_px": field} for model, field in fields.items()},
    )
    found = claims.receptive_fields(KERNELS, table)
    assert said(found, Verdict.AGREES) == "**Receptive field**: kernel_3 8 px and kernel_1_3 8 px."
    assert said(found, Verdict.CONTRADICTS).startswith(
        "**Receptive field**: kernel_5 sees 14 px, not 12 and kernel_7 sees 20 px, not 16: two"
    )


def test_receptive_fields_as_published_contradict_nothing():
    table, _ = trained({"kernel_5": [0.7]}, kernel_5={"receptive_field_px": 12})
    (found,) = claims.receptive_fields(KERNELS, table)
    assert found.verdict == Verdict.AGREES


@pytest.mark.parametrize(
    ("accuracy", "text"),
    [
        (0.985, "**Goal**: all reach the 98 %"),
        (0.975, "**Goal**: below the 98 % that the source asks for: conv1_fc2"),
    ],
)
def test_goal_is_reached_or_missed(accuracy, text):
    table, _ = trained({"conv1_fc1": [0.981], "conv1_fc2": [accuracy]})
    (found,) = findings.goal(STUDIES[3], table)
    assert found.text.startswith(text)


def test_conclusion_compares_accuracies_of_the_same_images_only():
    table, evidence = trained({"kernel_3": [0.98], "kernel_5": [0.97], "kernel_7": [0.96]})
    assert not [one for one in conclude(KERNELS, "mnist", table, evidence) if one.verdict]
    assert [one for one in conclude(KERNELS, "cifar10-jpeg", table, evidence) if one.verdict]


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.title)
def test_conclusion_is_drawn_for_every_study_with_whatever_is_trained(study):
    for count in range(1, len(study.models) + 1):
        models = list(study.models)[:count]
        runs, epochs = tables(*(run(model, 0.9) for model in models))
        table = measures(study, runs, epochs)
        for dataset in study.datasets:
            found = conclude(study, dataset, table, Evidence(runs))
            assert all("nan" not in one.text for one in found)


def test_measures_count_epochs_until_the_weakest_end():
    runs, epochs = tables(run("kernel_3", 0.788), run("kernel_5", 0.99), run("kernel_7", 0.95))
    assert stated_accuracy(KERNELS, epochs) == 0.78
    table = measures(KERNELS, runs, epochs)
    assert table["epochs_until"].to_dict() == {"kernel_3": 3, "kernel_5": 2, "kernel_7": 3}
    assert table.index.tolist() == ["kernel_3", "kernel_5", "kernel_7"]


def test_measures_average_over_runs():
    table, _ = trained({"kernel_3": [0.7, 0.8, 0.9]}, kernel_3={"train_seconds": 15.0})
    row = table.loc["kernel_3"]
    assert row[["runs", "test_accuracy", "test_accuracy_sd", "epoch_seconds"]].tolist() == (
        pytest.approx([3, 0.8, 0.1, 5.0])
    )
    assert np.isnan(row["activation_mb"])


def test_measures_without_epochs_have_no_gradients():
    runs, epochs = tables(run("kernel_3", 0.7))
    table = measures(KERNELS, runs, epochs[:0])
    assert table[["epochs_until", "first_gradient_norm"]].isna().all(axis=None)
    assert conclude(KERNELS, "mnist", table, Evidence(runs))


def test_table_has_every_model_with_its_published_figures():
    table, _ = trained({"kernel_3": [0.7]})
    rows = side_by_side(KERNELS, table)
    assert rows.index.tolist() == list(KERNELS.models)
    assert rows.loc["kernel_7", "published_test_accuracy"] == 0.741
    assert pd.isna(rows.loc["kernel_7", "test_accuracy"])


@pytest.mark.parametrize("number", STEPS)
def test_steps_and_claims_are_of_the_studies_own_networks(number):
    models = set(STUDIES[number].models)
    assert {model for step in STEPS[number] for model in step[:2]} == models
    assert {m for claim in CLAIMS.get(number, ()) for m in (claim.before, claim.after)} <= models
    assert STEPS.keys() == STUDIES.keys()


@pytest.mark.parametrize("model", CONVOLUTIONS)
def test_convolutions_are_counted_right(model):
    layers = [name for name, _ in build(model).named_modules() if not name.endswith("shortcut")]
    modules = dict(build(model).named_modules())
    assert sum(type(modules[name]).__name__ == "Conv2d" for name in layers) == CONVOLUTIONS[model]
    assert model in MODELS


def test_listed_joins_like_a_person():
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]


def test_times_shows_what_counts():
    assert [times(x) for x in (1.0062, 1.444, 1.00001, 0.0001, 1234.0)] == [
        *("1.006 ×", "1.44 ×", "1 ×", "0.0001 ×", "1,234 ×"),
    ]
