"""The dials: each changes images by one number, the more the farther it is from rest."""

from collections.abc import Callable
from itertools import product
from math import ceil, cos, hypot, radians, sin

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mnistcmp.catalogue.corruptions import SHIFT_DIRECTIONS, find_dial
from mnistcmp.robustness.images import (
    SIDE_PX,
    check_images,
    filter_rows_and_columns,
    gaussian_blur,
    generators,
    move,
    stack,
)

# The middle of the covering square is at most so far from the middle of the ink, across and down.
SQUARE_OFFSET_PX = 3.0


def apply(
    images: Tensor, dial: str, level: float, *, seed: int = 0, direction: str = "right"
) -> Tensor:
    """Change images by one dial: float32 (N, 1, 28, 28) in [0, 1] -> a new tensor of the same kind.

    At the rest position the result equals `images`. `seed` is for the dials that are random: an
    image's random numbers depend only on the seed and its pixels, and are the same at all levels.
    `direction` is for `shift`. Raises ValueError if an argument is unknown or out of range.
    """
    check_images(images)
    spec = find_dial(dial)
    level = spec.check(level)
    if direction not in SHIFT_DIRECTIONS:
        choices = ", ".join(SHIFT_DIRECTIONS)
        raise ValueError(f"there is no direction {direction!r}: choose from {choices}")
    if level == spec.rest or not len(images):
        return images.clone()
    if spec.random:
        changed = RANDOM[dial](images, level, seed)
    elif dial == "shift":
        changed = shift(images, level, direction)
    else:
        changed = FIXED[dial](images, level)
    return changed.clamp(0, 1)


def turn(images: Tensor, degrees: float) -> Tensor:
    """Turn clockwise about the middle of the image."""
    angle = radians(degrees)
    across, down = [cos(angle), sin(angle), 0], [-sin(angle), cos(angle), 0]
    return move(images, torch.tensor([across, down]))


def shift(images: Tensor, distance_px: float, direction: str) -> Tensor:
    """Move towards one of `SHIFT_DIRECTIONS`."""
    right, down = {"right": (1, 0), "down": (0, 1), "left": (-1, 0), "up": (0, -1)}[direction]
    return move(images, torch.tensor([[1, 0, -right * distance_px], [0, 1, -down * distance_px]]))


def resize(images: Tensor, factor: float) -> Tensor:
    """Enlarge or shrink about the middle of the image."""
    matrix = torch.tensor([[1 / factor, 0, 0], [0, 1 / factor, 0]])
    return move(images, matrix, samples=ceil(1 / factor))


def slant(images: Tensor, right_per_px: float) -> Tensor:
    """Move each row to the right by its height above the middle times `right_per_px`."""
    return move(images, torch.tensor([[1, right_per_px, 0], [0, 1, 0]]))


def change_stroke(images: Tensor, outwards_px: float) -> Tensor:
    """Grey-scale dilation by a disc; if `outwards_px` is negative, erosion."""
    if outwards_px < 0:
        return 1 - _dilate(1 - images, -outwards_px, outside=1)
    return _dilate(images, outwards_px, outside=0)


def _dilate(images: Tensor, radius_px: float, outside: float) -> Tensor:
    """Each pixel becomes the maximum over a disc around it.

    The edge of the disc is soft, so that its radius may be a fraction: a neighbour counts fully up
    to `radius_px` away, and not at all from `radius_px` + 1.
    """
    reach = ceil(radius_px)
    padded = F.pad(images, [reach] * 4, value=outside)
    dilated = images
    for right, down in product(range(-reach, reach + 1), repeat=2):
        weight = min(radius_px + 1 - hypot(right, down), 1)
        if weight > 0:
            left, top = reach + right, reach + down
            neighbours = padded[..., top : top + SIDE_PX, left : left + SIDE_PX]
            dilated = torch.maximum(dilated, weight * neighbours)
    return dilated


def fade(images: Tensor, factor: float) -> Tensor:
    """Multiply the ink, which is 1 on paper that is 0."""
    return factor * images


def exchange(images: Tensor, share: float) -> Tensor:
    """Mix each image with its negative."""
    return (1 - share) * images + share * (1 - images)


def coarsen(images: Tensor, block_px: float) -> Tensor:
    """Mean grey of square blocks, of which four meet in the middle; outside the image is paper.

    A pixel that lies in several blocks takes its share of each.
    """
    half = ceil(SIDE_PX / 2 / block_px)
    tops = SIDE_PX / 2 + block_px * torch.arange(-half, half)[:, None]
    pixels = torch.arange(float(SIDE_PX))
    # (blocks, pixels): how much of each pixel lies in each block
    shared = (torch.minimum(tops + block_px, pixels + 1) - torch.maximum(tops, pixels)).clamp(0)
    return filter_rows_and_columns(images, shared.T @ shared / block_px)


def add_noise(images: Tensor, sigma: float, seed: int) -> Tensor:
    """Add normally distributed noise to each pixel."""
    noise = [
        numbers.standard_normal(images.shape[1:], dtype=np.float32)
        for numbers in generators(images, seed)
    ]
    return images + sigma * stack(noise, images)


def salt_and_pepper(images: Tensor, share: float, seed: int) -> Tensor:
    """Half of `share` of the pixels become ink, and half become paper.

    A larger share changes the pixels that a smaller one changes, and others.
    """
    places = stack(
        [
            numbers.random(images.shape[1:], dtype=np.float32)
            for numbers in generators(images, seed)
        ],
        images,
    )
    return images.masked_fill(places < share / 2, 0).masked_fill(places >= 1 - share / 2, 1)


def cover(images: Tensor, side_px: float, seed: int) -> Tensor:
    """Cover a square of each image with paper; its middle is near the centre of mass of the ink."""
    offsets = [
        numbers.uniform(-SQUARE_OFFSET_PX, SQUARE_OFFSET_PX, size=2).astype(np.float32)
        for numbers in generators(images, seed)
    ]
    ink = images[:, 0]
    pixels = torch.arange(float(SIDE_PX), device=images.device)
    # A blank image has no ink, so that the square lies near its middle.
    weights = torch.where(ink.sum((1, 2), keepdim=True) > 0, ink, torch.ones_like(ink))
    total = weights.sum((1, 2))
    rows = (weights.sum(2) * (pixels + 0.5)).sum(1) / total
    columns = (weights.sum(1) * (pixels + 0.5)).sum(1) / total
    middles = torch.stack([rows, columns], 1) + stack(offsets, images)
    starts = middles[:, :, None] - side_px / 2
    # (N, 2, 28): how much of each row and column the square covers
    ends = torch.minimum(starts + side_px, pixels + 1)
    covered = (ends - torch.maximum(starts, pixels)).clamp(0, 1)
    return images * (1 - covered[:, 0, :, None] * covered[:, 1, None, :])[:, None]


FIXED: dict[str, Callable[[Tensor, float], Tensor]] = {
    "turn": turn,
    "size": resize,
    "slant": slant,
    "stroke": change_stroke,
    "blur": gaussian_blur,
    "contrast": fade,
    "exchange": exchange,
    "coarse": coarsen,
}
RANDOM: dict[str, Callable[[Tensor, float, int], Tensor]] = {
    "noise": add_noise,
    "salt_and_pepper": salt_and_pepper,
    "square": cover,
}
