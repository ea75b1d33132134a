"""The corruptions after MNIST-C: the pictures they make of real digits."""

import numpy as np
import pytest
import torch

from mnistcmp.catalogue.corruptions import CORRUPTIONS
from mnistcmp.checkpoints import load
from mnistcmp.robustness import overlays
from mnistcmp.robustness.corruptions import FUNCTIONS, corrupt
from mnistcmp.robustness.edges import canny_edges
from mnistcmp.robustness.images import CORRUPTION_SEED, gaussian_blur, generators

every_corruption = pytest.mark.parametrize("name", CORRUPTIONS)


def test_every_corruption_of_the_catalogue_has_a_function():
    assert list(FUNCTIONS) == list(CORRUPTIONS)


@every_corruption
def test_result_is_an_image_in_range_that_differs(name, digits):
    before = digits.clone()
    changed = corrupt(digits, name)
    assert torch.equal(digits, before)
    assert changed.dtype == torch.float32
    assert changed.shape == digits.shape
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    assert ((changed - digits).flatten(1).norm(dim=1) > 1).all()


@every_corruption
def test_picture_of_an_image_is_the_same_alone_in_a_batch_and_again(name, digits):
    changed = corrupt(digits, name)
    assert torch.equal(corrupt(digits, name), changed)
    alone = torch.cat([corrupt(image[None], name) for image in digits])
    torch.testing.assert_close(alone, changed, atol=1e-5, rtol=0)
    backwards = corrupt(digits.flip(0), name).flip(0)
    torch.testing.assert_close(backwards, changed, atol=1e-5, rtol=0)


@every_corruption
def test_blank_image_and_empty_batch_are_accepted(name, digits):
    blank = corrupt(torch.zeros(1, 1, 28, 28), name)
    assert blank.isfinite().all()
    assert corrupt(digits[:0], name).shape == (0, 1, 28, 28)


@pytest.mark.parametrize(
    "name, images, problem",
    [
        ("frost", torch.zeros(1, 1, 28, 28), "no corruption 'frost': choose from shot_noise"),
        ("fog", torch.zeros(1, 28, 28), r"not torch.float32 \(1, 28, 28\)"),
        ("fog", torch.full((1, 1, 28, 28), 2.0), "not from 2.0 to 2.0"),
    ],
)
def test_bad_input_raises_with_the_value(name, images, problem):
    with pytest.raises(ValueError, match=problem):
        corrupt(images, name)


def test_shot_noise_keeps_paper_and_counts_in_thirds():
    half = torch.full((20, 1, 28, 28), 0.5)
    half += torch.arange(20.0)[:, None, None, None] / 255  # other pixels, other numbers
    counts = FUNCTIONS["shot_noise"](half) * 3
    torch.testing.assert_close(counts, counts.round(), atol=1e-5, rtol=0)
    expected = 3 * half.mean()
    assert float(counts.mean()) == pytest.approx(float(expected), rel=0.03)
    assert float(counts.var()) == pytest.approx(float(expected), rel=0.06)
    assert float(corrupt(torch.zeros(1, 1, 28, 28), "shot_noise").max()) == 0


def test_impulse_noise_changes_17_percent(digits):
    grey = 0.3 + 0.4 * digits
    changed = corrupt(grey, "impulse_noise") != grey
    assert float(changed.float().mean()) == pytest.approx(0.17, abs=0.01)


def test_glass_blur_keeps_the_ink_and_moves_it_by_little(digits):
    changed = corrupt(digits, "glass_blur")
    torch.testing.assert_close(changed.sum((1, 2, 3)), digits.sum((1, 2, 3)), atol=0, rtol=0.01)
    point = torch.zeros(1, 1, 28, 28)
    point[..., 14, 14] = 1
    spread = corrupt(point, "glass_blur")[0, 0]
    # A pixel may be taken along, to the left and above, and little to the right and below.
    assert float(spread[4:18, 4:18].sum()) == pytest.approx(1, abs=0.02)


def test_glass_blur_lets_pixels_change_places_twice_between_two_blurs(digits):
    image = digits[:1]
    (numbers,) = generators(image, CORRUPTION_SEED)
    pixels = gaussian_blur(image, 0.7)[0, 0].numpy().copy()
    for choices in numbers.integers(8, size=(2, 26, 26), dtype=np.uint8):
        for row in range(27, 1, -1):
            for column in range(27, 1, -1):
                moves, left, up = np.unpackbits(choices[row - 2, column - 2], bitorder="little")[:3]
                here, there = (row, column), (row - moves * up, column - moves * left)
                pixels[here], pixels[there] = pixels[there], pixels[here]
    expected = gaussian_blur(torch.tensor(pixels)[None, None], 0.7)
    torch.testing.assert_close(corrupt(image, "glass_blur"), expected, atol=1e-6, rtol=0)


