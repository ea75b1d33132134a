import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcmp.drawing import Stages, stages, to_pixels
from mnistcmp.drawing.preprocess import bounding_box, whole_canvas

CANVAS = (280, 280)
WHITE, BLACK, CLEAR = (255, 255, 255, 255), (0, 0, 0, 255), (0, 0, 0, 0)
FIVE = [(190, 70), (110, 70), (100, 130), (170, 130), (185, 175), (150, 210), (95, 200)]
DOT = [(140, 140)]


def canvas(points, pen=BLACK, background=WHITE, brush_px=20, size=CANVAS) -> np.ndarray:
    """A stroke with round caps and joins, not anti-aliased; RGBA as the browser sends it."""
    image = Image.new("RGBA", size, background)
    draw = ImageDraw.Draw(image)
    draw.line(points, fill=pen, width=brush_px)
    for point in points:
        draw.circle(point, brush_px / 2, fill=pen)
    return np.array(image)


def centre_of_mass(pixels: np.ndarray) -> tuple[float, float]:
    index = np.arange(28)
    return pixels.sum(axis=1) @ index / pixels.sum(), pixels.sum(axis=0) @ index / pixels.sum()


def moved(points, right=0, down=0):
    return [(x + right, y + down) for x, y in points]


@pytest.mark.parametrize(
    "background", [WHITE, BLACK, CLEAR, (255, 255, 255, 0), (200, 30, 90, 255)]
)
def test_blank_canvas_is_none(background):
    blank = canvas([], background=background)
    assert to_pixels(blank) is None
    assert stages(blank) is None


@pytest.mark.parametrize("background", [WHITE, CLEAR])
def test_speck_is_blank_and_a_dot_of_the_brush_is_not(background):
    speck = canvas([], background=background)
    speck[140:142, 140:142] = BLACK
    assert to_pixels(speck) is None
    assert to_pixels(canvas(DOT, background=background, brush_px=12)) is not None


def test_pen_in_almost_the_background_colour_is_blank():
    assert to_pixels(canvas(FIVE, pen=(240, 240, 240, 255))) is None
    assert to_pixels(canvas(FIVE, pen=(200, 200, 200, 255))) is not None


def test_pen_needs_a_tenth_of_the_full_range_as_contrast():
    assert to_pixels(canvas(FIVE, pen=(230, 230, 230, 255))) is None  # 25 of 255
    assert to_pixels(canvas(FIVE, pen=(229, 229, 229, 255))) is not None


def test_drawing_needs_the_ink_of_ten_pixels():
    rgba = canvas([])
    rgba[140, 140:149] = BLACK
    assert to_pixels(rgba) is None
    rgba[140, 149] = BLACK
    assert to_pixels(rgba) is not None


@pytest.mark.parametrize("quarters", range(4))
def test_background_is_found_from_all_four_sides(quarters):
    rgba = canvas([])
    rgba[:, :20] = rgba[:20, :140] = BLACK  # one side and half of the next
    turned = np.rot90(rgba, quarters)
    np.testing.assert_array_equal(stages(turned).ink == 1, turned[..., 0] == 0)


def test_transparent_background_is_found_from_the_border_alone():
    white, black = canvas([], background=CLEAR), canvas([], background=CLEAR)
    white[20:260, 20:260], black[20:260, 20:260] = WHITE, BLACK
    np.testing.assert_array_equal(to_pixels(white), to_pixels(black))


@pytest.mark.parametrize(
    ("pen", "background"),
    [
        (WHITE, BLACK),
        (BLACK, CLEAR),
        (WHITE, CLEAR),
        (BLACK, (255, 255, 255, 0)),
        ((255, 255, 0, 255), WHITE),
        ((200, 30, 90, 255), WHITE),
        ((90, 160, 255, 255), (40, 40, 40, 255)),
        ((0, 0, 0, 128), WHITE),
        ((0, 0, 0, 128), CLEAR),
        (WHITE, (0, 0, 0, 128)),
    ],
    ids=str,
)
def test_pixels_do_not_depend_on_colours(pen, background):
    pixels = to_pixels(canvas(FIVE, pen=pen, background=background))
    np.testing.assert_allclose(pixels, to_pixels(canvas(FIVE)), atol=1e-6)


