"""Fully connected networks: every pixel is an input of its own, and neighbours mean nothing."""

import itertools
from functools import partial
from math import prod

from torch import Tensor, nn

from mnistcmp.models.spec import ImageShape, ModelSpec


def linear_stack(*widths: int) -> nn.Sequential:
    """Linear layers from each width to the next, with ReLU between them and none at the end."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Perceptron(nn.Module):
    """Flatten, then linear layers with ReLU between; `hidden` lists the widths in between.

    (N, C, H, W) pixels -> (N, classes) logits.
    Source: PUBLISHED.md tables 1 (mlp), 2 (mlp_100) and 4 (fcn).
    """

    def __init__(self, in_shape: ImageShape, classes: int, *, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = linear_stack(prod(in_shape), *hidden, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.layers(pixels.flatten(1))


SPECS = (
    ModelSpec(
        "mlp",
        partial(Perceptron, hidden=(32,)),
        params=25_450,
        caption="Perceptron with one hidden layer of 32 units",
    ),
    ModelSpec(
        "mlp_100",
        partial(Perceptron, hidden=(100,)),
        params=79_510,
        caption="Perceptron with one hidden layer of 100 units",
    ),
    ModelSpec(
        "fcn",
        partial(Perceptron, hidden=(512, 256, 128)),
        params=567_434,
        caption="Perceptron with three hidden layers: 512, 256 and 128 units",
    ),
)
