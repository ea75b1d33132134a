"""The dials: the pictures they make of real digits."""

from itertools import pairwise
from math import nan

import pytest
import torch
from torch import Tensor

from mnistcmp.catalogue.corruptions import DIALS, SHIFT_DIRECTIONS
from mnistcmp.robustness import dials
from mnistcmp.robustness.dials import apply

RANDOM = [name for name, dial in DIALS.items() if dial.random]
# With these, each single image moves farther from the clean one with every level. With others, a
# moved stroke may fall on another stroke.
GROWS_FOR_EACH_IMAGE = ("stroke", "noise", "salt_and_pepper", "contrast", "exchange", "square")
# Beyond these levels the distance stays about the same or falls, because ink leaves the image or
# shrinks to little.
DISTANCE_GROWS_WITHIN = {"shift": (0, 8), "size": (0.5, 2)}

every_dial = pytest.mark.parametrize("name", DIALS)
every_level = pytest.mark.parametrize(
    "name, level", [(dial.name, level) for dial in DIALS.values() for level in dial.ladder]
)


def distances(images: Tensor, changed: Tensor) -> Tensor:
    """L2 norm of the change of each image, (N,)."""
    return (changed - images).flatten(1).norm(dim=1)


def middle_of_ink(image: Tensor) -> tuple[float, float]:
    """Column and row of the centre of mass of one image (1, 28, 28)."""
    places = torch.arange(28.0)
    ink = image[0] / image.sum()
    return float((ink.sum(0) * places).sum()), float((ink.sum(1) * places).sum())


@every_dial
def test_rest_changes_nothing_and_gives_a_new_tensor(name, digits):
    same = apply(digits, name, DIALS[name].rest, seed=3)
    assert torch.equal(same, digits)
    assert same.data_ptr() != digits.data_ptr()


@every_level
def test_result_is_an_image_in_range_that_differs(name, level, digits):
    before = digits.clone()
    changed = apply(digits, name, level)
    assert torch.equal(digits, before)
    assert changed.dtype == torch.float32
    assert changed.shape == digits.shape
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    differ = (distances(digits, changed) > 0).float().mean()
    # A small square may lie on blank paper.
    assert float(differ) >= (0.7 if name == "square" else 1)


@every_level
def test_picture_of_an_image_is_the_same_alone_in_a_batch_and_again(name, level, digits):
    changed = apply(digits, name, level, seed=2)
    assert torch.equal(apply(digits, name, level, seed=2), changed)
    alone = torch.cat([apply(image[None], name, level, seed=2) for image in digits])
    torch.testing.assert_close(alone, changed, atol=1e-6, rtol=0)
    backwards = apply(digits.flip(0), name, level, seed=2).flip(0)
    torch.testing.assert_close(backwards, changed, atol=1e-6, rtol=0)


@every_dial
def test_seed_matters_only_for_random_dials(name, digits):
    level = DIALS[name].ladder[0]
    pictures = [apply(digits, name, level, seed=seed) for seed in (0, 1)]
    assert torch.equal(*pictures) != DIALS[name].random


@every_dial
def test_distance_grows_with_the_level(name, digits):
    for side in DIALS[name].sides:
        lowest, highest = DISTANCE_GROWS_WITHIN.get(name, (side[0], side[-1]))
        levels = [level for level in side if min(lowest, highest) <= level <= max(lowest, highest)]
        of_levels = torch.stack([distances(digits, apply(digits, name, level)) for level in levels])
        means = of_levels.mean(1)
        assert means[0] > 0
        assert (means.diff() > 0).all(), means
        if name in GROWS_FOR_EACH_IMAGE:
            assert (of_levels.diff(dim=0) >= 0).all()


def test_turn_is_clockwise():
    right = torch.zeros(1, 1, 28, 28)
    right[..., 13:15, 20:28] = 1  # a hand that points to the right
    column, row = middle_of_ink(apply(right, "turn", 90)[0])
    assert (column, row) == pytest.approx((13.5, 23.5), abs=0.1)
    column, row = middle_of_ink(apply(right, "turn", -90)[0])
    assert (column, row) == pytest.approx((13.5, 3.5), abs=0.1)


