"""What the repository ships: weights and records of real runs, whole and as promised."""

import importlib.util

import pytest

from mnistcmp import verify
from mnistcmp.checkpoints import CHECKPOINTS, load_all, read_manifest
from mnistcmp.models import MODELS
from mnistcmp.recipes import RECIPES, recipe_for
from mnistcmp.results import Records, newest, summarise
from mnistcmp.studies import STUDIES, study_of

README = CHECKPOINTS.parent / "README.md"

# Per cent: the least that the tuned recipe has to reach, as a mean over the seeds.
TUNED_GOALS = {
    "mlp": 97.2,
    "mlp_100": 98.3,
    "tiny_cnn": 98.7,
    "cnn": 99.15,
    "conv_batchnorm": 99.2,
    "conv_maxpool": 99.45,
    "strong_cnn": 99.55,
    "fcn": 98.7,
    "simple_cnn": 99.4,
    "residual_cnn": 99.5,
}


@pytest.fixture(scope="module")
def reported():
    rows = newest(Records(CHECKPOINTS / "results").runs())
    return rows[rows["dataset"] == "mnist"]


@pytest.fixture(scope="module")
def summary(reported):
    return summarise(reported).set_index(["recipe", "model"])


def test_shipped_folder_is_whole():
    assert list(verify.problems(CHECKPOINTS)) == []


def test_shipped_weights_are_of_seed_0_for_every_model_and_recipe():
    shipped = {(entry.model, entry.recipe, entry.seed) for entry in read_manifest()}
    assert shipped >= {(model, recipe, 0) for model in MODELS for recipe in RECIPES}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_shipped_network_loads(recipe):
    assert load_all(recipe).keys() == MODELS.keys()


def test_at_least_three_seeds_are_reported_and_five_of_short_runs(summary):
    short = summary["train_seconds"] < 30
    assert (summary["seeds"] >= 3).all()
    assert (summary[short]["seeds"] >= 5).all()


def test_no_reported_run_failed_or_left_its_recipe(reported):
    assert set(reported["status"]) == {"ok"}
    for row in reported.itertuples():
        assert row.epochs == recipe_for(row.recipe, row.model).epochs


def test_workers_stay_below_their_memory_limit(reported):
    assert reported["peak_memory_mb"].max() < 1500


@pytest.mark.parametrize("model, goal", TUNED_GOALS.items())
def test_tuned_recipe_reaches_its_goal(summary, model, goal):
    assert 100 * summary.loc[("tuned", model), "test_accuracy"] >= goal


def test_readme_shows_the_records():
    path = CHECKPOINTS.parent / "scripts" / "update_readme.py"
    spec = importlib.util.spec_from_file_location("update_readme", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = README.read_text()
    assert script.filled(page, CHECKPOINTS / "results") == page


@pytest.mark.parametrize("model", MODELS)
def test_published_recipe_comes_near_what_was_published_or_beats_it(summary, model):
    published = study_of(model).models[model].test_accuracy
    if published is not None:
        assert summary.loc[("published", model), "test_accuracy"] >= published - 0.003


@pytest.mark.parametrize("model", MODELS)
def test_pen_strokes_in_training_cost_next_to_nothing_on_mnist(summary, model):
    tuned, drawn = (summary.loc[(recipe, model), "test_accuracy"] for recipe in ("tuned", "drawn"))
    assert drawn >= tuned - 0.001


@pytest.mark.parametrize("model", ["conv_maxpool", "strong_cnn", "simple_cnn", "residual_cnn"])
def test_drawn_recipe_reads_pen_writers_whom_it_never_saw(summary, model):
    assert summary.loc[("drawn", model), "pen_accuracy"] >= 0.98


@pytest.mark.parametrize("model", STUDIES[3].models)
def test_networks_of_study_3_reach_98_percent_on_validation_images(model):
    rows = summarise(Records(CHECKPOINTS / "results").runs(), "validation")
    assert rows.set_index(["recipe", "model"]).loc[("tuned", model), "test_accuracy"] >= 0.98