def test_hole_in_white_background_is_background():
    """An eraser may leave transparent pixels on a white canvas."""
    assert to_pixels(canvas(FIVE, pen=CLEAR)) is None


def test_half_covered_edges_are_half_ink_in_any_colours():
    edges = canvas(FIVE)
    edges[60:62, 100:190] = (128, 128, 128, 255)
    on_clear = canvas(FIVE, background=CLEAR)
    on_clear[60:62, 100:190] = (0, 0, 0, 127)
    assert stages(edges).ink[60, 150] == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(to_pixels(edges), to_pixels(on_clear), atol=0.01)


def test_pixels_are_float32_from_0_background_to_1_full_ink():
    pixels = to_pixels(canvas(FIVE))
    assert pixels.shape == (28, 28)
    assert pixels.dtype == np.float32
    assert pixels.min() == 0
    assert pixels.max() == 1
    assert pixels[0, 0] == 0, "the corner is background"
    assert 30 < pixels.sum() < 200


def test_stages_have_the_stated_shapes():
    steps = stages(canvas(FIVE))
    assert isinstance(steps, Stages)
    assert steps.ink.shape == (280, 280)
    assert steps.crop.shape == (161, 116)
    assert steps.box.shape == (20, 14)
    for image in (steps.ink, steps.crop, steps.box, steps.pixels):
        assert image.dtype == np.float32
        assert image.min() >= 0
        assert image.max() == pytest.approx(1)
    np.testing.assert_array_equal(steps.pixels, to_pixels(canvas(FIVE)))
    assert steps.box.sum() == pytest.approx(steps.pixels.sum()), "no ink is lost by centring"


def test_crop_is_the_bounding_box_of_the_ink():
    rgba = canvas([])
    rgba[30:50, 200:205] = BLACK
    steps = stages(rgba)
    assert steps.crop.shape == (20, 5)
    assert steps.crop.min() == 1


@pytest.mark.parametrize(("right", "down"), [(50, 40), (-70, -50), (0, 1)])
def test_pixels_do_not_depend_on_position(right, down):
    shifted = to_pixels(canvas(moved(FIVE, right, down)))
    np.testing.assert_array_equal(shifted, to_pixels(canvas(FIVE)))


def test_pixels_do_not_depend_on_magnification():
    twice = np.kron(canvas(FIVE), np.ones((2, 2, 1), np.uint8))
    # Pillow's box filter takes a pixel entirely or not at all, so edges differ slightly.
    np.testing.assert_allclose(to_pixels(twice), to_pixels(canvas(FIVE)), atol=0.1)


def test_larger_stroke_gives_nearly_the_same_pixels():
    larger = [(140 + 1.2 * (x - 140), 140 + 1.2 * (y - 140)) for x, y in FIVE]
    difference = np.abs(to_pixels(canvas(larger, brush_px=24)) - to_pixels(canvas(FIVE)))
    assert difference.max() < 0.2
    assert difference.mean() < 0.01


@pytest.mark.parametrize(
    ("points", "height", "width"),
    [
        ([(140, 60), (140, 220)], 20, 2),
        ([(60, 140), (220, 140)], 2, 20),
        (DOT, 20, 20),
        ([(90, 90), (190, 190)], 20, 20),
    ],
    ids=["vertical", "horizontal", "dot", "diagonal"],
)
def test_longer_side_of_the_box_is_20_px(points, height, width):
    assert stages(canvas(points)).box.shape == (height, width)


