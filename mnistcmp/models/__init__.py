"""The networks: `build` makes an untrained network from its name."""

from collections import OrderedDict
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

import torch
from torch import Tensor, nn

from mnistcmp.catalogue.networks import MODELS, ModelSpec
from mnistcmp.models.shapes import ImageShape

__all__ = ["MODELS", "Normalise", "build"]


class Normalise(nn.Module):
    """(pixels - mean) / std per channel; a layer, so that it is saved with the weights.

    (N, C, H, W) -> the same shape. Until `set` is called, it is the identity.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))

    def set(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set the mean and standard deviation of each channel, for pixels in [0, 1]."""
        self.mean.copy_(torch.tensor(mean).view_as(self.mean))
        self.std.copy_(torch.tensor(std).view_as(self.std))

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels - self.mean) / self.std


def build(name: str, in_shape: ImageShape = (1, 28, 28), classes: int = 10) -> nn.Sequential:
    """Build the untrained network `name`: (N, *in_shape) pixels in [0, 1] -> (N, classes) logits.

    The module has two parts: `normalise` and `network`. Its parameters are initialised from torch's
    global random generator. Raises ValueError for an unknown name, and if the network does not
    support `in_shape`.
    """
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(MODELS)}"
        raise ValueError(f"unknown model {name!r}: {hint}")
    try:
        network = _architecture(MODELS[name])(in_shape, classes, **MODELS[name].settings)
    except ValueError as error:
        raise ValueError(f"model {name!r} does not fit: {error}") from error
    return nn.Sequential(OrderedDict(normalise=Normalise(in_shape[0]), network=network))


def _architecture(spec: ModelSpec) -> type[nn.Module]:
    """The class that an entry names, from the file of that name in this folder."""
    file, _, name = spec.architecture.partition(".")
    return getattr(import_module(f"{__name__}.{file}"), name)
