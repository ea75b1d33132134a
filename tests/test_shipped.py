"""What the repository ships: weights and records of real runs, whole and as promised."""

import importlib.util

import pytest

from mnistcmp import verify
from mnistcmp.checkpoints import CHECKPOINTS, load_all, read_manifest
from mnistcmp.models import MODELS
from mnistcmp.recipes import RECIPES, recipe_for
from mnistcmp.results import Records, newest

README = CHECKPOINTS.parent / "README.md"


@pytest.fixture(scope="module")
def reported():
    rows = newest(Records(CHECKPOINTS / "results").runs())
    return rows[rows["dataset"] == "mnist"]


def test_shipped_folder_is_whole():
    assert list(verify.problems(CHECKPOINTS)) == []


def test_shipped_weights_are_of_seed_0_for_every_model_and_recipe():
    shipped = {(entry.model, entry.recipe, entry.seed) for entry in read_manifest()}
    assert shipped >= {(model, recipe, 0) for model in MODELS for recipe in RECIPES}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_shipped_network_loads(recipe):
    assert load_all(recipe).keys() == MODELS.keys()


def test_no_reported_run_failed_or_left_its_recipe(reported):
    assert set(reported["status"]) == {"ok"}
    for row in reported.itertuples():
        assert row.epochs == recipe_for(row.recipe, row.model).epochs


def test_readme_shows_the_records():
    path = CHECKPOINTS.parent / "scripts" / "update_readme.py"
    spec = importlib.util.spec_from_file_location("update_readme", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = README.read_text()
    assert script.filled(page, CHECKPOINTS / "results") == page
