"""The Benchmarks page, run without a browser."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app import cached, colours
from mnistcmp.models import MODELS, convnets, perceptrons, residual
from mnistcmp.results import summarise
from mnistcmp.studies import STUDIES

APP = str(cached.CHECKPOINTS.parent / "streamlit_app.py")


@pytest.fixture(autouse=True)
def nothing_cached():
    st.cache_data.clear()
    st.cache_resource.clear()


def run() -> AppTest:
    app = AppTest.from_file(APP, default_timeout=120)
    return app.switch_page("mnistcmp/app/benchmarks.py").run()


def test_benchmarks_shows_every_model_with_its_recorded_accuracy():
    app = run()
    assert not app.exception
    runs = cached.reported_runs()
    expected = summarise(runs[runs["recipe"] == "tuned"]).set_index("model")["test_accuracy"]
    shown = {}
    for table, study in zip(app.dataframe, STUDIES.values(), strict=False):
        assert set(table.value["network"]) == set(study.models)
        shown |= dict(zip(table.value["network"], table.value["accuracy, %"], strict=True))
    assert shown == pytest.approx(dict(100 * expected))


@pytest.mark.parametrize("recipe", ["published", "drawn"])
def test_benchmarks_changes_with_the_recipe(recipe):
    app = run()
    before = app.dataframe[0].value["accuracy, %"].tolist()
    app.segmented_control(key="recipe").set_value(recipe).run()
    assert not app.exception
    assert app.dataframe[0].value["accuracy, %"].tolist() != before


def test_benchmarks_takes_a_highlight_for_mistakes():
    app = run()
    app.selectbox(key="highlight").set_value("mlp").run()
    assert not app.exception
    assert app.selectbox(key="mistakes_of_mlp").value == "mlp"


def test_benchmarks_says_whether_two_networks_differ():
    app = run()
    app.selectbox(key="first").set_value("mlp")
    app.selectbox(key="second").set_value("strong_cnn").run()
    runs = cached.reported_runs()
    runs = runs[(runs["recipe"] == "tuned") & (runs["seed"] == 0)].set_index("model")["run"]
    labels = cached.sample_pack("mnist").labels
    first, second = (cached.predictions(runs[m]) == labels for m in ("mlp", "strong_cnn"))
    sentence = (
        f"{(first & ~second).sum()} are read right by mlp alone and {(second & ~first).sum()}"
    )
    assert any(sentence in text.value for text in app.markdown)
    assert any("**strong_cnn is really better**" in text.value for text in app.markdown)


def test_benchmarks_asks_for_two_different_networks():
    app = run()
    app.selectbox(key="first").set_value("mlp")
    app.selectbox(key="second").set_value("mlp").run()
    assert [note.value for note in app.info] == ["Choose two different networks."]


def test_benchmarks_without_records_says_which_command_makes_them(copy):
    shutil.rmtree(copy / "results")
    app = run()
    assert not app.exception
    assert "python scripts/train_all.py" in app.info[0].value


def test_benchmarks_goes_on_without_the_pack_of_images(copy):
    (copy / "mnist" / "samples.npz").write_bytes(b"damaged")
    app = run()
    assert not app.exception
    assert "samples.npz is missing or damaged" in app.warning[0].value
    assert app.header[-1].value == "Where this was trained"


def test_benchmarks_needs_neither_torch_nor_torchvision():
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({APP!r}, default_timeout=120)\n"
        "app.switch_page('mnistcmp/app/benchmarks.py').run()\n"
        "assert not app.exception\n"
        "print('imported:', sorted({'torch', 'torchvision'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["imported: []"], done.stderr[-2000:]


def test_every_model_has_the_colour_of_its_family():
    modules = {"perceptrons": perceptrons, "convnets": convnets, "residual": residual}
    for family, module in modules.items():
        assert set(colours.FAMILIES[family]) == {spec.name for spec in module.SPECS}
    assert colours.FAMILY_OF.keys() == MODELS.keys()
    assert len(set(colours.COLOURS.values())) == len(colours.FAMILIES) == len(colours.COLOURS)


def test_pack_holds_every_image_that_a_reported_run_misread():
    pack, runs = cached.sample_pack("mnist"), cached.reported_runs()
    assert pack.runs == len(runs)
    for run_id in runs["run"]:
        misread = np.flatnonzero(cached.predictions(run_id) != pack.labels)
        assert set(misread) <= set(pack.index)
