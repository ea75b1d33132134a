"""The smallest nudge: against a closed form, against chance, and what it must never do."""

import math

import pytest
import torch
from torch import Tensor, nn

from mnistcmp import checkpoints
from mnistcmp.data import sample_pack
from mnistcmp.models import build
from mnistcmp.records import default_folder
from mnistcmp.robustness.nudge import smallest_nudges
from tests.helpers import toy_images

DIGITS = 8


def linear(seed: int = 0, classes: int = 10) -> nn.Sequential:
    """A linear network with random weights, of which some classes have larger ones."""
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(784, classes)
    scale = torch.linspace(0.01, 0.03, classes)[:, None]
    layer.weight.data = scale * torch.randn(classes, 784, generator=generator)
    layer.bias.data = 0.5 * torch.randn(classes, generator=generator)
    return nn.Sequential(nn.Flatten(), layer)


def greys(count: int = 32) -> Tensor:
    """Images near the middle of [0, 1], so that its ends do not matter."""
    generator = torch.Generator().manual_seed(1)
    return 0.5 + 0.02 * torch.randn(count, 1, 28, 28, generator=generator)


def answers(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return network(images).argmax(dim=1)


def distances(network: nn.Sequential, images: Tensor) -> Tensor:
    """From each image to the boundary of its answer with each other class, (N, classes)."""
    weight, logits = network[1].weight.detach(), network(images).detach()
    own = logits.argmax(dim=1)
    gaps = logits.max(dim=1, keepdim=True).values - logits
    lengths = (weight[own][:, None] - weight[None]).norm(dim=2)
    return (gaps / lengths).scatter(1, own[:, None], math.inf)


@pytest.fixture(scope="module")
def cnn() -> nn.Module:
    return checkpoints.load("cnn", "tuned")


@pytest.fixture(scope="module")
def digits(cnn) -> tuple[Tensor, Tensor]:
    """Shipped test digits that the cnn reads correctly, and their labels."""
    pack = sample_pack.load(sample_pack.path(default_folder(), "mnist"))
    places = [pack.easy(digit)[0] for digit in range(DIGITS)]
    return torch.tensor(pack.images[places])[:, None] / 255, torch.arange(DIGITS)


def test_nudge_of_a_linear_network_has_the_distance_to_the_nearest_boundary():
    network, images = linear(), greys()
    nudges = smallest_nudges(network, images, answers(network, images))
    nearest = distances(network, images).min(dim=1).values
    assert (nudges.norms >= nearest * 0.9999).all()
    assert (nudges.norms <= nearest * 1.02).all()


def test_targeted_nudge_of_a_linear_network_has_the_distance_to_that_class():
    # With two classes, the nearest point of the boundary is where the target becomes the answer.
    network, images = linear(classes=2), greys()
    labels = answers(network, images)
    nudges = smallest_nudges(network, images, labels, 1 - labels)
    nearest = distances(network, images).gather(1, (1 - labels)[:, None])[:, 0]
    assert torch.allclose(nudges.norms, nearest, rtol=0.02)


def test_nudge_is_the_difference_and_stays_between_black_and_white(cnn, digits):
    images, labels = digits
    nudges = smallest_nudges(cnn, images, labels)
    assert nudges.images.min() == 0 and nudges.images.max() <= 1
    measured = (nudges.images - images).flatten(1).norm(dim=1)
    assert torch.allclose(nudges.norms, measured, rtol=1e-4)
    assert (nudges.norms > 0).all()


def test_network_really_answers_otherwise(cnn, digits):
    images, labels = digits
    nudges = smallest_nudges(cnn, images, labels)
    assert (answers(cnn, images) == labels).all()
    assert (answers(cnn, nudges.images) != labels).all()
    assert torch.equal(answers(cnn, nudges.images), nudges.answers)


def test_targeted_nudge_makes_the_network_answer_the_target(cnn, digits):
    images, labels = digits
    targets = (labels + 3) % 10
    nudges = smallest_nudges(cnn, images, labels, targets)
    assert torch.equal(answers(cnn, nudges.images), targets)
    assert (nudges.norms >= smallest_nudges(cnn, images, labels).norms * 0.9).all()


def test_nudge_needs_no_more_than_a_thousandth_less(cnn, digits):
    images, labels = digits
    nudges = smallest_nudges(cnn, images, labels)
    less = images + 0.997 * (nudges.images - images)
    assert (answers(cnn, less) == labels).all()


def test_nudge_is_the_same_every_time_and_leaves_the_network_as_it_was(cnn, digits):
    before = {name: values.clone() for name, values in cnn.state_dict().items()}
    first, second = (smallest_nudges(cnn, *digits) for _ in range(2))
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.norms, second.norms)
    assert all(torch.equal(values, before[name]) for name, values in cnn.state_dict().items())
    assert all(parameter.grad is None for parameter in cnn.parameters())


