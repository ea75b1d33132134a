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


@dataclass(frozen=True)
class NoiseAndContrast:
    """Noise on some of the images, lower contrast on others, the rest unchanged.

    noise: the standard deviation of the Gaussian noise is uniform in [0, noise].
    contrast: the factor of all pixels is uniform in [contrast, 1]; on a black background, this
        makes the ink fainter.
    share: the fraction of the images that get noise, and of those that get lower contrast; at most
        1/2, because no image gets both.
    """

    noise: float = 0.5
    contrast: float = 0.1
    share: float = 1 / 3


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
    `noise_and_contrast` changes the images after the augmentation.
    `pen_strokes` adds real pen digits, replayed on the app's canvas, to the training images.
    """

    name: str
    learning_rate: float = 1e-3
    epochs: int = 5
    batch_size: int = 64
    schedule: Literal["constant", "one_cycle"] = "constant"
    normalise: bool = False
    augmentation: Augmentation | None = None
    noise_and_contrast: NoiseAndContrast | None = None
    weight_decay: float = 0.0
    pen_strokes: bool = False
