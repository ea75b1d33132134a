"""The base network: its norm and head, which leave the plain network as it was."""

import pytest
import torch
from torch import nn

from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.models import build
from mnistcmp.models.layer_swaps import BaseCNN

SQUARE = tuple(STUDIES[10].models)


def weights(network: nn.Module) -> list[torch.Tensor]:
    """The weights and biases of its convolutions and linear layers, in forward order."""
    layers = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    return [parameter for layer in layers for parameter in (layer.weight, layer.bias)]


def made(name: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(name).network


@pytest.mark.parametrize("seed", [0, 7])
def test_base_network_starts_with_the_weights_of_its_four_layers_alone(seed):
    torch.manual_seed(seed)
    layers = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3), nn.Linear(3136, 32), nn.Linear(32, 10)
    )
    for ours, theirs in zip(weights(made("base_cnn", seed)), layers.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_base_network_keeps_the_names_of_its_weights():
    assert list(made("base_cnn").state_dict()) == [
        f"{layer}.{kind}"
        for layer in ("features.0", "features.3", "head.0", "head.2")
        for kind in ("weight", "bias")
    ]


@pytest.mark.parametrize("name", ["base_norm", "base_pooled", "base_pooled_norm"])
def test_changed_networks_start_with_the_same_convolutions(name):
    for ours, theirs in zip(weights(made(name))[:4], weights(made("base_cnn"))[:4], strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", SQUARE)
def test_norm_is_between_convolution_and_activation(name):
    kinds = [type(layer) for layer in made(name).features]
    norm = [nn.BatchNorm2d] if name.endswith("norm") else []
    assert kinds == 2 * [nn.Conv2d, *norm, nn.ReLU, nn.MaxPool2d]


@pytest.mark.parametrize("name", SQUARE)
def test_only_a_pooled_head_ignores_the_place(name):
    network = build(name)
    pixels = torch.rand(8, 1, 28, 28)
    network.train()(pixels)  # gives batch normalisation statistics
    network.eval()
    patch = torch.zeros(1, 1, 28, 28)
    patch[..., 12:16, 12:16] = torch.rand(4, 4)
    # By 4 px, which is one place after two poolings; the borders do not change.
    moved = patch.roll((4, -4), dims=(2, 3))
    with torch.inference_mode():
        same = torch.allclose(network(patch), network(moved), rtol=1e-4, atol=1e-5)
    assert same == ("pooled" in name)


def test_pooled_head_reads_the_mean_of_each_channel():
    network = made("base_pooled").eval()
    pixels = torch.rand(3, 1, 28, 28)
    with torch.inference_mode():
        means = network.features(pixels).flatten(2).mean(dim=2)
        torch.testing.assert_close(network(pixels), network.head(means))
    assert means.shape == (3, 64)


@pytest.mark.parametrize("dial", [{"head": "flat"}, {"norm": "layer"}])
def test_unknown_layers_are_refused(dial):
    (word,) = dial.values()
    with pytest.raises(KeyError, match=word):
        BaseCNN((1, 28, 28), 10, **dial)