@pytest.mark.parametrize(
    "direction, signs", [*zip(SHIFT_DIRECTIONS, [(1, 0), (0, 1), (-1, 0), (0, -1)], strict=True)]
)
@pytest.mark.parametrize("distance_px", [1, 2.5, 6])
def test_shift_moves_by_its_level_in_its_direction(direction, signs, distance_px):
    patch = torch.zeros(1, 1, 28, 28)
    patch[..., 12:16, 12:16] = 1
    column, row = middle_of_ink(apply(patch, "shift", distance_px, direction=direction)[0])
    expected = [13.5 + sign * distance_px for sign in signs]
    assert (column, row) == pytest.approx(expected, abs=1e-3)


def test_shift_by_whole_pixels_keeps_the_picture(digits):
    moved = apply(digits, "shift", 9)
    torch.testing.assert_close(moved[..., 9:], digits[..., :-9], atol=1e-5, rtol=0)
    assert float(moved[..., :9].max()) < 1e-4


@pytest.mark.parametrize("factor", [0.3, 0.5, 0.9, 1.4])
def test_size_changes_the_extent_and_keeps_the_middle(factor):
    patch = torch.zeros(1, 1, 28, 28)
    patch[..., 4:24, 4:24] = 1
    changed = apply(patch, "size", factor)
    assert float(changed.sum()) == pytest.approx((20 * factor) ** 2, rel=0.05)
    assert middle_of_ink(changed[0]) == pytest.approx((13.5, 13.5), abs=1e-3)


def test_small_size_keeps_the_ink_of_a_thin_stroke():
    line = torch.zeros(1, 1, 28, 28)
    line[..., 14] = 1
    assert float(apply(line, "size", 0.3).sum()) == pytest.approx(28 * 0.3**2, rel=0.05)


def test_slant_to_the_right_moves_the_upper_part_to_the_right():
    bar = torch.zeros(1, 1, 28, 28)
    bar[..., 4:24, 13:15] = 1
    slanted = apply(bar, "slant", 0.4)[0, 0]
    middles = (slanted * torch.arange(28.0)).sum(1) / slanted.sum(1).clamp(min=1e-6)
    assert float(middles[4]) == pytest.approx(13.5 + 0.4 * 9.5, abs=0.05)
    assert float(middles[23]) == pytest.approx(13.5 - 0.4 * 9.5, abs=0.05)


def test_stroke_moves_the_edges_by_its_level():
    bar = torch.zeros(1, 1, 28, 28)
    bar[..., 10:16] = 1  # 6 px wide
    for level, width_px in ((-1.5, 3), (-1, 4), (-0.25, 5.5), (0.5, 7), (2, 10), (4, 14)):
        assert float(apply(bar, "stroke", level)[0, 0, 14].sum()) == pytest.approx(width_px)


def test_thinner_strokes_lose_their_edge_at_the_border_too():
    thinner = apply(torch.ones(1, 1, 28, 28), "stroke", -1)[0, 0]
    assert float(thinner[1:27, 1:27].min()) == 1
    assert float(thinner.sum()) == 26 * 26


def test_thicker_and_thinner_strokes_are_nested(digits):
    pictures = [apply(digits, "stroke", level) for level in DIALS["stroke"].positions]
    for thinner, thicker in pairwise(pictures):
        assert (thinner <= thicker + 1e-6).all()


def test_noise_has_its_standard_deviation_and_one_pattern_for_all_levels(digits):
    grey = torch.full_like(digits, 0.5) + digits * 1e-2
    weak, strong = (dials.add_noise(grey, sigma, 0) - grey for sigma in (0.1, 0.3))
    assert float(weak.std()) == pytest.approx(0.1, rel=0.02)
    assert float(weak.mean()) == pytest.approx(0, abs=0.002)
    torch.testing.assert_close(strong, 3 * weak, atol=1e-5, rtol=0)


