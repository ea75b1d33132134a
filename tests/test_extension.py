"""A new study, network, recipe or data set is an entry or two: everything else takes it up.

Each is added to the tables in memory, trained for one batch, and then shown by the app.
"""

import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp import checkpoints, cli
from mnistcmp.app import cached_networks
from mnistcmp.app.cached_networks import Loader
from mnistcmp.app.palette import INK, RECIPE_MARKS, Mark
from mnistcmp.catalogue.datasets import DATASETS, DatasetSpec
from mnistcmp.catalogue.networks import MODELS, ModelSpec, Tuning
from mnistcmp.catalogue.recipes import RECIPES, RecipeSpec
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.catalogue.studies import STUDIES, Published, Step, Study
from mnistcmp.data import mnist, mnist_wheel
from mnistcmp.data.load import load_dataset
from mnistcmp.drawing import share_link
from mnistcmp.drawing.canvas import Stroke
from mnistcmp.records import Records
from mnistcmp.training import campaign
from mnistcmp.training.jobs import Materials
from tests.helpers import REPOSITORY, InlineExecutor, md5, page

ONE = share_link.to_text([Stroke([(140, 40), (140, 240)], 20)])


@pytest.fixture
def train(inline, toy, tmp_path, monkeypatch) -> Callable[..., Records]:
    """`mnistcmp train` on a single batch, into a folder that the app then shows -> its records."""
    st.cache_data.clear()
    st.cache_resource.clear()
    loader = Loader(InlineExecutor())  # the networks are awake when a page asks for them
    monkeypatch.setattr(cached_networks, "_loader", lambda: loader)
    # Its rates are of the recipes that are shipped: a new one has none.
    shutil.copytree(REPOSITORY / "checkpoints" / "results", tmp_path / "results")
    for name in ("runs.jsonl", "runs.csv", "epochs.csv"):
        (tmp_path / "results" / name).unlink()
    monkeypatch.setenv("MNISTCMP_CHECKPOINTS", str(tmp_path))
    images = toy.dataset
    batch = images._replace(
        train_images=images.train_images[:16], train_labels=images.train_labels[:16]
    )
    monkeypatch.setattr(
        campaign, "load_materials", lambda name, folder, recipes, say: (Materials(batch), recipes)
    )

    def run(*arguments: str) -> Records:
        assert cli.main(["train", "--epochs", "1", *arguments]) == 0
        return Records(tmp_path / "results")

    return run


def shown(name: str, study: Study | None = None, **session: object) -> AppTest:
    """A page without exceptions; `study` is the one in its address."""
    app = AppTest.from_file(page(name), default_timeout=120)
    if study:
        app.query_params["study"] = str(study.number)
    for key, value in session.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def read_by(recipe: str) -> str:
    """What the Draw page says of a drawn 1, read by the networks of this recipe."""
    app = AppTest.from_file(page("draw"), default_timeout=120)
    app.query_params["drawing"], app.query_params["recipe"] = ONE, recipe
    app.run()
    assert not app.exception, app.exception
    assert app.segmented_control(key="recipe").value == recipe
    return "".join(part.proto.json for part in app.get("bidi_component"))


def test_study_is_one_entry(train, monkeypatch):
    number = max(STUDIES) + 1
    ours = Study(
        number=number,
        title="Perceptrons",
        question="What does a second hidden layer buy?",
        source="our own",
        models={"mlp": Published(), "fcn": Published(0.99, train_seconds=12.0)},
        changes=(Step("mlp", "fcn", "two more layers"),),
        against=("params", "activation_mb"),
        goal=0.5,
        show_gradients=True,
    )
    monkeypatch.setitem(STUDIES, number, ours)
    runs = train("--study", str(number), "--recipe", "tuned").runs()
    assert sorted(runs["model"]) == ["fcn", "mlp"]
    app = shown("studies", study=ours)
    assert app.title[0].value == "What does a second hidden layer buy?"
    assert app.dataframe[0].value["network"].tolist() == ["mlp", "fcn"]
    assert app.dataframe[0].value["published training time, s"].tolist()[1] == 12.0
    assert any("that the source asks for" in text.value for text in app.markdown)
    assert "Perceptrons" in shown("studies").button(key=f"open_{number}").label
    assert "Perceptrons" in set(shown("benchmarks", recipe="tuned").dataframe[0].value["study"])
    assert "fcn" in read_by("tuned")


