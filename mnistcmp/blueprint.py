"""How a network is built: its layers, and the paths on which an image passes some of them by."""

import operator
from dataclasses import dataclass

import torch
from torch import fx, nn

from mnistcmp.anatomy import Layer, layers
from mnistcmp.models.shapes import ImageShape

ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")


@dataclass(frozen=True)
class Shortcut:
    """What enters layer `first` is added to what leaves layer `last`, by their names.

    `through` are the layers on the shortcut itself; most have none.
    """

    first: str
    last: str
    through: tuple[str, ...]


@dataclass(frozen=True)
class Blueprint:
    """The layers in their order, the side of the window of each that has one, and the shortcuts."""

    layers: list[Layer]
    windows_px: dict[str, int]
    shortcuts: list[Shortcut]


def blueprint(model: nn.Module, in_shape: ImageShape) -> Blueprint:
    """How `model`, which reads images of `in_shape`, is built; raises as `shortcuts`."""
    windows = {
        _short(name): size if isinstance(size, int) else size[0]
        for name, module in model.named_modules()
        if (size := getattr(module, "kernel_size", None))
    }
    return Blueprint(layers(model, in_shape), windows, shortcuts(model))


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
