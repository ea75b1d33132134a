"""Random changes of each image in a batch: small transformations, noise and lower contrast."""

from math import radians

import torch
import torch.nn.functional as F
from torch import Tensor

from mnistcmp.catalogue.settings import Affine, Augmentation, NoiseAndContrast, ShiftAndMirror


def augment(images: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Transform every image of (N, C, H, W) independently, within the limits of `settings`.

    The random numbers come from `generator` (on the CPU), so a seed gives the same transformations
    on every device.
    """
    if isinstance(settings, Affine):
        return affine(images, settings, generator)
    return shift_and_mirror(images, settings, generator)


def affine(images: Tensor, limits: Affine, generator: torch.Generator) -> Tensor:
    """Rotate, shift, scale and shear with bilinear interpolation; pixels from outside are 0."""
    theta = _matrices(limits, len(images), images.shape[-2:], generator).to(images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def _matrices(limits: Affine, count: int, size: torch.Size, generator: torch.Generator) -> Tensor:
    """(count, 2, 3) matrices in the coordinates of affine_grid, where an image spans -1 to 1."""
    angle, scale, shear, right, down = torch.rand(5, count, generator=generator) * 2 - 1
    angle, scale, shear = (
        radians(limits.rotate_degrees) * angle,
        1 + limits.scale * scale,
        limits.shear * shear,
    )
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    height, width = size
    # Both sides of an image span 2 here, so the units of x and y differ by its aspect ratio.
    aspect = height / width
    across = [cos, (cos * shear - sin) * aspect, right * limits.shift_px * 2 / width]
    downward = [sin / aspect, sin * shear + cos, down * limits.shift_px * 2 / height]
    return torch.stack([torch.stack(across, dim=1), torch.stack(downward, dim=1)], dim=1)


def shift_and_mirror(
    images: Tensor, settings: ShiftAndMirror, generator: torch.Generator
) -> Tensor:
    """Shift by whole pixels and mirror half of the images; the edges are padded by reflection."""
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


def add_noise_or_lower_contrast(
    images: Tensor, settings: NoiseAndContrast, generator: torch.Generator
) -> Tensor:
    """Add Gaussian noise to some images of (N, C, H, W), lower the contrast of others.

    Pixels in [0, 1] stay in [0, 1]. The random numbers come from `generator`, as in `augment`.
    """
    choice, noise, contrast = torch.rand(3, len(images), 1, 1, 1, generator=generator)
    noisy = choice < settings.share
    faint = (choice >= settings.share) & (choice < 2 * settings.share)
    noise = torch.where(noisy, settings.noise * noise, 0)
    contrast = torch.where(faint, 1 - (1 - settings.contrast) * contrast, 1)
    added = noise * torch.randn(images.shape, generator=generator)
    return (images * contrast.to(images.device) + added.to(images.device)).clamp(0, 1)
