"""The search for the levels at which networks misread one image, in small pieces."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from mnistcmp.catalogue.corruptions import SIDES, Dial
from mnistcmp.robustness import dials
from mnistcmp.robustness.holding_out import (
    UNREAD,
    Held,
    HoldOut,
    coarse_levels,
    held_on,
    levels_to_read,
    majority,
)

SEEDS = 5  # of a random dial
PIECE = 8  # pictures that a network reads in one piece


def search(
    image: np.ndarray, digit: int, networks: Mapping[str, nn.Module]
) -> Iterator[HoldOut | None]:
    """Find out how far `networks` get with float32 (28, 28) pixels in [0, 1], in small pieces.

    After each piece the result so far is yielded, or None if it is as before. First all networks
    look at a few levels of each dial; then each reads what is needed to be exact.
    """
    unchanged = torch.tensor(image)[None, None]
    pictures: list[list[Tensor]] = []
    for side in SIDES:
        pictures.append([_pictures(unchanged, side.dial, level) for level in side.levels])
        yield None
    searches = {
        name: _Search(network, digit, unchanged, pictures) for name, network in networks.items()
    }
    result = HoldOut(digit, tuple(networks), {}, {})
    for name, one in searches.items():
        yield from one.look()
        result = replace(
            result,
            unchanged={**result.unchanged, name: one.unchanged_digit},
            held={**result.held, name: one.held()},
        )
        yield result
    for name, one in searches.items():
        yield from one.refine()
        result = replace(
            result, held={**result.held, name: one.held()}, refined=(*result.refined, name)
        )
        yield result


class _Search:
    """What one network reads of the pictures: of each of SIDES, one batch for each level."""

    def __init__(
        self, network: nn.Module, digit: int, unchanged: Tensor, pictures: list[list[Tensor]]
    ) -> None:
        self.network, self.digit = network, digit
        self.unchanged, self.pictures = unchanged, pictures
        self.unchanged_digit = -1
        self.answers: list[list[int | None]] = [[UNREAD] * len(levels) for levels in pictures]

    def look(self) -> Iterator[None]:
        """Read the unchanged image, and a few levels of each side if it was read right."""
        ((self.unchanged_digit,),) = yield from self._read([self.unchanged])
        if self.unchanged_digit == self.digit:
            yield from self._read_levels(
                [
                    (place, at)
                    for place, side in enumerate(SIDES)
                    for at in coarse_levels(len(side.dial.sides), len(side.levels))
                ]
            )

    def refine(self) -> Iterator[None]:
        """Read further levels until the first misread level of each side is certain."""
        while self.unchanged_digit == self.digit:
            wanted = [
                (place, at)
                for place, answers in enumerate(self.answers)
                for at in levels_to_read(answers, self.digit)
            ]
            if not wanted:
                return
            yield from self._read_levels(wanted)

    def held(self) -> tuple[Held, ...]:
        """How far the network gets on each side, as far as it is known."""
        if self.unchanged_digit != self.digit:
            rests = [side.dial.rest for side in SIDES]
            return tuple(
                Held(side, rest, rest, self.unchanged_digit)
                for side, rest in zip(SIDES, rests, strict=True)
            )
        return tuple(
            held_on(side, answers, self.digit)
            for side, answers in zip(SIDES, self.answers, strict=True)
        )

    def _read_levels(self, wanted: list[tuple[int, int]]) -> Iterator[None]:
        found = yield from self._read([self.pictures[place][at] for place, at in wanted])
        for (place, at), answers in zip(wanted, found, strict=True):
            self.answers[place][at] = majority(answers, self.digit)

    def _read(self, batches: list[Tensor]) -> Generator[None, None, list[list[int]]]:
        """The digits read of the pictures in each batch; a pause after every piece."""
        digits: list[int] = []
        for piece in torch.cat(batches).split(PIECE):
            with torch.inference_mode():
                digits += self.network(piece).argmax(dim=1).tolist()
            yield
        ends = np.cumsum([len(batch) for batch in batches])
        return [each.tolist() for each in np.split(np.array(digits), ends[:-1])]


def _pictures(image: Tensor, dial: Dial, level: float) -> Tensor:
    """The image at one level of a dial, once for each seed if the dial is random."""
    seeds = range(SEEDS) if dial.random else range(1)
    return torch.cat([dials.apply(image, dial.name, level, seed=seed) for seed in seeds])