def test_salt_and_pepper_changes_its_share_half_and_half_and_is_nested(digits):
    grey = 0.3 + 0.4 * digits
    changed = {share: apply(grey, "salt_and_pepper", share) != grey for share in (0.1, 0.4)}
    for share, places in changed.items():
        assert float(places.float().mean()) == pytest.approx(share, abs=0.01)
    assert (changed[0.4] | ~changed[0.1]).all()
    assert float(apply(grey, "salt_and_pepper", 0.4)[changed[0.4]].mean()) == pytest.approx(
        0.5, abs=0.02
    )


def test_contrast_and_exchange_are_as_their_formulas_say(digits):
    torch.testing.assert_close(apply(digits, "contrast", 0.25), digits / 4)
    torch.testing.assert_close(apply(digits, "exchange", 1), 1 - digits)
    torch.testing.assert_close(apply(digits, "exchange", 0.5), torch.full_like(digits, 0.5))
    torch.testing.assert_close(apply(digits, "exchange", 0.25), 0.25 + digits / 2)


def test_square_has_its_area_near_the_middle_of_the_ink_and_is_nested():
    ink = torch.zeros(1, 1, 28, 28)
    ink[..., 1:27, 1:27] = 1
    ink[..., 1:27, 20:27] = 0.5  # the middle of the ink lies a little to the left
    middle = torch.tensor(middle_of_ink(ink[0]))
    offsets = []
    for seed in range(8):
        covered = {side: 1 - apply(ink, "square", side, seed=seed) / ink for side in (2, 6, 8.5)}
        for side, places in covered.items():
            places = places.nan_to_num(0)
            assert float(places.sum()) == pytest.approx(side**2, rel=1e-3)
            offsets.append(torch.tensor(middle_of_ink(places[0])) - middle)
        assert (covered[6].nan_to_num(0) <= covered[8.5].nan_to_num(0) + 1e-6).all()
    spread = torch.stack(offsets).abs()
    assert float(spread.max()) <= dials.SQUARE_OFFSET_PX + 1e-3
    assert float(spread.max()) > 1


def test_square_accepts_a_blank_image():
    blank = torch.zeros(1, 1, 28, 28)
    assert torch.equal(apply(blank, "square", 10), blank)


@pytest.mark.parametrize("block_px", [2, 3.5, 7, 14])
def test_coarse_pixels_are_means_of_blocks(block_px, digits):
    coarse = apply(digits, "coarse", block_px)
    if block_px != 3.5:
        side = block_px
        means = torch.nn.functional.avg_pool2d(digits, side)
        expected = means.repeat_interleave(side, 2).repeat_interleave(side, 3)
        torch.testing.assert_close(coarse, expected, atol=1e-5, rtol=0)
    # Blocks that end at the border keep all of the ink.
    torch.testing.assert_close(coarse.sum((1, 2, 3)), digits.sum((1, 2, 3)), atol=1e-2, rtol=0)


@every_dial
def test_empty_batch_stays_empty(name, digits):
    assert apply(digits[:0], name, DIALS[name].ladder[-1]).shape == (0, 1, 28, 28)


@pytest.mark.parametrize(
    "arguments, problem",
    [
        ({"dial": "shove"}, "there is no dial 'shove': choose from turn, shift"),
        ({"level": nan}, "shift takes a number from 0 to 14, not nan"),
        ({"level": 15}, "shift takes a number from 0 to 14, not 15"),
        ({"level": -1}, "from 0 to 14, not -1"),
        ({"direction": "north"}, "no direction 'north': choose from right, down, left, up"),
        ({"dial": "noise", "level": 0.5, "seed": -1}, "seed must be a whole number.* not -1"),
        ({"images": torch.zeros(28, 28)}, r"not torch.float32 \(28, 28\)"),
    ],
)
def test_bad_input_raises_with_the_value(arguments, problem, digits):
    with pytest.raises(ValueError, match=problem):
        apply(**{"images": digits, "dial": "shift", "level": 3, **arguments})
