"""Fifteen corruptions after MNIST-C, at its default strengths, in our own code.

Source: N. Mu and J. Gilmer, "MNIST-C: A robustness benchmark for computer vision", 2019,
arXiv:1906.02337; strengths: corruptions.py in github.com/google-research/mnist-c. Each function
says what MNIST-C does and where this one may differ. For all of them: MNIST-C draws its random
numbers one image after another and stores whole grey levels, while here an image's random numbers
depend only on its pixels, and fractions of a grey level are kept.
"""

from collections.abc import Callable
from math import cos, exp, radians, sin

import numpy as np
import torch
from torch import Tensor

from mnistcmp.catalogue.corruptions import find_corruption
from mnistcmp.robustness import dials
from mnistcmp.robustness.edges import canny_edges
from mnistcmp.robustness.images import (
    CORRUPTION_SEED,
    SIDE_PX,
    check_images,
    gaussian_blur,
    generators,
    move,
    stack,
)
from mnistcmp.robustness.overlays import dotted_line, fog, spatter, zigzag

# Motion blur: weights fall by a Gaussian with this standard deviation, and end at four times it.
MOTION_SIGMA_PX, MOTION_END_PX = 3, 12
GLASS_SIGMA_PX, GLASS_ROUNDS = 0.7, 2


def corrupt(images: Tensor, name: str) -> Tensor:
    """Corrupt images: float32 (N, 1, 28, 28) in [0, 1] -> a new tensor of the same kind.

    An image's result is always the same, alone and in any batch. Raises ValueError if the name is
    unknown or the images are not of this kind.
    """
    check_images(images)
    find_corruption(name)
    if not len(images):
        return images.clone()
    return FUNCTIONS[name](images).clamp(0, 1)


def shot_noise(images: Tensor) -> Tensor:
    """MNIST-C: each pixel x becomes a Poisson number with mean 3 x, divided by 3. So does ours."""
    drawn = [
        numbers.poisson(3 * image).astype(np.float32) / 3
        for image, numbers in zip(
            images.cpu().numpy(), generators(images, CORRUPTION_SEED), strict=True
        )
    ]
    return stack(drawn, images)


def impulse_noise(images: Tensor) -> Tensor:
    """MNIST-C: 17 % of the pixels become 0 or 1 with equal probability. So does ours."""
    return dials.salt_and_pepper(images, 0.17, CORRUPTION_SEED)


def glass_blur(images: Tensor) -> Tensor:
    """Neighbouring pixels change places between two blurs.

    MNIST-C: a Gaussian blur of 0.7 px; then, twice, from the lower right to the upper left, each
    pixel changes places with probability 1/2 with one at most 1 px to its left and above; then the
    blur again. Ours does not round to whole grey levels after the first blur.
    """
    inner = SIDE_PX - 2  # MNIST-C omits two rows and columns at the upper and left side
    # Bit 0: whether a pixel changes places; bits 1 and 2: whether one further left and up.
    choices = np.stack(
        [
            numbers.integers(8, size=(GLASS_ROUNDS, inner, inner), dtype=np.uint8)
            for numbers in generators(images, CORRUPTION_SEED)
        ],
        axis=-1,
    )
    blurred = gaussian_blur(images, GLASS_SIGMA_PX).reshape(len(images), -1)
    pixels = blurred.cpu().numpy().T.copy()  # (784, N): a step takes one place of all images
    image = np.arange(len(images))
    for turn in range(GLASS_ROUNDS):
        for row in range(SIDE_PX - 1, 1, -1):
            for column in range(SIDE_PX - 1, 1, -1):
                choice = choices[turn, row - 2, column - 2].astype(int)
                here = row * SIDE_PX + column
                there = here - (choice & 1) * ((choice >> 1 & 1) + (choice >> 2) * SIDE_PX)
                moved = pixels[there, image]
                pixels[there, image] = pixels[here]
                pixels[here] = moved
    shuffled = torch.from_numpy(np.ascontiguousarray(pixels.T)).to(images.device)
    return gaussian_blur(shuffled.reshape(images.shape), GLASS_SIGMA_PX)


