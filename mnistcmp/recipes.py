"""How a network is trained: everything but the network, the seed and the data set."""

from dataclasses import dataclass
from typing import Literal

from mnistcmp.augment import Affine
from mnistcmp.studies import study_of


@dataclass(frozen=True)
class Recipe:
    """Cross-entropy, minimised by Adam, over shuffled batches; the last epoch's weights count.

    `schedule` is the course of the learning rate: `constant`, or `one_cycle`, which rises to
    `learning_rate` over the first quarter of the steps and then falls to almost nothing.
    `normalise` subtracts the training images' mean and divides by their standard deviation.
    `pen_strokes` adds real pen digits, replayed on the app's canvas, to the training images.
    """

    name: str
    learning_rate: float = 1e-3
    epochs: int = 5
    batch_size: int = 64
    schedule: Literal["constant", "one_cycle"] = "constant"
    normalise: bool = False
    augmentation: Affine | None = None
    pen_strokes: bool = False


# What each study says, by its number. Where a source is silent, the field's default stands:
# epochs in table 4; pixels, batch size and learning rate in tables 3 and 4.
PUBLISHED = {
    1: Recipe("published"),
    2: Recipe("published", learning_rate=1e-2, normalise=True),
    3: Recipe("published"),
    4: Recipe("published"),
}

LIGHT = Affine()
MEDIUM = Affine(rotate_degrees=10, shift_px=1.5, scale=0.08, shear=0.15)

# Peak learning rate and augmentation of each model: the best of three or so learning rates, with
# and without augmentation, on 5,000 training images held out; most with one seed. Every trial is a
# row of checkpoints/results/recipe_search.csv.
TUNED: dict[str, tuple[float, Affine | None]] = {
    "mlp": (6e-3, LIGHT),
    "tiny_cnn": (1e-2, None),
    "cnn": (1e-2, LIGHT),
    "strong_cnn": (3e-3, LIGHT),
    "mlp_100": (3e-3, LIGHT),
    "conv_maxpool": (5e-3, MEDIUM),
    "conv_batchnorm": (1e-2, LIGHT),
    "conv1_fc1": (1e-2, LIGHT),
    "conv1_fc2": (5e-3, LIGHT),
    "conv2_fc1": (5e-3, LIGHT),
    "conv2_fc2": (5e-3, LIGHT),
    "conv3_fc2": (5e-3, LIGHT),
    "fcn": (3e-3, LIGHT),
    "simple_cnn": (2e-3, LIGHT),
    "residual_cnn": (2e-3, MEDIUM),
}

RECIPES = ("published", "tuned", "drawn")


def recipe_for(name: str, model: str) -> Recipe:
    """The recipe `name` as it is for `model`. Raises ValueError for an unknown recipe."""
    if name == "published":
        return PUBLISHED[study_of(model).number]
    if name not in RECIPES:
        raise ValueError(f"there is no recipe {name!r}: choose from {', '.join(RECIPES)}")
    learning_rate, augmentation = TUNED[model]
    return Recipe(
        name,
        learning_rate,
        schedule="one_cycle",
        normalise=True,
        augmentation=augmentation,
        pen_strokes=name == "drawn",
    )
