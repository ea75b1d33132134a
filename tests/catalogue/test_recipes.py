"""The recipes and the published figures, copied by hand from PUBLISHED.md."""

from dataclasses import FrozenInstanceError, replace

import pytest

from mnistcmp.catalogue.networks import Tuning
from mnistcmp.catalogue.recipes import RECIPES, recipe_for, recipes_of
from mnistcmp.catalogue.settings import Affine, NoiseAndContrast, Recipe, ShiftAndMirror
from mnistcmp.catalogue.studies import STUDIES, Published, study_of
from mnistcmp.models import MODELS

RAW = ("mlp", "tiny_cnn", "cnn", "strong_cnn")  # table 1
NORMALISED = ("mlp_100", "conv_maxpool", "conv_batchnorm")  # table 2
NO_FIGURES = ("conv1_fc1", "conv1_fc2", "conv2_fc1", "conv2_fc2", "conv3_fc2")  # table 3
COURSE = ("fcn", "simple_cnn", "residual_cnn")  # table 4
FROM_SOURCE = RAW + NORMALISED + NO_FIGURES + COURSE
LATER = tuple(model for model in MODELS if model not in FROM_SOURCE)  # studies 5 to 10
HARDENED = tuple(STUDIES[10].models)


@pytest.mark.parametrize(
    "models, learning_rate, normalise",
    [(RAW, 1e-3, False), (NORMALISED, 1e-2, True), (NO_FIGURES + COURSE, 1e-3, False)],
)
def test_published_recipe_has_the_settings_of_the_source(models, learning_rate, normalise):
    for model in models:
        assert recipe_for("published", model) == Recipe(
            name="published",
            learning_rate=learning_rate,
            epochs=5,
            batch_size=64,
            schedule="constant",
            normalise=normalise,
            augmentation=None,
            pen_strokes=False,
        )


def test_recipes_of_a_model_include_published_only_if_the_source_states_one():
    assert {model: recipes_of(model) for model in FROM_SOURCE} == dict.fromkeys(
        FROM_SOURCE, ("published", "tuned", "drawn")
    )
    assert {model: recipes_of(model) for model in LATER} == {
        model: ("tuned", "drawn", "hardened") if model in HARDENED else ("tuned", "drawn")
        for model in LATER
    }


@pytest.mark.parametrize("model", LATER)
def test_published_recipe_raises_if_the_source_states_none(model):
    assert study_of(model).number >= 5
    with pytest.raises(ValueError, match=f"'published' for {model}: choose from tuned, drawn"):
        recipe_for("published", model)


def test_weight_decay_on_digits_is_only_for_the_regularised_network():
    decaying = [model for model in MODELS if recipe_for("tuned", model).weight_decay > 0]
    assert decaying == ["residual_cnn_reg"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dataset", ["cifar10", "cifar10-jpeg", "my_photos"])
def test_only_photos_have_more_epochs_and_shifts_by_whole_pixels(model, dataset):
    photos = recipe_for("tuned", model, dataset)
    assert isinstance(photos.augmentation, ShiftAndMirror)
    assert photos.epochs > recipe_for("tuned", model).epochs
    for recipe in recipes_of(model):
        for kind in ("mnist", "fashion_mnist", "kmnist"):
            augmentation = recipe_for(recipe, model, kind).augmentation
            assert augmentation is None or isinstance(augmentation, Affine)


@pytest.mark.parametrize(
    "dataset, asked, mirrored",
    [
        ("cifar10", False, True),
        ("cifar10", True, True),
        ("cifar10-jpeg", False, True),
        ("letters", False, False),
        ("letters", True, True),
    ],
)
def test_images_are_mirrored_if_the_data_set_allows_it_or_a_user_asks(dataset, asked, mirrored):
    for recipe in ("tuned", "drawn"):
        made = recipe_for(recipe, "cnn", dataset, mirror=asked)
        assert made.augmentation == ShiftAndMirror(shift_px=2, mirror=mirrored)


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "kmnist"])
def test_mirroring_raises_for_a_data_set_that_does_not_allow_it(dataset):
    with pytest.raises(ValueError, match=r"MNIST is never mirrored.*folder of your own"):
        recipe_for("tuned", "cnn", dataset, mirror=True)


@pytest.mark.parametrize("model", MODELS)
def test_all_recipes_train_on_digits_for_the_same_number_of_epochs(model):
    assert {recipe_for(name, model).epochs for name in recipes_of(model)} == {5}
    assert recipe_for("tuned", model).batch_size in (32, 64)