def test_very_thin_line_keeps_one_pixel():
    rgba = canvas([])
    rgba[20:260, 140] = BLACK
    upright, lying = stages(rgba), stages(rgba.swapaxes(0, 1))
    assert (upright.crop.shape, lying.crop.shape) == ((240, 1), (1, 240))
    assert (upright.box.shape, lying.box.shape) == ((20, 1), (1, 20))
    assert upright.box.min() == lying.box.min() == 1


def test_shorter_side_of_the_box_is_rounded():
    rgba = canvas([])
    rgba[50:150, 50:89] = BLACK  # 39 px, scaled by 1/5
    assert stages(rgba).box.shape == (20, 8)
    assert stages(rgba.swapaxes(0, 1)).box.shape == (8, 20)


@pytest.mark.parametrize(
    ("width_px", "columns"), [(8, (14, 15)), (16, (14, 16)), (24, (13, 16)), (32, (13, 17))]
)
def test_box_of_even_size_is_centred_at_14_5(width_px, columns):
    """Its centre of mass is between two pixels, so it is placed at 14.5 and never at 13.5."""
    rgba = canvas([])
    rgba[60:220, 100 : 100 + width_px] = BLACK  # 160 px, scaled by 1/8
    for drawn, turned in ((rgba, False), (rgba.swapaxes(0, 1), True)):
        pixels = to_pixels(drawn).T if turned else to_pixels(drawn)
        expected = np.zeros((28, 28))
        expected[5:25, slice(*columns)] = 1
        np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    "points",
    [FIVE, DOT, [(140, 60), (140, 220)], [(60, 140), (220, 140)], moved(FIVE, 70, -40)],
    ids=["five", "dot", "vertical", "horizontal", "moved five"],
)
def test_centre_of_mass_lies_at_pixel_index_14(points):
    for centre in centre_of_mass(to_pixels(canvas(points))):
        assert 13.5 - 1e-4 < centre <= 14.5 + 1e-4


def test_box_with_off_centre_ink_stays_in_the_field():
    """A long thin tail on a heavy block: centring the block would push the tail over the edge."""
    rgba = canvas([])
    rgba[100:180, 20:100] = BLACK
    rgba[138:142, 100:270] = BLACK
    steps = stages(rgba)
    assert steps.pixels.sum() == pytest.approx(steps.box.sum())
    assert steps.pixels[:, 27].any(), "the tail ends at the edge"
    assert not steps.pixels[:, :8].any()
    assert centre_of_mass(steps.pixels)[1] < 13.5
    mirrored = to_pixels(rgba[:, ::-1])
    assert mirrored[:, 0].any() and not mirrored[:, 20:].any()


@pytest.mark.parametrize("background", [WHITE, BLACK, CLEAR])
@pytest.mark.parametrize("side", [(0, -60), (0, 59), (-85, 0), (79, 0)])
def test_ink_that_touches_the_border_is_read_like_any_other(background, side):
    pen = WHITE if background == BLACK else BLACK
    rgba = canvas(moved(FIVE, *side), pen=pen, background=background)
    outermost = np.concatenate([rgba[0], rgba[-1], rgba[:, 0], rgba[:, -1]])
    assert (outermost == pen).all(axis=1).any(), "the stroke does touch"
    np.testing.assert_allclose(to_pixels(rgba), to_pixels(canvas(FIVE)), atol=1e-6)


def test_stroke_across_the_whole_canvas_is_ink():
    steps = stages(canvas([(-20, 140), (300, 140)]))
    assert steps.crop.shape[1] == 280
    assert steps.box.shape == (1, 20)
    assert steps.box.min() == 1


def test_canvas_may_be_rectangular():
    wide = canvas(FIVE, size=(400, 280))
    np.testing.assert_array_equal(to_pixels(wide), to_pixels(canvas(FIVE)))


def mnist_like_seven() -> np.ndarray:
    """(28, 28) in [0, 1]: 20 px high, grey edges, centre of mass at index 14."""
    seven = np.zeros((28, 28), np.float32)
    seven[3, 9:17] = 0.05
    seven[4, 7:20] = 1
    seven[5, 8:19] = 0.8
    for step in range(17):
        x = 18 - step // 3
        seven[6 + step, x - 1 : x + 2] = (0.4, 1, 0.6)
    return np.roll(seven, (4, -1), axis=(0, 1))


