"""What is not the digit does not count as the digit: lines, boxes, print and shadows."""

import io

import bad_inputs
import numpy as np
import pytest
from photo_cases import BENCHMARK, KINDS, case
from PIL import Image

from mnistcmp.checkpoints import load_all
from mnistcmp.data import sample_pack
from mnistcmp.drawing import blots, canvas, photo, stages
from mnistcmp.drawing.find_digit import NothingFound, find
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
    seen = [stages(canvas.render([canvas.put(photo.read(content).ink)])) for content in contents]
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
    assert overlap(photo.read(file(sheet)).ink, painted(digit)) > ALIKE


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
        find(np.full((560, 560), 200, np.uint8))


def sheet_with(*digits: tuple[str, int, int]) -> np.ndarray:
    """A sheet of 800 × 400 px with these digits, each of 280 px, at (left, top)."""
    sheet = np.full((400, 800), 230.0)
    for digit, left, top in digits:
        part = sheet[top : top + 280, left : left + 280]
        np.minimum(part, scan(digit), out=part)
    return sheet


def test_lines_and_specks_are_left_out_and_the_digit_is_not():
    sheet = sheet_with(("7", 260, 60))
    sheet[370:373] = 120
    sheet[30:38, 700:708] = 30
    read = photo.read(file(sheet))
    digit, left_out = read.digit > 0.5, read.left_out
    assert left_out[258:262].any(axis=0).all(), "the line, all across"
    assert left_out[20:28, 489:497].any(), "the speck"
    assert not (digit & left_out).any()
    assert not left_out[40:240, 200:360].any(), "where the digit is"
    assert digit[40:240, 200:360].sum() == digit.sum() > 1000
    assert read.rivals == 0


def test_nothing_is_left_out_of_a_clean_photo():
    read = photo.read(file(sheet_with(("4", 260, 60))))
    assert not read.left_out.any()
    assert read.rivals == 0


@pytest.mark.parametrize("gap", [-60, 0, 100])
@pytest.mark.parametrize("digits", ["74", "47", "77"])
def test_one_of_two_digits_is_read_and_the_other_is_named(digits, gap):
    first, second = digits
    read = photo.read(file(sheet_with((first, 110 - gap, 60), (second, 390, 60))))
    assert read.rivals == 1
    assert max(overlap(read.ink, painted(digit)) for digit in digits) > ALIKE
    assert read.left_out.sum() > 1000


def test_print_and_frames_are_no_rivals(pack):
    for kind in ("small print", "a box round the digit", "ruled paper", "a dark strip below"):
        content = case(pack.images[pack.easy(5)[1]], kind, BENCHMARK, 4)
        assert photo.read(content).rivals == 0


@pytest.mark.parametrize("digit", ["7", "4"])
@pytest.mark.parametrize("pen", [30, 120])
def test_box_that_touches_the_digit_is_not_read_with_it(digit, pen):
    """The digit is read without the box, or nothing is."""
    sheet = sheet_with((digit, 260, 60))
    ink = 230 - sheet
    rows, columns = (np.flatnonzero((ink > 100).any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0] - 40, rows[-1] - 10, columns[0] - 40, columns[-1] + 40
    sheet[top : top + 4, left:right] = sheet[bottom : bottom + 4, left:right] = pen
    sheet[top:bottom, left : left + 4] = sheet[top:bottom, right - 4 : right] = pen
    try:
        assert overlap(photo.read(file(sheet)).ink, painted(digit)) > ALIKE
    except PhotoError as error:
        assert "No digit stands out" in str(error)


def test_only_the_largest_of_many_marks_are_compared(monkeypatch):
    page = np.asarray(Image.open(io.BytesIO(bad_inputs.many_marks())))
    compared = []
    surrounds = blots.surrounds

    def counted(*given) -> bool:
        compared.append(given)
        return surrounds(*given)

    monkeypatch.setattr("mnistcmp.drawing.sheet.surrounds", counted)
    monkeypatch.setattr("mnistcmp.drawing.find_digit.surrounds", counted)
    assert find(page).rivals > 0
    assert 1_000 < len(compared) < 10_000
