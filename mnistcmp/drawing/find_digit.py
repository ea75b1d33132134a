"""Find the ink of one digit on a sheet, among shadows, lines, frames, print and dirt."""

from dataclasses import dataclass

import numpy as np

from mnistcmp.drawing.blots import Blots, find_blots, is_box, surrounds, touching
from mnistcmp.drawing.sheet import LEAST_CONTRAST, Sheet, extremum, sheets

SPECK = 0.05  # of the digit's area: smaller blots are dirt
PART = 0.25  # of the digit's length: the least of a separate part of it
PART_GAP = 0.12  # of the digit's length: the largest gap between its parts
OTHER_DIGIT = 0.6  # of the digit's height: what is taller and stands beside it is another digit
RIVAL = 0.5  # of the digit's likelihood: what is likelier may be the digit as well


class NothingFound(ValueError):
    """There is no digit."""


@dataclass(frozen=True)
class Found:
    """A digit among the marks on a sheet.

    ink: float (h, w) in [0, 1], of the digit alone.
    left_out: bool (h, w), the other marks.
    rivals: how many of the other marks may be a digit as well.
    """

    ink: np.ndarray
    left_out: np.ndarray
    rivals: int


def find(grey: np.ndarray, enlarged: float = 1) -> Found:
    """uint8 (h, w), of any polarity and in any light -> the digit and what was left out.

    `enlarged`: how many times the picture was enlarged, and its edges blurred, to be of this size.
    Raises NothingFound.
    """
    for sheet in sheets(grey, enlarged):
        candidates = _candidates(sheet)
        if len(candidates) and (found := _found(sheet, candidates)):
            return found
        if any(is_box(sheet.blots, number) for number in sheet.sharp):
            break  # the paper in a box looks like ink of the other polarity
    raise NothingFound


def _candidates(sheet: Sheet) -> np.ndarray:
    """The numbers of the blots that may be the digit."""
    blots, sharp = sheet.blots, sheet.sharp
    found = [
        n
        for n in sharp
        if not is_box(blots, n) and not any(surrounds(blots, n, other) for other in sharp)
    ]
    return np.array(found, int)


def _found(sheet: Sheet, candidates: np.ndarray) -> Found | None:
    """The likeliest of the candidates, with its parts; None if no ink is left of it."""
    blots = sheet.blots
    likely = _likelihoods(sheet)
    main = candidates[likely[candidates].argmax()]
    kept = [main, *_parts(blots, main, candidates)]
    own = np.isin(blots.labels, kept)
    # Soft edges belong to the digit too.
    around = extremum(own, 9, np.maximum) & (own | (blots.labels < 0))
    ink = _soft(np.where(around, sheet.contrast, 0))
    # What is fainter than the digit may have joined it to lines and edges of shadows.
    pieces = find_blots(ink > 0.5)
    if not len(pieces.area):
        return None
    small = pieces.area < SPECK * pieces.area.max()
    rivals = np.setdiff1d(candidates, kept)
    return Found(
        ink=np.where(small[pieces.labels] & (pieces.labels >= 0), 0, ink),
        left_out=sheet.inked & ~around,
        rivals=int((likely[rivals] >= RIVAL * likely[main]).sum()),
    )


def _likelihoods(sheet: Sheet) -> np.ndarray:
    """For each blot, how likely it is the digit: large, near the middle, clear, and not flat."""
    blots = sheet.blots
    height, width = blots.labels.shape
    off = np.hypot((blots.top + blots.bottom) / height - 1, (blots.left + blots.right) / width - 1)
    there = blots.labels >= 0
    clear = np.bincount(blots.labels[there], sheet.contrast[there]) / blots.area
    likely = blots.longest * (1.5 - off / 2) * clear**2
    likely *= np.where(touching(blots), 0.2, 1) * np.where(blots.width > 4 * blots.height, 0.2, 1)
    return likely


def _parts(blots: Blots, main: int, candidates: np.ndarray) -> list[int]:
    """The numbers of the other blots that belong to the digit."""
    gap_rows = np.maximum(blots.top - blots.bottom[main], blots.top[main] - blots.bottom)
    gap_columns = np.maximum(blots.left - blots.right[main], blots.left[main] - blots.right)
    gap = np.maximum(gap_rows, gap_columns)
    length = blots.longest[main]
    belongs = (
        (blots.area >= SPECK * blots.area[main])
        & (blots.longest >= PART * length)
        & (blots.longest <= length)
        & (gap <= PART_GAP * length)
        & ((gap_columns <= 0) | (blots.height <= OTHER_DIGIT * blots.height[main]))
    )
    return [int(n) for n in candidates if belongs[n] and n != main]


def _soft(contrast: np.ndarray) -> np.ndarray:
    """Contrast of the digit alone -> ink, with a threshold in the middle of its edges."""
    values = np.rint(contrast[contrast > 0].clip(0, 1) * 255).astype(np.uint8)
    threshold = max(_otsu(values) / 255, LEAST_CONTRAST)
    # A ramp from 2/3 to 4/3 of the threshold keeps edges smooth.
    return np.clip((contrast / threshold - 2 / 3) * 1.5, 0, 1)


def _otsu(values: np.ndarray) -> float:
    """The threshold that splits uint8 `values` with the largest between-class variance.

    Source: N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions
    on Systems, Man, and Cybernetics 9, 1979.
    """
    counts = np.bincount(values.ravel(), minlength=256).astype(float)
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    if np.isnan(between).all():
        return 0.0
    return float(np.nanargmax(between)) + 0.5