def motion_blur(images: Tensor) -> Tensor:
    """Smear along one direction.

    MNIST-C: ImageMagick's motion blur with radius 10 px and sigma 3 px: a pixel becomes the mean of
    itself and those that follow in one direction, between -45° and 45° from the horizontal, with
    the weights of half a Gaussian. Ours takes places between pixels by interpolation, where
    ImageMagick takes the nearest pixel, and ends at 12 px.
    """
    angles = [radians(numbers.uniform(-45, 45)) for numbers in generators(images, CORRUPTION_SEED)]
    across, down = torch.tensor([[cos(angle), sin(angle)] for angle in angles]).T
    weights = [exp(-(px**2) / (2 * MOTION_SIGMA_PX**2)) for px in range(MOTION_END_PX + 1)]
    smeared = torch.zeros_like(images)
    for px, weight in enumerate(weights):
        smeared += weight / sum(weights) * move(images, _shifts(px * across, px * down))
    return smeared


def shear(images: Tensor) -> Tensor:
    """MNIST-C: sheared by 0.4 rad in a random direction, bilinear. So does ours.

    As in the scikit-image of that time, the digit also becomes taller, by 1 / cos(0.4) or 9 %.
    """
    sines, cosines = sin(0.4) * _signs(images, 1)[:, 0], torch.full((len(images),), cos(0.4))
    return move(images, _matrices(torch.ones_like(sines), -sines, 0 * sines, cosines))


def scale(images: Tensor) -> Tensor:
    """MNIST-C: shrunk to 0.7 of its size about the middle, bilinear. So does ours."""
    return move(images, torch.tensor([[1 / 0.7, 0, 0], [0, 1 / 0.7, 0]]))


def rotate(images: Tensor) -> Tensor:
    """MNIST-C: turned by 0.4 rad (23°) in a random direction, bilinear. So does ours."""
    sines = sin(0.4) * _signs(images, 1)[:, 0]
    cosines = torch.full_like(sines, cos(0.4))
    return move(images, _matrices(cosines, -sines, sines, cosines))


def brightness(images: Tensor) -> Tensor:
    """MNIST-C: 0.5 is added to the value of each pixel, with 1 as the maximum. So does ours."""
    return images + 0.5


def translate(images: Tensor) -> Tensor:
    """MNIST-C: moved by 3 px across and 3 px down or up, in random directions. So does ours."""
    across, down = 3 * _signs(images, 2).T
    return move(images, _shifts(across, down))


def stripe(images: Tensor) -> Tensor:
    """MNIST-C: the 7 columns at the left and the 7 at the right become negative. So does ours."""
    striped = images.clone()
    for columns in (slice(0, 7), slice(21, 28)):
        striped[..., columns] = 1 - striped[..., columns]
    return striped


def _signs(images: Tensor, count: int) -> Tensor:
    """`count` random signs for each image: float32 (N, count) of -1 and 1, on the CPU."""
    signs = [numbers.choice([-1.0, 1.0], count) for numbers in generators(images, CORRUPTION_SEED)]
    return torch.tensor(np.stack(signs), dtype=torch.float32)


def _matrices(xx: Tensor, xy: Tensor, yx: Tensor, yy: Tensor) -> Tensor:
    """(N,) each -> (N, 2, 3) for `move`, without a shift."""
    none = torch.zeros_like(xx)
    return torch.stack([torch.stack([xx, xy, none], 1), torch.stack([yx, yy, none], 1)], 1)


def _shifts(across_px: Tensor, down_px: Tensor) -> Tensor:
    """(N,) each -> (N, 2, 3) for `move`: a pixel shows the place this far right of and below it."""
    matrices = torch.eye(2, 3).repeat(len(across_px), 1, 1)
    matrices[:, 0, 2], matrices[:, 1, 2] = across_px, down_px
    return matrices


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "glass_blur": glass_blur,
    "motion_blur": motion_blur,
    "shear": shear,
    "scale": scale,
    "rotate": rotate,
    "brightness": brightness,
    "translate": translate,
    "stripe": stripe,
    "fog": fog,
    "spatter": spatter,
    "dotted_line": dotted_line,
    "zigzag": zigzag,
    "canny_edges": canny_edges,
}
