"""What the registry knows about a model."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

ImageShape = tuple[int, int, int]  # channels, height, width


@dataclass(frozen=True)
class ModelSpec:
    """One architecture of the zoo.

    `builder(in_shape, classes)` makes the untrained module, (N, *in_shape) -> (N, classes) logits.
    `params` counts the trainable parameters for (1, 28, 28) images and 10 classes; tests pin it.
    `caption` says in one line what the network is, for somebody who sees its name only.
    """

    name: str
    builder: Callable[[ImageShape, int], nn.Module]
    params: int
    caption: str


def pooled_size(in_shape: ImageShape, halvings: int) -> tuple[int, int]:
    """Height and width after `halvings` 2×2 poolings of stride 2, each rounding down.

    Raises ValueError if nothing of the image is left.
    """
    _, height, width = in_shape
    pooled = height >> halvings, width >> halvings
    if min(pooled) < 1:
        raise ValueError(
            f"an image of {height}×{width} px cannot be halved {halvings} times: "
            f"use images of at least {1 << halvings} px a side, or a model with fewer poolings"
        )
    return pooled
