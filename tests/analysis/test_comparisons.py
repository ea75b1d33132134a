"""How certain a gain is, and which published gain it is compared with."""

import math

import pytest

from mnistcmp.analysis.comparisons import Evidence, Gap, comparable, published_gain, setting
from mnistcmp.catalogue.studies import STUDIES, published_figures
from tests.made_up import LABELS, readings, run, tables, trained

KERNELS, LAYERS, BLOCKS = (STUDIES[number] for number in (6, 8, 9))


def test_gap_over_runs_is_welchs():
    _, evidence = trained({"kernel_3": [0.7, 0.71, 0.72], "kernel_5": [0.74, 0.75, 0.76]})
    gap = evidence.gap("kernel_3", "kernel_5")
    half = 2.776445 * math.sqrt(2 * 0.01**2 / 3)  # t of 4 degrees of freedom
    assert (gap.share, gap.low, gap.high) == pytest.approx((0.04, 0.04 - half, 0.04 + half))
    assert gap.sure and gap.over_runs


def test_gap_of_single_runs_has_a_paired_interval_over_images():
    _, evidence = trained({"kernel_3": [0.8], "kernel_5": [0.9]})
    read = dict(zip(["kernel_3", "kernel_5"], readings(800, 900), strict=True))
    gap = Evidence(evidence.runs, read, LABELS).gap("kernel_3", "kernel_5")
    half = (1.959964 * math.sqrt(100 - 100**2 / 1000) + 1) / 1000
    assert (gap.share, gap.low, gap.high) == pytest.approx((0.1, 0.1 - half, 0.1 + half))
    assert gap.sure and not gap.over_runs


def test_gap_of_two_runs_is_between_their_means():
    _, evidence = trained({"kernel_3": [0.82, 0.846], "kernel_5": [0.832, 0.83]})
    read = dict(zip(["kernel_3", "kernel_5"], readings(820, 832), strict=True))
    gap = Evidence(evidence.runs, read, LABELS).gap("kernel_5", "kernel_3")
    assert gap.share == pytest.approx(0.002)
    assert not gap.sure
    assert gap.grounds == "2 runs each; seed 0 on the same 1,000 images"


def test_gap_without_predictions_has_no_interval():
    _, evidence = trained({"kernel_3": [0.8, 0.81], "kernel_5": [0.9]})
    gap = evidence.gap("kernel_3", "kernel_5")
    assert math.isnan(gap.half) and not gap.sure
    assert gap.grounds == "2 and 1 runs, too few to tell"


def test_gap_over_runs_needs_three_of_each():
    _, evidence = trained({"kernel_3": [0.8, 0.81, 0.82], "kernel_5": [0.9, 0.91]})
    for pair in (("kernel_3", "kernel_5"), ("kernel_5", "kernel_3")):
        gap = evidence.gap(*pair)
        assert math.isnan(gap.half) and not gap.over_runs


@pytest.mark.parametrize("known", ["kernel_3", "kernel_5"])
def test_gap_over_images_needs_predictions_of_both_networks(known):
    _, evidence = trained({"kernel_3": [0.8], "kernel_5": [0.9]})
    gap = Evidence(evidence.runs, {known: readings(800)[0]}, LABELS).gap("kernel_3", "kernel_5")
    assert math.isnan(gap.half)
    assert gap.grounds == "1 run each, too few to tell"


@pytest.mark.parametrize(
    ("share", "half", "sure"),
    [(0.03, 0.02, True), (-0.03, 0.02, True), (0.02, 0.02, False), (0.0, 0.0, False)],
)
def test_gap_is_sure_if_its_interval_excludes_0(share, half, sure):
    assert Gap(share, half, "made up").sure == sure


def test_published_gain_is_from_the_same_or_an_unnamed_data_set():
    assert published_gain(KERNELS, "cifar10-jpeg", "kernel_3", "kernel_7") == pytest.approx(-0.041)
    assert published_gain(KERNELS, "mnist", "kernel_3", "kernel_7") is None
    for dataset in BLOCKS.datasets:
        gain = published_gain(BLOCKS, dataset, "res_basic", "res_wide")
        assert gain == pytest.approx(0.014)
    # The source gives MNIST figures separately, so its other figures are not from MNIST.
    gain = published_gain(LAYERS, "cifar10-jpeg", "base_cnn", "swish_cnn")
    assert gain == pytest.approx(0.007)
    assert published_gain(LAYERS, "mnist", "base_cnn", "swish_cnn") is None
    assert published_gain(LAYERS, "mnist", "base_cnn", "custom_conv") == pytest.approx(-0.003)
    assert published_gain(LAYERS, "cifar10-jpeg", "base_cnn", "custom_conv") is None
    assert published_gain(LAYERS, "mnist", "base_cnn", "avg_pool_cnn") is None


@pytest.mark.parametrize("dataset", ["cifar100", "mnist_letters", "leaves", "fashion_mnist"])
def test_no_figures_are_published_for_other_data_sets(dataset):
    assert not any(comparable(study, dataset) for study in STUDIES.values())
    assert not any(published_figures(m, dataset).test_accuracy for m in KERNELS.models)


def compared(study: int, *runs: tuple[str, str, str]) -> tuple[str, str] | None:
    """`setting` of a study; each run is a network, a data set and a recipe."""
    records, _ = tables(
        *(run(model, 0.9, dataset=dataset, recipe=recipe) for model, dataset, recipe in runs)
    )
    return setting(STUDIES[study], records)


def both(dataset: str, recipe: str) -> list[tuple[str, str, str]]:
    """Two networks of study 6, which is about CIFAR-10."""
    return [(model, dataset, recipe) for model in ("kernel_3", "kernel_5")]


def test_comparison_is_on_the_data_set_of_the_source_or_our_copy_of_it():
    on_photos = both("cifar10-jpeg", "tuned")
    assert compared(6, *both("mnist", "tuned"), *on_photos) == ("cifar10-jpeg", "tuned")
    assert compared(6, *both("mnist", "tuned")) is None


def test_comparison_is_on_the_studys_first_data_set_if_the_source_names_none():
    blocks = [("res_basic", "mnist", "tuned"), ("res_wide", "mnist", "tuned")]
    assert compared(9, *blocks) == ("mnist", "tuned")


def test_comparison_is_with_the_first_recipe_of_the_catalogue_that_two_networks_have():
    photos = "cifar10-jpeg"
    tuned = both(photos, "tuned")
    assert compared(6, *both(photos, "drawn"), *tuned) == (photos, "tuned")
    assert compared(6, *tuned, *both(photos, "published")) == (photos, "published")
    assert compared(6, *tuned, ("kernel_3", photos, "published")) == (photos, "tuned")
    assert compared(6, ("kernel_3", photos, "tuned")) is None
    assert compared(6) is None
