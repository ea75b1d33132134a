"""What stands out from the paper of a photo, in any light: ink, lines, print and dirt."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from mnistcmp.drawing.blots import Blots, find_blots, lines, surrounds, touching

WORK_PX = 560  # the longer side of the image, to which all lengths in px apply
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
MOSTLY = 2 / 3  # of a blot: the rest, if it is fainter, may be pieces of lines that touch it
JOINED_PX = 2  # gaps up to twice this do not part a stroke

SMALLEST_DIGIT = 0.035  # of the longer side
MOST_BLOTS = 40  # a page of print has hundreds, and each takes time


@dataclass(frozen=True)
class Sheet:
    """What stands out from the paper, if ink is dark.

    contrast: float (h, w), relative to the paper.
    inked: bool (h, w), what stands out, lines included.
    blots: what is left of it without lines.
    sharp: the numbers of the blots that are large enough and have an edge all round.
    outer: how large the largest sharp blot is, lines included; see `_outermost`.
    """

    contrast: np.ndarray
    inked: np.ndarray
    blots: Blots
    sharp: np.ndarray
    outer: tuple[float, float]


def sheets(grey: np.ndarray, enlarged: float) -> list[Sheet]:
    """uint8 (h, w), in any light -> what stands out if ink is dark and if it is light.

    The likelier one is first. `enlarged`: how many times the picture was enlarged, and its edges
    blurred, to be of this size.
    """
    grey, edge_px = _levelled(_denoised(grey)), EDGE_PX + round(2 * max(0, enlarged - 1))
    both = [_sheet(values, edge_px) for values in (grey, 255 - grey)]
    # Ink has holes, and boxes have paper in them: the outermost blot is of ink.
    return sorted(both, key=lambda sheet: sheet.outer, reverse=True)


def _noise(grey: np.ndarray) -> float:
    """The standard deviation of the noise, robust to ink and edges."""
    smooth = Image.fromarray(grey).filter(ImageFilter.GaussianBlur(4))
    residue = grey.astype(np.float32) - np.asarray(smooth)
    return 1.48 * float(np.median(abs(residue - np.median(residue))))


def _denoised(grey: np.ndarray) -> np.ndarray:
    blur_px = min(4.0, _noise(grey) * 0.7)
    return np.asarray(Image.fromarray(grey).filter(ImageFilter.GaussianBlur(blur_px)))


def extremum(values: np.ndarray, size: int, which: np.ufunc) -> np.ndarray:
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
    even = grey * (light.max() / np.maximum(light, DARKEST_PAPER / 2))
    return np.rint(even).clip(0, 255).astype(np.uint8)


def _closed(values: np.ndarray, size: int) -> np.ndarray:
    """The image without what is dark and thinner than `size` px. Edges of shadows are kept.

    What touches the border is taken to go on beyond it.
    """
    size |= 1  # the window has a middle
    wide = np.pad(values, size, "edge")
    paper = extremum(extremum(wide, size, np.maximum), size, np.minimum)
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
    steps = extremum(values, edge_px, np.maximum) - extremum(values, edge_px, np.minimum)
    edge = (steps - NOISE_STEP * noise) / lit
    blots = _blots(inked)
    sharp = _sharp(blots, contrast, edge)
    outer = _outermost(blots, sharp)
    # Boxes do not go through the sheet; they are known by what they surround.
    frames = [n for n in sharp if any(surrounds(blots, n, other) for other in sharp)]
    ruled = lines(inked & ~np.isin(blots.labels, frames))
    if ruled.any():
        blots = _blots(inked & ~ruled)
        sharp = _sharp(blots, contrast, edge)
        outer = max(outer, _outermost(blots, sharp))
    return Sheet(contrast, inked, blots, sharp, outer)


def _outermost(blots: Blots, sharp: np.ndarray) -> tuple[float, float]:
    """The length of the largest sharp blot, and its area with a minus.

    Lengths are rounded to steps of a tenth: a box is as large as the paper in it, but thinner.
    """
    # At the border it may be a part of the paper.
    lengths = blots.longest * np.where(touching(blots), 0.6, 1)
    return max(
        ((float(np.rint(np.log(lengths[n]) * 10)), -float(blots.area[n])) for n in sharp),
        default=(0.0, 0.0),
    )


def _blots(inked: np.ndarray) -> Blots:
    return find_blots(inked, extremum(inked, 2 * JOINED_PX + 1, np.maximum))


def _sharp(blots: Blots, contrast: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """The numbers of the largest blots that have an edge all round."""
    large = np.flatnonzero(blots.longest >= SMALLEST_DIGIT * max(edge.shape))
    sharp = []
    for number in large[np.argsort(-blots.longest[large], kind="stable")][:MOST_BLOTS]:
        box = blots.box(number, margin_px=1)
        there = blots.labels[box] == number
        least = LEAST_EDGE * np.percentile(contrast[box][there], 90)
        strong = there & (contrast[box] >= least)
        if strong.sum() > MOSTLY * there.sum():
            there = strong  # without the pieces of faint lines that are joined to it
        outline = there & ~extremum(there, 3, np.minimum)
        enough = edge[box][outline] >= max(least, FAINTEST_EDGE)
        if enough.mean() >= LEAST_OUTLINE:
            sharp.append(number)
    return np.array(sharp, int)
