"""Shortcuts are found in our networks, and in blocks that are written differently."""

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
def test_all_shortcuts_of_the_architecture_are_found(name):
    plan = structure(build(name), (1, 28, 28))
    names = [layer.name for layer in plan.layers]
    assert len(plan.shortcuts) == SHORTCUTS.get(name, 0)
    for shortcut in plan.shortcuts:
        assert names.index(shortcut.first) < names.index(shortcut.last)
        assert set(shortcut.through) <= set(names)


def test_relu_of_the_forward_pass_is_found_after_layers_and_sums():
    plan = structure(build("residual_cnn"), (1, 28, 28))
    assert plan.relu == {"features.2.conv1", "features.6.conv1"}
    assert [shortcut.relu for shortcut in plan.shortcuts] == [True, True]
    plan = structure(build("resnet_6"), (1, 28, 28))
    assert "stages.0.pooling" in plan.relu and "stages.0.convolutions.1" not in plan.relu
    assert not any(shortcut.relu for shortcut in plan.shortcuts)
    assert not structure(build("cnn"), (1, 28, 28)).relu  # it has layers for it


def test_layer_on_a_shortcut_looks_from_the_beginning_of_the_shortcut():
    layers = {layer.name: layer for layer in structure(build("resnet_6"), (1, 28, 28)).layers}
    sides = [layers[f"stages.{stage}.shortcut"].receptive_field_px for stage in range(3)]
    assert sides == [1, 6, 16]
    assert layers["stages.1.convolutions.1"].receptive_field_px == 14  # the path around which it is


def test_shortcut_through_a_convolution_names_it():
    assert shortcuts(build("resnet_6"))[1] == Shortcut(
        "stages.1.convolutions.0", "stages.1.convolutions.1", ("stages.1.shortcut",)
    )


@pytest.mark.parametrize("add", [operator.add, operator.iadd, torch.add, lambda x, y: x.add(y)])
def test_shortcut_is_found_for_every_kind_of_addition(add):
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return add(x, self.two(self.one(x)))

    assert shortcuts(Block()) == [Shortcut("one", "two", ())]


def test_addition_of_a_number_is_not_a_shortcut():
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.one(x) + 1

    assert shortcuts(Shifted()) == []


def test_kernel_px_is_the_window_of_convolutions_and_poolings():
    plan = structure(build("tiny_cnn"), (1, 28, 28))
    windows_px = {layer.name: layer.kernel_px for layer in plan.layers if layer.kernel_px}
    assert windows_px == {"features.0": 3, "features.1": 2, "features.3": 3, "features.4": 2}