def test_nudge_is_shorter_than_any_change_in_a_random_direction(cnn, digits):
    images, labels = digits
    norms = smallest_nudges(cnn, images, labels).norms
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        direction = torch.randn(images.shape, generator=generator)
        direction /= direction.flatten(1).norm(dim=1)[:, None, None, None]
        for length in torch.arange(0.5, 28, 0.5):
            changed = (images + length * direction).clamp(0, 1)
            fooled = answers(cnn, changed) != labels
            assert (norms < (changed - images).flatten(1).norm(dim=1))[fooled].all()


def test_misread_image_needs_no_nudge(cnn, digits):
    images, labels = digits
    wrong = labels.clone()
    wrong[2] = 9
    nudges = smallest_nudges(cnn, images, wrong)
    assert nudges.norms[2] == 0 and torch.equal(nudges.images[2], images[2])
    assert nudges.answers[2] == labels[2]
    assert (nudges.norms[:2] > 0).all()


def test_image_that_is_read_as_the_target_needs_no_nudge(cnn, digits):
    images, labels = digits
    nudges = smallest_nudges(cnn, images, (labels + 1) % 10, labels)
    assert (nudges.norms == 0).all() and torch.equal(nudges.images, images)


@pytest.mark.parametrize("targets", [None, torch.full((3,), 4)])
def test_network_without_a_gradient_gives_no_nudge(targets):
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    network[1].weight.data.zero_()
    network[1].bias.data = torch.arange(10, 0, -1.0)
    images = toy_images(3, seed=0)[0][:, None] / 255
    nudges = smallest_nudges(network, images, torch.zeros(3, dtype=torch.int64), targets)
    assert nudges.norms.isnan().all()
    assert torch.equal(nudges.images, images)


def test_network_that_answers_the_same_logits_to_everything_gives_no_nudge():
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    nn.init.zeros_(network[1].weight)
    nn.init.zeros_(network[1].bias)
    nudges = smallest_nudges(network, greys(2), torch.zeros(2, dtype=torch.int64))
    assert nudges.norms.isnan().all()


def test_batch_gives_the_same_nudges_as_single_images(cnn, digits):
    images, labels = digits
    together = smallest_nudges(cnn, images, labels).norms
    alone = [smallest_nudges(cnn, images[i : i + 1], labels[i : i + 1]).norms for i in range(3)]
    assert torch.allclose(torch.cat(alone), together[:3], rtol=0.02)


@pytest.mark.parametrize("name", ["custom_conv", "attention_cnn", "lp_pool_cnn", "res_bottleneck"])
def test_untrained_networks_with_layers_of_our_own_can_be_nudged(name):
    torch.manual_seed(0)
    network = build(name).eval()
    images = toy_images(2, seed=0)[0][:, None] / 255
    nudges = smallest_nudges(network, images, answers(network, images))
    assert (nudges.norms > 0).all()


@pytest.mark.parametrize("pixel", [-0.01, 1.01, math.nan])
def test_images_with_impossible_pixels_are_refused(pixel):
    images = greys(2)
    images[1, 0, 3, 3] = pixel
    with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
        smallest_nudges(linear(), images, torch.tensor([1, 2]))


def test_right_answer_is_refused_as_a_target():
    with pytest.raises(ValueError, match="choose a wrong one"):
        smallest_nudges(linear(), greys(2), torch.tensor([1, 2]), torch.tensor([3, 2]))
