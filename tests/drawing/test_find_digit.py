"""What is not the digit does not count as the digit: lines, boxes, print and shadows."""

import numpy as np
import pytest
from photo_cases import BENCHMARK, KINDS, case

from mnistcmp.checkpoints import load_all
from mnistcmp.data import sample_pack
from mnistcmp.drawing import blots, canvas, photo, stages
from mnistcmp.drawing.find_digit import NothingFound, find_ink
from mnistcmp.drawing.photo import PhotoError
from mnistcmp.inference import probabilities
from mnistcmp.records import default_folder
from tests.photos import ALIKE, file, overlap, painted, scan

CASES = 3  # of each kind


@pytest.fixture(scope="module")
def networks():
    return load_all("drawn")


@pytest.fixture(scope="module")
def pack():
    return sample_pack.load(sample_pack.path(default_folder(), "mnist"))


def read_digits(contents: list[bytes], networks: dict) -> list[int]:
    seen = [stages(canvas.render([canvas.put(photo.read(content))])) for content in contents]
    pixels = np.stack([steps.pixels for steps in seen])
    return probabilities(pixels, networks).mean(axis=0).argmax(axis=1).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_digit_is_found_whatever_is_added(kind, networks, pack):
    first = KINDS.index(kind)
    digits = [(first + 3 * number) % 10 for number in range(CASES)]
    contents = [
        case(pack.images[pack.easy(digit)[1]], kind, BENCHMARK, seed)
        for seed, digit in enumerate(digits)
    ]
    right = np.array(read_digits(contents, networks)) == digits
    assert right.sum() >= CASES - 1


@pytest.mark.parametrize("width", [4, 6, 9])
@pytest.mark.parametrize(("paper", "pen"), [(250, 40), (30, 230)])
def test_thin_stroke_on_a_large_page_is_ink(width, paper, pen, networks):
    page = np.full((1592, 1080), paper)
    page[700:891, 540 : 540 + width] = pen
    assert read_digits([file(page)], networks) == [1]


@pytest.mark.parametrize("digit", ["7", "4"])
def test_box_as_dark_as_the_ink_is_left_out(digit):
    sheet = np.pad(scan(digit), 60, constant_values=230)
    sheet[20:24, 20:380] = sheet[376:380, 20:380] = 30
    sheet[20:380, 20:24] = sheet[20:380, 376:380] = 30
    assert overlap(photo.read(file(sheet)), painted(digit)) > ALIKE


def test_lines_alone_are_no_digit():
    sheet = np.full((400, 400), 230)
    sheet[40::60] = 120
    with pytest.raises(PhotoError, match="No digit stands out"):
        photo.read(file(sheet))


@pytest.mark.parametrize("width", [2, 8])
def test_empty_box_is_no_digit(width):
    sheet = np.full((400, 400), 30)
    sheet[100 + width : 300 - width, 100 + width : 300 - width] = 230
    sheet[:100], sheet[300:], sheet[:, :100], sheet[:, 300:] = 230, 230, 230, 230
    with pytest.raises(PhotoError, match="No digit stands out"):
        photo.read(file(sheet))


def test_line_through_a_stroke_is_removed_beside_it_only():
    inked = np.zeros((100, 200), bool)
    inked[20:80, 90:110] = True
    with_line = inked.copy()
    with_line[50:52] = True
    assert (with_line & ~blots.lines(with_line) == inked).all()


def test_slanted_line_is_found():
    inked = np.zeros((200, 400), bool)
    columns = np.arange(400)
    inked[100 + columns // 12, columns] = True
    assert blots.lines(inked).sum() > 390


def test_blots_have_an_area_and_a_bounding_box():
    inked = np.zeros((10, 12), bool)
    inked[2:5, 3], inked[8, 6:11] = True, True
    found = blots.find_blots(inked)
    assert sorted(
        zip(found.area, found.top, found.bottom, found.left, found.right, strict=True)
    ) == [
        (3, 2, 5, 3, 4),
        (5, 8, 9, 6, 11),
    ]


def test_nothing_in_an_empty_sheet():
    with pytest.raises(NothingFound):
        find_ink(np.full((560, 560), 200, np.uint8))
