"""What a network is made of: its layers, their work, how far they see and what they keep."""

from dataclasses import dataclass
from math import inf, prod

import torch
from torch import Tensor, nn

from mnistcmp.models.custom_layers import ChannelAttention
from mnistcmp.models.shapes import ImageShape


@dataclass(frozen=True)
class Layer:
    """One layer, as it takes part in reading one image.

    `shape` is its output's, without the batch; `multiply_adds` counts those of convolutions and
    linear layers, with one for a bias; `receptive_field_px` is the side of the square of pixels
    that one value of its output depends on, None where it is all of the image.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    params: int
    multiply_adds: int
    receptive_field_px: int | None


def layers(model: nn.Module, in_shape: ImageShape) -> list[Layer]:
    """Every layer of `model`, in the order in which an image of `in_shape` passes through them.

    Where paths run side by side, a receptive field is that along the widest: a shortcut only adds
    narrower ones.
    """
    found: list[Layer] = []
    field, step = 1.0, 1  # px, of what has been reached so far

    def visit(name: str, module: nn.Module, output: Tensor) -> None:
        nonlocal field, step
        shape = tuple(output.shape[1:])
        if kernel := getattr(module, "kernel_size", None):
            stride = module.stride
            field += (_side(kernel) - 1) * step
            step *= _side(stride)
        if isinstance(module, ChannelAttention) or len(shape) == 1:
            field = inf
        found.append(
            Layer(
                name.removeprefix("network."),
                type(module).__name__,
                shape,
                sum(parameter.numel() for parameter in module.parameters()),
                _multiply_adds(module, shape),
                None if field == inf else int(min(field, *in_shape[1:])),
            )
        )

    handles = [
        module.register_forward_hook(
            lambda module, _, output, name=name: visit(name, module, output)
        )
        for name, module in model.named_modules()
        if not any(module.children())
    ]
    training = model.training
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, *in_shape))
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return found


def receptive_field_px(model: nn.Module, in_shape: ImageShape) -> int:
    """How far the last convolution sees, px a side; a network without any sees all at once."""
    everything = max(in_shape[1:])
    fields = [everything]
    fields += (
        layer.receptive_field_px
        for layer in layers(model, in_shape)
        if layer.multiply_adds > 0 and len(layer.shape) > 1
    )
    return fields[-1] or everything


def activation_megabytes(model: nn.Module, in_shape: ImageShape, images: int) -> float:
    """What a training step on so many images in fp32 keeps for its backward pass, 10⁶ bytes.

    Measured: every tensor that autograd saves, once, without the parameters; in the backward pass
    they become fewer, so that this is the peak.
    """
    device = next(model.parameters()).device
    kept = {parameter.untyped_storage().data_ptr(): 0 for parameter in model.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept.setdefault(storage.data_ptr(), storage.nbytes())
        return tensor

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # Held, so that no address is used twice.
        logits = model(torch.zeros(images, *in_shape, device=device))
    del logits
    return sum(kept.values()) / 1e6


def _side(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else size[0]


def _multiply_adds(module: nn.Module, shape: tuple[int, ...]) -> int:
    if isinstance(module, ChannelAttention):  # two linear layers, once an image
        return sum(parameter.numel() for parameter in module.parameters())
    weight = getattr(module, "weight", None)
    if weight is None or weight.ndim < 2:
        return 0
    bias = 0 if getattr(module, "bias", None) is None else prod(shape)
    positions = prod(shape[1:])  # of a linear layer: one
    return weight.numel() * positions + bias
