"""Findings from made-up records for which the right finding is known."""

import pytest

from mnistcmp.analysis import findings
from mnistcmp.analysis.claims import HOW
from mnistcmp.analysis.comparisons import Evidence, Gap, changes
from mnistcmp.analysis.findings import conclude
from mnistcmp.analysis.study_tables import measures
from mnistcmp.analysis.text import Finding, Verdict, points, times
from mnistcmp.catalogue.studies import STUDIES
from tests.made_up import LABELS, around, readings, run, tables, trained

KERNELS, DEPTH = (STUDIES[number] for number in (6, 7))


def best(accuracies: dict[str, list[float]], **of_model: dict[str, object]) -> Finding:
    return findings.best("cifar10-jpeg", *trained(accuracies, **of_model))


def test_best_is_named_if_its_lead_is_significant():
    found = best({"kernel_3": around(0.78), "kernel_7": around(0.74)})
    assert found.text == (
        "“Kernel 3×3” **is the most accurate** on the test images, 4.00 points ahead of "
        "“Kernel 7×7”."
    )
    assert found.figures == "“Kernel 3×3” 78.00 %; “Kernel 7×7” 74.00 % (3 runs each)"


def test_best_is_named_with_what_it_costs():
    found = best(
        {"kernel_3": around(0.78), "kernel_7": around(0.74)},
        kernel_3={"params": 250_000, "train_seconds": 90.0},
    )
    costs = "with 2.5 times its parameters and 3 times its training time"
    assert found.text.endswith(f"4.00 points ahead of “Kernel 7×7”, {costs}.")


def test_best_on_digits_is_said_to_be_best_on_clean_digits():
    accuracies = {"kernel_3": around(0.98), "kernel_7": around(0.94)}
    found = findings.best("mnist", *trained(accuracies))
    assert "**is the most accurate** on clean digits, 4.00 points" in found.text


def test_best_is_compared_with_the_second():
    means = {"kernel_3": around(0.70), "kernel_5": around(0.78), "kernel_7": around(0.74)}
    text = best(means).text
    assert text.startswith("“Kernel 5×5” **is the most accurate**")
    assert "4.00 points ahead of “Kernel 7×7”" in text


def test_best_is_not_named_if_its_lead_is_not_significant():
    means = {"kernel_3": around(0.781), "kernel_5": around(0.78), "kernel_7": around(0.7)}
    assert best(means).text == (
        "“Kernel 3×3” and “Kernel 5×5” are the most accurate on the test images and **too close to "
        "be told apart**."
    )


def test_networks_that_are_all_level_are_counted():
    means = {"kernel_3": around(0.781), "kernel_5": around(0.78), "kernel_7": around(0.779)}
    assert best(means).text == (
        "All three networks are **too close to be told apart** on the test images."
    )
    del means["kernel_7"]
    assert best(means).text.startswith("Both networks are **too close")


def test_best_of_single_runs_is_judged_on_the_same_images():
    table, evidence = trained({"kernel_3": [0.9], "kernel_7": [0.8]})
    assert "1 run each, too few to tell" in findings.best("cifar10", table, evidence).figures
    many = dict(zip(["kernel_3", "kernel_7"], readings(900, 800), strict=True))
    found = findings.best("cifar10", table, Evidence(evidence.runs, many, LABELS))
    assert found.text.endswith("10.00 points ahead of “Kernel 7×7”.")
    assert found.figures.endswith("(1 run each; seed 0 on the same 1,000 images)")
    table, evidence = trained({"kernel_3": [0.802], "kernel_7": [0.8]})
    few = dict(zip(["kernel_3", "kernel_7"], readings(802, 800), strict=True))
    found = findings.best("cifar10", table, Evidence(evidence.runs, few, LABELS))
    assert found.text.startswith("Both networks are **too close to be told apart**")
    assert "seed 0 on the same" in found.figures


def test_best_of_a_single_network_only_states_its_accuracy():
    found = best({"kernel_3": [0.78]})
    assert found.text == "So far only “Kernel 3×3” has been trained."
    assert found.figures == "“Kernel 3×3” 78.00 %"


def test_changes_are_grouped_by_effect_and_listed_with_their_cost():
    table, evidence = trained(
        {"depth_2": around(0.72), "depth_4": around(0.78), "depth_6": around(0.7)}
        | {"resnet_6": around(0.7)},
        depth_4={"params": 150_000, "train_seconds": 60.0},
    )
    steps = changes(DEPTH, "cifar10-jpeg", table, evidence)
    paid, worse, unclear = findings.paid("cifar10-jpeg", steps)
    assert (
        paid.text == "The accuracy on the test images **rises** with 4 instead of 2 convolutions."
    )
    assert paid.figures == (
        "4 instead of 2 convolutions: +6.00 points, 1.5 × parameters, 2 × time per epoch"
    )
    assert (
        worse.text == "The accuracy on the test images **falls** with 6 instead of 4 convolutions."
    )
    assert worse.figures.startswith("6 instead of 4 convolutions: −8.00 points, 0.667 × parameters")
    assert (
        unclear.text == "**No clear change** in accuracy on the test images comes with shortcuts."
    )
    assert unclear.figures.startswith("shortcuts: +0.00 points")


