"""The wording of findings."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mnistcmp.catalogue.networks import MODELS

NOTHING = "–"  # where nothing was measured or published
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Verdict(StrEnum):
    """How our result compares with the published one.

    In part: the same direction, but a much smaller or much larger effect.
    """

    AGREES = "agrees"
    IN_PART = "agrees in part"
    CONTRADICTS = "contradicts"
    UNCLEAR = "too close to tell"


@dataclass(frozen=True)
class Finding:
    """A sentence in Markdown, with the figures that it rests on, for those who ask for them.

    `verdict` is None if it is not compared with a published result.
    """

    text: str
    verdict: Verdict | None = None
    figures: str = ""


def named(model: str) -> str:
    """The network's name for readers, in quotation marks, because it may contain commas."""
    return f"“{MODELS[model].title}”"


def in_words(count: int) -> str:
    """3 -> "three"; figures above ten."""
    return str(count) if count > len(_COUNTS) else _COUNTS[count - 1]


def one_sentence(found: Iterable[Finding]) -> str:
    """The findings in one sentence of plain text."""
    first, *others = (one.text.replace("**", "").removesuffix(".") for one in found)
    return "; ".join((first, *(text[:1].lower() + text[1:] for text in others))) + "."


def percent(share: float | None) -> str:
    """0.9957 -> "99.57", without the percent sign; NOTHING for None or NaN."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.2f}"


def points(share: float) -> str:
    """0.0123 -> "+1.23", in percentage points; with a minus sign, not a hyphen."""
    return f"{100 * share:+.2f}".replace("-", "−")


def counted(first: int, second: int, what: str) -> str:
    """(3, 3, "run") -> "3 runs each", and (3, 2, "run") -> "3 and 2 runs"."""
    if first == second:
        return f"{first} {what}{'' if first == 1 else 's'} each"
    return f"{first} and {second} {what}s"


def times(factor: float) -> str:
    """1.4444 -> "1.44 ×"; three decimals for factors close to 1, none from 100 up."""
    digits = ".3f" if 0.0005 <= abs(factor - 1) < 0.05 else ",.0f" if factor >= 100 else ".3g"
    return f"{factor:{digits}} ×"


def listed(parts: Iterable[str]) -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
