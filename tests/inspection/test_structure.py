"""Multiply-adds, receptive fields and memory, against independent counts."""

from math import prod

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.inspection import structure
from mnistcmp.models import MODELS, build

WITHOUT_CONVOLUTION = ("mlp", "mlp_100", "fcn")
SEES_ENTIRE_IMAGE = ("attention_cnn",)  # through the channel means


@pytest.mark.parametrize("name", MODELS)
def test_layers_include_all_parameters_and_end_with_the_logits(name):
    found = structure.layers(build(name), (1, 28, 28))
    assert sum(layer.params for layer in found) == MODELS[name].params
    assert found[-1].shape == (10,)
    assert found[0].name == "normalise"


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_multiply_adds_are_half_of_torchs_flops(name, shape):
    model = build(name, shape).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, *shape))
    modules = {name.removeprefix("network."): module for name, module in model.named_modules()}
    ours = 0
    for layer in structure.layers(model, shape):
        biased = getattr(modules[layer.name], "bias", None) is not None
        ours += layer.multiply_adds - prod(layer.shape) * (biased and layer.multiply_adds > 0)
    # The biases of channel attention are still in our count, but not in torch's.
    assert ours == pytest.approx(counter.get_total_flops() / 2, rel=0.01)


@pytest.mark.parametrize(("name", "millions"), [("tiny_cnn", 5.97), ("strong_cnn", 1200)])
def test_multiply_adds_equal_the_published_figures_of_study_1(name, millions):
    total = sum(layer.multiply_adds for layer in structure.layers(build(name), (1, 28, 28)))
    assert 64 * total / 1e6 == pytest.approx(millions, rel=0.005)


