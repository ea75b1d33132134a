"""The lesson's questions, with answers computed from the digit, the networks or the records."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mnistcmp.analysis.text import listed, points, times
from mnistcmp.app.break_it.heat_map_chart import first_to_fail
from mnistcmp.app.break_it.outcomes import Outcome, Sweep, outcomes
from mnistcmp.app.lesson.evidence import Comparison
from mnistcmp.catalogue.corruptions import DIALS, SIDES, Dial
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.drawing.canvas import CANVAS_PX

NO_SINGLE_ONE = "No single one of them"
NONE, SEVERAL = "None of them", "More than one of them"
OTHER_DIALS = 3  # that a question offers beside the right one


@dataclass(frozen=True)
class Question:
    """A question with one right answer among its options, and why it is right, in Markdown."""

    text: str
    options: tuple[str, ...]
    answer: str
    why: str

    def __post_init__(self) -> None:
        if self.options.count(self.answer) != 1:
            raise ValueError(f"{self.answer!r} is not one of {self.options}")


def of_pixels(height: int, width: int, classes: int) -> Question:
    """How many numbers a network sees of a picture of `height` × `width` px."""
    answers, seen, drawn = (
        f"{classes}: one for each answer",
        f"{height * width}: one for each pixel of the small picture",
        f"{CANVAS_PX**2:,}: one for each pixel of the canvas",
    )
    return Question(
        "How many numbers does the network get to see?",
        (answers, seen, drawn),
        seen,
        f"{height} rows of {width} pixels are {height * width} numbers, from 0 for paper to 1 for "
        "full ink. The network sees nothing else: neither the canvas nor the order of your "
        f"strokes. Its answer are {classes} other numbers, the probabilities.",
    )


def of_shift(sweep: Sweep, label: int, usual: Mapping[str, float]) -> Question | None:
    """Which network of a sweep to one side is the first to misread the digit.

    usual: where each measured network has lost half of the test digits, in px; inf if never.
    None if there is nothing to choose from.
    """
    found = outcomes(sweep, label)
    if len(found) < 2:
        return None
    breaks = {each.model: _first_wrong(each) for each in found}
    earliest = min((at for at in breaks.values() if at is not None), default=None)
    first = [model for model, at in breaks.items() if at == earliest and at is not None]
    titles = [MODELS[model].title for model in breaks]
    return Question(
        "Which of them is the first to misread this digit when it moves to the right?",
        (*titles, NO_SINGLE_ONE),
        MODELS[first[0]].title if len(first) == 1 else NO_SINGLE_ONE,
        f"{listed(_misreads(sweep.dial, each) for each in found)}. A perceptron has a weight of "
        "its own for each pixel, so it must learn a stroke again at every place. A convolution "
        "looks for the same stroke everywhere, and a pooled head asks only whether it was found, "
        f"not where.{_usually(sweep.dial, usual)}",
    )


def _first_wrong(outcome: Outcome) -> int | None:
    """The position from which the network is wrong, on a dial with one side; None if there is none.

    A network that misreads the unchanged digit is wrong from position 0.
    """
    (at,) = outcome.breaks
    return at


def _misreads(dial: Dial, outcome: Outcome) -> str:
    title, at = f"“{MODELS[outcome.model].title}”", _first_wrong(outcome)
    if at is None:
        return f"{title} reads it at every level"
    if not outcome.knows:
        return f"{title} misreads it even where it stands"
    return f"{title} misreads it at {dial.label(dial.positions[at])}"


def _usually(dial: Dial, usual: Mapping[str, float]) -> str:
    if not usual:
        return ""
    (side,) = (side for side in SIDES if side.dial == dial)
    lost = (
        f"by “{MODELS[name].title}” {'at ' if math.isfinite(at) else ''}{side.label(at)}"
        for name, at in usual.items()
    )
    return f" Half of the test digits are lost {listed(lost)}."


def of_changes(compared: Sequence[Comparison]) -> Question | None:
    """Which change makes a network clearly better on clean digits.

    None if one of the changes rests on too few trained networks to say so.
    """
    if not compared or not all(each.enough_runs for each in compared):
        return None
    better = [each.title for each in compared if each.clean.sure and each.clean.share > 0]
    answer = SEVERAL if len(better) > 1 else better[0] if better else NONE
    return Question(
        "Which of these changes makes a network clearly better on clean digits?",
        (*(each.title for each in compared), NONE, SEVERAL),
        answer,
        f"{_on_clean(compared)} {_under_corruption(compared)} {_price(compared)}",
    )


def _on_clean(compared: Sequence[Comparison]) -> str:
    gains = listed(f"{points(each.clean.share)} for “{each.title}”" for each in compared)
    unsure = [each for each in compared if not each.clean.sure]
    text = f"On clean digits, the gains are {gains}, in percentage points."
    if unsure:
        which = "All" if len(unsure) == len(compared) else f"{len(unsure)} of them"
        text += f" {which} could be chance: two trainings of one network differ as much."
    return text


def _under_corruption(compared: Sequence[Comparison]) -> str:
    better = [each for each in compared if each.corrupted.sure and each.corrupted.share > 0]
    if not better:
        return "Under corruption, none of them is clearly better either."
    gains = listed(f"“{each.title}” gains {points(each.corrupted.share)}" for each in better)
    return f"The difference shows where digits are hard to read: under corruption, {gains}."


def _price(compared: Sequence[Comparison]) -> str:
    dearest = max(compared, key=lambda each: each.slower)
    return f"“{dearest.title}” costs most: {times(dearest.slower)} the training time."


def of_dials(shares: pd.DataFrame, recipe: str, images: int) -> Question | None:
    """On which dial most networks give up earliest.

    shares: of each dial's range that a network survives, one row per network, one column per dial.
    None if no dial stands out from enough others.
    """
    counts = first_to_fail(shares)
    if not counts:
        return None
    hardest, most = counts.most_common(1)[0]
    # Only dials that are clearly less hard, so that no wrong answer is nearly right.
    others = sorted((d for d in DIALS if 2 * counts[d] <= most), key=lambda d: -counts[d])
    if len(others) < OTHER_DIALS:
        return None
    wrong = {others[0], others[len(others) // 2], others[-1]}
    dial = DIALS[hardest]
    seen = "only small changes of this kind" if recipe in dial.seen_by else "no such pictures"
    return Question(
        f"On {images:,} test digits: on which of these dials do most networks give up earliest?",
        tuple(DIALS[name].title for name in DIALS if name in {hardest, *wrong}),
        dial.title,
        f"{dial.description} {most} of {len(shares)} networks give up earliest on this dial. A "
        f"network reads best what it has seen in training, and there it saw {seen}.",
    )
