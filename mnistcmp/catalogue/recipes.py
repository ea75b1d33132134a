"""The training recipes, and their settings for each network and data set."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mnistcmp.catalogue import datasets
from mnistcmp.catalogue.datasets import DatasetSpec
from mnistcmp.catalogue.networks import MODELS, ModelSpec
from mnistcmp.catalogue.settings import WEIGHT_DECAY, NoiseAndContrast, Recipe, ShiftAndMirror
from mnistcmp.catalogue.studies import STUDIES, study_of

# Photos need more epochs than digits, and weight decay against overfitting (one pair of runs of
# kernel_3 on 5,000 held-out images: 79.7 % without, 80.5 % with it).
PHOTO_EPOCHS = 15

# The study that asks what such training can do, and what only the architecture can.
STUDY_OF_HARDENING = 10


@dataclass(frozen=True)
class RecipeSpec:
    """One training recipe.

    description: what it does, in a few words.
    adds: what it changes, compared with the recipe `builds_on`.
    settings: a network and a data set -> the settings, or None if it does not apply.
    builds_on: the recipe that it is compared with, if any.
    pen_strokes: whether it needs the file of pen strokes, which suits only MNIST.
    """

    name: str
    description: str
    adds: str
    settings: Callable[[ModelSpec, DatasetSpec], Recipe | None]
    builds_on: str | None = None
    pen_strokes: bool = False


def from_source(network: ModelSpec, dataset: DatasetSpec) -> Recipe | None:
    """The recipe that the network's study publishes, for every data set."""
    return study_of(network.name).published_recipe


def tuned(network: ModelSpec, dataset: DatasetSpec) -> Recipe:
    """Our own settings, tuned on digits and adapted for photos."""
    tuning = network.tuning
    recipe = Recipe(
        "tuned",
        tuning.learning_rate,
        batch_size=tuning.batch_size,
        schedule="one_cycle",
        normalise=True,
        augmentation=tuning.augmentation,
        weight_decay=tuning.weight_decay,
    )
    if dataset.format == "idx":
        return recipe
    return replace(
        recipe,
        epochs=PHOTO_EPOCHS,
        augmentation=ShiftAndMirror(mirror=dataset.mirror),
        weight_decay=WEIGHT_DECAY,
    )


def hardened(network: ModelSpec, dataset: DatasetSpec) -> Recipe | None:
    """The recipe `tuned` with noise and faint images, for the networks of STUDY_OF_HARDENING."""
    if network.name not in STUDIES[STUDY_OF_HARDENING].models:
        return None
    return replace(tuned(network, dataset), noise_and_contrast=NoiseAndContrast())


RECIPES = {
    spec.name: spec
    for spec in (
        RecipeSpec(
            "published",
            "with the source's settings, for networks whose source states them",
            "the source's settings",
            from_source,
        ),
        RecipeSpec(
            "tuned",
            "with our own settings for each network",
            "our own recipe in place of the source's",
            tuned,
            builds_on="published",
        ),
        RecipeSpec(
            "drawn",
            "as tuned, with real pen strokes added to the training images",
            "real pen strokes in the training images",
            tuned,
            builds_on="tuned",
            pen_strokes=True,
        ),
        RecipeSpec(
            "hardened",
            f"as tuned, with noise on a third of the training images and lower contrast on another "
            f"third (only the networks of study {STUDY_OF_HARDENING})",
            "noise and lower contrast in the training images",
            hardened,
            builds_on="tuned",
        ),
    )
}

USUAL_RECIPE = "drawn"  # shown first on every page: it reads real handwriting best


def recipes_of(model: str) -> tuple[str, ...]:
    """The recipes of `model`; `published` only if the source states one."""
    network, mnist = MODELS[model], datasets.find("mnist")
    return tuple(spec.name for spec in RECIPES.values() if spec.settings(network, mnist))


def recipe_for(name: str, model: str, dataset: str = "mnist", *, mirror: bool = False) -> Recipe:
    """The recipe `name` for `model` on `dataset`. Raises ValueError if there is none.

    With `mirror`, half of the training images are mirrored. This is for a user's own folder: raises
    ValueError for a listed data set whose entry does not allow it.
    """
    spec = datasets.find(dataset)
    if mirror and not spec.mirror:
        if dataset in datasets.DATASETS:
            raise ValueError(
                f"{spec.title} is never mirrored in training, because a mirrored image may belong "
                "to none of its classes; mirroring is for a folder of your own images"
            )
        spec = replace(spec, mirror=True)
    settings = RECIPES[name].settings(MODELS[model], spec) if name in RECIPES else None
    if settings is None:
        choices = ", ".join(recipes_of(model))
        raise ValueError(f"there is no recipe {name!r} for {model}: choose from {choices}")
    return replace(settings, name=name, pen_strokes=RECIPES[name].pen_strokes)
