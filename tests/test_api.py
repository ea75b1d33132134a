"""The ten functions for scripts: their examples, what they compute, what they refuse."""

import doctest

import numpy as np
import pytest
import torch
from torch import nn

from mnistcmp import api
from mnistcmp.data.dataset import Dataset
from mnistcmp.models import Normalise
from tests.helpers import REPOSITORY


class Reads(nn.Module):
    """A network that reads the digit `digit` in every image, or 0 once the left edge is bright."""

    def __init__(self, digit: int) -> None:
        super().__init__()
        self.digit = digit

    def forward(self, pixels):
        logits = torch.zeros(len(pixels), 10)
        logits[:, self.digit] = 1
        logits[:, 0] = 2 * (pixels[:, 0, :, :2].amax(dim=(1, 2)) > 0.5)
        return logits


def bar(column: int) -> np.ndarray:
    pixels = np.zeros((28, 28), dtype=np.float32)
    pixels[4:24, column] = 1
    return pixels


def test_examples_of_the_docs_are_true(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    tried = doctest.testmod(api)
    assert tried.attempted > 15
    assert tried.failed == 0


def test_there_are_ten_functions_and_each_says_what_it_does():
    assert len(api.__all__) == 10
    assert all(getattr(api, name).__doc__ for name in api.__all__)


def test_break_digit_finds_the_first_level_on_the_side_that_is_turned():
    # A bar in column 6: moved 5 px to the left, it is in column 1, which this network misreads.
    assert api.break_digit(Reads(3), bar(6), 3, "shift", direction="left") == [5]
    assert api.break_digit(Reads(3), bar(6), 3, "shift", direction="right") == [None]
    assert api.break_digit(Reads(3), bar(6), 4, "shift") == [0]  # misread at rest
    assert len(api.break_digit(Reads(3), bar(6), 3, "turn")) == 2


def test_compare_says_which_network_is_better_and_by_how_much():
    images = torch.zeros(40, 28, 28, dtype=torch.uint8)
    labels = torch.tensor([3] * 30 + [4] * 10)
    better = api.compare(Reads(3), Reads(4), images, labels)
    assert better.points == pytest.approx(50)
    assert better.low < 50 < better.high
    assert api.compare(Reads(4), Reads(3), images, labels).points == pytest.approx(-50)
    assert better.images == 40


def test_own_network_learns_and_takes_plain_pixels():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 2
    images = torch.randint(0, 60, (200, 28, 28), generator=generator, dtype=torch.uint8)
    images[labels == 1, 10:18, 10:18] += 120
    toy = Dataset(images, labels, images, labels, ("0", "1"))
    seen = []
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    trained = api.train(network, toy, epochs=9, on_epoch=seen.append)
    assert len(seen) == 10
    assert not trained.training
    assert isinstance(trained.normalise, Normalise)
    assert api.evaluate(trained, images, labels).accuracy > 0.95


def test_a_seed_decides_the_training_of_a_network():
    images, labels = torch.zeros(64, 28, 28, dtype=torch.uint8), torch.arange(64) % 10
    images[:, 3, 3] = torch.arange(64, dtype=torch.uint8)
    toy = Dataset(images, labels, images, labels)

    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(5)
        network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10))
        return api.train(network, toy, epochs=1, seed=seed, batch_size=8).network[2].weight

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: api.read(np.zeros((1, 28, 28)), {"mlp": Reads(1)}), r"shape \(1, 28, 28\)"),
        (lambda: api.read(bar(3), {}), "there is no network"),
        (lambda: api.break_digit(Reads(1), bar(3), 1, "magic"), "magic"),
        (lambda: api.break_digit(Reads(1), bar(3), 1, "shift", direction="in"), "'in'"),
    ],
)
def test_bad_arguments_are_named(call, problem):
    with pytest.raises(ValueError, match=problem):
        call()


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(ValueError):
        api.read_picture(tmp_path / "x.png")
