"""Findings from made-up records for which the right finding is known."""

import pytest

from mnistcmp.analysis import findings
from mnistcmp.analysis.comparisons import Evidence, Gap, changes
from mnistcmp.analysis.findings import conclude
from mnistcmp.analysis.study_tables import measures
from mnistcmp.analysis.text import Verdict, times
from mnistcmp.catalogue.studies import STUDIES
from tests.made_up import LABELS, around, readings, run, tables, trained

KERNELS, DEPTH = (STUDIES[number] for number in (6, 7))


def test_best_is_named_if_its_lead_is_significant():
    found = findings.best(*trained({"kernel_3": around(0.78), "kernel_7": around(0.74)}))
    assert found.text == (
        "**kernel_3 is the most accurate**: 78.00 %, +4.00 points compared with kernel_7, "
        "a significant difference (3 and 3 runs)."
    )


def test_best_is_compared_with_the_second():
    means = {"kernel_3": around(0.70), "kernel_5": around(0.78), "kernel_7": around(0.74)}
    found = findings.best(*trained(means))
    assert found.text.startswith(
        "**kernel_5 is the most accurate**: 78.00 %, +4.00 points compared with kernel_7"
    )


def test_best_is_not_named_if_its_lead_is_not_significant():
    means = {"kernel_3": around(0.781), "kernel_5": around(0.78), "kernel_7": around(0.7)}
    found = findings.best(*trained(means))
    assert found.text == (
        "**No clear best network**: kernel_3 (78.10 %) and kernel_5 (78.00 %) cannot be told "
        "apart (3 and 3 runs)."
    )


def test_best_of_single_runs_is_judged_on_the_same_images():
    table, evidence = trained({"kernel_3": [0.9], "kernel_7": [0.8]})
    assert "1 and 1 runs, too few to tell" in findings.best(table, evidence).text
    many = dict(zip(["kernel_3", "kernel_7"], readings(900, 800), strict=True))
    found = findings.best(table, Evidence(evidence.runs, many, LABELS))
    assert found.text.endswith(
        "+10.00 points compared with kernel_7, a significant difference (1 and 1 runs; seed 0 on "
        "the same 1,000 images)."
    )
    table, evidence = trained({"kernel_3": [0.802], "kernel_7": [0.8]})
    few = dict(zip(["kernel_3", "kernel_7"], readings(802, 800), strict=True))
    found = findings.best(table, Evidence(evidence.runs, few, LABELS))
    assert found.text.startswith("**No clear best") and "seed 0 on the same" in found.text


def test_best_of_a_single_network_only_states_its_accuracy():
    assert findings.best(*trained({"kernel_3": [0.78]})).text == (
        "Only **kernel_3** has been trained so far: 78.00 %."
    )


def test_changes_are_grouped_by_effect_and_listed_with_their_cost():
    table, evidence = trained(
        {"depth_2": around(0.72), "depth_4": around(0.78), "depth_6": around(0.7)}
        | {"resnet_6": around(0.7)},
        depth_4={"params": 150_000, "train_seconds": 60.0},
    )
    paid, worse, unclear = findings.paid(changes(DEPTH, "cifar10-jpeg", table, evidence))
    assert paid.text == (
        "**Higher accuracy**: 2 → 4 convolutions (+6.00 points, 1.5 × parameters, "
        "2 × time per epoch)."
    )
    assert worse.text.startswith(
        "**Lower accuracy**: 4 → 6 convolutions (-8.00 points, 0.667 × parameters"
    )
    assert unclear.text == "**No significant difference**: shortcuts (+0.00 points)."


def test_change_without_an_interval_is_not_judged():
    table, evidence = trained({"depth_2": [0.6], "depth_4": [0.85]})
    (found,) = findings.paid(changes(DEPTH, "cifar10-jpeg", table, evidence))
    assert found.text == "**Too few runs to tell**: 2 → 4 convolutions (+25.00 points)."


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
def test_gain_is_compared_with_the_published_one(accuracy, verdict):
    table, evidence = trained({"kernel_3": around(0.78), "kernel_7": around(accuracy)})
    (found,) = findings.gains(changes(KERNELS, "cifar10-jpeg", table, evidence))
    gained = f"{100 * (accuracy - 0.78):+.2f} points"
    assert found.verdict == verdict
    assert found.text == f"**Change in accuracy**: 7×7 kernels ({gained}, published -4.10)."


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
def test_gain_from_half_to_twice_the_published_one_agrees(share, half, verdict):
    assert findings.judge_gain(Gap(share, half, "made up"), 0.02) == verdict


def test_order_as_published_agrees():
    means = {"depth_2": 0.75, "depth_4": 0.8, "depth_6": 0.7, "resnet_6": 0.85}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.AGREES
    assert found.text == "**Ranking**: resnet_6 > depth_4 > depth_2 > depth_6."


