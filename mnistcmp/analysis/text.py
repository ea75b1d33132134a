"""The wording of findings."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mnistcmp.catalogue.networks import MODELS

NOTHING = "–"  # where nothing was measured or published


class Verdict(StrEnum):
    """How our result compares with the published one.

    In part: the same direction, but a much smaller or much larger effect.
    """

    AGREES = "agrees"
    IN_PART = "partly agrees"
    CONTRADICTS = "contradicts"
    UNCLEAR = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """A statement in Markdown; `verdict` is None if it is not compared with a published result."""

    text: str
    verdict: Verdict | None = None


def named(model: str) -> str:
    """The network's name for readers, in quotation marks, because it may contain commas."""
    return f"“{MODELS[model].title}”"


def percent(share: float | None) -> str:
    """0.9957 -> "99.57", without the percent sign; NOTHING for None or NaN."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.2f}"


def points(share: float) -> str:
    """0.0123 -> "+1.23", in percentage points."""
    return f"{100 * share:+.2f}"


def times(factor: float) -> str:
    """1.4444 -> "1.44 ×"; three decimals for factors close to 1, none from 100 up."""
    digits = ".3f" if 0.0005 <= abs(factor - 1) < 0.05 else ",.0f" if factor >= 100 else ".3g"
    return f"{factor:{digits}} ×"


def listed(parts: Iterable[str]) -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
