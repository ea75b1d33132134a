"""Blots of ink: connected components of an image, and long straight lines."""

from dataclasses import dataclass

import numpy as np

# Slopes of lines: up to 9 degrees, in steps that keep a line within LINE_FUZZ_PX over its length.
SLOPES = np.linspace(-0.16, 0.16, 81)
LINE_FUZZ_PX = 2
THICKEST_LINE = 0.015  # of the longer side
# The share of the picture's width over which a line is seen; where it runs through the digit, and
# where it fades, it is not.
LINE_SEEN = 0.55


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
