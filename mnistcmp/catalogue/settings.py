"""The settings of one training run, as plain numbers; `mnistcmp.training` applies them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Affine:
    """The limits of a random affine transform; each value is uniform in [-limit, +limit]."""

    rotate_degrees: float = 8.0
    shift_px: float = 1.0
    scale: float = 0.05  # fraction of the size
    shear: float = 0.1  # px sideways per px of height


@dataclass(frozen=True)
class ShiftAndMirror:
    """For photos: a shift by whole px, which does not blur; with `mirror`, half are mirrored."""

    shift_px: int = 2  # maximum in each direction
    mirror: bool = False


# For residual_cnn_reg, whose source uses regularisation, and for photos.
WEIGHT_DECAY = 0.05

Augmentation = Affine | ShiftAndMirror


@dataclass(frozen=True)
class Recipe:
    """Cross-entropy loss, Adam, shuffled batches; the weights of the last epoch are kept.

    `schedule` sets the learning rate: `constant`, or `one_cycle`, which rises to `learning_rate`
    over the first quarter of the steps and then falls almost to 0.
    `weight_decay` is decoupled (AdamW): in each step, every weight shrinks by the fraction
    learning rate × `weight_decay`.
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
