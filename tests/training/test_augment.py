"""Random changes of images: the limits of each, independent for each image."""

import pytest
import torch
import torch.nn.functional as F

from mnistcmp.catalogue.settings import Affine, NoiseAndContrast, ShiftAndMirror
from mnistcmp.training.augment import _matrices, add_noise_or_lower_contrast, augment

STILL = Affine(rotate_degrees=0, shift_px=0, scale=0, shear=0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=seeded(99))


def dots(count: int, height: int, width: int, *places: tuple[int, int]) -> torch.Tensor:
    """The same image `count` times: black, with a white pixel at each (row, column)."""
    images = torch.zeros(count, 1, height, width)
    for row, column in places:
        images[:, :, row, column] = 1
    return images


def centres(images: torch.Tensor) -> torch.Tensor:
    """(N, 1, H, W) -> (N, 2): row and column of each image's centre of mass."""
    places = torch.stack(
        torch.meshgrid(*map(torch.arange, images.shape[-2:]), indexing="ij"), dim=-1
    )
    return (images.squeeze(1)[..., None] * places).sum((1, 2)) / images.sum((1, 2, 3))[:, None]


@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (5, 3, 32, 32), (5, 1, 20, 24)])
def test_affine_with_zero_limits_changes_nothing(shape):
    images = random_images(*shape)
    torch.testing.assert_close(augment(images, STILL, seeded()), images, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 1, 28, 28), (9, 3, 32, 32), (9, 1, 20, 24), (1, 3, 28, 20)])
def test_affine_keeps_shape_and_range(shape):
    images = random_images(*shape).round()  # black and white: an overshoot would show
    before = images.clone()
    moved = augment(images, Affine(), seeded())
    assert moved.shape == images.shape
    assert moved.dtype == torch.float32
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert not torch.equal(moved, before)
    assert torch.equal(images, before)


def test_affine_transforms_all_channels_of_an_image_alike():
    grey = random_images(6, 1, 28, 28)
    moved = augment(grey.repeat(1, 3, 1, 1), Affine(), seeded())
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert torch.equal(moved[:, 0], moved[:, 2])


def test_affine_depends_only_on_the_generator():
    images = random_images(20, 1, 28, 28)
    torch.manual_seed(0)
    first = augment(images, Affine(), seeded(1))
    torch.manual_seed(5)
    assert torch.equal(augment(images, Affine(), seeded(1)), first)
    assert not torch.equal(augment(images, Affine(), seeded(2)), first)


def test_affine_differs_on_every_call():
    images, generator = random_images(4, 1, 28, 28), seeded()
    first, second = (augment(images, Affine(), generator) for _ in range(2))
    assert not torch.equal(first, second)


def test_affine_differs_for_every_image():
    image = random_images(1, 1, 28, 28)
    moved = augment(image.repeat(10, 1, 1, 1), Affine(), seeded()).flatten(1)
    assert torch.cdist(moved, moved).add(torch.eye(10)).min() > 0.01


@pytest.mark.parametrize("height, width", [(28, 28), (20, 24)])
@pytest.mark.parametrize("shift_px", [1.0, 3.0])
def test_shift_reaches_its_limit_in_every_direction(height, width, shift_px):
    images = dots(2000, height, width, (10, 12))
    moved = augment(images, Affine(0, shift_px, 0, 0), seeded())
    way = centres(moved) - torch.tensor([10, 12])
    assert way.abs().max() <= shift_px + 1e-4
    assert (way.amax(dim=0) > 0.98 * shift_px).all()
    assert (way.amin(dim=0) < -0.98 * shift_px).all()
    assert way.mean(dim=0).abs().max() < 0.05 * shift_px  # uniform, and independent axes:
    assert torch.corrcoef(way.T)[0, 1].abs() < 0.1


def test_shift_fills_the_edges_with_black():
    moved = augment(torch.ones(200, 1, 28, 28), Affine(0, 3, 0, 0), seeded())
    assert (moved[:, :, 3:-3, 3:-3] - 1).abs().max() < 1e-5
    assert moved.flatten(1).amin(dim=1).max() < 1  # every image has a filled edge
    assert moved.min() < 1e-5


