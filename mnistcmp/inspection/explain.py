"""The filters of a network, and its activations and attributions for one image."""

import copy
import itertools
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from mnistcmp.inference import probabilities
from mnistcmp.inspection.structure import layer_name

PATCH_PX, STEP_PX = 4, 2
MOST_UNITS = 32


@dataclass(frozen=True)
class Filters:
    """Weights of a convolution or linear layer, float32 (n, h, w).

    If `output` is None, the layer's input is one picture, and each filter belongs to another of its
    `outputs` channels or units. Otherwise all belong to this one, a filter for each input map.
    """

    weights: np.ndarray
    outputs: int
    output: int | None


@dataclass(frozen=True)
class Activation:
    """The output of one layer for one image: float32 (channels, H, W) or (units,)."""

    name: str
    kind: str
    values: np.ndarray

    @property
    def strongest(self) -> tuple[int, ...]:
        """The position of the largest value: (channel, row, column) or (unit,)."""
        at = np.unravel_index(self.values.argmax(), self.values.shape)
        return tuple(int(place) for place in at)

    @property
    def ranking(self) -> list[int]:
        """The channels or units by their largest value, the strongest first."""
        most = self.values.reshape(len(self.values), -1).max(axis=1)
        return [int(channel) for channel in np.argsort(-most, kind="stable")]


@dataclass(frozen=True)
class Look:
    """How one network processes one image.

    activations: the output of every layer; the last are the logits.
    probabilities: float32 (classes,).
    saliency, occlusion: float32, in the image's shape, for the most probable digit.
    """

    activations: list[Activation]
    probabilities: np.ndarray
    saliency: np.ndarray
    occlusion: np.ndarray

    @property
    def digit(self) -> int:
        """The most probable digit."""
        return int(self.probabilities.argmax())


def look(model: nn.Module, pixels: np.ndarray) -> Look:
    """Float32 (H, W) pixels in [0, 1], bright ink on 0 -> activations, probabilities and maps.

    `model` must be in evaluation mode. It is not changed, so it may be shared between threads.
    """
    read = probabilities(np.stack([pixels]), {"this": model})[0, 0]
    digit = int(read.argmax())
    return Look(
        activations(model, pixels),
        read,
        saliency(model, pixels, digit),
        occlusion(model, pixels, digit),
    )


def filters(model: nn.Module, outputs: list[Activation]) -> dict[str, Filters]:
    """The weights of every convolution and linear layer, by the layer's name.

    `outputs` are the activations of `model`. A layer whose input is one picture has a filter for
    each of its outputs; of a linear layer these are the 32 with the largest 2-norms, largest first.
    Every other layer shows the filters of its strongest output (for the logits, that of the digit
    that is read), one for each map of its input; the weights of a linear layer on flat input are
    one picture, 1 px high.
    """
    modules = {layer_name(name): module for name, module in model.named_modules()}
    found = {}
    for before, layer in itertools.pairwise(outputs):
        weight = getattr(modules[layer.name], "weight", None)
        if weight is not None and weight.ndim > 1:
            found[layer.name] = _filters(weight.detach(), before.values.shape, layer.strongest[0])
    return found


def _filters(weight: Tensor, before: tuple[int, ...], strongest: int) -> Filters:
    """`before` is the shape of the layer's input, or of the maps whose means it reads."""
    outputs, inputs = weight.shape[:2]
    if weight.ndim == 2:
        if len(before) == 1 or inputs != prod(before):
            return Filters(weight[strongest, None, None].numpy(), outputs, strongest)
        weight = weight.unflatten(1, before)
        if len(weight[0]) == 1:
            largest = weight.flatten(1).norm(dim=1).argsort(descending=True)
            weight = weight[largest[:MOST_UNITS]]
    if len(weight[0]) > 1:
        return Filters(weight[strongest].numpy(), outputs, strongest)
    return Filters(weight[:, 0].numpy(), outputs, None)


def activations(model: nn.Module, pixels: np.ndarray) -> list[Activation]:
    """The output of every layer for float32 (H, W) pixels, in the order of `structure.layers`."""
    found: list[Activation] = []

    def keep(name: str, layer: nn.Module, output: Tensor) -> None:
        found.append(Activation(layer_name(name), type(layer).__name__, output[0].numpy()))

    # A copy, because hooks on a shared network would also run for other threads' images.
    model = copy.deepcopy(model)
    for name, module in model.named_modules():
        if not any(module.children()):
            module.register_forward_hook(
                lambda layer, _, output, name=name: keep(name, layer, output)
            )
    with torch.inference_mode():
        model(_batch(pixels))
    return found


def saliency(model: nn.Module, pixels: np.ndarray, digit: int) -> np.ndarray:
    """The gradient of the digit's logit with respect to float32 (H, W) pixels, (H, W).

    Where it is positive, more ink would increase the logit; where negative, decrease it.
    Source: Simonyan, Vedaldi, Zisserman 2013, "Deep Inside Convolutional Networks", section 3
    (which shows the absolute value).
    """
    image = _batch(pixels).requires_grad_()
    (gradient,) = torch.autograd.grad(model(image)[0, digit], image)
    return gradient[0, 0].numpy()


def occlusion(
    model: nn.Module,
    pixels: np.ndarray,
    digit: int,
    patch_px: int = PATCH_PX,
    step_px: int = STEP_PX,
) -> np.ndarray:
    """How much the digit's probability falls if parts of float32 (H, W) pixels are covered, (H, W).

    A blank square moves over the image in steps. Each value, in [-1, 1], is the mean fall over all
    squares that cover the pixel; below 0, the digit becomes more probable without it.
    Source: Zeiler, Fergus 2013, "Visualizing and Understanding Convolutional Networks", section
    4.2 (with a grey square; ours is 0, the value of pixels without ink).
    """
    height, width = pixels.shape
    squares = [
        (slice(top, top + patch_px), slice(left, left + patch_px))
        for top in range(0, height - patch_px + 1, step_px)
        for left in range(0, width - patch_px + 1, step_px)
    ]
    inked = [square for square in squares if pixels[square].any()]  # the others change nothing
    images = np.repeat(pixels[None], 1 + len(inked), axis=0)
    for image, square in zip(images[1:], inked, strict=True):
        image[square] = 0
    before, *after = probabilities(images, {"this": model})[0, :, digit]
    falls, covered = np.zeros((2, height, width), np.float32)
    for square, probability in zip(inked, after, strict=True):
        falls[square] += before - probability
    for square in squares:
        covered[square] += 1
    return falls / np.maximum(covered, 1)


def _batch(pixels: np.ndarray) -> Tensor:
    return torch.tensor(pixels)[None, None]
