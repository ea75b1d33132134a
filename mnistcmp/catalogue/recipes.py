"""The ways of training, and what each of them is for one network on one data set."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mnistcmp.catalogue import datasets
from mnistcmp.catalogue.datasets import DatasetSpec
from mnistcmp.catalogue.networks import MODELS, ModelSpec
from mnistcmp.catalogue.settings import WEIGHT_DECAY, Recipe, ShiftAndMirror
from mnistcmp.catalogue.studies import study_of

# Photos take longer to learn, and are learned by heart unless weights decay (one pair of runs of
# kernel_3 on 5,000 held-out images: 79.7 % without, 80.5 % with it); otherwise they are trained as
# digits are.
PHOTO_EPOCHS = 15


@dataclass(frozen=True)
class RecipeSpec:
    """One way of training.

    description: what it does, in a few words.
    adds: what it changes against the recipe before it in the table.
    settings: a network and a data set -> its settings there, None where there are none.
    pen_strokes: whether it needs the file of pen strokes, whose digits look like MNIST's alone.
    """

    name: str
    description: str
    adds: str
    settings: Callable[[ModelSpec, DatasetSpec], Recipe | None]
    pen_strokes: bool = False


def from_source(network: ModelSpec, dataset: DatasetSpec) -> Recipe | None:
    """What the network's study says of its training, on every data set."""
    return study_of(network.name).published_recipe


def tuned(network: ModelSpec, dataset: DatasetSpec) -> Recipe:
    """Our own: as the network is tuned for digits, or as photos need it."""
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


RECIPES = {
    spec.name: spec
    for spec in (
        RecipeSpec(
            "published",
            "exactly as the source says, where it says how",
            "what the source says",
            from_source,
        ),
        RecipeSpec(
            "tuned",
            "with settings of our own for each network",
            "our own recipe in place of the source's",
            tuned,
        ),
        RecipeSpec(
            "drawn",
            "as tuned, with real pen strokes added to the training images",
            "real pen strokes in the training images",
            tuned,
            pen_strokes=True,
        ),
    )
}


def recipes_of(model: str) -> tuple[str, ...]:
    """The names of the recipes for `model`: `published` only where its source says how."""
    network, mnist = MODELS[model], datasets.find("mnist")
    return tuple(spec.name for spec in RECIPES.values() if spec.settings(network, mnist))


def recipe_for(name: str, model: str, dataset: str = "mnist", *, mirror: bool = False) -> Recipe:
    """The recipe `name` as it is for `model` on `dataset`. Raises ValueError if there is none.

    With `mirror`, images of a folder of one's own are mirrored too. Raises ValueError for another
    data set, of which its entry says whether it is mirrored.
    """
    spec = datasets.find(dataset)
    if mirror and not spec.mirror:
        if dataset in datasets.DATASETS:
            raise ValueError(
                f"{spec.title} is never mirrored in training: a mirrored image may be of no class "
                "of it; mirroring is for a folder of your own images"
            )
        spec = replace(spec, mirror=True)
    settings = RECIPES[name].settings(MODELS[model], spec) if name in RECIPES else None
    if settings is None:
        choices = ", ".join(recipes_of(model))
        raise ValueError(f"there is no recipe {name!r} for {model}: choose from {choices}")
    return replace(settings, name=name, pen_strokes=RECIPES[name].pen_strokes)
