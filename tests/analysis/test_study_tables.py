"""The records of a study as tables."""

import numpy as np
import pandas as pd
import pytest

from mnistcmp.analysis.comparisons import Evidence
from mnistcmp.analysis.findings import conclude
from mnistcmp.analysis.study_tables import (
    curves,
    epochs_until,
    gradients,
    measures,
    published,
    side_by_side,
    stated_accuracy,
)
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.models import MODELS, build
from tests.made_up import epochs as epochs_of
from tests.made_up import run, tables, trained

KERNELS = STUDIES[6]


def test_measures_count_epochs_until_the_accuracy_of_the_weakest_run():
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


def test_gap_is_training_minus_test_accuracy():
    table, _ = trained({"kernel_3": [0.7, 0.8]})
    assert table["gap"]["kernel_3"] == pytest.approx(0.01)
    assert published(STUDIES[4])["gap"]["fcn"] == pytest.approx(0.0184)


def test_stated_accuracy_is_that_of_the_weakest_run_in_whole_percent():
    _, epochs = tables(run("kernel_3", 0.29), run("kernel_5", 0.9), run("mlp", 0.1))
    assert stated_accuracy(KERNELS, epochs) == 0.29  # 100 * 0.29 is slightly less than 29


def test_stated_accuracy_uses_the_last_epoch_of_each_run():
    short, long = run("kernel_3", 0.7), run("kernel_3", 0.9, seed=1)
    epochs = pd.DataFrame(epochs_of(short, [{}] * 2) + epochs_of(long, [{}] * 3))
    assert stated_accuracy(KERNELS, epochs) == 0.7


def test_epochs_until_are_means_over_the_runs_that_reach_the_accuracy():
    _, epochs = tables(*(run("kernel_3", end, seed) for seed, end in enumerate([0.8, 1.0, 0.5])))
    assert epochs_until(epochs, 0.8).to_dict() == {"kernel_3": 2.5}  # epochs 3 and 2


def test_curves_have_mean_lowest_and_highest_run():
    _, epochs = tables(*(run("kernel_3", end, seed) for seed, end in enumerate([0.6, 0.7, 0.95])))
    rows = curves(epochs, "accuracy")
    (last,) = rows[(rows["images"] == "test") & (rows["epoch"] == 3)].itertuples()
    assert (last.mean, last.low, last.high, last.runs) == pytest.approx((0.75, 0.6, 0.95, 3))


def test_gradients_are_means_by_layer_without_shortcuts():
    norms = [
        {"network.b": norm, "network.b.shortcut": 9.0, "network.a": 0.5} for norm in (0.1, 0.3)
    ]
    rows = [epochs_of(run("kernel_3", 0.7, seed), [each])[0] for seed, each in enumerate(norms)]
    table = gradients(pd.DataFrame(rows))
    assert table["layer"].tolist() == ["b", "a"]
    assert table["place"].tolist() == [1, 2]
    assert table["norm"].tolist() == pytest.approx([0.2, 0.5])


def test_measures_of_first_and_last_epoch_are_means_over_the_runs():
    norms = [{"network.a": 0.1, "network.b": 0.5}, {"network.a": 0.3, "network.b": 0.4}]
    runs = [run("kernel_3", accuracy, seed) for seed, accuracy in enumerate([0.6, 0.8, 0.9])]
    table = measures(KERNELS, *tables(*runs, kernel_3=norms))
    row = table.loc["kernel_3"]
    assert row[["first_gradient_norm", "last_gradient_norm"]].tolist() == pytest.approx([0.1, 0.3])
    assert row["first_gradient_ratio"] == pytest.approx(0.2)
    assert row["last_gradient_ratio"] == pytest.approx(0.75)
    # Training accuracies 0.61, 0.81 and 0.91; after the first of two epochs, 3/4 of them
    assert row["first_train_loss"] == pytest.approx(1.2 - 0.75 * 0.77667, abs=1e-4)
    assert row["last_train_loss"] == pytest.approx(1.2 - 0.77667, abs=1e-4)


def test_times_are_medians_so_one_slow_run_does_not_count():
    seconds = [10.0, 11.0, 90.0]
    runs, epochs = tables(
        *(run("kernel_3", 0.7, seed, train_seconds=took) for seed, took in enumerate(seconds))
    )
    table = measures(KERNELS, runs, epochs)
    assert table["train_seconds"]["kernel_3"] == 11
    assert table["epoch_seconds"]["kernel_3"] == pytest.approx(11 / runs["epochs"][0])


def test_measures_without_epochs_have_no_gradients():
    runs, epochs = tables(run("kernel_3", 0.7))
    table = measures(KERNELS, runs, epochs[:0])
    assert table[["epochs_until", "first_gradient_norm"]].isna().all(axis=None)
    assert conclude(KERNELS, "mnist", table, Evidence(runs))


def test_side_by_side_has_every_model_with_its_published_figures():
    table, _ = trained({"kernel_3": [0.7]})
    rows = side_by_side(KERNELS, table)
    assert rows.index.tolist() == list(KERNELS.models)
    assert rows.loc["kernel_7", "published_test_accuracy"] == 0.741
    assert pd.isna(rows.loc["kernel_7", "test_accuracy"])


def test_measures_and_published_figures_count_the_convolutions():
    table, _ = trained({"depth_2": [0.7], "resnet_6": [0.8]})
    assert table["convolutions"].to_dict() == {"depth_2": 2, "resnet_6": 6}
    assert published(STUDIES[3])["convolutions"].tolist() == [1, 1, 2, 2, 3]


COUNTED = {name: spec.convolutions for name, spec in MODELS.items() if spec.convolutions}


@pytest.mark.parametrize("model", COUNTED)
def test_convolutions_in_the_catalogue_match_the_networks(model):
    layers = [name for name, _ in build(model).named_modules() if not name.endswith("shortcut")]
    modules = dict(build(model).named_modules())
    assert sum(type(modules[name]).__name__ == "Conv2d" for name in layers) == COUNTED[model]


def test_convolutions_are_given_if_a_study_plots_accuracy_against_them():
    studies = [study for study in STUDIES.values() if "convolutions" in study.against]
    assert {model for study in studies for model in study.models} == COUNTED.keys()
