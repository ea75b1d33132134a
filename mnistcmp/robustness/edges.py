"""Canny's edge detection, the last corruption after MNIST-C; source: see `corruptions`."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mnistcmp.robustness.images import SIDE_PX, blur_within

BLUR_PX, LEAST_OF_EDGE, LEAST_OF_START = 1.0, 0.1, 0.2
SOBEL = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def canny_edges(images: Tensor) -> Tensor:
    """MNIST-C: ink only on the edges that scikit-image's Canny filter finds. So does ours.

    A blur of 1 px; Sobel gradients; a pixel is on an edge if its gradient is at least as large as
    those beside it, in the direction of the gradient, and is at least 0.1 and connected to one of
    at least 0.2. Source: J. Canny, "A computational approach to edge detection", 1986. The
    outermost pixels are on no edge.
    """
    filters = torch.stack([SOBEL, SOBEL.T])[:, None].to(images.device)
    blurred = F.pad(blur_within(images, BLUR_PX), [1] * 4, mode="replicate")
    gradients = F.conv2d(blurred, filters)
    # Rounded, so that equal gradients stay equal whatever the order of the sums.
    size = (gradients.norm(dim=1, keepdim=True) * 1e4).round() / 1e4
    inner = F.pad(torch.ones_like(size[..., 2:, 2:], dtype=torch.bool), [1] * 4)
    weak = _is_largest_across(size, gradients) & (size >= LEAST_OF_EDGE) & inner
    return _connected(weak & (size >= LEAST_OF_START), weak).float()


def _is_largest_across(size: Tensor, gradients: Tensor) -> Tensor:
    """Whether `size` (N, 1, 28, 28) is no smaller than 1 px on and 1 px back along the gradient.

    gradients: (N, 2, 28, 28), to the right and down. The places compared lie on the square of the
    eight neighbours; there, interpolation takes two of them.
    """
    steps = gradients / gradients.abs().amax(1, keepdim=True).clamp(min=1e-6)
    steps = steps.permute(0, 2, 3, 1) * 2 / SIDE_PX  # in the unit of grid_sample
    here = F.affine_grid(torch.eye(2, 3)[None], [1, 1, SIDE_PX, SIDE_PX], align_corners=False)
    largest = torch.ones_like(size, dtype=torch.bool)
    for places in (here.to(size.device) + steps, here.to(size.device) - steps):
        beside = F.grid_sample(size, places, align_corners=False)
        largest &= size >= beside - 5e-5
    return largest


def _connected(starts: Tensor, allowed: Tensor) -> Tensor:
    """Every allowed pixel that a chain of allowed neighbours connects to a start; bool tensors."""
    reached = starts
    while True:
        grown = (F.max_pool2d(reached.float(), 3, stride=1, padding=1) > 0) & allowed
        if torch.equal(grown, reached):
            return reached
        reached = grown
