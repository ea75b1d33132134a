"""A batch of images -> the same batch, each image slightly moved."""

from math import radians

import torch
import torch.nn.functional as F
from torch import Tensor

from mnistcmp.catalogue.settings import Affine, Augmentation, ShiftAndMirror


def augment(images: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Move every image of (N, C, H, W) on its own, as far as `settings` allow.

    The random numbers come from `generator` (on the CPU), so that a seed gives the same moves on
    every device.
    """
    if isinstance(settings, Affine):
        return affine(images, settings, generator)
    return shift_and_mirror(images, settings, generator)


def affine(images: Tensor, limits: Affine, generator: torch.Generator) -> Tensor:
    """Turn, move, scale and shear bilinearly; what moves in from outside is 0."""
    theta = _matrices(limits, len(images), images.shape[-2:], generator).to(images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def _matrices(limits: Affine, count: int, size: torch.Size, generator: torch.Generator) -> Tensor:
    """(count, 2, 3) matrices in affine_grid's coordinates, where an image spans -1 to 1."""
    angle, scale, shear, right, down = torch.rand(5, count, generator=generator) * 2 - 1
    angle, scale, shear = (
        radians(limits.rotate_degrees) * angle,
        1 + limits.scale * scale,
        limits.shear * shear,
    )
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    height, width = size
    # Both sides of an image span 2 here, so a px across and a px down differ by its aspect.
    aspect = height / width
    across = [cos, (cos * shear - sin) * aspect, right * limits.shift_px * 2 / width]
    downward = [sin / aspect, sin * shear + cos, down * limits.shift_px * 2 / height]
    return torch.stack([torch.stack(across, dim=1), torch.stack(downward, dim=1)], dim=1)


def shift_and_mirror(
    images: Tensor, settings: ShiftAndMirror, generator: torch.Generator
) -> Tensor:
    """Move by whole px, and mirror half of the images; what moves in is the image's own mirror."""
    count, (height, width) = len(images), images.shape[-2:]
    mirrored = torch.zeros(count, dtype=torch.long)
    if settings.mirror:
        mirrored = torch.randint(2, (count,), generator=generator)
    limit = settings.shift_px
    right, down = torch.randint(-limit, limit + 1, (2, count), generator=generator)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = 1 - 2 * mirrored, 1
    theta[:, 0, 2], theta[:, 1, 2] = right * 2 / width, down * 2 / height
    grid = F.affine_grid(theta.to(images.device), list(images.shape), align_corners=False)
    return F.grid_sample(
        images, grid, mode="nearest", padding_mode="reflection", align_corners=False
    )
