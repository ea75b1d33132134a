"""Fully connected networks, which do not use the positions of pixels."""

import itertools
from math import prod

from torch import Tensor, nn

from mnistcmp.models.shapes import ImageShape


def linear_stack(*widths: int) -> nn.Sequential:
    """Linear layers from each width to the next, with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Perceptron(nn.Module):
    """Flatten, then linear layers with ReLU between them; `hidden` are the hidden layers' widths.

    (N, C, H, W) pixels -> (N, classes) logits.
    Source: PUBLISHED.md tables 1 (mlp), 2 (mlp_100) and 4 (fcn).
    """

    def __init__(self, in_shape: ImageShape, classes: int, *, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = linear_stack(prod(in_shape), *hidden, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.layers(pixels.flatten(1))
