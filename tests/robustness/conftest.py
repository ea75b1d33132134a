"""Fixtures for tests of changed images."""

import pytest
import torch
from torch import Tensor

from mnistcmp.data import sample_pack
from tests.helpers import REPOSITORY


@pytest.fixture(scope="session")
def labelled_digits() -> tuple[Tensor, Tensor]:
    """Four test images of each digit, float32 (40, 1, 28, 28) in [0, 1], and their labels."""
    pack = sample_pack.load(sample_pack.path(REPOSITORY / "checkpoints", "mnist"))
    places = [place for digit in range(10) for place in pack.easy(digit)]
    images = torch.from_numpy(pack.images[places]).float()[:, None] / 255
    return images, torch.from_numpy(pack.labels[pack.index[places]]).long()


@pytest.fixture(scope="session")
def digits(labelled_digits) -> Tensor:
    return labelled_digits[0]