@pytest.mark.parametrize("model", MODELS)
def test_tuned_recipe_normalises_and_uses_one_cycle_without_pen_strokes(model):
    tuned = recipe_for("tuned", model)
    assert tuned.schedule == "one_cycle"
    assert tuned.normalise
    assert not tuned.pen_strokes


def test_tuned_recipe_has_the_settings_of_its_model(monkeypatch):
    rotated = Affine(rotate_degrees=20)
    tunings = {"cnn": Tuning(0.011, augmentation=rotated), "mlp": Tuning(0.022, 16, None, 0.1)}
    for model, tuning in tunings.items():
        monkeypatch.setitem(MODELS, model, replace(MODELS[model], tuning=tuning))
    cnn, mlp = recipe_for("tuned", "cnn"), recipe_for("tuned", "mlp")
    assert (cnn.learning_rate, cnn.augmentation, cnn.batch_size) == (0.011, rotated, 64)
    assert (mlp.learning_rate, mlp.augmentation, mlp.batch_size) == (0.022, None, 16)
    assert (cnn.weight_decay, mlp.weight_decay) == (0, 0.1)


@pytest.mark.parametrize("model", MODELS)
def test_drawn_recipe_is_tuned_with_pen_strokes(model):
    tuned = recipe_for("tuned", model)
    assert recipe_for("drawn", model) == replace(tuned, name="drawn", pen_strokes=True)


@pytest.mark.parametrize("model", HARDENED)
@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_hardened_recipe_is_tuned_with_noise_on_a_third_and_lower_contrast_on_a_third(
    model, dataset
):
    assert recipe_for("hardened", model, dataset) == replace(
        recipe_for("tuned", model, dataset),
        name="hardened",
        noise_and_contrast=NoiseAndContrast(noise=0.5, contrast=0.1, share=1 / 3),
    )


def test_hardened_recipe_raises_for_networks_outside_its_study():
    with pytest.raises(ValueError, match="'hardened' for cnn: choose from published, tuned, drawn"):
        recipe_for("hardened", "cnn")


def test_recipe_builds_on_one_before_it_in_the_table():
    names = list(RECIPES)
    assert {name: spec.builds_on for name, spec in RECIPES.items()} == {
        "published": None,
        "tuned": "published",
        "drawn": "tuned",
        "hardened": "tuned",
    }
    for number, spec in enumerate(RECIPES.values()):
        assert spec.builds_on is None or spec.builds_on in names[:number]


def test_unknown_recipe_raises_with_the_choices():
    with pytest.raises(ValueError, match="'tunned'.*published, tuned, drawn"):
        recipe_for("tunned", "mlp")


def test_recipe_for_returns_every_recipe():
    assert [recipe_for(name, "cnn").name for name in recipes_of("cnn")] == [
        "published",
        "tuned",
        "drawn",
    ]
    assert {name for model in MODELS for name in recipes_of(model)} == set(RECIPES)


def test_recipe_is_immutable():
    with pytest.raises(FrozenInstanceError):
        recipe_for("published", "mlp").epochs = 1


@pytest.mark.parametrize(
    "model, published",
    [
        ("mlp", Published(0.9596, 0.14, 8.7, None, None, 0.9564)),
        ("tiny_cnn", Published(0.9796, 0.06, 12.3, None, None, 0.9725)),
        ("cnn", Published(0.9822, 0.05, 14.3, None, None, 0.9865)),
        ("strong_cnn", Published(0.9909, 0.03, 75.0, None, None, 0.9931)),
        ("mlp_100", Published(0.9538, first_train_loss=0.28, last_train_loss=0.16)),
        ("conv_maxpool", Published(0.9703, first_train_loss=0.24, last_train_loss=0.11)),
        ("conv_batchnorm", Published(0.9866, first_train_loss=0.17, last_train_loss=0.03)),
        ("fcn", Published(0.9772, None, 188.42, 0.9956, 0.23)),
        ("simple_cnn", Published(0.9896, None, 206.19, 0.9983, 0.21)),
        ("residual_cnn", Published(0.9885, None, 231.72, 0.9976, 0.21)),
        *((model, Published()) for model in NO_FIGURES),
    ],
)
def test_published_figures_are_those_of_the_sources(model, published):
    assert study_of(model).models[model] == published


def test_study_of_finds_the_study_that_contains_a_model():
    assert [study_of(models[0]).number for models in (RAW, NORMALISED, NO_FIGURES, COURSE)] == [
        1,
        2,
        3,
        4,
    ]
    assert all(STUDIES[number].number == number for number in STUDIES)


def test_study_of_raises_for_a_model_in_no_study():
    with pytest.raises(KeyError, match="transformer"):
        study_of("transformer")