def reached_px(model: nn.Module, side: int) -> int:
    """The number of columns of the image that the gradient of one value of the last map reaches."""
    maps = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d) or type(module).__name__ == "GatedConv2d":
            module.register_forward_hook(lambda _, __, output: maps.append(output))
            nn.init.ones_(module.weight)
    pixels = torch.ones(1, 1, side, side, requires_grad=True)
    model.eval()(pixels)
    ends = [each for each in maps if each.shape == maps[-1].shape]  # includes shortcuts
    total = sum(end[0, 0, end.shape[2] // 2, end.shape[3] // 2] for end in ends)
    total.backward()
    return int((pixels.grad.abs().sum(dim=(0, 1, 2)) > 0).sum())


@pytest.mark.parametrize("name", SEES_ENTIRE_IMAGE)
def test_receptive_field_after_channel_attention_is_the_entire_image(name):
    layers = {layer.name: layer for layer in structure.layers(build(name), (1, 28, 28))}
    fields = [layers[f"features.{place}"].receptive_field_px for place in (0, 1, 2, 3, 4)]
    assert fields == [3, 3, None, None, None]
    assert structure.receptive_field_px(build(name), (1, 28, 28)) == 28
    # From 32 channels to 2 units and back, with biases.
    assert layers["features.2"].multiply_adds == 32 * 2 + 2 + 2 * 32 + 32


@pytest.mark.parametrize("name", set(MODELS) - {*WITHOUT_CONVOLUTION, *SEES_ENTIRE_IMAGE})
def test_receptive_field_equals_the_reach_of_the_gradient(name):
    side = 96
    model = build(name, (1, side, side))
    for parent in list(model.modules()):
        for child_name, child in parent.named_children():
            if isinstance(child, nn.MaxPool2d):  # its gradient reaches one pixel only
                setattr(parent, child_name, nn.AvgPool2d(2))
            if isinstance(child, nn.ReLU):
                setattr(parent, child_name, nn.Identity())
    expected = structure.receptive_field_px(build(name, (1, side, side)), (1, side, side))
    assert reached_px(model, side) == expected


@pytest.mark.parametrize(("kernel", "field_px"), [(3, 8), (5, 14), (7, 20)])
def test_receptive_field_of_two_convolutions_is_three_kernels_minus_one(kernel, field_px):
    model = build(f"kernel_{kernel}")
    assert structure.receptive_field_px(model, (1, 28, 28)) == 3 * kernel - 1 == field_px


FIELDS = [  # network, layer, position of the value -> rows, columns of the square
    ("tiny_cnn", "features.0", (0, 0), (slice(0, 2), slice(0, 2))),  # half of it is padding
    ("tiny_cnn", "features.0", (10, 20), (slice(9, 12), slice(19, 22))),
    ("tiny_cnn", "features.1", (3, 13), (slice(5, 9), slice(25, 28))),
    ("tiny_cnn", "features.3", (5, 6), (slice(7, 15), slice(9, 17))),
    ("conv_batchnorm", "features.3", (3, 0), (slice(9, 16), slice(0, 4))),  # stride 2
    ("custom_conv", "features.0", (0, 27), (slice(0, 2), slice(26, 28))),
]


@pytest.mark.parametrize(("name", "layer", "place", "square"), FIELDS)
def test_square_of_a_value_is_where_it_looks_cut_off_at_the_border(name, layer, place, square):
    layers = {each.name: each for each in structure.layers(build(name), (1, 28, 28))}
    assert layers[layer].field.square(*place, (28, 28)) == square


@pytest.mark.parametrize("name", ["kernel_5", "conv_batchnorm", "res_basic", "depth_4"])
@pytest.mark.parametrize("place", [0, 1, 2, -1])
def test_square_of_a_value_is_where_its_gradient_reaches(name, place):
    side = 40
    model = build(name, (1, side, side)).eval()
    layers = structure.layers(model, (1, side, side))
    last = [layer for layer in layers if layer.kind == "Conv2d"][-1]
    at = place % last.shape[1]
    pixels = torch.rand(1, 1, side, side, requires_grad=True)
    values = []
    model.network.get_submodule(last.name).register_forward_hook(
        lambda _, __, output: values.append(output)
    )
    for module in model.modules():  # a pooling that passes on one pixel would hide the others
        if isinstance(module, nn.MaxPool2d):
            module.forward = nn.AvgPool2d(module.kernel_size).forward
        if isinstance(module, nn.ReLU):
            module.forward = nn.Identity().forward
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
    model(pixels)
    values[0][0, 0, at, at].backward()
    rows, columns = np.nonzero(pixels.grad[0, 0].numpy())
    reached = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    assert reached == last.field.square(at, at, (side, side))


def test_receptive_field_is_at_most_the_image_and_equals_it_without_convolution():
    assert structure.receptive_field_px(build("kernel_7", (1, 12, 12)), (1, 12, 12)) == 12
    assert structure.receptive_field_px(build("mlp"), (1, 28, 28)) == 28


@pytest.mark.parametrize("shape", [(1, 28, 12), (1, 12, 28)])
def test_receptive_field_of_a_convolution_is_at_most_the_shorter_side(shape):
    assert structure.receptive_field_px(build("kernel_7", shape), shape) == 12
    assert structure.receptive_field_px(build("mlp", shape), shape) == 28, "the entire image"


def test_layers_do_not_change_the_network():
    model = build("conv_batchnorm").train()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    structure.layers(model, (1, 28, 28))
    assert model.training
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_activation_memory_is_what_the_backward_pass_needs():
    # A linear layer saves its input, 64 images of 100 floats; ReLU saves its output, 64 of 50.
    network = nn.Sequential(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))
    measured = structure.activation_megabytes(network, (100,), 64)
    assert measured == pytest.approx(64 * (100 + 50) * 4 / 1e6)


def test_activation_memory_is_measured_in_training_mode():
    plain = [nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10)]
    with_dropout = nn.Sequential(*plain[:2], nn.Dropout(), plain[2]).eval()
    more = structure.activation_megabytes(with_dropout, (100,), 64)
    assert more >= 64 * (100 + 50 + 50) * 4 / 1e6  # dropout saves its output as well


def test_wide_blocks_need_more_activation_memory_than_basic_ones():
    basic, wide = (
        structure.activation_megabytes(build(name), (1, 28, 28), 8)
        for name in ("res_basic", "res_wide")
    )
    assert wide > 1.2 * basic


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_networks_of_study_6_have_about_the_same_number_of_parameters(shape):
    with torch.device("meta"):
        counts = [
            sum(parameter.numel() for parameter in build(name, shape).parameters())
            for name in STUDIES[6].models
        ]
    assert max(counts) <= 1.03 * min(counts)


@pytest.mark.parametrize("name", STUDIES[7].models)
def test_networks_of_study_7_have_about_the_published_parameters_on_photos(name):
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in build(name, (3, 32, 32)).parameters())
    assert round(count, -5) == STUDIES[7].models[name].params


@pytest.mark.parametrize("name", STUDIES[9].models)
def test_blocks_of_study_9_have_the_published_number_of_parameters(name):
    blocks = build(name).network.blocks
    count = sum(parameter.numel() for parameter in blocks.parameters())
    assert count == pytest.approx(STUDIES[9].models[name].params, rel=0.02)
