"""Corruptions after MNIST-C that lay something over the image: fog, mud and lines.

Source and what holds for all: see `corruptions`.
"""

from math import atan, cos, sin

import numpy as np
import torch
from torch import Tensor

from mnistcmp.robustness.images import CORRUPTION_SEED, SIDE_PX, blur_within, generators, stack

# The noise of the fog falls from each size of clouds to the next, half as large, by 1.4 squared.
FOG_STRENGTH, FOG_DECAY, FOG_MAP_PX = 3.0, 1.4**2, 256
SPATTER_MEAN, SPATTER_SIGMA, SPATTER_FROM, SPATTER_GREY = 0.65, 0.3, 0.65, 63 / 255
LINE_HALF_WIDTH_PX = 2.3  # where the logarithm that describes a line's profile ends
ZIGZAG_COLUMNS = (2, 25)  # where the zigzag begins and ends
ZIGZAG_PX = 2  # its deviation to either side, and a quarter of its period


def fog(images: Tensor) -> Tensor:
    """MNIST-C: adds 3 times a plasma fractal in [0, 1] and scales back. So does ours.

    The fractal is a corner of a map of 256×256 px made by the diamond-square algorithm, whose
    range, over the whole map, is made 0 to 1. The sum is multiplied by m / (m + 3), where m is the
    image's maximum.
    """
    clouds = stack([_clouds(numbers) for numbers in generators(images, CORRUPTION_SEED)], images)[
        :, None
    ]
    largest = images.amax((1, 2, 3), keepdim=True)
    return (images + FOG_STRENGTH * clouds) * largest / (largest + FOG_STRENGTH)


def _clouds(numbers: np.random.Generator) -> np.ndarray:
    """float32 (28, 28) in [0, 1]: random clouds, by the diamond-square algorithm on a torus."""
    heights, wobble = np.zeros((1, 1), np.float32), 1.0
    while len(heights) < FOG_MAP_PX:
        side = len(heights)
        noise = wobble * (2 * numbers.random((3, side, side), dtype=np.float32) - 1)
        right, below = np.roll(heights, -1, 1), np.roll(heights, -1, 0)
        middles = (heights + right + below + np.roll(right, -1, 0)) / 4 + noise[0]
        finer = np.empty((2 * side, 2 * side), np.float32)
        finer[::2, ::2], finer[1::2, 1::2] = heights, middles
        finer[::2, 1::2] = (heights + right + middles + np.roll(middles, 1, 0)) / 4 + noise[1]
        finer[1::2, ::2] = (heights + below + middles + np.roll(middles, 1, 1)) / 4 + noise[2]
        heights, wobble = finer, wobble / FOG_DECAY
    lowest, highest = heights.min(), heights.max()
    return (heights[:SIDE_PX, :SIDE_PX] - lowest) / (highest - lowest)


def spatter(images: Tensor) -> Tensor:
    """MNIST-C: mud, of the grey level 63 of 255, covers spots of the image.

    Spots lie where normal noise (mean 0.65, standard deviation 0.3), after a blur of 1 px, exceeds
    0.65; they are blurred by 1.5 px, and cover as far as they remain above 0.8. Ours differs only
    at the border of the image, in what the blurs assume to lie outside.
    """
    shape = images.shape[1:]
    noise = [
        numbers.standard_normal(shape, dtype=np.float32)
        for numbers in generators(images, CORRUPTION_SEED)
    ]
    liquid = SPATTER_MEAN + SPATTER_SIGMA * blur_within(stack(noise, images), 1)
    spots = blur_within((liquid > SPATTER_FROM).float(), 1.5)
    mud = torch.where(spots < 0.8, 0, spots)
    return images * (1 - mud) + SPATTER_GREY * mud


def dotted_line(images: Tensor) -> Tensor:
    """MNIST-C: a line of dashes from the left side to the right, at random heights. So does ours.

    Dashes and gaps are 2 columns wide.
    """
    ends = np.stack(
        [numbers.integers(27, size=2) for numbers in generators(images, CORRUPTION_SEED)]
    )
    columns = np.arange(SIDE_PX)
    heights = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * columns / 27
    # MNIST-C leaves out the last column.
    return _add_lines(images, heights, (columns % 4 >= 2) & (columns < 27))


def zigzag(images: Tensor) -> Tensor:
    """MNIST-C: a zigzag from column 2 to 25 at a random height, with a slope of at most 5 px.

    It deviates by 2 px to either side, with a period of 8 px. Where two of its lines meet, MNIST-C
    adds them, while ours has one height in each column.
    """
    heights = np.stack(
        [_zigzag_heights(numbers) for numbers in generators(images, CORRUPTION_SEED)]
    )
    columns = np.arange(SIDE_PX)
    first, last = ZIGZAG_COLUMNS
    return _add_lines(images, heights, (columns >= first) & (columns < last))


def _zigzag_heights(numbers: np.random.Generator) -> np.ndarray:
    """(28,): the row of a random zigzag in each column, in px from the upper row."""
    start, rise = int(numbers.integers(27)), int(numbers.integers(-5, 5))
    first, last = ZIGZAG_COLUMNS
    angle = atan(rise / (last - first))
    length = (last - first) / cos(angle)
    # The corners, along the zigzag's middle and to its side, before it is turned by the angle
    along = np.array([0, *np.arange(ZIGZAG_PX, length, 2 * ZIGZAG_PX), length])
    beside = np.array([0, *(ZIGZAG_PX * (-1) ** np.arange(len(along) - 2)), 0])
    columns = first + cos(angle) * along - sin(angle) * beside
    rows = start + sin(angle) * along + cos(angle) * beside
    return np.interp(np.arange(SIDE_PX), columns, rows)


def _add_lines(images: Tensor, heights: np.ndarray, shown: np.ndarray) -> Tensor:
    """Add to each image a line that goes through the rows `heights` (N, 28), one for each column.

    It has ink only in the columns `shown`, bool (28,). Its profile is MNIST-C's: full in the middle
    and 0 about 1.5 px above and below.
    """
    rows = np.arange(SIDE_PX)[:, None]
    distances_px = np.abs(rows - heights[:, None, :]).clip(0, LINE_HALF_WIDTH_PX - 1e-6)
    ink = (np.log(1 - distances_px / LINE_HALF_WIDTH_PX) + 1).clip(0) * shown
    return images + torch.tensor(ink[:, None], dtype=torch.float32, device=images.device)
