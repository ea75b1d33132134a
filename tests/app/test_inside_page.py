"""The page "Inside a network" without a browser: drawing, test image, missing and damaged files."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from mnistcmp.app.inside import layer_card
from mnistcmp.catalogue.studies import study_of
from mnistcmp.models import MODELS
from tests.helpers import APP, page

PAGE = page("inside")
STROKE = {"type": "Path", "path": [["M", 140, 40], ["L", 140, 240]], "strokeWidth": 20}


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_data.clear()


def run(**session: object) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=120)
    for key, value in session.items():
        app.session_state[key] = value
    return app.run()


def shown(app: AppTest) -> list[dict]:
    """What the browser shows of each network."""
    return [json.loads(each.proto.json) for each in app.get("bidi_component")]


def layers(network: dict) -> list[dict]:
    """The layers of the flow, and those on shortcuts."""
    beside = [layer for shortcut in network["shortcuts"] for layer in shortcut["layers"]]
    return [step for step in network["steps"] if "id" in step] + beside


def png(url: str) -> np.ndarray:
    """uint8 (height, width, channels), or (height, width) if it is grey."""
    kind, _, content = url.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_network_reads_the_drawing():
    app = run(drawing=[STROKE], inside="conv_maxpool")
    assert not app.exception
    (network,) = shown(app)
    assert (network["title"], network["name"]) == ("3 conv., max pooling", "conv_maxpool")
    assert network["reading"].startswith("reads 1, probability ")
    assert network["input"]["alt"] == "your drawing, as the networks see it"
    assert [each["alt"] for each in network["evidence"]] == [
        "Saliency, over the 1 that 3 conv., max pooling reads",
        "Occlusion, over the 1 that 3 conv., max pooling reads",
    ]
    assert png(network["input"]["url"]).shape == (28, 28)
    assert [png(each["url"]).shape for each in network["evidence"]] == [(28, 28, 4)] * 2


def test_drawing_is_preprocessed_as_on_the_draw_page():
    seen = {
        shown(run(drawing=[STROKE], way=way))[0]["input"]["url"]
        for way in ("as MNIST was made", "whole canvas shrunk")
    }
    assert len(seen) == 2


def test_page_without_a_drawing_reads_a_test_image_and_next_shows_another():
    app = run()
    assert not app.exception
    app.selectbox(key="inside_digit").set_value(7).run()
    before = shown(app)[0]
    assert before["reading"].startswith("reads 7")
    next(button for button in app.button if button.label == "Next").click().run()
    after = shown(app)[0]
    assert not app.exception
    assert before["input"]["alt"] == after["input"]["alt"] == "a test image, as the networks see it"
    assert before["input"]["url"] != after["input"]["url"]


def test_test_image_can_be_chosen_instead_of_the_drawing():
    app = run(drawing=[STROKE])
    app.segmented_control(key="inside_image").set_value("a test image").run()
    app.selectbox(key="inside_digit").set_value(4).run()
    assert not app.exception
    assert shown(app)[0]["reading"].startswith("reads 4")


def test_layer_shows_its_maps_filters_and_where_it_looks():
    (network,) = shown(run(drawing=[STROKE], inside="tiny_cnn"))
    found = {layer["id"]: layer for layer in layers(network)}
    first, second, flat = found["features.0"], found["features.3"], found["head.0"]
    assert (first["name"], first["size"]) == ("convolution 3×3", "4 × 28×28")
    facts = dict(second["facts"])
    assert facts["Parameters"] == f"{4 * 8 * 9 + 8}"
    assert facts["Multiply-adds"] == f"{14 * 14 * (4 * 8 * 9 + 8):,}"
    assert facts["Receptive field"] == "8×8 px"
    assert png(first["output"]["url"]).shape == (4 * 28, 28, 4)
    assert png(first["filters"]["url"]).shape == (4 * 3, 3, 4)
    assert png(second["filters"]["url"]).shape == (4 * 3, 3, 4)  # one for each map before
    assert png(flat["filters"]["url"]).shape == (8 * 7, 7, 4)
    assert flat["filters"]["caption"] == "Weights of the digit 1, for each map before"
    assert len(set(second["output"]["shown"])) == 4 and second["output"]["count"] == 8
    assert flat["field"] == {"caption": "Each of its values depends on the entire image."}
    assert [row["digit"] for row in flat["answers"]] == list("0123456789")
    assert sum(row["share"] for row in flat["answers"]) == pytest.approx(100, abs=1e-3)


def test_square_of_a_layer_is_on_the_stroke_where_its_strongest_value_looks():
    # The stroke is a vertical line in the middle of the image.
    (network,) = shown(run(drawing=[STROKE], inside="tiny_cnn"))
    field = layers(network)[1]["field"]
    assert field["width"] == field["height"] == pytest.approx(300 / 28)
    assert 35 < field["left"] + field["width"] / 2 < 65
    assert 0 <= field["top"] <= 100 - field["height"]


@pytest.mark.parametrize(("one", "two"), [("mlp", "residual_cnn"), ("tiny_cnn", "conv_batchnorm")])
def test_two_networks_are_shown_in_the_order_of_their_choice(one, two):
    app = run(drawing=[STROKE], inside=one, beside=two)
    assert not app.exception
    networks = shown(app)
    assert [network["name"] for network in networks] == [one, two]
    tables = [table.value for table in app.dataframe]
    for name, network, table in zip((one, two), networks, tables, strict=True):
        assert table["parameters"].sum() == MODELS[name].params
        assert f"{MODELS[name].params:,} parameters" in network["about"][1]
        assert any(study_of(name).source in text.value for text in app.markdown)


def test_same_network_twice_is_shown_once():
    app = run(inside="mlp", beside="mlp")
    assert not app.exception
    assert len(shown(app)) == len(app.dataframe) == 1


def test_recipe_is_shared_with_the_draw_page_and_choices_survive_a_page_change():
    app = AppTest.from_file(APP, default_timeout=120).run()
    app.segmented_control(key="recipe").set_value("tuned").run()
    app.switch_page(PAGE).run()
    assert app.segmented_control(key="recipe").value == "tuned"
    app.selectbox(key="inside").set_value("mlp").run()
    app.selectbox(key="beside").set_value("tiny_cnn").run()
    app.segmented_control(key="recipe").set_value("published").run()
    app.switch_page(page("draw")).run()
    assert app.segmented_control(key="recipe").value == "published"
    app.switch_page(PAGE).run()
    assert not app.exception
    assert app.selectbox(key="inside").value == "mlp"
    assert app.selectbox(key="beside").value == "tiny_cnn"


def test_every_network_shows_all_its_layers_with_a_name_and_what_they_do():
    app = run()
    assert set(app.selectbox(key="inside").options) == {spec.title for spec in MODELS.values()}
    for name in MODELS:
        app.selectbox(key="inside").set_value(name).run()
        assert not app.exception, name
        table = app.dataframe[0].value
        assert table["parameters"].sum() == MODELS[name].params, name
        (network,) = shown(app)
        found = layers(network)
        assert sorted(layer["id"] for layer in found) == sorted(table["layer"])
        assert all(layer["does"] for layer in found), name
        assert all(layer["output"]["url"] for layer in found), name
        sums = [at for at, step in enumerate(network["steps"], 1) if "id" not in step]
        assert sums == [shortcut["sum"] for shortcut in network["shortcuts"]], name
        assert bool(sums) == name.startswith("res"), name
        assert network["first"] in table["layer"].tolist()


def test_layer_on_a_shortcut_stands_beside_the_flow_and_looks_from_its_beginning():
    (network,) = shown(run(drawing=[STROKE], inside="resnet_6"))
    sizes = [dict(s["layers"][0]["facts"])["Receptive field"] for s in network["shortcuts"]]
    assert sizes == ["1×1 px", "6×6 px", "16×16 px"]
    for shortcut in network["shortcuts"]:
        assert network["steps"][shortcut["first"] - 1]["id"].endswith("convolutions.0")
        assert network["steps"][shortcut["sum"] - 1] == {
            "does": "The shortcut is added here.",
            "relu": False,
        }


def test_relu_without_a_layer_is_named_where_it_is_applied():
    (network,) = shown(run(drawing=[STROKE], inside="residual_cnn"))
    found = {layer["id"]: layer for layer in layers(network)}
    assert [name for name, layer in found.items() if layer["relu"]] == [
        "features.2.conv1",
        "features.6.conv1",
    ]
    assert "ReLU" in found["features.2.conv1"]["does"]
    assert [step["relu"] for step in network["steps"] if "id" not in step] == [True, True]


def test_sheet_of_equal_values_and_of_values_without_places():
    zeros = layer_card.sheet(np.zeros((2, 3, 3), np.float32))
    assert zeros["scale"] == ["0", "0", "0"] and zeros["count"] == 2
    assert not png(zeros["url"])[..., 3].any()
    units = layer_card.sheet(np.array([[[1, -2, 0, 0, 0, 0]]], np.float32))
    assert (units["count"], units["aspect"], units["scale"]) == (1, 1.5, ["−2", "0", "2"])
    assert png(units["url"])[0, 1].tolist() == [0, 144, 208, 255]


def test_network_without_a_checkpoint_names_the_command_that_trains_it(copy):
    path = copy / "manifest.json"
    entries = json.loads(path.read_text())["checkpoints"]
    left = [entry for entry in entries if entry["model"] != "cnn"]
    path.write_text(json.dumps({"checkpoints": left}))
    app = run(inside="cnn", beside="mlp")
    assert not app.exception
    assert "python scripts/train_all.py --models cnn --recipe drawn" in app.warning[0].value
    assert ["reading" in network for network in shown(app)] == [False, True]
    assert len(app.dataframe) == 2


def test_network_without_the_recipe_names_those_that_it_has():
    app = run(inside="cnn", recipe="hardened")
    assert not app.exception
    assert "choose from published, tuned, drawn" in app.warning[0].value
    assert "train_all.py" not in app.warning[0].value
    assert "reading" not in shown(app)[0]


def test_damaged_checkpoint_is_named_and_only_the_layers_are_shown(copy):
    (path,) = (copy / "mnist" / "drawn").glob("cnn-*.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    app = run(inside="cnn")
    assert not app.exception
    assert path.name in app.warning[0].value and "train_all.py" in app.warning[0].value
    (network,) = shown(app)
    assert "reading" not in network and "input" not in network
    assert len(layers(network)) == len(app.dataframe[0].value)
    assert not any("output" in layer for layer in layers(network))


def test_damaged_manifest_is_named(copy):
    (copy / "manifest.json").write_text(json.dumps({"checkpoints": 7}))
    app = run()
    assert not app.exception
    assert "manifest.json is damaged" in app.warning[0].value


def test_page_without_checkpoints_and_test_images_shows_the_layers(copy):
    shutil.rmtree(copy)
    app = run(inside="res_basic")
    assert not app.exception
    assert any("samples.npz is missing" in warning.value for warning in app.warning)
    assert layers(shown(app)[0])
