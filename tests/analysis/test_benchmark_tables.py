"""The benchmark as tables of text."""

import math

import pandas as pd
import pytest

from mnistcmp.analysis.benchmark_tables import elsewhere, markdown, overview, table
from mnistcmp.analysis.text import percent
from mnistcmp.models import MODELS
from mnistcmp.records import RUN_COLUMNS, summarise

MEASURES = (
    "test_accuracy",
    "test_loss",
    "train_accuracy",
    "train_loss",
    "pen_accuracy",
    "train_seconds",
    "ms_per_image",
)


def summary_row(model: str, recipe: str = "tuned", **changes: object) -> dict[str, object]:
    """A row as `summarise` returns it: one seed, and only the measures in `changes`."""
    row = {"dataset": "mnist", "model": model, "recipe": recipe, "seeds": 1, "epochs": 5}
    row["params"] = MODELS[model].params
    row |= dict.fromkeys(MEASURES, math.nan)
    return row | {f"{measure}_sd": math.nan for measure in MEASURES} | changes


def texts(*rows: dict[str, object]) -> list[dict[str, str]]:
    return table(pd.DataFrame(rows)).to_dict("records")


@pytest.mark.parametrize(
    "accuracy, text",
    [(0.9957, "99.57"), (1.0, "100.00"), (0.0, "0.00"), (0.00123, "0.12"), (0.98765, "98.77")],
)
def test_percent_has_two_decimals(accuracy, text):
    assert percent(accuracy) == text


@pytest.mark.parametrize("missing", [None, math.nan])
def test_percent_of_a_missing_value_is_a_dash(missing):
    assert percent(missing) == "–"


def test_table_shows_published_figures_beside_ours():
    ours = {"test_accuracy": 0.97314, "test_loss": 0.08765, "pen_accuracy": 0.8}
    ours |= {"train_seconds": 1234.56, "ms_per_image": 0.01234}
    (row,) = texts(summary_row("fcn", **ours))
    assert row == {
        "model": "fcn",
        "recipe": "tuned",
        "parameters": "567,434",
        "seeds": "1",
        "test accuracy, %": "97.31",
        "published, %": "97.72",
        "pen digits, %": "80.00",
        "test loss": "0.0877",
        "published loss": "–",
        "training time, s": "1,234.6",
        "published, s": "188.4",
        "ms per image": "0.012",
        "published, ms": "0.23",
    }


def test_table_shows_a_dash_for_missing_figures():
    (row,) = texts(summary_row("conv1_fc1"))
    assert list(row.values()) == ["conv1_fc1", "tuned", "31,530", "1"] + 9 * ["–"]


def test_table_shows_a_published_loss():
    (row,) = texts(summary_row("mlp", test_loss=0.0))
    assert (row["test loss"], row["published loss"]) == ("0.0000", "0.14")


def test_table_shows_a_standard_deviation_only_for_several_seeds():
    several = {"seeds": 3, "test_accuracy_sd": 0.00123, "pen_accuracy_sd": 0.0}
    accuracies = {"test_accuracy": 0.98, "pen_accuracy": 0.9}
    one, many = texts(
        summary_row("mlp", **accuracies),
        summary_row("cnn", **accuracies, **several),
    )
    assert (one["seeds"], one["test accuracy, %"], one["pen digits, %"]) == ("1", "98.00", "90.00")
    assert many["seeds"] == "3"
    assert many["test accuracy, %"] == "98.00 ± 0.12"
    assert many["pen digits, %"] == "90.00 ± 0.00"


def test_table_is_sorted_by_study_model_and_recipe():
    shuffled = [
        ("fcn", "tuned"),  # a perceptron, but in study 4
        ("conv_maxpool", "drawn"),
        ("mlp_100", "tuned"),
        ("mlp", "tuned"),
        ("mlp", "drawn"),
        ("conv2_fc1", "tuned"),
        ("strong_cnn", "published"),
        ("mlp", "published"),
        ("residual_cnn", "tuned"),
    ]
    rows = texts(*(summary_row(model, recipe) for model, recipe in shuffled))
    assert [(row["model"], row["recipe"]) for row in rows] == [
        ("mlp", "published"),
        ("mlp", "tuned"),
        ("mlp", "drawn"),
        ("strong_cnn", "published"),
        ("mlp_100", "tuned"),
        ("conv_maxpool", "drawn"),
        ("conv2_fc1", "tuned"),
        ("fcn", "tuned"),
        ("residual_cnn", "tuned"),
    ]


