"""The structure of a network: its layers with cost and receptive field, and its shortcuts."""

import operator
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from mnistcmp.models.custom_layers import ChannelAttention
from mnistcmp.models.shapes import ImageShape

# Additions of two paths, as torch.fx represents them.
ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")
RELUS = (functional.relu, torch.relu, "relu", "relu_")  # likewise


@dataclass(frozen=True)
class Field:
    """The squares of pixels that the values of a map depend on; `side_px` may exceed the image.

    start_px: the upper edge of the square of the first row and the left edge of that of the first
        column; negative, because padding lies outside the image.
    step_px: how far the squares of neighbouring values are apart.
    """

    start_px: int
    side_px: int
    step_px: int

    def square(self, row: int, column: int, image: tuple[int, int]) -> tuple[slice, slice]:
        """The rows and columns of the (H, W) `image` that the value at (row, column) depends on."""
        top, left = (self.start_px + place * self.step_px for place in (row, column))
        height, width = image
        return (
            slice(max(top, 0), min(top + self.side_px, height)),
            slice(max(left, 0), min(left + self.side_px, width)),
        )


PIXEL = Field(start_px=0, side_px=1, step_px=1)  # of the image itself


@dataclass(frozen=True)
class Layer:
    """One layer, in the processing of one image.

    shape: the output's, without the batch.
    multiply_adds: of convolutions and linear layers; a bias counts as one.
    field: where its values look; None if each of them depends on the entire image.
    receptive_field_px: the side of the square of pixels that one output value depends on, at most
        the image's; None if it depends on the entire image.
    kernel_px: the side of the kernel or pooling window, None if there is none.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    params: int
    multiply_adds: int
    field: Field | None
    receptive_field_px: int | None
    kernel_px: int | None = None


@dataclass(frozen=True)
class Shortcut:
    """The input of layer `first` is added to the output of layer `last`; both are layer names.

    `through` lists the layers on the shortcut itself, usually none. If `relu`, the forward pass
    applies ReLU to the sum.
    """

    first: str
    last: str
    through: tuple[str, ...]
    relu: bool = False


@dataclass(frozen=True)
class Structure:
    """The layers in forward order, and the shortcuts.

    relu: the names of the layers to whose output the forward pass itself applies ReLU, without a
        layer for it.
    """

    layers: list[Layer]
    shortcuts: list[Shortcut]
    relu: frozenset[str]


def structure(model: nn.Module, in_shape: ImageShape) -> Structure:
    """The structure of `model` for images of `in_shape`. Raises as `shortcuts` does."""
    found, around = layers(model, in_shape), shortcuts(model)
    relu = {
        layer_name(str(node.target))
        for node in _Tracer().trace(model).nodes
        if node.op == "call_module" and _has_relu(node)
    }
    return Structure(
        _with_fields_of_shortcuts(found, around, model, in_shape), around, frozenset(relu)
    )


def _with_fields_of_shortcuts(
    found: list[Layer], around: list[Shortcut], model: nn.Module, in_shape: ImageShape
) -> list[Layer]:
    """The layers with the fields of those on shortcuts, whose input is that of the shortcut."""
    modules = {layer_name(name): module for name, module in model.named_modules()}
    beside = {name for shortcut in around for name in shortcut.through}
    path = [layer for layer in found if layer.name not in beside]
    fields: dict[str, Field | None] = {}
    for shortcut in around:
        first = [layer.name for layer in path].index(shortcut.first)
        field = path[first - 1].field if first else PIXEL
        for name in shortcut.through:
            fields[name] = field = field and _through(field, modules[name])
    return [
        replace(layer, field=field, receptive_field_px=_receptive_field_px(field, in_shape))
        if (field := fields.get(layer.name))
        else layer
        for layer in found
    ]


def layers(model: nn.Module, in_shape: ImageShape) -> list[Layer]:
    """Every layer of `model` for images of `in_shape`, in forward order.

    Where paths run in parallel, the receptive field is that of the longer path, also for layers on
    the shorter one.
    """
    found: list[Layer] = []
    field: Field | None = PIXEL

    def visit(name: str, module: nn.Module, output: Tensor) -> None:
        nonlocal field
        shape = tuple(output.shape[1:])
        if isinstance(module, ChannelAttention) or len(shape) == 1:
            field = None
        if field and hasattr(module, "kernel_size"):
            field = _through(field, module)
        found.append(
            Layer(
                layer_name(name),
                type(module).__name__,
                shape,
                sum(parameter.numel() for parameter in module.parameters()),
                _multiply_adds(module, shape),
                field,
                _receptive_field_px(field, in_shape),
                _side(module, "kernel_size") or None,
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


def _receptive_field_px(field: Field | None, in_shape: ImageShape) -> int | None:
    return min(field.side_px, *in_shape[1:]) if field else None


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


def _through(before: Field, module: nn.Module) -> Field:
    """The field behind a convolution or pooling, whose input has the field `before`."""
    kernel, stride, padding = (_side(module, name) for name in ("kernel_size", "stride", "padding"))
    return Field(
        before.start_px - padding * before.step_px,
        before.side_px + (kernel - 1) * before.step_px,
        before.step_px * stride,
    )


def _side(module: nn.Module, name: str) -> int:
    """The size `name` of a layer, px a side; 0 if it has none."""
    size: int | tuple[int, int] = getattr(module, name, 0)
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
            found.append(Shortcut(path[0], path[-1], around, _has_relu(node)))
    return found


def _has_relu(node: fx.Node) -> bool:
    return any(user.target in RELUS for user in node.users)


def _back(node: fx.Node) -> list[fx.Node]:
    """The path from a node back to the image."""
    path = [node]
    while before := path[-1].all_input_nodes:
        path.append(before[0])
    return path


def _layers(path_back: list[fx.Node]) -> tuple[str, ...]:
    return tuple(
        layer_name(str(node.target)) for node in reversed(path_back) if node.op == "call_module"
    )


def layer_name(name: str) -> str:
    """The name of a layer within `network`, the part of the module that `build` names so."""
    return name.removeprefix("network.")