def test_fog_is_scaled_by_the_strongest_ink_of_the_image(digits):
    faint = digits[:1] / 2
    (numbers,) = generators(faint, CORRUPTION_SEED)
    clouds, strongest = torch.tensor(overlays._clouds(numbers)), faint.max()
    expected = (faint + 3 * clouds) * strongest / (strongest + 3)
    torch.testing.assert_close(corrupt(faint, "fog"), expected, atol=1e-6, rtol=0)


def test_mud_covers_from_four_fifths_upwards():
    covered = corrupt(torch.zeros(1, 1, 28, 28), "spatter") / (63 / 255)
    assert 0.8 <= float(covered[covered > 0].min()) < 0.85


def test_motion_blur_smears_a_point_along_a_line_to_one_side():
    points = torch.zeros(12, 1, 28, 28)
    points[:, :, 14, 14] = torch.linspace(0.5, 1, 12)[:, None]
    smeared = FUNCTIONS["motion_blur"](points)
    torch.testing.assert_close(smeared.sum((1, 2, 3)), points.sum((1, 2, 3)), atol=0, rtol=0.01)
    ink = smeared[:, 0] / smeared.sum((2, 3))[..., None]
    columns = (ink.sum(1) * torch.arange(28.0)).sum(1) - 14
    rows = (ink.sum(2) * torch.arange(28.0)).sum(1) - 14
    # The mean of half a Gaussian of 3 px, in whole pixels from 0, is 2.09 px away.
    torch.testing.assert_close(
        torch.hypot(columns, rows), torch.full((12,), 2.09), atol=0.05, rtol=0
    )
    assert (columns < 0).all()
    assert (rows.abs() <= columns.abs() + 1e-3).all()
    assert float(rows.min()) < -0.3 < 0.3 < float(rows.max())


@pytest.mark.parametrize(
    ("name", "growth"), [("shear", 1 / np.cos(0.4)), ("rotate", 1), ("scale", 0.7**2)]
)
def test_amount_of_ink_changes_with_the_size_of_the_digit(name, growth):
    bar = torch.zeros(1, 1, 28, 28)
    bar[..., 9:19, 12:16] = 1
    changed = FUNCTIONS[name](bar)
    assert float(changed.sum() / bar.sum()) == pytest.approx(growth, abs=0.02)


@pytest.mark.parametrize("name", ["shear", "rotate"])
def test_direction_is_random_and_of_one_strength(name, digits):
    """A bar's upper end moves by the same distance to either side."""
    bars = torch.zeros(16, 1, 28, 28)
    bars[:, :, 4:24, 13:15] = torch.linspace(0.5, 1, 16)[:, None, None, None]
    changed = corrupt(bars, name)[:, 0, 7]
    middles = (changed * torch.arange(28.0)).sum(1) / changed.sum(1) - 13.5
    slope = {"shear": np.sin(0.4), "rotate": np.tan(0.4)}[name]
    torch.testing.assert_close(middles.abs(), torch.full((16,), 6.5 * slope), atol=0.05, rtol=0)
    assert {-1.0, 1.0} == set(middles.sign().tolist())


def test_scale_shrinks_to_seven_tenths():
    patch = torch.zeros(1, 1, 28, 28)
    patch[..., 4:24, 4:24] = 1
    assert float(corrupt(patch, "scale").sum()) == pytest.approx(14**2, rel=0.02)


def test_brightness_adds_half(digits):
    torch.testing.assert_close(corrupt(digits, "brightness"), (digits + 0.5).clamp(max=1))


def test_translate_moves_3_px_both_ways_to_all_four_corners():
    patches = torch.zeros(32, 1, 28, 28)
    patches[:, :, 12:16, 12:16] = torch.linspace(0.4, 1, 32)[:, None, None, None]
    moved = corrupt(patches, "translate")[:, 0]
    corners = set()
    for image in moved:
        rows, columns = torch.nonzero(image > 0.3, as_tuple=True)
        corners.add((int(rows.min()) - 12, int(columns.min()) - 12))
    assert corners == {(3, 3), (3, -3), (-3, 3), (-3, -3)}


def test_stripe_makes_seven_columns_on_each_side_negative(digits):
    changed = corrupt(digits, "stripe")
    for columns in (slice(0, 7), slice(21, 28)):
        torch.testing.assert_close(changed[..., columns], 1 - digits[..., columns])
    assert torch.equal(changed[..., 7:21], digits[..., 7:21])


