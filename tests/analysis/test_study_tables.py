"""The records of a study as tables."""

import numpy as np
import pandas as pd
import pytest

from mnistcmp.analysis.comparisons import Evidence
from mnistcmp.analysis.findings import conclude
from mnistcmp.analysis.study_tables import measures, side_by_side, stated_accuracy
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.models import MODELS, build
from tests.made_up import run, tables, trained

KERNELS = STUDIES[6]


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


def test_times_are_medians_so_that_one_busy_hour_does_not_count():
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


def test_table_has_every_model_with_its_published_figures():
    table, _ = trained({"kernel_3": [0.7]})
    rows = side_by_side(KERNELS, table)
    assert rows.index.tolist() == list(KERNELS.models)
    assert rows.loc["kernel_7", "published_test_accuracy"] == 0.741
    assert pd.isna(rows.loc["kernel_7", "test_accuracy"])


COUNTED = {name: spec.convolutions for name, spec in MODELS.items() if spec.convolutions}


@pytest.mark.parametrize("model", COUNTED)
def test_convolutions_are_counted_right(model):
    layers = [name for name, _ in build(model).named_modules() if not name.endswith("shortcut")]
    modules = dict(build(model).named_modules())
    assert sum(type(modules[name]).__name__ == "Conv2d" for name in layers) == COUNTED[model]


def test_convolutions_are_counted_where_a_study_is_drawn_against_them():
    drawn_against = [study for study in STUDIES.values() if "convolutions" in study.against]
    assert {model for study in drawn_against for model in study.models} == COUNTED.keys()