def test_table_without_records_has_its_columns():
    empty = table(summarise(pd.DataFrame(columns=list(RUN_COLUMNS))))
    assert len(empty) == 0
    assert list(empty.columns[:2]) == ["model", "recipe"]
    assert len(markdown(empty).splitlines()) == 2


def test_table_accepts_the_rows_of_summarise():
    runs = pd.DataFrame(
        [
            {
                "dataset": "mnist",
                "model": "mlp",
                "recipe": "tuned",
                "seed": seed,
                "protocol": "final",
                "status": "ok",
                "device": "cpu",
                "finished": "2026-11-26T12:00:00+00:00",
                "params": 25_450,
                "epochs": 5,
                **dict.fromkeys(MEASURES, 0.5),
                "test_accuracy": accuracy,
                "train_seconds": seconds,
            }
            for seed, (accuracy, seconds) in enumerate([(0.97, 20), (0.98, 21), (0.99, 70)])
        ]
    )
    (row,) = table(summarise(runs)).to_dict("records")
    assert (row["parameters"], row["seeds"]) == ("25,450", "3")
    assert row["test accuracy, %"] == "98.00 ± 1.00"
    assert row["training time, s"] == "21.0"  # the median: one run was slowed down


def test_markdown_right_aligns_all_columns_but_the_first_two():
    rows = [["mlp", "tuned", "97.3", "0.09"], ["cnn", "drawn", "99.2", "–"]]
    made = markdown(pd.DataFrame(rows, columns=["model", "recipe", "accuracy", "loss"]))
    assert made.splitlines() == [
        "| model | recipe | accuracy | loss |",
        "| --- | --- | ---: | ---: |",
        "| mlp | tuned | 97.3 | 0.09 |",
        "| cnn | drawn | 99.2 | – |",
    ]


def test_table_of_photos_has_one_row_per_study_and_model_with_published_figures():
    photos = {"dataset": "cifar10-jpeg", "epochs": 10, "train_seconds": 254.0, "params": 1_234_567}
    rows = [
        summary_row("kernel_5", **photos, test_accuracy=0.77, train_accuracy=0.81),
        summary_row("fcn", **photos, test_accuracy=0.5, test_accuracy_sd=0.004, seeds=3),
        summary_row("fcn", "published", **photos, test_accuracy=0.4),
        summary_row("fcn", test_accuracy=0.98),  # on MNIST
    ]
    first, second = elsewhere(pd.DataFrame(rows), "cifar10-jpeg").to_dict("records")
    assert first == {
        "study": "5",
        "model": "fcn",
        "parameters": "1,234,567",
        "reported by source": "51.90",
        "test accuracy": "50.00 ± 0.40",
        "training accuracy": "–",
        "training, s per epoch": "25",
        "runs": "3",
    }
    assert (second["study"], second["model"]) == ("6", "kernel_5")
    assert second["reported by source"] == "76.50"
    assert (second["test accuracy"], second["training accuracy"]) == ("77.00", "81.00")


def test_overview_shows_the_recipes_side_by_side():
    rows = [
        summary_row("fcn", "drawn", test_accuracy=0.98, pen_accuracy=0.97, train_seconds=80.0),
        summary_row(
            "fcn", test_accuracy=0.985, test_accuracy_sd=0.001, pen_accuracy=0.8, ms_per_image=0.123
        )
        | {"train_seconds": 61.2},
        summary_row("fcn", dataset="cifar10-jpeg", test_accuracy=0.5, pen_accuracy=0.1),
    ]
    (row,) = overview(pd.DataFrame(rows)).to_dict("records")
    assert row == {
        "study": "4",
        "model": "fcn",
        "parameters": "567,434",
        "reported by source": "97.72",
        "published": "–",
        "tuned": "98.50 ± 0.10",
        "drawn": "98.00",
        "hardened": "–",
        "pen digits, tuned": "80.00",
        "pen digits, drawn": "97.00",
        "training time (tuned), s": "61",
        "ms per image": "0.12",
    }
