"""The settings of one training run, as plain numbers; `training` acts on them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Affine:
    """The largest move of an image: each part is drawn uniformly between -limit and +limit."""

    rotate_degrees: float = 8.0
    shift_px: float = 1.0
    scale: float = 0.05  # a share of the size
    shear: float = 0.1  # px sideways for each px of height


@dataclass(frozen=True)
class ShiftAndMirror:
    """For photos: moved by whole px, which blurs nothing; with `mirror`, half are mirrored."""

    shift_px: int = 2  # the largest, in each direction
    mirror: bool = False


# Of residual_cnn_reg, whose source asks for some, and of photos.
WEIGHT_DECAY = 0.05

Augmentation = Affine | ShiftAndMirror


@dataclass(frozen=True)
class Recipe:
    """Cross-entropy, minimised by Adam, over shuffled batches; the last epoch's weights count.

    `schedule` is the course of the learning rate: `constant`, or `one_cycle`, which rises to
    `learning_rate` over the first quarter of the steps and then falls to almost nothing.
    `weight_decay` shrinks every weight by that share of the learning rate in each step (AdamW).
    `normalise` subtracts the training images' mean and divides by their standard deviation.
    `pen_strokes` adds real pen digits, replayed on the app's canvas, to the training images.
    """

    name: str
    learning_rate: float = 1e-3
    epochs: int = 5
    batch_size: int = 64
    schedule: Literal["constant", "one_cycle"] = "constant"
    normalise: bool = False
    augmentation: Augmentation | None = None
    weight_decay: float = 0.0
    pen_strokes: bool = False
