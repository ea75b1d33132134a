"""What README.md says of the zoo and the recipes."""

from functools import partial

import pytest

from mnistcmp.catalogue.networks import ModelSpec
from mnistcmp.catalogue.recipes import recipe_for
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.models import MODELS
from mnistcmp.models.convnets import PlainCNN
from mnistcmp.results import RUN_COLUMNS, Records
from scripts import update_readme


@pytest.fixture
def results(tmp_path):
    """The records of three networks, one of them run twice, and of a fourth on other images."""
    records = Records(tmp_path)
    row = dict.fromkeys(RUN_COLUMNS, 0) | {"protocol": "final", "status": "ok"}
    row |= {"dataset": "mnist", "recipe": "tuned"}
    for model, seeds in {"cnn": 1, "mlp": 1, "strong_cnn": 2}.items():
        for seed in range(seeds):
            run = {"model": model, "seed": seed, "params": MODELS[model].params}
            records.append(row | run | {"run": f"{model} {seed}"})
    records.append(row | {"run": "photos", "model": "fcn", "dataset": "cifar10", "params": 9**9})
    return tmp_path


def test_zoo_is_counted_and_sized_by_what_was_trained_on_mnist(results):
    text = update_readme.zoo(results)
    assert "3 networks, from `mlp` of 25,450 weights to `strong_cnn` of 467,818," in text
    assert text.endswith("trained in 4 runs on MNIST's handwritten digits.")


def test_photos_are_told_with_their_recipe_or_not_trained(results):
    assert update_readme.photos(results) == "Not trained yet."
    row = dict.fromkeys(RUN_COLUMNS, 0) | {"protocol": "final", "status": "ok", "recipe": "tuned"}
    run = {
        "run": "p",
        "model": "fcn",
        "dataset": "cifar10-jpeg",
        "test_accuracy": 0.54,
        "epochs": 9,
    }
    Records(results).append(row | run | {"machine": "abacus", "versions": "torch", "params": 1234})
    text = update_readme.photos(results)
    recipe = recipe_for("tuned", "fcn", "cifar10-jpeg")
    assert "CIFAR-10 (JPEG copy)" in text
    assert f"takes {recipe.epochs} epochs" in text
    assert "| 5 | fcn | 1,234 | 51.90 | 54.00 | 0.00 | 0 | 1 |" in text
    assert "From 1 runs. Made on: abacus; torch." in text
    assert "digits, and in 1 on the small photos of CIFAR-10 (JPEG copy)." in update_readme.zoo(
        results
    )


def test_recipes_are_told_as_they_are(monkeypatch, tmp_path):
    def recipe_for(name: str, model: str) -> Recipe:
        special = (name, model) == ("tuned", "mlp")
        return Recipe(name, epochs=7, batch_size=16 if special else 48)

    monkeypatch.setattr(update_readme, "recipe_for", recipe_for)
    assert update_readme.recipes(tmp_path) == (
        "Every recipe takes 7 epochs with Adam, in batches of 48; tuned in batches of 16 for mlp:"
    )


def test_example_network_has_as_many_weights_as_it_says():
    (line,) = [
        line
        for line in update_readme.README.read_text().splitlines()
        if line.startswith("ModelSpec(")
    ]
    names = {"ModelSpec": ModelSpec, "partial": partial, "PlainCNN": PlainCNN}
    (spec,) = eval(line, names)
    network = spec.builder((1, 28, 28), 10)
    assert sum(weights.numel() for weights in network.parameters()) == spec.params