def test_change_without_an_interval_is_not_judged():
    table, evidence = trained({"depth_2": [0.6], "depth_4": [0.85]})
    (found,) = findings.paid("mnist", changes(DEPTH, "cifar10-jpeg", table, evidence))
    assert found.text == "There are **too few runs** to judge 4 instead of 2 convolutions."
    assert found.figures.startswith("4 instead of 2 convolutions: +25.00 points")


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
    gained = f"{points(accuracy - 0.78)} points"
    assert found.verdict == verdict
    assert found.text == f"The change in **accuracy** with 7×7 kernels {HOW[verdict]}."
    assert found.figures == f"7×7 kernels: {gained}, published −4.10"


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
    assert found.text == "The **ranking by accuracy** is as published."


def test_order_that_differs_significantly_contradicts():
    means = {"depth_2": 0.75, "depth_4": 0.8, "depth_6": 0.85, "resnet_6": 0.95}
    (found,) = findings.order(DEPTH, *trained({m: around(mean) for m, mean in means.items()}))
    assert found.verdict == Verdict.CONTRADICTS
    assert found.text == "The **ranking by accuracy** is not as published."
    assert found.figures == (
        "Ours: “6 deep, shortcuts” > “6 layers deep” > “4 layers deep” > “2 layers deep”. "
        "Published: “6 deep, shortcuts” > “4 layers deep” > “2 layers deep” > “6 layers deep”"
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
    ("first", "begins"),
    [
        (0.1, "**The gradient does not vanish**: "),
        (0.006, "**The gradient does not vanish**: "),
        (0.005, "**The gradient does not vanish**: "),
        (0.004, "**The gradient vanishes** in “6 layers deep”: "),
        (1e-4, "**The gradient vanishes** in “6 layers deep”: "),
    ],
)
def test_gradients_vanish_or_not(first, begins):
    norms = [{"network.a": first, "network.s.shortcut": 9.0, "network.b": 0.5}] * 3
    runs, epochs = tables(run("depth_2", 0.7), run("depth_6", 0.7), depth_6=norms)
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert found.text.startswith(begins)
    assert f"“6 layers deep” {times(first / 0.5)} in the first epoch" in found.figures
    assert findings.is_vanishing(found) == (first < 0.005)


def test_gradient_that_vanishes_only_in_the_last_epoch_is_reported():
    healthy, lost = {"network.a": 0.1, "network.b": 0.5}, {"network.a": 1e-4, "network.b": 0.5}
    runs, epochs = tables(run("depth_2", 0.7), depth_2=[healthy, healthy, lost])
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert found.text.startswith("**The gradient vanishes** in “2 layers deep”: ")
    assert "0.2 × in the first epoch, 0.0002 × in the last" in found.figures


def test_dead_layers_count_as_vanishing_gradients():
    norms = [{"network.a": 0.0, "network.b": 0.0}] * 3
    runs, epochs = tables(run("depth_2", 0.7), run("depth_6", 0.1), depth_6=norms)
    (found,) = findings.vanishing(measures(DEPTH, runs, epochs))
    assert found.text.startswith("**The gradient vanishes** in “6 layers deep”: ")
    assert "0 × in the first epoch, 0 × in the last" in found.figures


@pytest.mark.parametrize(
    ("accuracy", "text"),
    [
        (0.985, "**All networks reach** the 98 %"),
        (0.98, "**All networks reach** the 98 %"),
        (
            0.975,
            "**Not all reach** the 98 % that the source asks for: below it are “1 conv., 2 lin",
        ),
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
    assert any("**ranking by accuracy**" in text for text in on_photos)
    assert not any("**ranking by accuracy**" in text for text in on_mnist)
    assert "The change in **accuracy** with a gated convolution is as published." in on_mnist


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.title)
def test_conclusion_works_for_every_study_with_any_number_of_networks(study):
    for count in range(1, len(study.models) + 1):
        models = list(study.models)[:count]
        runs, epochs = tables(*(run(model, 0.9) for model in models))
        table = measures(study, runs, epochs)
        for dataset in study.datasets:
            found = conclude(study, dataset, table, Evidence(runs))
            assert all("nan" not in one.text + one.figures for one in found)


VERDICTS = {
    Verdict.AGREES: (0.75, 0.8, 0.7, 0.85),
    Verdict.CONTRADICTS: (0.8, 0.75, 0.85, 0.7),
    Verdict.IN_PART: (0.75, 0.8, 0.85, 0.95),
    Verdict.UNCLEAR: (0.8001, 0.8, 0.8, 0.8001),
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_overall_verdict_sums_up_ranking_and_gains(verdict):
    means = dict(zip(DEPTH.models, VERDICTS[verdict], strict=True))
    table, evidence = trained({model: around(mean) for model, mean in means.items()})
    assert findings.overall(DEPTH, "cifar10-jpeg", table, evidence) == verdict


def test_overall_verdict_is_none_without_comparable_accuracies():
    table, evidence = trained({model: around(0.8) for model in DEPTH.models})
    assert findings.overall(DEPTH, "mnist", table, evidence) is None


def test_gradients_that_do_not_vanish_are_mentioned_only_if_the_study_shows_them():
    for study, mentioned in ((KERNELS, False), (DEPTH, True)):
        table, evidence = trained({model: around(0.8) for model in study.models})
        found = [one.text for one in conclude(study, "mnist", table, evidence)]
        assert any(text.startswith("**The gradient does not") for text in found) == mentioned
