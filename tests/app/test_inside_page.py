"""The page "Inside a model" without a browser: drawing, test image, missing and damaged files."""

import json
import re
import shutil

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.catalogue.studies import study_of
from mnistcmp.models import MODELS
from tests.helpers import APP, page

PAGE = page("inside")
STROKE = {"type": "Path", "path": [["M", 140, 40], ["L", 140, 240]], "strokeWidth": 20}
SECTIONS = [
    "The layers",
    "What the first layer looks for",
    "Which pixels matter",
    "The activations of each layer",
]


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_data.clear()


def run(**session: object) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=120)
    for key, value in session.items():
        app.session_state[key] = value
    return app.run()


def headers(app: AppTest) -> list[str]:
    return [header.value for header in app.header]


def html(app: AppTest) -> str:
    return "".join(each.proto.body for each in app.get("html"))


def test_networks_read_the_drawing():
    app = run(drawing=[STROKE], inside="conv_maxpool")
    assert not app.exception
    assert headers(app) == SECTIONS
    assert (app.metric[0].label, app.metric[0].value) == ("conv_maxpool reads", "1")
    assert 'alt="your drawing, as the networks see it"' in html(app)


def test_drawing_is_preprocessed_as_on_the_draw_page():
    shown = {
        re.search(r'src="([^"]+)" alt="your drawing', html(run(drawing=[STROKE], way=way))).group(1)
        for way in ("as MNIST was made", "whole canvas shrunk")
    }
    assert len(shown) == 2


def test_page_without_a_drawing_reads_a_test_image_and_next_shows_another():
    app = run()
    assert not app.exception
    assert headers(app) == SECTIONS
    app.selectbox(key="inside_digit").set_value(7).run()
    assert app.metric[0].value == "7"
    (before,) = [note.value for note in app.caption if "Test image" in note.value]
    next(button for button in app.button if button.label == "Next").click().run()
    (after,) = [note.value for note in app.caption if "Test image" in note.value]
    assert not app.exception
    assert before != after


def test_test_image_can_be_chosen_instead_of_the_drawing():
    app = run(drawing=[STROKE])
    app.segmented_control(key="inside_image").set_value("a test image").run()
    app.selectbox(key="inside_digit").set_value(4).run()
    assert not app.exception
    assert app.metric[0].value == "4"


@pytest.mark.parametrize(("one", "two"), [("mlp", "residual_cnn"), ("tiny_cnn", "conv_batchnorm")])
def test_two_models_are_shown_side_by_side(one, two):
    app = run(drawing=[STROKE], inside=one, beside=two)
    assert not app.exception
    assert [metric.label for metric in app.metric] == [f"{one} reads", f"{two} reads"]
    tables = [table.value for table in app.dataframe]
    for name, table in zip((one, two), tables, strict=True):
        assert table["parameters"].sum() == MODELS[name].params
        assert any(f"{MODELS[name].params:,}" in text.value for text in app.markdown)
        assert any(study_of(name).source in note.value for note in app.caption)


def test_same_model_twice_is_shown_once():
    app = run(inside="mlp", beside="mlp")
    assert not app.exception
    assert len(app.metric) == len(app.dataframe) == 1


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


def test_every_model_has_a_table_and_a_diagram():
    app = run()
    assert set(app.selectbox(key="inside").options) == set(MODELS)
    for name in MODELS:
        app.selectbox(key="inside").set_value(name).run()
        assert not app.exception, name
        assert app.dataframe[0].value["parameters"].sum() == MODELS[name].params, name
        assert ("shortcut added" in html(app)) == name.startswith("res"), name


def test_model_without_a_checkpoint_names_the_command_that_trains_it(copy):
    path = copy / "manifest.json"
    entries = json.loads(path.read_text())["checkpoints"]
    left = [entry for entry in entries if entry["model"] != "cnn"]
    path.write_text(json.dumps({"checkpoints": left}))
    app = run(inside="cnn", beside="mlp")
    assert not app.exception
    assert "python scripts/train_all.py --models cnn --recipe drawn" in app.warning[0].value
    assert [metric.label for metric in app.metric] == ["mlp reads"]
    assert len(app.dataframe) == 2
    assert headers(app) == SECTIONS


def test_model_without_the_recipe_names_those_that_it_has():
    app = run(inside="cnn", recipe="hardened")
    assert not app.exception
    assert "choose from published, tuned, drawn" in app.warning[0].value
    assert "train_all.py" not in app.warning[0].value
    assert headers(app) == SECTIONS[:1]


def test_damaged_checkpoint_is_named_and_only_the_layers_are_shown(copy):
    (path,) = (copy / "mnist" / "drawn").glob("cnn-*.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    app = run(inside="cnn")
    assert not app.exception
    assert path.name in app.warning[0].value and "train_all.py" in app.warning[0].value
    assert headers(app) == SECTIONS[:1]
    assert not app.metric


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
    assert headers(app) == SECTIONS[:1]