def test_network_is_an_entry_and_its_place_in_a_study(train, monkeypatch):
    wide = ModelSpec(
        "wide_cnn",
        "convnets.PlainCNN",
        title="Two wide layers",
        settings={"channels": (64, 128)},
        params=137_226,
        caption="Two wide convolutions",
        tuning=Tuning(3e-3),
    )
    monkeypatch.setitem(MODELS, "wide_cnn", wide)
    first = STUDIES[1]
    study = replace(first, models=first.models | {"wide_cnn": Published()})
    monkeypatch.setitem(STUDIES, 1, study)
    row = train("--models", "wide_cnn", "mlp", "--recipe", "tuned").runs().set_index("model")
    assert row.loc["wide_cnn", "params"] == 137_226
    assert row.loc["wide_cnn", "status"] == "ok"
    assert "wide_cnn" in checkpoints.load_all("tuned")
    figures = shown("studies", study=study).dataframe[0].value
    assert "wide_cnn" in figures["network"].tolist()
    assert wide.title in shown("benchmarks").selectbox(key="highlight").options
    assert "wide_cnn" in read_by("tuned")
    inside = shown("inside", inside="wide_cnn", recipe="tuned")
    assert inside.dataframe[0].value["parameters"].sum() == 137_226


def test_recipe_is_an_entry_and_its_mark(train, monkeypatch):
    brief = RecipeSpec(
        "brief",
        "for a moment only",
        "almost no training",
        lambda network, dataset: Recipe("brief", learning_rate=network.tuning.learning_rate / 10),
    )
    monkeypatch.setitem(RECIPES, "brief", brief)
    monkeypatch.setitem(RECIPE_MARKS, "brief", Mark(INK, "diamond", "◆"))
    rows = train("--models", "mlp", "tiny_cnn", "--recipe", "brief").runs()
    assert rows["recipe"].tolist() == ["brief", "brief"]
    train("--models", "mlp", "tiny_cnn", "--recipe", "tuned")
    app = shown("studies", study=STUDIES[1])
    assert app.segmented_control(key="recipe").options == ["tuned", "brief"]
    app.segmented_control(key="recipe").set_value("brief").run()
    assert not app.exception
    assert shown("benchmarks", recipe="brief").segmented_control(key="recipe").value == "brief"
    assert "tiny_cnn" in read_by("brief")


def test_data_set_of_mnists_format_is_an_entry_and_its_checksums(tmp_path, monkeypatch):
    arrays = [
        np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28),
        np.array([0, 1, 1], np.uint8),
        np.zeros((2, 28, 28), np.uint8),
        np.array([1, 0], np.uint8),
    ]
    files = {
        f"{stem}.gz": gzip.compress(
            bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()
        )
        for stem, array in zip(mnist_wheel.STEMS, arrays, strict=True)
    }
    spec = DatasetSpec("signs", "Signs", "idx", class_names=("stop", "go"), torchvision="Signs")
    monkeypatch.setitem(DATASETS, "signs", spec)
    monkeypatch.setitem(mnist.MD5, "signs", {name: md5(file) for name, file in files.items()})
    folder = tmp_path / "Signs" / "raw"
    folder.mkdir(parents=True)
    for name, file in files.items():
        (folder / name).write_bytes(file)
    loaded = load_dataset("signs", tmp_path)
    assert loaded.class_names == ("stop", "go")
    assert np.array_equal(loaded.train_images.numpy(), arrays[0])
    assert loaded.test_labels.tolist() == [1, 0]