def test_fog_is_smooth_bright_and_leaves_a_quarter_of_the_contrast(digits):
    foggy = overlays.fog(digits)
    fog = foggy - digits / 4  # the maximum of these digits is 1, or almost
    steps = fog.diff(dim=2).abs().mean()
    assert float(fog.std(dim=(2, 3)).mean()) > 3 * float(steps)
    assert 0.2 < float(fog.mean()) < 0.6
    assert float(fog.min()) >= -0.01
    assert float(fog.max()) <= 0.76


def test_spatter_covers_part_of_the_image_with_dark_grey(digits):
    white = torch.ones_like(digits) - digits / 255
    muddy = corrupt(white, "spatter")
    covered = (muddy < 0.9).float().mean()
    assert 0.1 < float(covered) < 0.5
    assert float(muddy.min()) == pytest.approx(63 / 255, abs=0.02)


def test_dotted_line_has_dashes_of_two_columns(digits):
    changed = corrupt(digits, "dotted_line")
    added = (changed - digits).amax((0, 1, 2))
    assert [float(ink) > 0 for ink in added] == [
        column % 4 >= 2 and column < 27 for column in range(28)
    ]
    assert (changed >= digits).all()


def test_zigzag_goes_up_and_down_between_columns_2_and_24():
    blank = torch.linspace(0, 0.1, 12)[:, None, None, None].expand(12, 1, 28, 28).contiguous()
    ink = (corrupt(blank, "zigzag") - blank).amax((0, 1, 2))
    assert [column for column in range(28) if ink[column] > 0.05] == list(range(2, 25))
    numbers = np.random.default_rng(0)
    for _ in range(20):
        heights = overlays._zigzag_heights(numbers)[3:25]
        turns = np.count_nonzero(np.diff(np.sign(np.diff(heights))))
        assert turns >= 5
        straight = np.polyval(np.polyfit(np.arange(22), heights, 1), np.arange(22))
        assert 1.5 < np.abs(heights - straight).max() < 2.6


def test_canny_edges_are_the_outline_of_a_patch():
    patch = torch.zeros(1, 1, 28, 28)
    patch[..., 8:20, 8:20] = 1
    edges = canny_edges(patch)[0, 0]
    assert set(edges.unique().tolist()) == {0, 1}
    rows, columns = torch.nonzero(edges, as_tuple=True)
    on_outline = torch.stack([rows, columns, 27 - rows, 27 - columns]).amin(0)
    assert set(on_outline.tolist()) <= {7, 8, 9}
    assert float(edges[10:18, 10:18].sum()) == 0
    # Closed: the paper within the outline is not connected to the paper outside.
    assert (edges[:, 14] > 0).nonzero().min() in (7, 8)


def test_canny_edges_are_kept_where_faint_only_if_connected_to_strong_ones():
    bar = torch.zeros(1, 1, 28, 28)
    bar[..., 10:18, 4:24] = 0.045  # the gradient at its edges lies between the two thresholds
    assert canny_edges(bar).sum() == 0
    bar[..., 10:18, 4:24] = torch.linspace(0.045, 0.1, 20)
    upper_edge = canny_edges(bar)[0, 0, 8:12, 7:21].amax(0)
    assert upper_edge.tolist() == [1.0] * 14


def test_canny_edges_leave_out_the_border():
    bright = torch.full((1, 1, 28, 28), 0.5)
    assert canny_edges(bright).sum() == 0
    bright[..., 14:] = 1
    edges = canny_edges(bright)[0, 0]
    assert edges[0].sum() == edges[27].sum() == 0
    assert (edges[1:27, 12:16].sum(1) > 0).all()


# The least share of forty digits that strong_cnn must still read, well below what it reads: digits
# are meant to stay readable.
FLOORS = {
    "shot_noise": 0.9,
    "impulse_noise": 0.8,
    "glass_blur": 0.85,
    "motion_blur": 0.85,
    "shear": 0.9,
    "scale": 0.9,
    "rotate": 0.85,
    "brightness": 0.65,
    "translate": 0.65,
    "stripe": 0.65,
    "fog": 0.4,
    "spatter": 0.9,
    "dotted_line": 0.9,
    "zigzag": 0.65,
    "canny_edges": 0.45,
}


@every_corruption
def test_strong_cnn_still_reads_the_digits(name, labelled_digits):
    images, labels = labelled_digits
    with torch.inference_mode():
        answers = load("strong_cnn", "tuned")(corrupt(images, name)).argmax(1)
    assert float((answers == labels).float().mean()) >= FLOORS[name]
