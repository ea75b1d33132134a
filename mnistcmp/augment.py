"""A batch of images -> the same batch, each image slightly moved."""

from dataclasses import dataclass
from math import radians

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Affine:
    """The largest move of an image: each part is drawn anew and evenly from -limit to +limit."""

    rotate_degrees: float = 8.0
    shift_px: float = 1.0
    scale: float = 0.05  # a share of the size
    shear: float = 0.1  # sideways px for each px of height

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Move every image of (N, C, H, W) on its own, bilinearly; what moves in is 0.

        The random numbers come from `generator` (on the CPU), so that a seed gives the same moves
        on every device.
        """
        theta = self._matrices(len(images), images.shape[-2:], generator).to(images.device)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)

    def _matrices(self, count: int, size: torch.Size, generator: torch.Generator) -> Tensor:
        """(count, 2, 3) matrices in affine_grid's coordinates, where an image spans -1 to 1."""
        angle, scale, shear, right, down = torch.rand(5, count, generator=generator) * 2 - 1
        angle, scale, shear = (
            radians(self.rotate_degrees) * angle,
            1 + self.scale * scale,
            self.shear * shear,
        )
        cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
        height, width = size
        # Both sides of an image span 2 here, so a px across and a px down differ by its aspect.
        aspect = height / width
        across = [cos, (cos * shear - sin) * aspect, right * self.shift_px * 2 / width]
        downward = [sin / aspect, sin * shear + cos, down * self.shift_px * 2 / height]
        return torch.stack([torch.stack(across, dim=1), torch.stack(downward, dim=1)], dim=1)


@dataclass(frozen=True)
class FlipAndShift:
    """For photos: mirrored or not, by chance, and moved by whole px, which blurs nothing."""

    shift_px: int = 2  # the largest, in each direction

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Move every image of (N, C, H, W) on its own; what moves in is its own mirror image.

        The random numbers come from `generator` (on the CPU), as Affine's do.
        """
        count, (height, width) = len(images), images.shape[-2:]
        mirrored = torch.randint(2, (count,), generator=generator)
        right, down = torch.randint(
            -self.shift_px, self.shift_px + 1, (2, count), generator=generator
        )
        theta = torch.zeros(count, 2, 3)
        theta[:, 0, 0], theta[:, 1, 1] = 1 - 2 * mirrored, 1
        theta[:, 0, 2], theta[:, 1, 2] = right * 2 / width, down * 2 / height
        grid = F.affine_grid(theta.to(images.device), list(images.shape), align_corners=False)
        return F.grid_sample(
            images, grid, mode="nearest", padding_mode="reflection", align_corners=False
        )
