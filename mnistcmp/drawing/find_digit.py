"""Find the ink of one digit on a sheet, among shadows, lines, frames, print and dirt."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from mnistcmp.drawing.blots import Blots, find_blots, lines

WORK_PX = 560  # the longer side of the image in which the digit is looked for
DARKEST_PAPER = 80  # of 255: anything darker is mostly noise
LEAST_CONTRAST = 0.13  # between ink and the paper around it, as a fraction of the full range
EVEN = 0.3  # of the paper's variation: the most that even light may leave
NOISE_STEP = 4  # between the extremes of noise within EDGE_PX, in standard deviations
NOISE = 10  # minimum contrast of ink, in standard deviations of the noise
# Everything thinner than this is removed to find the paper.
THICKEST_STROKE_PX = 136
# Ink has edges all round. Light fades slowly, and the paper beside a digit has an edge only there.
EDGE_PX = 13
LEAST_EDGE = 0.4  # of the blot's contrast, within EDGE_PX
FAINTEST_EDGE = 0.13  # of the paper
LEAST_OUTLINE = 0.96  # of the blot's outline that is an edge
JOINED_PX = 2  # gaps up to twice this do not part a stroke

SMALLEST_DIGIT = 0.035  # of the longer side
SPECK = 0.05  # of the digit's area: smaller blots are dirt
PART = 0.25  # of the digit's length: the least of a separate part of it
PART_GAP = 0.12  # of the digit's length: the largest gap between its parts


class NothingFound(ValueError):
    """There is no digit."""


@dataclass(frozen=True)
class Sheet:
    """What stands out from the paper, if ink is dark.

    contrast: float (h, w), relative to the paper.
    blots: what is left without lines.
    sharp: the numbers of the blots that are large enough and have an edge all round.
    outer: how large the largest sharp blot is, lines included; see `_outermost`.
    """

    contrast: np.ndarray
    blots: Blots
    sharp: np.ndarray
    outer: tuple[float, float]


def find_ink(grey: np.ndarray, enlarged: float = 1) -> np.ndarray:
    """uint8 (h, w), of any polarity and in any light -> the digit's ink, float (h, w) in [0, 1].

    `enlarged`: how many times the picture was enlarged, and its edges blurred, to be of this size.
    Raises NothingFound.
    """
    grey, edge_px = _levelled(_denoised(grey)), EDGE_PX + round(2 * max(0, enlarged - 1))
    sheets = [_sheet(values, edge_px) for values in (grey, 255 - grey)]
    # Ink has holes, and boxes have paper in them: the outermost blot is of ink.
    for sheet in sorted(sheets, key=lambda sheet: sheet.outer, reverse=True):
        ink = _ink(sheet)
        if ink is not None:
            return ink
    raise NothingFound


def _noise(grey: np.ndarray) -> float:
    """The standard deviation of the noise, robust to ink and edges."""
    smooth = Image.fromarray(grey).filter(ImageFilter.GaussianBlur(4))
    residue = grey.astype(np.float32) - np.asarray(smooth)
    return 1.48 * float(np.median(abs(residue - np.median(residue))))


def _denoised(grey: np.ndarray) -> np.ndarray:
    blur_px = min(4.0, _noise(grey) * 0.7)
    return np.asarray(Image.fromarray(grey).filter(ImageFilter.GaussianBlur(blur_px)))


def _extremum(values: np.ndarray, size: int, which: np.ufunc) -> np.ndarray:
    """The least or greatest value in a window of `size` px a side around every pixel."""
    before = size // 2
    for axis in (0, 1):
        margins = [(0, 0), (0, 0)]
        margins[axis] = (before, size - 1 - before)
        values = np.moveaxis(np.pad(values, margins, "edge"), axis, 0)
        length, done = len(values) - size + 1, 1
        while done < size:  # the window grows by doubling
            step = min(done, size - done)
            values = which(values[: len(values) - step], values[step:])
            done += step
        values = np.moveaxis(values[:length], 0, axis)
    return values


def _levelled(grey: np.ndarray) -> np.ndarray:
    """The image in even light, if light that changes evenly over the sheet explains its paper."""
    paper = _closed(grey, THICKEST_STROKE_PX).astype(np.float32)
    y, x = (np.indices(paper.shape, np.float32) / max(paper.shape)) - 0.5
    some = [term[::8, ::8].ravel() for term in (np.ones_like(x), x, y, x * y)]
    at_middle, across, along, both = np.linalg.lstsq(
        np.stack(some, axis=-1), paper[::8, ::8].ravel()
    )[0]
    light = at_middle + across * x + along * y + both * x * y
    if np.std(paper - light) > EVEN * np.std(paper):
        return grey
    return (
        np.rint(grey * (light.max() / np.maximum(light, DARKEST_PAPER / 2)))
        .clip(0, 255)
        .astype(np.uint8)
    )


def _closed(values: np.ndarray, size: int) -> np.ndarray:
    """The image without what is dark and thinner than `size` px. Edges of shadows are kept.

    What touches the border is taken to go on beyond it.
    """
    size |= 1  # the window has a middle
    wide = np.pad(values, size, "edge")
    paper = _extremum(_extremum(wide, size, np.maximum), size, np.minimum)
    return paper[size:-size, size:-size]


def _sheet(values: np.ndarray, edge_px: int) -> Sheet:
    paper = _closed(values, THICKEST_STROKE_PX).astype(np.float32)
    # Relative to the paper around it, so that ink in shadow has the same contrast as ink in light.
    lit = np.maximum(paper, DARKEST_PAPER)
    contrast = (paper - values) / lit
    contrast = (contrast - np.median(contrast)).clip(0)
    noise = _noise(values)
    least = np.maximum(LEAST_CONTRAST, NOISE * noise / lit)
    inked = contrast > least
    steps = _extremum(values, edge_px, np.maximum) - _extremum(values, edge_px, np.minimum)
    edge = (steps - NOISE_STEP * noise) / lit
    blots = _blots(inked)
    sharp = _sharp(blots, contrast, edge)
    outer = _outermost(blots, sharp)
    # Boxes do not go through the sheet; they are known by what they surround.
    frames = [n for n in sharp if any(_surrounds(blots, n, other) for other in sharp)]
    ruled = lines(inked & ~np.isin(blots.labels, frames))
    if ruled.any():
        blots = _blots(inked & ~ruled)
        sharp = _sharp(blots, contrast, edge)
        outer = max(outer, _outermost(blots, sharp))
    return Sheet(contrast, blots, sharp, outer)


def _outermost(blots: Blots, sharp: np.ndarray) -> tuple[float, float]:
    """The length of the largest sharp blot, and its area with a minus.

    Lengths are rounded to steps of a tenth: a box is as large as the paper in it, but thinner.
    """
    # At the border it may be a part of the paper.
    lengths = blots.longest * np.where(_touching(blots), 0.6, 1)
    return max(
        ((float(np.rint(np.log(lengths[n]) * 10)), -float(blots.area[n])) for n in sharp),
        default=(0.0, 0.0),
    )


def _blots(inked: np.ndarray) -> Blots:
    return find_blots(inked, _extremum(inked, 2 * JOINED_PX + 1, np.maximum))


def _sharp(blots: Blots, contrast: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """The numbers of the blots that are large enough and have an edge all round."""
    sharp = []
    for number in np.flatnonzero(blots.longest >= SMALLEST_DIGIT * max(edge.shape)):
        there = blots.labels == number
        outline = there & ~_extremum(there, 3, np.minimum)
        strong = np.percentile(contrast[there], 90)
        if (edge[outline] >= max(LEAST_EDGE * strong, FAINTEST_EDGE)).mean() >= LEAST_OUTLINE:
            sharp.append(number)
    return np.array(sharp, int)


def _ink(sheet: Sheet) -> np.ndarray | None:
    """The digit's ink, float (h, w) in [0, 1]; None if there is none."""
    blots = sheet.blots
    kept = _digit(sheet)
    if not len(kept):
        return None
    own = np.isin(blots.labels, kept)
    # Soft edges belong to the digit too.
    around = _extremum(own, 9, np.maximum) & (own | (blots.labels < 0))
    ink = _soft(np.where(around, sheet.contrast, 0))
    # What is fainter than the digit may have joined it to lines and edges of shadows.
    pieces = find_blots(ink > 0.5)
    if not len(pieces.area):
        return None
    small = pieces.area < SPECK * pieces.area.max()
    return np.where(small[pieces.labels] & (pieces.labels >= 0), 0, ink)