def test_magnified_mnist_digit_is_unchanged():
    seven = mnist_like_seven()
    assert all(13.5 < centre <= 14.5 for centre in centre_of_mass(seven))
    grey = 255 - np.rint(255 * np.kron(seven, np.ones((10, 10)))).astype(np.uint8)
    rgba = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    np.testing.assert_allclose(to_pixels(rgba), seven, atol=0.005)


@pytest.mark.parametrize(
    ("points", "rows", "columns"),
    [
        ([(140, 60), (140, 220)], (0, 28), (12, 15)),
        ([(60, 140), (220, 140)], (12, 15), (0, 28)),
        (DOT, (0, 28), (0, 28)),
        (moved(FIVE, 60, -40), (0, 28), (4, 24)),
    ],
    ids=["vertical", "horizontal", "dot", "moved five"],
)
def test_bounding_box_fills_28_px_and_is_centred(points, rows, columns):
    steps = stages(canvas(points))
    box = bounding_box(steps)
    assert box.shape == (28, 28)
    assert box.dtype == np.float32
    assert box.min() >= 0
    assert box.max() == pytest.approx(1)
    for axis, (start, end) in ((1, rows), (0, columns)):
        inked = np.flatnonzero(box.any(axis=axis))
        assert (inked[0], inked[-1] + 1) == (start, end)
    assert box.mean() == pytest.approx(
        steps.crop.mean() * (rows[1] - rows[0]) * (columns[1] - columns[0]) / 784, rel=0.01
    ), "no ink is lost"


def test_bounding_box_does_not_depend_on_position_but_the_whole_canvas_does():
    here, there = (stages(canvas(moved(FIVE, 10 * step, -5 * step))) for step in (0, 4))
    np.testing.assert_array_equal(bounding_box(here), bounding_box(there))
    expected = np.roll(whole_canvas(here), (-2, 4), axis=(0, 1))
    np.testing.assert_allclose(whole_canvas(there), expected, atol=1e-6)
    assert np.abs(whole_canvas(there) - whole_canvas(here)).sum() > 20


@pytest.mark.parametrize("points", [FIVE, DOT, moved(FIVE, 80, -60)], ids=["five", "dot", "moved"])
def test_whole_canvas_is_the_mean_ink_of_10_px_squares(points):
    steps = stages(canvas(points))
    whole = whole_canvas(steps)
    assert whole.dtype == np.float32
    squares = steps.ink.reshape(28, 10, 28, 10).mean(axis=(1, 3))
    np.testing.assert_allclose(whole, squares, atol=1e-6)


def test_input_is_not_changed():
    rgba = canvas(FIVE)
    before = rgba.copy()
    to_pixels(rgba)
    np.testing.assert_array_equal(rgba, before)


@pytest.mark.parametrize("function", [stages, to_pixels])
@pytest.mark.parametrize(
    ("drawing", "error", "names"),
    [
        (np.zeros((280, 280, 4), np.float32), TypeError, "float32"),
        (np.zeros((280, 280, 4), np.int64), TypeError, "int64"),
        (None, TypeError, "NoneType"),
        (np.zeros((280, 280, 3), np.uint8), ValueError, "(280, 280, 3)"),
        (np.zeros((280, 280), np.uint8), ValueError, "(280, 280)"),
        (np.zeros((1, 280, 280, 4), np.uint8), ValueError, "(1, 280, 280, 4)"),
        (np.zeros((0, 280, 4), np.uint8), ValueError, "(0, 280, 4)"),
    ],
    ids=["float32", "int64", "None", "RGB", "grey", "batch", "empty"],
)
def test_invalid_input_raises_with_its_type_or_shape(function, drawing, error, names):
    with pytest.raises(error, match=re.escape(names)):
        function(drawing)
