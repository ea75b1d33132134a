"""Find the ink of one digit on a sheet, among shadows, lines, frames, print and dirt."""

import numpy as np
from PIL import Image, ImageFilter

from mnistcmp.drawing.blots import Blots, find_blots, lines

WORK_PX = 560  # the longer side of the image in which the digit is looked for
DARKEST_PAPER = 40  # of 255: anything darker is mostly noise
LEAST_CONTRAST = 0.13  # between ink and the paper around it, as a fraction of the full range
NOISE = 6  # minimum contrast of ink, in median absolute deviations of the paper
# Everything thinner than this is removed to find the paper.
THICKEST_STROKE_PX = 136
# Windows in which ink and paper are compared: what is thin, is ink.
THIN_PX = (5, 9, 17, 34, 68, THICKEST_STROKE_PX)
LEAST_THIN = 0.03  # of the largest area of thin things in any window
# Ink has sharp edges and light fades slowly, so blurring changes a digit more than it does light.
EDGE_BLURS_PX, LEAST_EDGE = (3, 8), 0.1
JOINED_PX = 2  # gaps up to twice this do not part a stroke

SMALLEST_DIGIT = 0.035  # of the longer side
SPECK = 0.05  # of the digit's area: smaller blots are dirt
PART = 0.25  # of the digit's length: the least of a separate part of it
PART_GAP = 0.12  # of the digit's length: the largest gap between its parts
ANOTHER = 0.6  # of the digit's length: another thing as large as this could be the digit, too


class NothingFound(ValueError):
    """There is no digit; the message says what is there instead."""


def find_ink(grey: np.ndarray) -> np.ndarray:
    """uint8 (h, w), of any polarity and in any light -> the digit's ink, float (h, w) in [0, 1].

    Raises NothingFound.
    """
    grey = _denoised(grey)
    dark, light = (_ink(values) for values in (grey, 255 - grey))
    first, second = (light, dark) if _is_light_on_dark(grey) else (dark, light)
    found = first if first is not None else second
    if found is None:
        raise NothingFound
    return found


def _denoised(grey: np.ndarray) -> np.ndarray:
    image = Image.fromarray(grey)
    residue = grey.astype(np.float32) - np.asarray(image.filter(ImageFilter.GaussianBlur(2)))
    noise = 1.48 * float(np.median(abs(residue - np.median(residue))))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(min(4, noise / 3))))


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


def _closed(values: np.ndarray, size: int) -> np.ndarray:
    """The image without what is dark and thinner than `size` px. Edges of shadows are kept.

    What touches the border is taken to go on beyond it.
    """
    size |= 1  # the window has a middle
    wide = np.pad(values, size, "edge")
    paper = _extremum(_extremum(wide, size, np.maximum), size, np.minimum)
    return paper[size:-size, size:-size]


def _is_light_on_dark(grey: np.ndarray) -> bool:
    """Whether the thin things are light. How much of the sheet they cover does not matter."""
    areas = np.array(
        [
            [
                (_closed(values, size).astype(int) - values > LEAST_CONTRAST * 255).sum()
                for values in (grey, 255 - grey)
            ]
            for size in THIN_PX
        ]
    )
    dark, light = areas[(areas.max(axis=1) >= LEAST_THIN * areas.max()).argmax()]
    return bool(light > dark)


def _ink(values: np.ndarray) -> np.ndarray | None:
    """uint8 (h, w), dark ink on light paper -> the digit's ink; None if there is none."""
    paper = _closed(values, THICKEST_STROKE_PX).astype(np.float32)
    # Relative to the paper around it, so that ink in shadow has the same contrast as ink in light.
    contrast = (paper - values) / np.maximum(paper, DARKEST_PAPER)
    contrast = (contrast - np.median(contrast)).clip(0)
    least = max(LEAST_CONTRAST, NOISE * float(np.median(abs(contrast - np.median(contrast)))))
    inked = contrast > least
    inked &= ~lines(inked)
    joined = _extremum(inked, 2 * JOINED_PX + 1, np.maximum)
    blots = find_blots(inked, joined)
    kept = _digit(blots, _candidates(blots, contrast))
    if not len(kept):
        return None
    own = np.isin(blots.labels, kept)
    # Soft edges belong to the digit too.
    around = _extremum(own, 9, np.maximum) & (own | ~inked)
    return _soft(np.where(around, contrast, 0), least)


def _candidates(blots: Blots, contrast: np.ndarray) -> np.ndarray:
    """The numbers of the blots that are large and sharp enough and do not surround another."""
    longer = max(contrast.shape)
    large = np.flatnonzero(blots.longest >= SMALLEST_DIGIT * longer)
    image = Image.fromarray(np.rint(contrast.clip(0, 1) * 255).astype(np.uint8))
    fine, coarse = (
        np.asarray(image.filter(ImageFilter.GaussianBlur(blur_px)), np.float32) / 255
        for blur_px in EDGE_BLURS_PX
    )
    sharp = []
    for number in large:
        there = blots.labels == number
        edge, strong = (np.percentile(v[there], 90) for v in (abs(fine - coarse), contrast))
        if edge >= LEAST_EDGE * strong:
            sharp.append(number)
    return np.array([f for f in sharp if not any(_surrounds(blots, f, c) for c in sharp)], int)


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
    """Whether nearly all of a blot's ink is along the sides of its bounding box."""
    part = blots.labels[
        blots.top[number] : blots.bottom[number], blots.left[number] : blots.right[number]
    ]
    height, width = (max(1, side // 12) for side in part.shape)
    inner = (part[height:-height, width:-width] == number).sum()
    return bool(inner < 0.3 * blots.area[number])


def _digit(blots: Blots, candidates: np.ndarray) -> np.ndarray:
    """The numbers of the blots that are the digit, the largest first."""
    if not len(candidates):
        return candidates
    height, width = blots.labels.shape
    touching = (
        (blots.top == 0) | (blots.left == 0) | (blots.bottom == height) | (blots.right == width)
    )
    off = np.hypot(
        (blots.top + blots.bottom) / height - 1, (blots.left + blots.right) / width - 1
    )
    likely = blots.longest * (1.5 - off / 2) * np.where(touching, 0.2, 1)
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
        & (gap <= PART_GAP * length)
    )
    return [n for n in np.flatnonzero(belongs) if n != main and n in candidates]


def _soft(contrast: np.ndarray, least: float) -> np.ndarray:
    """Contrast of the digit alone -> ink, with a threshold in the middle of its edges."""
    values = np.rint(contrast[contrast > 0].clip(0, 1) * 255).astype(np.uint8)
    threshold = max(_otsu(values) / 255, least)
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