def _touching(blots: Blots) -> np.ndarray:
    """For each blot, whether it is at the border."""
    height, width = blots.labels.shape
    return (blots.top == 0) | (blots.left == 0) | (blots.bottom == height) | (blots.right == width)


def _surrounds(blots: Blots, frame: int, other: int) -> bool:
    """Whether `frame` is a box or ring around `other`, which is not much smaller."""
    share = blots.longest[other] / blots.longest[frame]
    if frame == other or share < 0.2 or share > 1:
        return False
    row = (blots.top[other] + blots.bottom[other]) // 2
    column = (blots.left[other] + blots.right[other]) // 2
    across, along = blots.labels[row] == frame, blots.labels[:, column] == frame
    on_every_side = (
        across[:column].any() and across[column:].any() and along[:row].any() and along[row:].any()
    )
    # A dot or dash in a zero is smaller, or the zero is round.
    return bool(on_every_side and (share >= 0.35 or _is_box(blots, frame)))


def _is_box(blots: Blots, number: int) -> bool:
    """Whether a blot has ink in the corners of its bounding box and little but along its sides."""
    part = blots.labels[
        blots.top[number] : blots.bottom[number], blots.left[number] : blots.right[number]
    ]
    height, width = (max(1, side // 8) for side in part.shape)
    inner = (part[height:-height, width:-width] == number).sum()
    ends = [
        (rows, columns)
        for rows in (slice(height), slice(-height, None))
        for columns in (slice(width), slice(-width, None))
    ]
    corners = [(part[end] == number).any() for end in ends]
    hollow = inner < 0.3 * blots.area[number] < 0.15 * part.size
    return bool(hollow and all(corners))


def _digit(sheet: Sheet) -> np.ndarray:
    """The numbers of the blots that are the digit, the largest first."""
    blots, sharp = sheet.blots, sheet.sharp
    candidates = np.array(
        [
            n
            for n in sharp
            if not _is_box(blots, n) and not any(_surrounds(blots, n, c) for c in sharp)
        ],
        int,
    )
    if not len(candidates):
        return candidates
    height, width = blots.labels.shape
    off = np.hypot((blots.top + blots.bottom) / height - 1, (blots.left + blots.right) / width - 1)
    likely = blots.longest * (1.5 - off / 2) * np.where(_touching(blots), 0.2, 1)
    there = blots.labels >= 0
    likely *= (np.bincount(blots.labels[there], sheet.contrast[there]) / blots.area) ** 2
    likely *= np.where(blots.width > 4 * blots.height, 0.2, 1)
    main = candidates[likely[candidates].argmax()]
    return np.array([main, *_parts(blots, main, candidates)])


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
