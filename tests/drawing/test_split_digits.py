"""A drawing of a number becomes one drawing for each digit; one digit stays one."""

import numpy as np
import pytest

from mnistcmp.drawing import canvas
from mnistcmp.drawing.canvas import Points
from mnistcmp.drawing.split_digits import MOST_DIGITS, split

BRUSH_PX = 12
FOUR = [[(50, 60), (20, 150), (85, 150)], [(70, 90), (70, 220)]]
ZERO = [[(140, 60), (110, 110), (110, 170), (140, 220), (170, 170), (170, 110), (140, 60)]]
SEVEN = [[(200, 60), (260, 60), (220, 220)]]
HALF_ONE = [[(30, 100), (30, 151)]]


def paint(*digits: list[Points], brush_px: float = BRUSH_PX) -> np.ndarray:
    """Digits, each a list of strokes, on the canvas."""
    return canvas.opaque(canvas.paint((stroke, brush_px) for digit in digits for stroke in digit))


def moved(digit: list[Points], right_px: float, down_px: float = 0) -> list[Points]:
    return [[(x + right_px, y + down_px) for x, y in stroke] for stroke in digit]


def clear_of_ink(rgba: np.ndarray) -> np.ndarray:
    """The same ink on a canvas whose background is fully transparent."""
    seen = rgba.copy()
    seen[..., 3] = 255 - rgba[..., 0]
    seen[..., :3] = 0
    return seen


def assert_single(*strokes: Points, brush_px: float = BRUSH_PX) -> None:
    rgba = paint(list(strokes), brush_px=brush_px)
    (only,) = split(rgba)
    assert only is rgba


@pytest.mark.parametrize("see", [lambda rgba: rgba, clear_of_ink], ids=["opaque", "transparent"])
def test_three_digits_become_three_pictures_from_left_to_right(see):
    found = split(see(paint(SEVEN, FOUR, ZERO)))
    assert len(found) == 3
    for picture, digit in zip(found, (FOUR, ZERO, SEVEN), strict=True):
        np.testing.assert_array_equal(picture, see(paint(digit)))


def test_light_digits_on_dark_leave_the_dark_background():
    negative = paint(ZERO, SEVEN)
    negative[..., :3] = 255 - negative[..., :3]
    _, seven = split(negative)
    np.testing.assert_array_equal(seven[..., :3], 255 - paint(SEVEN)[..., :3])


def test_drawing_is_not_changed():
    rgba = paint(FOUR, ZERO)
    before = rgba.copy()
    split(rgba)
    np.testing.assert_array_equal(rgba, before)


def test_digits_whose_boxes_overlap_are_two():
    leaning = [[(140, 60), (220, 60), (150, 220)]]
    one = [[(255, 100), (215, 220)]]
    first, second = split(paint(leaning, one))
    np.testing.assert_array_equal(first, paint(leaning))
    np.testing.assert_array_equal(second, paint(one))


def test_digits_of_different_heights_are_two():
    assert len(split(paint(ZERO, moved(HALF_ONE, 10)))) == 1  # less than half as tall
    assert len(split(paint(ZERO, [[(30, 80), (30, 200)]]))) == 2


def test_low_mark_goes_with_the_digit_that_is_nearer():
    bar = [[(75, 250), (85, 250)]]  # below the 4
    four, zero = split(paint(FOUR, bar, ZERO))
    np.testing.assert_array_equal(four, paint(FOUR, bar))
    np.testing.assert_array_equal(zero, paint(ZERO))


def test_touching_digits_stay_one():
    assert_single(*FOUR, *moved(ZERO, -20))


def test_digits_closer_than_a_few_pixels_stay_one():
    assert_single([(100, 40), (100, 240)], [(100 + BRUSH_PX + 4, 40), (100 + BRUSH_PX + 4, 240)])


@pytest.mark.parametrize(
    "strokes",
    [
        [[(110, 40), (80, 150), (155, 150)], [(170, 50), (170, 240)]],  # an open 4
        [[(120, 60), (110, 130), (170, 150), (170, 210), (100, 230)], [(135, 55), (200, 50)]],  # 5
        [*ZERO, [(140, 140), (141, 140)]],  # a dotted 0
        [*ZERO, [(180, 50), (100, 230)]],  # a slashed 0
        [[(70, 60), (210, 60), (120, 240)], [(110, 150), (200, 150)]],  # a crossed 7
        [[(140, 40), (140, 240)], [(100, 80), (120, 60)]],  # the flag of a 1
        [[(140, 40), (140, 240)], [(90, 255), (190, 255)]],  # the base of a 1
        [[(140, 40), (140, 240)], [(20, 20), (21, 20)], [(260, 250), (262, 250)]],  # dots
    ],
    ids=["open 4", "5", "dotted 0", "slashed 0", "crossed 7", "flag", "base", "dots"],
)
@pytest.mark.parametrize("brush_px", [8, 20, 40])
def test_parts_of_one_digit_stay_one(strokes, brush_px):
    assert_single(*strokes, brush_px=brush_px)


def test_blank_canvas_is_returned_as_it_is():
    assert_single()


def test_more_marks_than_a_number_has_are_returned_as_they_are():
    bars = [[(20 + 40 * place, 60), (20 + 40 * place, 220)] for place in range(MOST_DIGITS + 1)]
    assert len(split(paint(bars[:-1]))) == MOST_DIGITS
    assert_single(*bars)


def test_canvas_of_odd_size_is_split():
    rgba = paint(FOUR, ZERO)[:279, :271]
    four, zero = split(rgba)
    assert four.shape == zero.shape == rgba.shape
    np.testing.assert_array_equal(zero, paint(ZERO)[:279, :271])


@pytest.mark.parametrize(
    ("canvas", "error"), [(np.zeros((5, 5, 3), np.uint8), ValueError), ([[0]], TypeError)]
)
def test_anything_but_a_canvas_is_refused(canvas, error):
    with pytest.raises(error):
        split(canvas)
