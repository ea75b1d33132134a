"""The charts of the Benchmarks page."""

import numpy as np
import pandas as pd
import pytest

from mnistcmp.app.benchmarks import charts, mistake_charts, pen_charts
from mnistcmp.app.charts import with_intervals
from mnistcmp.app.palette import family_marks
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.records import summarise
from tests import made_up


def test_intervals_use_students_t_and_stay_between_0_and_100_percent():
    summary = pd.DataFrame(
        {
            "model": ["mlp", "cnn", "tiny_cnn", "strong_cnn"],
            "test_accuracy": [0.9, 0.99, 0.01, 0.5],
            "test_accuracy_sd": [0.01, 0.01, 0.01, np.nan],
            "seeds": [3, 3, 3, 1],
        }
    )
    rows = with_intervals(summary, summary["seeds"]).set_index("model")
    assert rows["accuracy"].tolist() == pytest.approx([90, 99, 1, 50])
    assert rows["low"].tolist()[:3] == pytest.approx([87.5159, 96.5159, 0], abs=1e-4)
    assert rows["high"].tolist()[:3] == pytest.approx([92.4841, 100, 3.4841], abs=1e-4)
    assert rows.loc["strong_cnn", ["low", "high"]].isna().all()


@pytest.mark.parametrize(
    ("places", "named"),
    [
        ({"mlp": 0, "cnn": 0.5, "fcn": 1}, ["mlp", "cnn", "fcn"]),
        ({"mlp": 0, "cnn": 0.1, "fcn": 1}, ["mlp", "fcn"]),
        ({"mlp": 0, "cnn": 0.4, "tiny_cnn": 0.45, "fcn": 1}, ["mlp", "cnn", "fcn"]),
        ({"mlp": 0, "cnn": 0.95, "fcn": 1}, ["mlp", "fcn"]),
        ({"mlp": 0}, ["mlp", "mlp"]),
    ],
)
def test_networks_are_named_where_there_is_room(places, named):
    assert charts._with_room(pd.Series(places, dtype=float)) == named


def test_chart_of_accuracy_names_the_highlighted_network_alone():
    summary = summarise(pd.DataFrame([made_up.run(model, 0.9) for model in ("mlp", "cnn")]))
    names = charts.accuracy_against("params", summary, "mlp").layer[-1].data
    assert names["model"].tolist() == ["mlp"]


def test_points_have_the_colour_and_the_shape_of_their_family():
    summary = summarise(pd.DataFrame([made_up.run(model, 0.9) for model in MODELS]))
    summary["pen_accuracy"] = 0.9
    for chart in (
        charts.accuracy_against("params", summary, None),
        pen_charts.beside_mnist(summary, None),
        pen_charts.by_network(summary, 100, None),
    ):
        points = [
            layer["encoding"]
            for layer in chart.to_dict()["layer"]
            if layer["mark"]["type"] == "point"
        ]
        assert len(points) == 1
        for cue, at in (("color", "colour"), ("shape", "shape")):
            scale = points[0][cue]["scale"]
            assert points[0][cue]["field"] == "family"
            expected = {family: getattr(mark, at) for family, mark in family_marks().items()}
            assert dict(zip(scale["domain"], scale["range"], strict=True)) == expected


def test_confusion_matrix_has_a_colour_for_errors_only():
    matrix = pd.DataFrame({"digit": [3, 3, 8], "read as": [3, 8, 3], "images": [980, 4, 7]})
    cells, numbers = mistake_charts.confusions(matrix).to_dict()["layer"]
    assert cells["transform"][0]["filter"].startswith("datum.digit != datum['read as']")
    assert cells["encoding"]["color"]["scale"]["domain"] == [0, 7]
    colours = numbers["encoding"]["color"]
    assert colours["value"] == "currentColor"
    black, white = colours["condition"]
    assert black["value"] == "black" and "datum.images > 3.01" in black["test"]
    assert white["value"] == "white"


def test_confusion_matrix_without_errors_has_a_scale():
    perfect = pd.DataFrame({"digit": [0, 0], "read as": [0, 1], "images": [9, 0]})
    cells = mistake_charts.confusions(perfect).to_dict()["layer"][0]
    assert cells["encoding"]["color"]["scale"]["domain"] == [0, 1]
