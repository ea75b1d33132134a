"""How findings are put into words."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

NOTHING = "–"  # where nothing was measured or published


class Verdict(StrEnum):
    """How ours stands to what was published; in part: much less or much more of the same."""

    AGREES = "agrees"
    IN_PART = "in part"
    CONTRADICTS = "contradicts"
    UNCLEAR = "not clear"


@dataclass(frozen=True)
class Finding:
    """One sentence in Markdown; `verdict` is None where nothing published is weighed."""

    text: str
    verdict: Verdict | None = None


def percent(share: float | None) -> str:
    """0.9957 -> "99.57", without a sign, which the sentence or heading has; NOTHING for none."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.2f}"


def points(share: float) -> str:
    """0.0123 -> "+1.23", percentage points."""
    return f"{100 * share:+.2f}"


def times(factor: float) -> str:
    """1.4444 -> "1.44 ×"; a little beside 1 with three decimals, from 100 on without any."""
    digits = ".3f" if 0.0005 <= abs(factor - 1) < 0.05 else ",.0f" if factor >= 100 else ".3g"
    return f"{factor:{digits}} ×"


def listed(parts: Iterable[str]) -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
