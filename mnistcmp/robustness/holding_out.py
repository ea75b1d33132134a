"""How long each network holds out: how far every dial can be turned until it misreads an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from mnistcmp.catalogue.corruptions import DIALS, Side

COARSE_LEVELS = 4  # of each dial, for the first look
UNREAD = None  # in place of the digit that a network reads

# What a dial does, in words, with its level and the word for the side of the dial.
CHANGED = {
    "turn": "turned {level} {side}",
    "shift": "shifted {level} to the right",
    "size": "made {side} ({level})",
    "slant": "slanted {level} {side}",
    "stroke": "with strokes {level} {side}",
    "noise": "with noise of {level}",
    "salt_and_pepper": "with {level} salt and pepper",
    "blur": "blurred by {level}",
    "contrast": "with contrast {level}",
    "exchange": "with {level} of ink and paper exchanged",
    "square": "covered by a square of {level}",
    "coarse": "in pixels of {level}",
}


class Held(NamedTuple):
    """How far one network gets on one side of a dial.

    right: the last level that it reads right before the first that it misreads; rest, if none.
    breaks: the first level that it misreads; None if it reads all levels right.
    reads: the digit that it reads there.
    """

    side: Side
    right: float
    breaks: float | None = None
    reads: int | None = None

    @property
    def share(self) -> float:
        """How much of the side's range it survives, in [0, 1]."""
        return self.side.share(self.right)

    def in_words(self) -> str:
        """The change that makes the network misread: "shifted 3 px to the right"."""
        assert self.breaks is not None
        # The word says which side it is.
        level = abs(self.breaks) if self.side.dial.rest == 0 else self.breaks
        return CHANGED[self.side.dial.name].format(
            level=self.side.dial.label(level), side=self.side.word
        )


@dataclass(frozen=True)
class HoldOut:
    """How far the networks get with one image of `digit`.

    networks: the names of all. unchanged: what each reads without any change. held: for each
    network that was looked at, its result for each of SIDES. refined: the networks whose results
    are final; the others are known from the first look at a few levels.
    """

    digit: int
    networks: tuple[str, ...]
    unchanged: Mapping[str, int]
    held: Mapping[str, tuple[Held, ...]]
    refined: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all results are final."""
        return len(self.refined) == len(self.networks)

    def knows(self, network: str) -> bool:
        """Whether the network reads the unchanged image right."""
        return self.unchanged[network] == self.digit

    def share(self, network: str, dial: str) -> float:
        """How much of a dial's range the network survives, in [0, 1]: the mean of its sides."""
        return fmean(held.share for held in self.held[network] if held.side.dial.name == dial)

    def mean_share(self, network: str) -> float:
        """The mean of `share` over all dials."""
        return fmean(self.share(network, dial) for dial in DIALS)

    def first_to_break(self) -> tuple[str, Held] | None:
        """The network that breaks nearest to rest, as a share of the range, and where.

        None if there is none. Networks that misread the unchanged image do not count. Of several
        networks that break equally early, it is the one that survives least over all dials.
        """
        breaking = [
            (held.side.share(held.breaks), self.mean_share(network), network, held)
            for network, each in self.held.items()
            if self.knows(network)
            for held in each
            if held.breaks is not None
        ]
        if not breaking:
            return None
        *_, network, held = min(breaking, key=lambda found: found[:2])
        return network, held


def coarse_levels(sides: int, levels: int) -> list[int]:
    """The places in a side's levels of the first look, evenly spread up to the last level.

    `sides`: how many sides the dial has; they share COARSE_LEVELS.
    """
    count = COARSE_LEVELS // sides
    return [(number + 1) * levels // count - 1 for number in range(count)]


def levels_to_read(answers: Sequence[int | None], digit: int) -> list[int]:
    """The places of the levels to read next; none if the first misread level is certain.

    First the level half-way between the last one read right and the first one misread. Once these
    are neighbours, all levels nearer to rest that were left out: a network may misread a level and
    read the next one right.
    """
    wrong = first_misread(answers, digit)
    right = max((at for at in range(wrong) if answers[at] is not UNREAD), default=-1)
    if wrong < len(answers) and wrong - right > 1:
        return [(right + wrong) // 2]
    return [at for at in range(wrong) if answers[at] is UNREAD]


def majority(answers: Sequence[int], digit: int) -> int:
    """What is read at one level, from one answer for each seed.

    It is `digit` if more than half say so, otherwise the most frequent other answer.
    """
    if 2 * answers.count(digit) > len(answers):
        return digit
    wrong = [answer for answer in answers if answer != digit]
    return max(wrong, key=wrong.count)


def held_on(side: Side, answers: Sequence[int | None], digit: int) -> Held:
    """How far a network gets, from the digit that it reads at each level, as far as it is known."""
    wrong = first_misread(answers, digit)
    right = [side.levels[at] for at in range(wrong) if answers[at] is not UNREAD]
    last = right[-1] if right else side.dial.rest
    if wrong == len(answers):
        return Held(side, last)
    return Held(side, last, side.levels[wrong], answers[wrong])


def first_misread(answers: Sequence[int | None], digit: int) -> int:
    """The place of the first level known to be misread; the number of levels if there is none."""
    misread = (at for at, answer in enumerate(answers) if answer not in (UNREAD, digit))
    return next(misread, len(answers))
