"""Conclusions from records made up so that the conclusion is known, one way and the other."""

import pytest

from mnistcmp.analysis import findings
from mnistcmp.analysis.comparisons import Change, Evidence, Gap, changes
from mnistcmp.analysis.findings import conclude
from mnistcmp.analysis.study_tables import measures
from mnistcmp.analysis.text import Verdict, times
from mnistcmp.catalogue.studies import STUDIES
from tests.made_up import LABELS, around, readings, run, tables, trained

KERNELS, DEPTH = (STUDIES[number] for number in (6, 7))


def test_best_is_named_when_it_is_more_than_chance():
    found = findings.best(*trained({"kernel_3": around(0.78), "kernel_7": around(0.74)}))
    assert found.text == (
        "**kernel_3 reads best**: 78.00 %, +4.00 points against kernel_7, more than chance "
        "(3 and 3 runs)."
    )


def test_best_is_compared_with_the_second():
    means = {"kernel_3": around(0.70), "kernel_5": around(0.78), "kernel_7": around(0.74)}
    found = findings.best(*trained(means))
    assert found.text.startswith("**kernel_5 reads best**: 78.00 %, +4.00 points against kernel_7")


def test_best_is_not_clear_within_chance():
    means = {"kernel_3": around(0.781), "kernel_5": around(0.78), "kernel_7": around(0.7)}
    found = findings.best(*trained(means))
    assert found.text == (
        "**Not clear which reads best**: kernel_3 (78.10 %) and kernel_5 (78.00 %) lie too "
        "close to be told apart (3 and 3 runs)."
    )


def test_best_of_one_run_each_is_judged_by_the_same_images():
    table, evidence = trained({"kernel_3": [0.9], "kernel_7": [0.8]})
    assert "1 and 1 runs, too few to tell" in findings.best(table, evidence).text
    many = dict(zip(["kernel_3", "kernel_7"], readings(900, 800), strict=True))
    found = findings.best(table, Evidence(evidence.runs, many, LABELS))
    assert found.text.endswith(
        "+10.00 points against kernel_7, more than chance (1 and 1 runs; seed 0 on the same 1,000 "
        "images)."
    )
    table, evidence = trained({"kernel_3": [0.802], "kernel_7": [0.8]})
    few = dict(zip(["kernel_3", "kernel_7"], readings(802, 800), strict=True))
    found = findings.best(table, Evidence(evidence.runs, few, LABELS))
    assert found.text.startswith("**Not clear") and "seed 0 on the same" in found.text


def test_best_of_a_single_network_claims_nothing():
    assert findings.best(*trained({"kernel_3": [0.78]})).text == (
        "So far only **kernel_3** is trained: 78.00 %."
    )


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


def test_change_that_nothing_can_judge_is_not_called_chance():
    table, evidence = trained({"depth_2": [0.6], "depth_4": [0.85]})
    (found,) = findings.paid(changes(DEPTH, "cifar10-jpeg", table, evidence))
    assert found.text == "**Too few runs to tell**: 2 → 4 convolutions +25.00 points."


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [
        (0.74, Verdict.AGREES),
        (0.77, Verdict.IN_PART),
        (0.60, Verdict.IN_PART),
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


@pytest.mark.parametrize(
    ("share", "half", "verdict"),
    [
        (0.02, 0.001, Verdict.AGREES),
        (0.01, 0.001, Verdict.AGREES),
        (0.0099, 0.001, Verdict.IN_PART),
        (0.04, 0.001, Verdict.AGREES),
        (0.0401, 0.001, Verdict.IN_PART),
        (-0.0001, 0.00001, Verdict.CONTRADICTS),
        (0.02, 0.02, Verdict.UNCLEAR),
    ],
)
def test_gain_of_half_the_published_one_to_twice_it_agrees(share, half, verdict):
    step = Change("kernel_3", "kernel_7", "7×7 kernels", Gap(share, half, "made up"), 0.02, {})
    assert findings.judge_gain(step) == verdict


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


def test_order_is_contradicted_by_one_pair_that_is_more_than_chance():
    means = {"depth_2": 0.8001, "depth_4": 0.8, "depth_6": 0.85, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.CONTRADICTS


def test_order_with_a_tie_is_as_published():
    means = {"depth_2": 0.8, "depth_4": 0.8, "depth_6": 0.7, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.AGREES


def test_order_of_two_is_left_to_their_gain():
    assert not findings.order(DEPTH, *trained({"depth_2": [0.7], "depth_4": [0.6]}))


@pytest.mark.parametrize(
    ("first", "begins", "how"),
    [
        (0.1, "**No gradient vanishes**: ", "the first layer’s is smallest in depth_6 ("),
        (0.006, "**No gradient vanishes**: ", "the first layer’s is smallest in depth_6 ("),
        (0.005, "**No gradient vanishes**: ", "the first layer’s is smallest in depth_6 ("),
        (0.004, "**Gradients vanish**: ", "the first layer’s is next to nothing in depth_6 ("),
        (1e-4, "**Gradients vanish**: ", "the first layer’s is next to nothing in depth_6 ("),
    ],
)
def test_gradients_vanish_or_not(first, begins, how):
    norms = [{"network.a": first, "network.s.shortcut": 9.0, "network.b": 0.5}] * 3
    runs, epochs = tables(run("depth_2", 0.7), run("depth_6", 0.7), depth_6=norms)
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert found.text.startswith(begins)
    assert how in found.text
    assert f"first epoch {times(first / 0.5)}" in found.text


def test_gradient_that_vanishes_only_in_the_last_epoch_is_told():
    healthy, lost = {"network.a": 0.1, "network.b": 0.5}, {"network.a": 1e-4, "network.b": 0.5}
    runs, epochs = tables(run("depth_2", 0.7), depth_2=[healthy, healthy, lost])
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert found.text.startswith("**Gradients vanish**: ")
    assert "depth_2 (first epoch 0.2 ×, last epoch 0.0002 ×)" in found.text


def test_dead_layers_are_gradients_that_vanish():
    norms = [{"network.a": 0.0, "network.b": 0.0}] * 3
    runs, epochs = tables(run("depth_2", 0.7), run("depth_6", 0.1), depth_6=norms)
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert "next to nothing in depth_6 (first epoch 0 ×, last epoch 0 ×)" in found.text


@pytest.mark.parametrize(
    ("accuracy", "text"),
    [
        (0.985, "**Goal**: all reach the 98 %"),
        (0.98, "**Goal**: all reach the 98 %"),
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


def test_order_on_mnist_is_not_held_against_figures_of_another_data_set():
    means = {"base_cnn": 0.99, "swish_cnn": 0.98, "attention_cnn": 0.97, "custom_conv": 0.985}
    table, evidence = trained({model: around(mean) for model, mean in means.items()})
    on_mnist, on_photos = (
        [one.text for one in conclude(STUDIES[8], dataset, table, evidence) if one.verdict]
        for dataset in ("mnist", "cifar10-jpeg")
    )
    assert any("**Order**" in text for text in on_photos)
    assert not any("**Order**" in text for text in on_mnist)
    assert "**Gain**: gated convolution -0.50 points (published -0.30)." in on_mnist


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.title)
def test_conclusion_is_drawn_for_every_study_with_whatever_is_trained(study):
    for count in range(1, len(study.models) + 1):
        models = list(study.models)[:count]
        runs, epochs = tables(*(run(model, 0.9) for model in models))
        table = measures(study, runs, epochs)
        for dataset in study.datasets:
            found = conclude(study, dataset, table, Evidence(runs))
            assert all("nan" not in one.text for one in found)
