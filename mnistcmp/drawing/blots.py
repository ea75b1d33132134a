"""Blots of ink: connected components of an image, boxes among them, and long straight lines."""

from dataclasses import dataclass

import numpy as np

# Slopes of lines: up to 9 degrees, in steps that keep a line within LINE_FUZZ_PX over its length.
SLOPES = np.linspace(-0.16, 0.16, 81)
LINE_FUZZ_PX = 2
THICKEST_LINE = 0.015  # of the longer side
# The share of the picture's width over which a line is seen; where it runs through the digit, and
# where it fades, it is not.
LINE_SEEN = 0.55
WHOLE_SIDE = 0.85  # of a box's side that has ink; the digit may stick out of the box


@dataclass(frozen=True)
class Blots:
    """The connected components of an image, numbered from 0.

    labels: int (h, w), -1 where there is none. The others are arrays with a value for each: the
    area in px, and the bounding box; `bottom` and `right` are outside.
    """

    labels: np.ndarray
    area: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @property
    def height(self) -> np.ndarray:
        return self.bottom - self.top

    @property
    def width(self) -> np.ndarray:
        return self.right - self.left

    @property
    def longest(self) -> np.ndarray:
        return np.maximum(self.height, self.width)

    def box(self, number: int, margin_px: int = 0) -> tuple[slice, slice]:
        """The rows and columns of a blot's bounding box, within the image also with a margin."""
        return (
            slice(max(0, self.top[number] - margin_px), self.bottom[number] + margin_px),
            slice(max(0, self.left[number] - margin_px), self.right[number] + margin_px),
        )


def find_blots(inked: np.ndarray, joined: np.ndarray | None = None) -> Blots:
    """The connected components of bool (h, w), diagonals included.

    `joined`, if given, has more ink: what it connects is one component.
    """
    labels = np.where(inked, _labels(inked if joined is None else joined), -1)
    rows, columns = np.nonzero(labels >= 0)
    names, numbers = np.unique(labels[rows, columns], return_inverse=True)
    labels[rows, columns] = numbers
    limits = []
    for places in (rows, columns):
        first = np.full(len(names), inked.size)
        last = np.zeros(len(names), int)
        np.minimum.at(first, numbers, places)
        np.maximum.at(last, numbers, places + 1)
        limits += [first, last]
    return Blots(labels, np.bincount(numbers, minlength=len(names)), *limits)


def _runs(inked: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, first column and column after the last of every run of True along the rows."""
    steps = np.diff(np.pad(inked.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, first = np.nonzero(steps == 1)
    return rows, first, np.nonzero(steps == -1)[1]


def _labels(inked: np.ndarray) -> np.ndarray:
    """int (h, w): a number for each component, -1 elsewhere."""
    rows, first, end = _runs(inked)
    stride = inked.shape[1] + 2
    # The runs of the next row that touch a run, diagonals included: from `low` to before `high`.
    low = np.searchsorted(rows * stride + end, (rows + 1) * stride + first, "left")
    high = np.searchsorted(rows * stride + first, (rows + 1) * stride + end, "right")
    touching = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(len(rows)), touching)
    lower = np.arange(len(upper)) - np.repeat(touching.cumsum() - touching - low, touching)
    names = np.arange(len(rows))
    while True:
        least = np.minimum(names[upper], names[lower])
        better = names.copy()
        np.minimum.at(better, names[upper], least)
        np.minimum.at(better, names[lower], least)
        better = better[better]
        if (better == names).all():
            break
        names = better
    labels = np.full(inked.shape, -1)
    labels[inked] = np.repeat(names, end - first)
    return labels


def touching(blots: Blots) -> np.ndarray:
    """For each blot, whether it is at the border."""
    height, width = blots.labels.shape
    return (blots.top == 0) | (blots.left == 0) | (blots.bottom == height) | (blots.right == width)


def surrounds(blots: Blots, frame: int, other: int) -> bool:
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
    return bool(on_every_side and (share >= 0.35 or is_box(blots, frame)))


def is_box(blots: Blots, number: int) -> bool:
    """Whether a blot is a box: empty, or with a digit that touches it.

    An empty box has ink in the corners of its bounding box and little but along the sides. One that
    is joined to a digit has ink along all four sides from corner to corner.
    """
    part = blots.labels[blots.box(number)] == number
    height, width = (max(1, length // 8) for length in part.shape)
    sides = part[:height].T, part[-height:].T, part[:, :width], part[:, -width:]
    seen = [side.any(axis=1) for side in sides]
    corners = all(side[:width].any() and side[-width:].any() for side in seen[:2])
    inner = part[height:-height, width:-width].sum()
    framed = inner < 0.3 * part.sum() or min(side.mean() for side in seen) >= WHOLE_SIDE
    return bool(corners and framed and part.mean() < 0.5)


def lines(inked: np.ndarray) -> np.ndarray:
    """bool (h, w): the thin straight lines across the picture, without what they run through."""
    longer = max(inked.shape)
    return _flat_lines(inked, longer) | _flat_lines(inked.T, longer).T


def _flat_lines(inked: np.ndarray, longer: int) -> np.ndarray:
    columns, first, end = _runs(inked.T)
    thin = end - first <= max(2, THICKEST_LINE * longer)
    columns, first, end = columns[thin], first[thin], end[thin]
    middle, found = (first + end - 1) / 2, np.zeros(len(columns), bool)
    height, width = inked.shape
    for slope in SLOPES:
        rows = np.rint(middle - slope * (columns - width / 2)).astype(int)
        inside = (rows >= 0) & (rows < height)
        seen = np.convolve(np.bincount(rows[inside], minlength=height), [1, 1, 1], "same")
        for row in np.flatnonzero(seen >= LINE_SEEN * width):
            near = abs(rows - row) <= LINE_FUZZ_PX
            # Where a stroke crosses the line, the ink is thicker.
            found |= near & (end - first <= np.median((end - first)[near]) + LINE_FUZZ_PX)
    result = np.zeros((width, height + 1), np.int8)
    np.add.at(result, (columns[found], first[found]), 1)
    np.add.at(result, (columns[found], end[found]), -1)
    return (result.cumsum(axis=1)[:, :-1] > 0).T