def test_rotation_keeps_the_radius_and_reaches_its_limit():
    # A pixel 10 px to the right of the middle of 29 × 29.
    moved = augment(dots(2000, 29, 29, (14, 24)), Affine(8.0, 0, 0, 0), seeded())
    down, right = (centres(moved) - 14).T
    angles = torch.rad2deg(torch.atan2(down, right))
    assert torch.hypot(down, right) == pytest.approx(torch.full((2000,), 10.0), abs=0.1)
    assert 7.8 < angles.max() < 8.3  # interpolation is slightly inaccurate
    assert -8.3 < angles.min() < -7.8


def test_scale_is_relative_to_the_size():
    moved = augment(dots(2000, 29, 29, (14, 24)), Affine(0, 0, 0.1, 0), seeded())
    down, right = (centres(moved) - 14).T
    assert down.abs().max() < 0.01
    assert right.max() == pytest.approx(10 / 0.9, abs=0.1)
    assert right.min() == pytest.approx(10 / 1.1, abs=0.1)


def test_shear_is_in_px_sideways_per_px_of_height():
    moved = augment(dots(2000, 29, 29, (4, 14)), Affine(0, 0, 0, 0.2), seeded())
    down, right = (centres(moved) - 14).T
    assert (down + 10).abs().max() < 0.01
    assert right.max() == pytest.approx(2, abs=0.05)
    assert right.min() == pytest.approx(-2, abs=0.05)


def test_rotation_with_shear_keeps_areas():
    matrices = _matrices(Affine(30, 2, 0, 0.3), 50, (28, 28), seeded())
    torch.testing.assert_close(torch.linalg.det(matrices[:, :, :2]), torch.ones(50))


@pytest.mark.parametrize(
    "affine",
    [Affine(30, 0, 0, 0), Affine(0, 2, 0, 0), Affine(0, 0, 0.2, 0), Affine(0, 0, 0, 0.3)],
    ids=["rotate", "shift", "scale", "shear"],
)
def test_affine_treats_an_oblong_image_like_a_padded_square_one(affine):
    # Degrees and px must not depend on the aspect ratio, so a black margin must not matter.
    oblong = F.pad(random_images(8, 1, 12, 8), (4, 4, 8, 8))  # 28 × 16
    square = F.pad(oblong, (6, 6))
    expected = augment(square, affine, seeded())[..., 6:-6]
    torch.testing.assert_close(augment(oblong, affine, seeded()), expected, rtol=0, atol=1e-4)


def test_shift_and_mirror_shifts_by_whole_pixels_and_mirrors_half_of_the_images():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(400, 3, 8, 10, generator=generator)
    moved = augment(images, ShiftAndMirror(shift_px=2, mirror=True), generator)
    found = []
    for image, result in zip(images, moved, strict=True):
        padded = torch.nn.functional.pad(image, (2, 2, 2, 2), mode="replicate")
        inner = result[:, 2:-2, 2:-2]  # not affected by the padding
        found += [
            (mirrored, right - 2, down - 2)
            for mirrored in (False, True)
            for right in range(5)
            for down in range(5)
            if torch.equal(
                (padded.flip(-1) if mirrored else padded)[
                    :, down + 2 : down + 6, right + 2 : right + 8
                ],
                inner,
            )
        ]
    assert len(found) == len(images)
    assert len(set(found)) == 50  # every possible combination
    assert 160 < sum(mirrored for mirrored, *_ in found) < 240


def test_shift_and_mirror_pads_by_reflection():
    images = torch.arange(6.0).expand(300, 1, 6, 6).contiguous()
    moved = augment(images, ShiftAndMirror(shift_px=2, mirror=True), seeded())
    rows = {tuple(row) for row in moved[:, 0, 3].tolist()}
    padded = [1, 0, 0, 1, 2, 3, 4, 5, 5, 4]
    windows = {tuple(padded[start : start + 6]) for start in range(5)}
    assert rows == windows | {window[::-1] for window in windows}


