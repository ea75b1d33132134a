"""How a network is built: its layers, their work, how far they see, and its shortcuts."""

import operator
from dataclasses import dataclass
from math import inf, prod

import torch
from torch import Tensor, fx, nn

from mnistcmp.models.custom_layers import ChannelAttention
from mnistcmp.models.shapes import ImageShape

# What adds two paths, as torch.fx names it.
ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")


@dataclass(frozen=True)
class Layer:
    """One layer, as it takes part in reading one image.

    `shape` is its output's, without the batch; `multiply_adds` counts those of convolutions and
    linear layers, with one for a bias; `receptive_field_px` is the side of the square of pixels
    that one value of its output depends on, None where it is all of the image; `kernel_px` the side
    of its own window, None where it has none.
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
    """What enters layer `first` is added to what leaves layer `last`, by their names.

    `through` are the layers on the shortcut itself; most have none.
    """

    first: str
    last: str
    through: tuple[str, ...]


@dataclass(frozen=True)
class Structure:
    """The layers in the order in which an image passes through them, and the shortcuts."""

    layers: list[Layer]
    shortcuts: list[Shortcut]


def structure(model: nn.Module, in_shape: ImageShape) -> Structure:
    """How `model`, which reads images of `in_shape`, is built; raises as `shortcuts`."""
    return Structure(layers(model, in_shape), shortcuts(model))


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
    """How far the last convolution sees, px a side; a network without any sees all at once."""
    everything = max(in_shape[1:])
    fields: list[int | None] = [everything]
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


class _Tracer(fx.Tracer):
    """Follows an image through the network's own functions, but into no single layer."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return not any(module.children())


def shortcuts(model: nn.Module) -> list[Shortcut]:
    """Where two paths of the network are added, in the order in which an image comes there.

    Read off the sums in its forward pass, so that a new kind of block is found too.
    Raises torch.fx.proxy.TraceError if the forward pass decides by the values it computes.
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
    """The way from a node back to the image."""
    way = [node]
    while before := way[-1].all_input_nodes:
        way.append(before[0])
    return way


def _layers(way_back: list[fx.Node]) -> tuple[str, ...]:
    return tuple(
        _short(str(node.target)) for node in reversed(way_back) if node.op == "call_module"
    )


def _short(name: str) -> str:
    return name.removeprefix("network.")
