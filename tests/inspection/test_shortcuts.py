"""Shortcuts are found where the zoo has them, and in blocks that were written otherwise."""

import operator

import pytest
import torch
from torch import Tensor, nn

from mnistcmp.inspection.structure import Shortcut, shortcuts, structure
from mnistcmp.models import MODELS, build

SHORTCUTS = {
    "residual_cnn": 2,
    "residual_cnn_reg": 2,
    "res_basic": 3,
    "res_bottleneck": 3,
    "res_wide": 3,
    "resnet_6": 3,
}


@pytest.mark.parametrize("name", MODELS)
def test_shortcuts_are_those_of_the_architecture(name):
    plan = structure(build(name), (1, 28, 28))
    names = [layer.name for layer in plan.layers]
    assert len(plan.shortcuts) == SHORTCUTS.get(name, 0)
    for shortcut in plan.shortcuts:
        assert names.index(shortcut.first) < names.index(shortcut.last)
        assert set(shortcut.through) <= set(names)


def test_shortcut_through_a_convolution_names_it():
    assert shortcuts(build("resnet_6"))[1] == Shortcut(
        "stages.1.convolutions.0", "stages.1.convolutions.1", ("stages.1.shortcut",)
    )


@pytest.mark.parametrize("add", [operator.add, operator.iadd, torch.add, lambda x, y: x.add(y)])
def test_shortcut_is_found_however_it_is_added(add):
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            # A method is what a network would call: x.add(y)
            return (
                x.add(self.two(self.one(x))) if add is Tensor.add else add(x, self.two(self.one(x)))
            )

    assert shortcuts(Block()) == [Shortcut("one", "two", ())]


def test_sum_with_a_number_is_no_shortcut():
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.one(x) + 1

    assert shortcuts(Shifted()) == []


def test_windows_are_those_of_convolutions_and_poolings():
    plan = structure(build("tiny_cnn"), (1, 28, 28))
    windows_px = {layer.name: layer.kernel_px for layer in plan.layers if layer.kernel_px}
    assert windows_px == {"features.0": 3, "features.1": 2, "features.3": 3, "features.4": 2}
