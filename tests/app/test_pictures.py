"""Arrays as pictures: colours, positions and frames."""

import subprocess
import sys

import numpy as np
import pytest

from mnistcmp.app import pictures

WHITE, RED, BLUE = [255, 255, 255], [178, 24, 43], [33, 102, 172]


def test_diverging_is_white_at_0_and_red_and_blue_at_the_ends():
    values = np.array([0, 2, -2, 9], np.float32)
    assert pictures.diverging(values, 2).tolist() == [WHITE, RED, BLUE, RED]
    assert f"#{bytes(RED).hex().upper()}" == pictures.RED
    assert f"#{bytes(BLUE).hex().upper()}" == pictures.BLUE


def test_diverging_is_half_as_strong_at_half_the_value():
    half = [[216, 140, 149], [144, 178, 214]]
    assert pictures.diverging(np.array([1, -1], np.float32), 2).tolist() == half


def test_diverging_of_zeros_is_white():
    assert (pictures.diverging(np.zeros((2, 3)), 0) == 255).all()


@pytest.mark.parametrize("gap_px", [0, 3])
def test_sheet_places_and_frames_every_map(gap_px):
    maps = np.zeros((3, 2, 2), np.float32)
    maps[1, 0, 1], maps[2] = 1, -1
    picture = pictures.sheet(maps, 4, 2, 1, gap_px)
    assert picture.shape == (11 + gap_px, 11 + gap_px, 4)  # two tiles of 4 px, frames of 1 px
    second = picture[1:5, 6 + gap_px : 10 + gap_px, :3]
    assert second[0, 3].tolist() == RED and second[0, 0].tolist() == WHITE
    third = picture[6 + gap_px :, :6]
    assert third[1, 1, :3].tolist() == BLUE
    assert tuple(third[0, 0]) == pictures.FRAME == tuple(third[-1, 5])
    assert (picture[7 + gap_px :, 7 + gap_px :, 3] == 0).all()  # no fourth map


@pytest.mark.parametrize(
    ("count", "columns", "rows", "across"), [(4, 2, 2, 2), (2, 2, 1, 2), (2, 5, 1, 2), (5, 2, 3, 2)]
)
def test_sheet_is_as_large_as_its_maps_need(count, columns, rows, across):
    picture = pictures.sheet(np.zeros((count, 2, 2), np.float32), 4, columns, 1)
    assert picture.shape == (5 * rows + 1, 5 * across + 1, 4)


def test_sheet_enlarges_oblong_maps():
    maps = np.zeros((1, 2, 4), np.float32)
    maps[0, 1, 3] = 1
    inner = pictures.sheet(maps, 8, 1, 1)[1:-1, 1:-1, :3]
    red = (inner == RED).all(axis=2)
    assert red[4:, 6:].all() and red.sum() == 8


def test_strip_has_one_pixel_per_value():
    picture = pictures.strip(np.array([1, 0, -1, 1, 0], np.float32), 3, 1)
    assert picture.shape == (2, 3, 4)
    assert picture[0, 0, :3].tolist() == RED and picture[0, 2, :3].tolist() == BLUE
    assert picture[1, 1, 3] == 255 and picture[1, 2, 3] == 0
    assert pictures.strip(np.ones(2, np.float32), 32, 1).shape == (1, 2, 4)
    assert pictures.strip(np.ones(6, np.float32), 3, 1).shape == (2, 3, 4)


def test_heat_is_darkened_by_the_ink():
    ink = np.array([[0, 1]], np.float32)
    blank, inked = pictures.heat(np.zeros((1, 2)), ink, 1)[0].tolist()
    assert blank == WHITE and inked == [140] * 3  # darkened by 0.45


def test_grey_is_light_where_ink_is():
    assert pictures.grey(np.array([[0, 0.2, 1]], np.float32)).tolist() == [[0, 51, 255]]


def test_figure_escapes_its_alternative_text():
    html = pictures.figure(np.zeros((5, 2), np.uint8), 3, "caption", '"><script>', 100)
    assert 'alt="&quot;&gt;&lt;script&gt;"' in html and "width:6px" in html


def test_pictures_and_diagrams_need_no_torch():
    code = (
        "import sys; from mnistcmp.app import cached_records, pictures; "
        "from mnistcmp.app.inside import cards, diagram; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
