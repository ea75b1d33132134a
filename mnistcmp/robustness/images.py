"""What dials and corruptions share: the check of images, random numbers, movements and filters."""

from collections.abc import Iterator
from math import exp
from zlib import crc32

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SIDE_PX = 28
CORRUPTION_SEED = 0  # the dials take a seed, the corruptions always use this one


def check_images(images: Tensor) -> None:
    """Raises ValueError if `images` is not float32 (N, 1, 28, 28) with values in [0, 1]."""
    expected = f"images must be a float32 tensor of shape (N, 1, {SIDE_PX}, {SIDE_PX})"
    if not isinstance(images, Tensor):
        raise ValueError(f"{expected}, not {type(images).__name__}")
    if images.dtype != torch.float32 or images.shape[1:] != (1, SIDE_PX, SIDE_PX):
        raise ValueError(f"{expected}, not {images.dtype} {tuple(images.shape)}")
    if len(images):
        lowest, highest = (float(end) for end in images.aminmax())
        if not (lowest >= 0 and highest <= 1):  # not `<` and `>`, which would accept NaN
            raise ValueError(f"pixels must be in [0, 1], not from {lowest} to {highest}")


def generators(images: Tensor, seed: int) -> Iterator[np.random.Generator]:
    """A source of random numbers for each image, which depends only on `seed` and its pixels.

    So an image gets the same numbers alone and in any batch, in any process and on any device.
    Raises ValueError if `seed` is not a whole number from 0.
    """
    if type(seed) is not int or seed < 0:
        raise ValueError(f"seed must be a whole number from 0, not {seed!r}")
    pixels = (images.detach() * 255).round().to(torch.uint8).cpu().numpy()
    return (np.random.default_rng((seed, crc32(image.tobytes()))) for image in pixels)


def stack(arrays: list[np.ndarray], images: Tensor) -> Tensor:
    """One array for each image -> a tensor (N, ...) on the device of `images`."""
    return torch.from_numpy(np.stack(arrays)).to(images.device)


def move(images: Tensor, matrices: Tensor, *, samples: int = 1) -> Tensor:
    """An affine transform with bilinear interpolation; from outside comes paper.

    matrices: (2, 3), or (N, 2, 3) with one for each image. A pixel of the result that lies at
    (x, y), in px right of and below the middle of the image, shows the place M @ (x, y, 1).
    samples: where the image shrinks, the mean of samples × samples points of each pixel is taken,
    so that no thin stroke falls between two points.
    """
    theta = matrices.reshape(-1, 2, 3).clone()
    theta[:, :, 2] /= SIDE_PX / 2  # affine_grid's unit is half the image
    size = [len(theta), 1, samples * SIDE_PX, samples * SIDE_PX]
    grid = F.affine_grid(theta.to(images.device), size, align_corners=False)
    moved = F.grid_sample(images, grid.expand(len(images), -1, -1, -1), align_corners=False)
    return F.avg_pool2d(moved, samples)


def filter_rows_and_columns(images: Tensor, matrix: Tensor) -> Tensor:
    """Apply a (28, 28) matrix to all columns of each image, and then to all rows."""
    matrix = matrix.to(images.device)
    return matrix @ images @ matrix.T


def gaussian_blur(images: Tensor, sigma_px: float) -> Tensor:
    """Gaussian blur; outside the image is paper."""
    # A product, because ** raises an error where a number is too large.
    weights = [exp(-(px / sigma_px) * (px / sigma_px) / 2) for px in range(SIDE_PX)]
    total = 2 * sum(weights) - weights[0]
    places = torch.arange(SIDE_PX)
    distances_px = (places[:, None] - places).abs()
    return filter_rows_and_columns(images, (torch.tensor(weights) / total)[distances_px])


def blur_within(images: Tensor, sigma_px: float) -> Tensor:
    """Gaussian blur whose weights are spread over the pixels within the image."""
    return gaussian_blur(images, sigma_px) / gaussian_blur(torch.ones_like(images), sigma_px)
