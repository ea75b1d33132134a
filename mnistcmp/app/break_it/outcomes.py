"""What the networks read at every position of a dial, and where each of them breaks."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mnistcmp.catalogue.corruptions import DIALS, Dial
from mnistcmp.catalogue.networks import families


@dataclass(frozen=True)
class Sweep:
    """What the networks read at every position of a dial.

    dial, direction: their names. models: the networks' names.
    pictures: uint8 (positions, 28, 28), the digit at each position; of the first seed if there are
    several. answers: int (models, positions), the digits that were read. certainties: float
    (models, positions), the answers' probabilities in [0, 1].
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


@dataclass(frozen=True)
class Outcome:
    """How far one network gets with a digit on a dial.

    breaks: for each of the dial's sides, the first position from the rest position outwards at
    which the answer is wrong; None if it is right up to the end.
    held: on how many levels of the ladder, all sides together, it is right before it breaks.
    knows: whether it is right at the rest position, where the digit is unchanged.
    """

    model: str
    breaks: tuple[int | None, ...]
    held: int
    knows: bool

    @property
    def survives(self) -> bool:
        """Whether it is right at every level."""
        return all(at is None for at in self.breaks)


def rest(dial: Dial) -> int:
    """The rest position of the dial's slider."""
    return dial.positions.index(dial.rest)


def sides(dial: Dial) -> tuple[tuple[int, ...], ...]:
    """Each side's positions of the slider, from the one beside rest outwards."""
    return tuple(tuple(dial.positions.index(level) for level in side) for side in dial.sides)


def outcomes(sweep: Sweep, label: int) -> dict[str, Outcome]:
    """Every network's outcome for a digit that is a `label`."""
    right = sweep.answers == label
    middle, outwards = rest(sweep.dial), sides(sweep.dial)
    found = {}
    for model, row in zip(sweep.models, right, strict=True):
        breaks = tuple(_first_wrong(row, (middle, *side)) for side in outwards)
        held = sum(
            len(side) if at is None else max(0, abs(at - middle) - 1)
            for side, at in zip(outwards, breaks, strict=True)
        )
        found[model] = Outcome(model, breaks, held, bool(row[middle]))
    return found


def by_family(found: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """The outcomes by family; networks that hold out longest first, and their families first."""
    by_model = {outcome.model: outcome for outcome in found}
    groups = {
        family: sorted((by_model[m] for m in members if m in by_model), key=_endurance)
        for family, members in families().items()
    }
    shown = {family: group for family, group in groups.items() if group}
    return dict(sorted(shown.items(), key=lambda item: [_endurance(each) for each in item[1]]))


def _endurance(outcome: Outcome) -> tuple[bool, int]:
    return (not outcome.knows, -outcome.held)


def _first_wrong(right: np.ndarray, positions: tuple[int, ...]) -> int | None:
    return next((at for at in positions if not right[at]), None)
