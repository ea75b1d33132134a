"""Explanations of networks for which the right answer is known."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from mnistcmp.inspection import explain, structure
from mnistcmp.models import MODELS, build

WEIGHT = 4.0
PIXEL = (9, 12)


def linear(weights: np.ndarray) -> nn.Sequential:
    """Two logits: the sum of `weights` (H, W) times the pixels, and 0."""
    layer = nn.Linear(weights.size, 2)
    with torch.no_grad():
        layer.bias.zero_()
        layer.weight[0] = torch.from_numpy(weights).flatten()
        layer.weight[1] = 0
    return nn.Sequential(nn.Flatten(), layer).eval()


def at_one_pixel(
    pixel: tuple[int, int] = PIXEL, shape: tuple[int, int] = (28, 28), value: float = WEIGHT
) -> np.ndarray:
    weights = np.zeros(shape, np.float32)
    weights[pixel] = value
    return weights


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).random((28, 28), np.float32)


def test_saliency_of_a_linear_network_equals_its_weights(pixels):
    weights = np.random.default_rng(1).normal(size=(28, 28)).astype(np.float32)
    network = linear(weights)
    assert np.allclose(explain.saliency(network, pixels, 0), weights)
    assert not explain.saliency(network, pixels, 1).any()


def test_occlusion_of_the_only_relevant_pixel_is_the_fall_of_probability():
    pixels = np.ones((28, 28), np.float32)
    falls = explain.occlusion(linear(at_one_pixel()), pixels, 0)
    before = 1 / (1 + np.exp(-WEIGHT))  # softmax of two logits, WEIGHT and 0
    assert falls[PIXEL] == pytest.approx(before - 0.5, abs=1e-6)
    assert falls.max() == pytest.approx(falls[PIXEL])
    rows, columns = np.nonzero(falls)
    assert np.abs(rows - PIXEL[0]).max() < explain.PATCH_PX
    assert np.abs(columns - PIXEL[1]).max() < explain.PATCH_PX


@pytest.mark.parametrize("pixels", [np.ones((28, 28), np.float32), at_one_pixel(value=1)])
def test_occlusion_is_the_mean_over_the_squares_that_cover_a_pixel(pixels):
    falls = explain.occlusion(linear(at_one_pixel()), pixels, 0)
    # Squares of 4 px start at every second px. Those that start in rows 6 and 8 and in columns 10
    # and 12 cover the pixel (9, 12); the outer of their pixels are also covered by other squares.
    share = np.array([0.5, 0.5, 1, 1, 0.5, 0.5])
    expected = np.zeros((28, 28))
    expected[6:12, 10:16] = np.outer(share, share)
    np.testing.assert_allclose(falls / falls[PIXEL], expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28), (20, 32), (32, 20)])
@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_occlusion_reaches_the_corners_of_an_image_of_any_shape(shape, corner):
    falls = explain.occlusion(linear(at_one_pixel(corner, shape)), np.ones(shape, np.float32), 0)
    assert falls.shape == shape
    assert falls[corner] == pytest.approx(1 / (1 + np.exp(-WEIGHT)) - 0.5, abs=1e-6)


def test_occlusion_is_negative_where_ink_lowers_the_probability():
    falls = explain.occlusion(linear(-at_one_pixel()), np.ones((28, 28), np.float32), 0)
    assert falls[PIXEL] < -0.4 and falls.max() <= 0


def test_occlusion_of_a_blank_image_is_zero():
    assert not explain.occlusion(linear(at_one_pixel()), np.zeros((28, 28), np.float32), 0).any()


def test_occlusion_is_finite_if_the_image_is_not_a_multiple_of_the_step():
    falls = explain.occlusion(linear(at_one_pixel()), np.ones((28, 28), np.float32), 0, 5, 5)
    assert falls.shape == (28, 28) and np.isfinite(falls).all()


def test_occlusion_is_for_the_given_digit():
    falls = explain.occlusion(linear(at_one_pixel()), np.ones((28, 28), np.float32), 1)
    assert falls[PIXEL] == pytest.approx(0.5 - 1 / (1 + np.exp(-WEIGHT)), abs=1e-6)


def test_look_explains_the_most_probable_digit():
    # The pixel lowers the logit of 0, so 1 is the most probable digit; its weights are all 0.
    look = explain.look(linear(-at_one_pixel()), np.ones((28, 28), np.float32))
    assert look.digit == 1
    assert not look.saliency.any()
    assert look.occlusion[PIXEL] == pytest.approx(1 / (1 + np.exp(-WEIGHT)) - 0.5, abs=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_look_shows_every_layer_and_does_not_change_the_network(name, pixels):
    network = build(name).eval()
    before = copy.deepcopy(network.state_dict())
    look = explain.look(network, pixels)
    layers = structure.layers(network, (1, 28, 28))
    shown = [(each.name, each.kind, each.values.shape) for each in look.activations]
    assert shown == [(layer.name, layer.kind, layer.shape) for layer in layers]
    with torch.inference_mode():
        logits = network(torch.from_numpy(pixels)[None, None])[0]
    assert torch.allclose(torch.from_numpy(look.activations[-1].values), logits, atol=1e-5)
    assert look.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert look.digit == int(logits.argmax())
    for map_ in (look.saliency, look.occlusion):
        assert map_.shape == (28, 28) and np.isfinite(map_).all()
    assert look.saliency.any()
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


def filters_of(name: str, pixels: np.ndarray) -> tuple[nn.Module, dict[str, explain.Filters]]:
    network = build(name).eval()
    return network, explain.filters(network, explain.activations(network, pixels))


@pytest.mark.parametrize("name", MODELS)
def test_every_convolution_and_linear_layer_has_filters(name, pixels):
    _, found = filters_of(name, pixels)
    layers = structure.layers(build(name), (1, 28, 28))
    kinds = ("Conv2d", "GatedConv2d", "Linear")
    weighted = {layer.name: layer for layer in layers if layer.kind in kinds}
    assert found.keys() == weighted.keys()
    for layer, filters in found.items():
        assert filters.outputs == weighted[layer].shape[0]
        assert filters.weights.ndim == 3 and np.isfinite(filters.weights).all()
    first = next(iter(weighted))
    most = 32 if weighted[first].kind == "Linear" else weighted[first].shape[0]
    assert found[first].output is None
    assert len(found[first].weights) == min(weighted[first].shape[0], most)


def test_filters_of_the_first_convolution_are_all_its_filters(pixels):
    network, found = filters_of("tiny_cnn", pixels)
    weights = network.network.features[0].weight.detach().numpy()
    assert np.array_equal(found["features.0"].weights, weights[:, 0])
    assert found["features.0"].output is None


def test_filters_of_a_later_convolution_are_those_of_its_strongest_map(pixels):
    network, found = filters_of("tiny_cnn", pixels)
    outputs = {each.name: each for each in explain.activations(network, pixels)}
    channel = int(outputs["features.3"].values.max(axis=(1, 2)).argmax())
    weights = network.network.features[3].weight.detach().numpy()
    assert found["features.3"].output == channel
    assert np.array_equal(found["features.3"].weights, weights[channel])  # one for each input map


def test_filters_of_the_logits_are_those_of_the_digit_that_is_read_a_picture_a_map(pixels):
    network, found = filters_of("tiny_cnn", pixels)
    linear = network.network.head[0]
    with torch.inference_mode():
        digit = int(network(torch.from_numpy(pixels)[None, None])[0].argmax())
    weights = linear.weight.detach().numpy()[digit].reshape(8, 7, 7)
    assert np.array_equal(found["head.0"].weights, weights)


@pytest.mark.parametrize(("name", "layer"), [("mlp", "layers.2"), ("base_pooled", "head.0")])
def test_filters_of_a_linear_layer_on_flat_input_are_one_row(name, layer, pixels):
    network, found = filters_of(name, pixels)
    weights = network.network.get_submodule(layer).weight.detach().numpy()
    filters = found[layer]
    assert np.array_equal(filters.weights, weights[filters.output][None, None])


def test_filters_of_a_perceptron_are_the_units_with_the_largest_weights(pixels):
    network = build("mlp_100").eval()
    layer = network.network.layers[0]
    with torch.no_grad():
        layer.weight[71] *= 10
        layer.weight[3] *= 5
    found = explain.filters(network, explain.activations(network, pixels))["layers.0"].weights
    weights = layer.weight.detach().numpy().reshape(-1, 28, 28)
    assert np.array_equal(found[0], weights[71]) and np.array_equal(found[1], weights[3])
    norms = np.linalg.norm(found.reshape(len(found), -1), axis=1)
    assert len(found) == 32 and (np.diff(norms) <= 0).all()


def test_strongest_is_the_largest_value_and_ranking_starts_with_its_channel():
    values = np.zeros((3, 2, 2), np.float32)
    values[0, 0, 0], values[1, 1, 0], values[2, 0, 1] = 1, -3, 2
    maps = explain.Activation("layer", "Conv2d", values)
    assert maps.strongest == (2, 0, 1)
    assert maps.ranking == [2, 0, 1]
    units = explain.Activation("layer", "Linear", np.array([0.5, -2, 1], np.float32))
    assert units.strongest == (2,)
    assert units.ranking == [2, 0, 1]