def test_order_that_differs_significantly_contradicts():
    means = {"depth_2": 0.75, "depth_4": 0.8, "depth_6": 0.85, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.CONTRADICTS
    assert found.text == (
        "**Ranking**: ours resnet_6 > depth_6 > depth_4 > depth_2; "
        "published resnet_6 > depth_4 > depth_2 > depth_6."
    )


def test_order_without_significant_differences_is_unclear():
    means = {"depth_2": 0.75, "depth_4": 0.8, "depth_6": 0.7501, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.UNCLEAR


def test_order_is_contradicted_by_one_significant_pair():
    means = {"depth_2": 0.8001, "depth_4": 0.8, "depth_6": 0.85, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.CONTRADICTS


def test_order_with_a_tie_agrees():
    means = {"depth_2": 0.8, "depth_4": 0.8, "depth_6": 0.7, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.AGREES


def test_order_of_two_networks_is_not_reported():
    assert not findings.order(DEPTH, *trained({"depth_2": [0.7], "depth_4": [0.6]}))


@pytest.mark.parametrize(
    ("first", "begins", "how"),
    [
        (0.1, "**No vanishing gradients**: ", "is smallest in depth_6 ("),
        (0.006, "**No vanishing gradients**: ", "is smallest in depth_6 ("),
        (0.005, "**No vanishing gradients**: ", "is smallest in depth_6 ("),
        (0.004, "**Vanishing gradients**: ", "is very small in depth_6 ("),
        (1e-4, "**Vanishing gradients**: ", "is very small in depth_6 ("),
    ],
)
def test_gradients_vanish_or_not(first, begins, how):
    norms = [{"network.a": first, "network.s.shortcut": 9.0, "network.b": 0.5}] * 3
    runs, epochs = tables(run("depth_2", 0.7), run("depth_6", 0.7), depth_6=norms)
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert found.text.startswith(begins)
    assert how in found.text
    assert f"first epoch {times(first / 0.5)}" in found.text


def test_gradient_that_vanishes_only_in_the_last_epoch_is_reported():
    healthy, lost = {"network.a": 0.1, "network.b": 0.5}, {"network.a": 1e-4, "network.b": 0.5}
    runs, epochs = tables(run("depth_2", 0.7), depth_2=[healthy, healthy, lost])
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert found.text.startswith("**Vanishing gradients**: ")
    assert "depth_2 (first epoch 0.2 ×, last epoch 0.0002 ×)" in found.text


def test_dead_layers_count_as_vanishing_gradients():
    norms = [{"network.a": 0.0, "network.b": 0.0}] * 3
    runs, epochs = tables(run("depth_2", 0.7), run("depth_6", 0.1), depth_6=norms)
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert "is very small in depth_6 (first epoch 0 ×, last epoch 0 ×)" in found.text


@pytest.mark.parametrize(
    ("accuracy", "text"),
    [
        (0.985, "**Goal**: all networks reach the 98 %"),
        (0.98, "**Goal**: all networks reach the 98 %"),
        (0.975, "**Goal**: below the 98 % that the source asks for: conv1_fc2"),
    ],
)
def test_goal_is_reported_as_reached_or_missed(accuracy, text):
    table, _ = trained({"conv1_fc1": [0.981], "conv1_fc2": [accuracy]})
    (found,) = findings.goal(STUDIES[3], table)
    assert found.text.startswith(text)


def test_conclusion_compares_only_accuracies_on_the_same_data_set():
    table, evidence = trained({"kernel_3": [0.98], "kernel_5": [0.97], "kernel_7": [0.96]})
    assert not [one for one in conclude(KERNELS, "mnist", table, evidence) if one.verdict]
    assert [one for one in conclude(KERNELS, "cifar10-jpeg", table, evidence) if one.verdict]


def test_order_on_mnist_is_not_compared_with_figures_from_another_data_set():
    means = {"base_cnn": 0.99, "swish_cnn": 0.98, "attention_cnn": 0.97, "custom_conv": 0.985}
    table, evidence = trained({model: around(mean) for model, mean in means.items()})
    on_mnist, on_photos = (
        [one.text for one in conclude(STUDIES[8], dataset, table, evidence) if one.verdict]
        for dataset in ("mnist", "cifar10-jpeg")
    )
    assert any("**Ranking**" in text for text in on_photos)
    assert not any("**Ranking**" in text for text in on_mnist)
    assert "**Change in accuracy**: gated convolution (-0.50 points, published -0.30)." in on_mnist


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.title)
def test_conclusion_works_for_every_study_with_any_number_of_networks(study):
    for count in range(1, len(study.models) + 1):
        models = list(study.models)[:count]
        runs, epochs = tables(*(run(model, 0.9) for model in models))
        table = measures(study, runs, epochs)
        for dataset in study.datasets:
            found = conclude(study, dataset, table, Evidence(runs))
            assert all("nan" not in one.text for one in found)
