"""What the networks read at every position of a dial, and where each of them breaks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from mnistcmp.catalogue.corruptions import DIALS, Dial
from mnistcmp.catalogue.networks import families
from mnistcmp.robustness.breaking_points import breaking_index

NO_MAJORITY = -1


@dataclass(frozen=True)
class Sweep:
    """What the networks read at every position of a dial.

    name, direction: of the dial. models: the networks' names.
    pictures: uint8 (positions, 28, 28), the digit at each position. For a random dial, it is the
    first of several.
    answers: int (models, positions), the digits. For a random dial, it is the digit that is read in
    more than half of the pictures, or NO_MAJORITY.
    certainties: float (models, positions), the probability of the answer in [0, 1]. For a random
    dial, it is the mean over all pictures.
    """

    name: str
    direction: str
    models: tuple[str, ...]
    pictures: np.ndarray
    answers: np.ndarray
    certainties: np.ndarray

    @property
    def dial(self) -> Dial:
        """The dial's entry in the catalogue."""
        return DIALS[self.name]

    def of(self, models: Iterable[str]) -> "Sweep":
        """The part of these networks, of which each is in the sweep."""
        chosen = tuple(models)
        rows = [self.models.index(model) for model in chosen]
        return replace(
            self, models=chosen, answers=self.answers[rows], certainties=self.certainties[rows]
        )


@dataclass(frozen=True)
class Outcome:
    """How far one network gets with a digit on a dial.

    knows: whether it is right at the rest position, where the digit is unchanged.
    breaks: for each of the dial's sides, the first position from rest outwards at which it is
    wrong; None if it is right up to the end.
    held: on how many levels of the ladder it is right before it breaks, all sides together.
    """

    model: str
    knows: bool
    breaks: tuple[int | None, ...]
    held: int

    @property
    def survives(self) -> bool:
        """Whether it is right at every level."""
        return all(at is None for at in self.breaks)


def rest(dial: Dial) -> int:
    """The position of the slider at which the image is unchanged."""
    return dial.positions.index(dial.rest)


def sides(dial: Dial) -> tuple[tuple[int, ...], ...]:
    """Each side's positions of the slider, from rest outwards, rest included."""
    return tuple(
        tuple(dial.positions.index(level) for level in (dial.rest, *side)) for side in dial.sides
    )


def outcomes(sweep: Sweep, label: int) -> list[Outcome]:
    """Every network's outcome with a digit that is a `label`."""
    found = []
    for model, answers in zip(sweep.models, sweep.answers, strict=True):
        breaks: list[int | None] = []
        held = 0
        for side in sides(sweep.dial):
            index = breaking_index(answers[list(side)], label)
            breaks.append(None if index is None else side[index])
            held += max(0, (len(side) if index is None else index) - 1)
        knows = bool(answers[rest(sweep.dial)] == label)
        found.append(Outcome(model, knows, tuple(breaks), held))
    return found


def by_family(found: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """The outcomes by family: in each of them, and of all of them, who holds out longest is first.

    Families whose best networks hold out equally long are ordered by their next best ones.
    """
    of = {outcome.model: outcome for outcome in found}
    groups = {
        family: sorted((of[model] for model in members if model in of), key=_weakness)
        for family, members in families().items()
    }
    ordered = sorted(groups.items(), key=lambda item: [_weakness(each) for each in item[1]])
    return {family: group for family, group in ordered if group}


def _weakness(outcome: Outcome) -> tuple[bool, int]:
    return (not outcome.knows, -outcome.held)
