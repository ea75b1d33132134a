"""The search for breaking levels, with networks whose answers are known."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mnistcmp.catalogue.corruptions import SIDES
from mnistcmp.robustness.breaking_points import breaking_index
from mnistcmp.robustness.dials import apply
from mnistcmp.robustness.hold_out_search import PIECE, SEEDS, search
from mnistcmp.robustness.holding_out import HoldOut

DIGIT = 7


class Reader(nn.Module):
    """Reads `DIGIT` where `right` says so, otherwise 2; it remembers the sizes of its batches."""

    def __init__(self, right):
        super().__init__()
        self.right, self.batches = right, []

    def forward(self, images: Tensor) -> Tensor:
        self.batches.append(len(images))
        answers = torch.where(self.right(images), DIGIT, 2)
        return nn.functional.one_hot(answers, 10).float()


def faint(images: Tensor) -> Tensor:
    """Whether the ink is at least 0.3 strong."""
    return images.amax((1, 2, 3)) > 0.29


def quirky(images: Tensor) -> Tensor:
    """Right and wrong in turns, as the sum of the pixels grows or shrinks."""
    return (images.sum((1, 2, 3)) * 0.5).floor() % 3 != 1


@pytest.fixture
def image() -> np.ndarray:
    pixels = np.zeros((28, 28), np.float32)
    pixels[5:23, 12:16] = 1
    pixels[5:9, 8:12] = 0.77
    return pixels


def last(image: np.ndarray, networks: dict[str, nn.Module]) -> HoldOut:
    *_, result = search(image, DIGIT, networks)
    return result


@pytest.mark.parametrize("right", [faint, quirky])
def test_result_is_that_of_reading_every_level(image, right):
    result = last(image, {"one": Reader(right)})
    assert result.complete and result.knows("one")
    for held in result.held["one"]:
        side = held.side
        seeds = range(SEEDS if side.dial.random else 1)
        pictures = [
            [apply(torch.tensor(image)[None, None], side.dial.name, level, seed=s) for s in seeds]
            for level in side.levels
        ]
        answers = [[DIGIT if right(p) else 2 for p in of_level] for of_level in pictures]
        index = breaking_index(np.array(answers), DIGIT)
        assert held.breaks == (None if index is None else side.levels[index]), side.title
        assert held.reads == (None if index is None else 2)
        assert (
            held.right
            == ([side.dial.rest, *side.levels][len(side.levels) if index is None else index])
        )


def test_no_piece_has_more_pictures_than_it_may(image):
    network = Reader(quirky)
    calls = []
    for _ in search(image, DIGIT, {"one": network}):
        calls.append(len(network.batches))
    assert max(network.batches) <= PIECE
    assert max(after - before for before, after in zip([0, *calls], calls, strict=False)) == 1


def test_all_networks_are_looked_at_before_one_is_refined(image):
    networks = {name: Reader(faint) for name in ("one", "two", "three")}
    states = [state for state in search(image, DIGIT, networks) if state is not None]
    assert [(len(state.held), len(state.refined)) for state in states] == [
        *((1, 0), (2, 0), (3, 0)),
        *((3, 1), (3, 2), (3, 3)),
    ]
    assert [state.complete for state in states] == [False] * 5 + [True]


def test_network_that_misreads_the_unchanged_image_reads_nothing_else(image):
    network = Reader(lambda images: torch.zeros(len(images), dtype=torch.bool))
    result = last(image, {"one": network})
    assert network.batches == [1]
    assert result.complete and not result.knows("one")
    assert result.mean_share("one") == 0
    assert {held.reads for held in result.held["one"]} == {2}
    assert len(result.held["one"]) == len(SIDES)


def test_first_look_reads_few_pictures(image):
    network = Reader(lambda images: torch.ones(len(images), dtype=torch.bool))
    for state in search(image, DIGIT, {"one": network}):
        if state is not None:
            break
    assert sum(network.batches) < 100
