"""The structure of a network: its layers with cost and receptive field, and its shortcuts."""

import operator
from dataclasses import dataclass
from math import inf, prod

import torch
from torch import Tensor, fx, nn

from mnistcmp.models.custom_layers import ChannelAttention
from mnistcmp.models.shapes import ImageShape

# Additions of two paths, as torch.fx represents them.
ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")


@dataclass(frozen=True)
class Layer:
    """One layer, in the processing of one image.

    shape: the output's, without the batch.
    multiply_adds: of convolutions and linear layers; a bias counts as one.
    receptive_field_px: the side of the square of pixels that one output value depends on; None if
        it depends on the entire image.
    kernel_px: the side of the kernel or pooling window, None if there is none.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    params: int
    multiply_adds: int
    receptive_field_px: int | None
    kernel_px: int | None = None


@dataclass(frozen=True)
class Shortcut:
    """The input of layer `first` is added to the output of layer `last`; both are layer names.

    `through` lists the layers on the shortcut itself, usually none.
    """

    first: str
    last: str
    through: tuple[str, ...]


@dataclass(frozen=True)
class Structure:
    """The layers in forward order, and the shortcuts."""

    layers: list[Layer]
    shortcuts: list[Shortcut]


def structure(model: nn.Module, in_shape: ImageShape) -> Structure:
    """The structure of `model` for images of `in_shape`. Raises as `shortcuts` does."""
    return Structure(layers(model, in_shape), shortcuts(model))


def layers(model: nn.Module, in_shape: ImageShape) -> list[Layer]:
    """Every layer of `model` for images of `in_shape`, in forward order.

    Where paths run in parallel, the receptive field is that of the longer path, because shortcuts
    have smaller ones.
    """
    found: list[Layer] = []
    field, step = 1.0, 1  # receptive field and stride so far, px

    def visit(name: str, module: nn.Module, output: Tensor) -> None:
        nonlocal field, step
        shape = tuple(output.shape[1:])
        kernel_px = None
        if hasattr(module, "kernel_size"):
            kernel_px, stride_px = (
                _side(getattr(module, size)) for size in ("kernel_size", "stride")
            )
            field += (kernel_px - 1) * step
            step *= stride_px
        if isinstance(module, ChannelAttention) or len(shape) == 1:
            field = inf
        found.append(
            Layer(
                _short(name),
                type(module).__name__,
                shape,
                sum(parameter.numel() for parameter in module.parameters()),
                _multiply_adds(module, shape),
                None if field == inf else int(min(field, *in_shape[1:])),
                kernel_px,
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
    """The receptive field of the last convolution, px a side; without convolution, the image's."""
    everything = max(in_shape[1:])
    fields: list[int | None] = [everything]
    fields += (
        layer.receptive_field_px
        for layer in layers(model, in_shape)
        if layer.multiply_adds > 0 and len(layer.shape) > 1
    )
    return fields[-1] or everything


def activation_megabytes(model: nn.Module, in_shape: ImageShape, images: int) -> float:
    """Memory that a training step on `images` images keeps for its backward pass, fp32, 10⁶ bytes.

    Measured as the tensors that autograd saves, each counted once, without the parameters. The
    backward pass frees them, so this is the peak.
    """
    device = next(model.parameters()).device
    kept = {parameter.untyped_storage().data_ptr(): 0 for parameter in model.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept.setdefault(storage.data_ptr(), storage.nbytes())
        return tensor

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # Keep a reference, so that no address is used twice.
        logits = model(torch.zeros(images, *in_shape, device=device))
    del logits
    return sum(kept.values()) / 1e6


def _side(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else size[0]


def _multiply_adds(module: nn.Module, shape: tuple[int, ...]) -> int:
    if isinstance(module, ChannelAttention):  # two linear layers, applied once per image
        return sum(parameter.numel() for parameter in module.parameters())
    weight = getattr(module, "weight", None)
    if weight is None or weight.ndim < 2:
        return 0
    bias = 0 if getattr(module, "bias", None) is None else prod(shape)
    positions = prod(shape[1:])  # 1 for a linear layer
    return weight.numel() * positions + bias


class _Tracer(fx.Tracer):
    """Traces the network, but treats each layer as a leaf."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return not any(module.children())


def shortcuts(model: nn.Module) -> list[Shortcut]:
    """The places where two paths of the network are added, in forward order.

    They are found from the additions in the forward pass, so a new kind of block is found too.
    Raises torch.fx.proxy.TraceError if the control flow of the forward pass depends on values.
    Source: He et al. 2015, "Deep Residual Learning", figure 2.
    """
    found = []
    for node in _Tracer().trace(model).nodes:
        if node.target in ADDITIONS and len(node.all_input_nodes) == 2:
            one, other = map(_back, node.all_input_nodes)
            fork = next(before for before in one if before in other)
            paths = [_layers(path[: path.index(fork)]) for path in (one, other)]
            around, path = sorted(paths, key=len)
            found.append(Shortcut(path[0], path[-1], around))
    return found


def _back(node: fx.Node) -> list[fx.Node]:
    """The path from a node back to the image."""
    path = [node]
    while before := path[-1].all_input_nodes:
        path.append(before[0])
    return path


def _layers(path_back: list[fx.Node]) -> tuple[str, ...]:
    return tuple(
        _short(str(node.target)) for node in reversed(path_back) if node.op == "call_module"
    )


def _short(name: str) -> str:
    return name.removeprefix("network.")
