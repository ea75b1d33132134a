"""What dials and corruptions share: the check of images, random numbers, movements, filters."""

import numpy as np
import pytest
import torch

from mnistcmp.robustness.images import check_images, gaussian_blur, generators, move

BLANK = torch.zeros(2, 1, 28, 28)


def with_pixel(value: float) -> torch.Tensor:
    images = BLANK.clone()
    images[1, 0, 5, 5] = value
    return images


@pytest.mark.parametrize(
    "images, problem",
    [
        (BLANK.numpy(), "not ndarray"),
        (BLANK[:, 0], r"not torch.float32 \(2, 28, 28\)"),
        (BLANK[..., :27], r"\(2, 1, 28, 27\)"),
        (torch.tensor(0.5), r"not torch.float32 \(\)"),
        (BLANK.double(), "not torch.float64"),
        (BLANK.to(torch.uint8), "not torch.uint8"),
        (with_pixel(float("nan")), r"in \[0, 1\], not from nan to nan"),
        (with_pixel(float("inf")), "not from 0.0 to inf"),
        (with_pixel(1.5), "not from 0.0 to 1.5"),
        (with_pixel(-0.5), "not from -0.5 to 0.0"),
    ],
)
def test_check_raises_for_what_is_no_image(images, problem):
    with pytest.raises(ValueError, match=problem):
        check_images(images)


def test_check_accepts_images_and_an_empty_batch():
    check_images(with_pixel(1.0))
    check_images(BLANK[:0])


def first_numbers(images: torch.Tensor, seed: int) -> list[float]:
    return [numbers.random() for numbers in generators(images, seed)]


def test_random_numbers_depend_on_the_seed_and_the_pixels_only(digits):
    numbers = first_numbers(digits, 0)
    assert len(set(numbers)) == len(digits)
    assert first_numbers(digits[7:9], 0) == numbers[7:9]
    assert first_numbers(digits.flip(0), 0) == numbers[::-1]
    assert not set(numbers) & set(first_numbers(digits, 1))


def test_random_numbers_stay_the_same_in_other_processes():
    # Recorded results rest on these numbers.
    assert first_numbers(BLANK[:1], 3) == pytest.approx([0.2026205924918073], abs=1e-12)


@pytest.mark.parametrize("seed", [-1, 0.5, True, None, "0"])
def test_random_numbers_raise_for_a_bad_seed(seed):
    with pytest.raises(ValueError, match=f"seed must be a whole number from 0, not {seed!r}"):
        generators(BLANK, seed)


def test_move_shows_the_place_that_the_matrix_names(digits):
    moved = move(digits, torch.tensor([[1.0, 0, 3], [0, 1, -2]]))
    expected = torch.zeros_like(digits)
    expected[..., 2:, :25] = digits[..., :26, 3:]
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)


def test_move_takes_one_matrix_for_each_image(digits):
    left = torch.tensor([[1.0, 0, 3], [0, 1, 0]])
    matrices = torch.stack([torch.eye(2, 3), left])
    moved = move(digits[:2], matrices)
    torch.testing.assert_close(moved[:1], digits[:1], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[1:], move(digits[1:2], left), atol=1e-5, rtol=0)


def test_move_with_samples_keeps_the_ink_of_a_thin_line():
    line = BLANK[:1].clone()
    line[..., 14] = 1
    shrink = torch.tensor([[4.0, 0, 0], [0, 4, 0]])
    ink = [float(move(line, shrink, samples=samples).sum()) for samples in (1, 4)]
    assert ink[1] == pytest.approx(28 / 16, rel=0.05)
    assert abs(ink[0] - 28 / 16) > 0.5


def test_blur_keeps_the_ink_and_has_the_given_standard_deviation():
    point = BLANK[:1].clone()
    point[..., 14, 13] = 1
    blurred = gaussian_blur(point, 2.0)[0, 0].double()
    assert float(blurred.sum()) == pytest.approx(1, abs=1e-3)
    places = torch.arange(28.0, dtype=torch.double)
    for axis, middle in ((0, 14), (1, 13)):
        profile = blurred.sum(1 - axis)
        assert float((profile * (places - middle)).sum()) == pytest.approx(0, abs=1e-3)
        variance = float((profile * (places - middle) ** 2).sum())
        assert np.sqrt(variance) == pytest.approx(2, abs=0.02)


def test_blur_by_almost_nothing_changes_nothing(digits):
    torch.testing.assert_close(gaussian_blur(digits, 1e-200), digits)