def test_shift_and_mirror_leaves_no_gap_at_the_edge():
    images = torch.rand(50, 1, 8, 8) + 1
    assert augment(images, ShiftAndMirror(), torch.Generator().manual_seed(1)).min() >= 1


def test_shift_and_mirror_is_reproducible_for_a_seed():
    images = torch.rand(5, 3, 8, 8)
    one, same, other = (
        augment(images, ShiftAndMirror(), torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_shift_and_mirror_mirrors_nothing_unless_asked():
    images = torch.rand(200, 1, 8, 8)
    still = augment(images, ShiftAndMirror(shift_px=0), seeded())
    assert torch.equal(still, images)


HARD = NoiseAndContrast()
GREY = 0.5


def hardened(
    count: int, settings: NoiseAndContrast = HARD, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Grey images after the change, (K, 784) each: those with noise, the fainter, the unchanged."""
    images = torch.full((count, 1, 28, 28), GREY)
    changed = add_noise_or_lower_contrast(images, settings, seeded(seed)).flatten(1)
    noisy = (changed != changed[:, :1]).any(dim=1)
    same = (changed == GREY).all(dim=1)
    return {"noisy": changed[noisy], "faint": changed[~noisy & ~same], "same": changed[same]}


def test_a_third_of_the_images_gets_noise_another_third_lower_contrast():
    for images in hardened(30_000).values():
        assert len(images) / 30_000 == pytest.approx(1 / 3, abs=0.01)  # 3.7 standard deviations


def test_no_image_gets_both_noise_and_lower_contrast():
    # Noise around grey is symmetric, also where it is cut off at 0 and 1, so it keeps the mean.
    means = hardened(2000)["noisy"].mean(dim=1)
    assert (means - GREY).abs().max() < 0.08  # 5 standard deviations
    assert len(hardened(2000, NoiseAndContrast(share=1 / 2))["same"]) == 0


def test_noise_is_uniform_up_to_its_limit():
    noisy = hardened(3000, NoiseAndContrast(noise=0.1, share=1))["noisy"]  # too weak to be cut off
    deviations = noisy.std(dim=1)
    assert deviations.max() == pytest.approx(0.1, abs=0.01)
    assert deviations.min() < 0.002
    assert deviations.mean() == pytest.approx(0.05, abs=0.003)
    assert deviations.std() == pytest.approx(0.1 / 12**0.5, abs=0.003)


def test_contrast_is_uniform_between_its_limit_and_1():
    factors = hardened(9000)["faint"][:, 0] / GREY
    assert 0.1 <= factors.min() < 0.11
    assert 0.99 < factors.max() <= 1
    assert factors.mean() == pytest.approx(0.55, abs=0.02)
    assert factors.std() == pytest.approx(0.9 / 12**0.5, abs=0.01)


@pytest.mark.parametrize("shape", [(60, 1, 28, 28), (60, 3, 20, 24)])
def test_noise_and_contrast_keep_shape_and_range(shape):
    images = random_images(*shape)
    before = images.clone()
    changed = add_noise_or_lower_contrast(images, HARD, seeded())
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert changed.min() == 0  # noise is cut off
    assert changed.max() == 1
    assert torch.equal(images, before)


def test_noise_and_contrast_come_from_the_generator():
    images = random_images(50, 1, 28, 28)
    first = add_noise_or_lower_contrast(images, HARD, seeded(1))
    torch.rand(5)  # the state of the global generator must not matter
    assert torch.equal(add_noise_or_lower_contrast(images, HARD, seeded(1)), first)
    assert not torch.equal(add_noise_or_lower_contrast(images, HARD, seeded(2)), first)


def test_noise_differs_between_pixels_and_images():
    noisy = hardened(60)["noisy"]
    assert len(noisy.unique(dim=0)) == len(noisy)
    assert (noisy.std(dim=1) > 0).all()
