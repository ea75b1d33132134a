"""Photos in various light: ink is distinguished from lamps, shadows, dirt and noise."""

import numpy as np
import pytest

from mnistcmp.drawing import photo
from mnistcmp.drawing.photo import PhotoError
from tests.photos import assert_reads, every_digit, file, overlap, painted, scan, x, y


@every_digit
@pytest.mark.parametrize(
    ("pen", "paper"),
    [(30, 230), (0, 255), (230, 30), (255, 0), (110, 150), (150, 110)],
)
def test_digit_of_any_brightness_is_read(digit, pen, paper):
    content = file(paper + (pen - paper) * painted(digit))
    assert_reads(content, digit)
    np.testing.assert_allclose(photo.read(content).ink, photo.read(file(scan(digit))).ink, atol=0.1)


LIGHTS = {
    "from the right": 120 + 120 * x,
    "from below": 60 + 180 * y,
    "in the corner": 120 + 120 * x * y,
    "strong from the right": 60 + 180 * x,
    "strong in the corner": 80 + 160 * x * y,
    "lamp": 100 + 140 * np.exp(-((x - 0.2) ** 2 + (y - 0.2) ** 2) / 0.2),
}


@every_digit
@pytest.mark.parametrize("light", LIGHTS)
def test_digit_in_uneven_light_is_read(digit, light):
    assert_reads(file(LIGHTS[light] * (1 - 0.7 * painted(digit))), digit)


@every_digit
@pytest.mark.parametrize("light", ["from the right", "in the corner"])
def test_light_digit_on_uneven_dark_background_is_read(digit, light):
    assert_reads(file(255 - LIGHTS[light] * (1 - 0.7 * painted(digit))), digit)


@every_digit
def test_specks_and_noise_are_removed(digit):
    ink = painted(digit)
    for left, top in [(8, 8), (262, 20), (20, 255), (250, 250), (140, 12), (30, 120), (250, 110)]:
        ink[top : top + 5, left : left + 5] = 1
    assert_reads(file(230 - 200 * ink), digit)
    noise = np.random.default_rng(6).normal(0, 8, ink.shape)
    assert_reads(file(230 - 200 * ink + noise, "JPEG", quality=70), digit)


@every_digit
@pytest.mark.parametrize("light", sorted(LIGHTS.keys() - {"lamp"}))
def test_faint_digit_in_uneven_light_is_read(digit, light):
    assert_reads(file(LIGHTS[light] * (1 - 0.2 * painted(digit))), digit)


@every_digit
def test_digit_fainter_than_an_eighth_of_the_range_raises(digit):
    assert_reads(file(230 - 34 * painted(digit)), digit)
    with pytest.raises(PhotoError, match="No digit stands out"):
        photo.read(file(230 - 26 * painted(digit)))


def test_strong_noise_is_not_ink():
    noise = np.random.default_rng(1).normal(0, 16, x.shape)
    ink = photo.read(file(200 * (1 - 0.3 * painted("7")) + noise)).ink
    assert overlap(ink, painted("7")) > 0.5


@every_digit
def test_noise_in_darkness_is_not_ink(digit):
    light = 230 / (1 + np.exp((x - 0.8) / 0.03))
    noise = np.random.default_rng(1).normal(0, 2, x.shape)
    assert_reads(file(light * (1 - 0.7 * painted(digit)) + noise), digit)


@pytest.mark.parametrize("light", LIGHTS)
def test_empty_sheet_in_uneven_light_raises(light):
    with pytest.raises(PhotoError, match="No digit stands out"):
        photo.read(file(LIGHTS[light]))


@pytest.mark.parametrize("noise", [0, 2, 4])
@pytest.mark.parametrize("middle", [(0.5, 0.5), (0.2, 0.7), (1, 0.4)], ids=str)
@pytest.mark.parametrize("width", [0.1, 0.2, 0.4])
@pytest.mark.parametrize(
    ("paper", "spot"), [(30, 250), (100, 240), (180, 250), (120, 300), (240, 90), (250, 30)]
)
def test_soft_spot_of_light_or_shadow_raises(paper, spot, width, middle, noise):
    left, top = middle
    share = np.exp(-((x - left) ** 2 + (y - top) ** 2) / (2 * width**2))
    grain = np.random.default_rng(3).normal(0, noise, x.shape)
    with pytest.raises(PhotoError, match="No digit stands out"):
        photo.read(file(paper + (spot - paper) * share + grain, "JPEG", quality=90))
