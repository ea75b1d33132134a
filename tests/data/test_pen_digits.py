import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mnistcmp.catalogue.datasets import HELD_OUT_WRITERS
from mnistcmp.data import pen_digits
from mnistcmp.data.pen_digits import PenPixels, load, replay
from mnistcmp.data.unipen import SOURCE_URL, PenDigit, read
from mnistcmp.drawing import preprocess
from tests.helpers import REPOSITORY

PENDIGITS = REPOSITORY / "data" / "pendigits" / "pendigits-orig.tra"

HEADER = """.INCLUDE        dene.doc

.LEXICON "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"
.HIERARCHY      DIGIT
"""

SEVEN = """
.SEGMENT DIGIT    0 ? "7"
.COMMENT 7  2  224
.PEN_DOWN
 100  300
 200  300
 140  100
.PEN_UP
.DT 100
.PEN_DOWN
 120  200
 190  205
.PEN_UP
.DT 100
"""

DOT = """
.SEGMENT DIGIT    1 ? "1"
.COMMENT 1 6   54
.PEN_DOWN
 250  250
.PEN_UP
.DT 100
"""


def stroke(*points) -> np.ndarray:
    return np.array(points, dtype=np.float32)


def one_stroke(*points) -> PenDigit:
    return PenDigit(label=1, writer=1, strokes=(stroke(*points),))


def ink_of(canvas: np.ndarray) -> np.ndarray:
    return canvas[..., 0] < 128


def extent(canvas: np.ndarray) -> tuple[int, int, int, int]:
    """First and last inked row, first and last inked column."""
    rows = np.flatnonzero(ink_of(canvas).any(axis=1))
    columns = np.flatnonzero(ink_of(canvas).any(axis=0))
    return rows[0], rows[-1], columns[0], columns[-1]


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "digits.tra"
        path.write_text(text)
        return path

    return write


def test_read_returns_labels_writers_and_strokes_exactly(write):
    seven, dot = read(write(HEADER + SEVEN + DOT))
    assert (seven.label, seven.writer, len(seven.strokes)) == (7, 2, 2)
    assert seven.strokes[0].dtype == np.float32
    np.testing.assert_array_equal(seven.strokes[0], [[100, 300], [200, 300], [140, 100]])
    np.testing.assert_array_equal(seven.strokes[1], [[120, 200], [190, 205]])
    assert (dot.label, dot.writer) == (1, 6)
    np.testing.assert_array_equal(dot.strokes, [[[250, 250]]])


BROKEN = {
    "empty file": ("", 1, "no .SEGMENT DIGIT"),
    "header only": (HEADER, 4, "no .SEGMENT DIGIT"),
    "label missing": (SEVEN.replace(' "7"', ""), 2, "cannot understand '.SEGMENT DIGIT 0 ?'"),
    "label not a digit": (SEVEN.replace('"7"', '"x"'), 2, "label 'x' is not a digit"),
    "label two digits": (SEVEN.replace('"7"', '"12"'), 2, "label '12' is not a digit"),
    "labels disagree": (SEVEN.replace("MENT 7", "MENT 4"), 3, "says 4, the .SEGMENT says 7"),
    "writer missing": (SEVEN.replace(".COMMENT 7  2  224\n", ""), 3, "naming the writer"),
    "second writer missing": (
        SEVEN + DOT.replace(".COMMENT 1 6   54\n", ""),
        SEVEN.count("\n") + 3,
        "naming the writer",
    ),
    "writer not a number": (SEVEN.replace("7  2  224", "7  Ann  224"), 3, "'Ann'"),
    "not a number": (SEVEN.replace("200  300", "200  3OO"), 6, "'3OO'"),
    "three numbers": (SEVEN.replace("200  300", "200 300 1"), 6, "'200 300 1'"),
    "point before the pen": (SEVEN.replace(".PEN_DOWN\n 100", " 100"), 4, "point 100 300"),
    "point after the pen": (SEVEN.replace(".DT 100\n", " 9  9\n", 1), 9, "point 9 9"),
    "pen down twice": (SEVEN.replace(" 200  300", ".PEN_DOWN"), 6, ".PEN_DOWN before .PEN_UP"),
    "pen up twice": (SEVEN.replace(".DT 100", ".PEN_UP", 1), 9, ".PEN_UP without .PEN_DOWN"),
    "no points": (DOT.replace(" 250  250\n", ""), 5, "without points"),
    "no strokes": (SEVEN[: SEVEN.index(".PEN")] + DOT, 5, "the 7 before this line has no strokes"),
    "file cut off": (SEVEN[: SEVEN.index(" 140")], 6, "pen is still down"),
    "unknown word": (SEVEN.replace(".DT", ".XY", 1), 9, "cannot understand '.XY 100'"),
}


@pytest.mark.parametrize(("text", "line", "complaint"), BROKEN.values(), ids=BROKEN.keys())
def test_read_raises_with_the_line_number_for_a_broken_file(write, text, line, complaint):
    path = write(text)
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        read(path)
    assert f"{path}, line {line}: " in str(caught.value)


def test_read_counts_lines_from_the_start_of_the_file(write):
    text = HEADER + SEVEN + DOT.replace("250  250", "250")
    with pytest.raises(ValueError, match=f"line {text.splitlines().index(' 250') + 1}: "):
        read(write(text))


def test_read_raises_value_error_for_a_compressed_file(tmp_path):
    path = tmp_path / "pendigits-orig.tra"
    path.write_bytes(b"\x1f\x9d\x90\xff\xfe")
    with pytest.raises(ValueError, match=re.escape(str(path))):
        read(path)


def test_read_says_where_to_get_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="archive.ics.uci.edu/dataset/81"):
        read(tmp_path / "nothing.tra")


def test_replay_is_black_on_white_and_opaque():
    canvas = replay(one_stroke((0, 0), (100, 300)), brush_px=20)
    assert canvas.shape == (280, 280, 4)
    assert canvas.dtype == np.uint8
    assert (canvas[..., 3] == 255).all()
    assert (canvas[..., :3] == canvas[..., :1]).all()
    assert set(np.unique(canvas[..., 0])) > {0, 255}, "edges are not anti-aliased"
    assert canvas[0, 0, 0] == 255
    assert canvas[140, 140, 0] == 0


def test_replay_flips_the_y_axis_of_the_tablet():
    """A tick mark: on the canvas, its long arm ends at the top right."""
    ink = ink_of(replay(one_stroke((0, 100), (50, 0), (200, 300)), brush_px=12))
    rows, columns = np.nonzero(ink)
    assert columns[rows == rows.min()].mean() > 180
    assert columns[rows == rows.max()].mean() < 140


@pytest.mark.parametrize("brush_px", [12, 17.5, 20, 26])
def test_replay_draws_lines_as_wide_as_the_brush(brush_px):
    canvas = replay(one_stroke((100, 0), (100, 50), (100, 300)), brush_px)
    ink = 1 - canvas[..., 0] / 255
    assert ink[140].sum() == pytest.approx(brush_px, abs=1.1)


@pytest.mark.parametrize("brush_px", [12, 20, 26])
@pytest.mark.parametrize(
    "points",
    [
        ((50, 60), (50, 450)),
        ((0, 0), (500, 0)),
        ((0, 0), (500, 500), (0, 500), (499, 1)),
        ((0, 0), (490, 10), (495, 20), (500, 500)),
    ],
    ids=["vertical", "horizontal", "zigzag", "more samples at one end"],
)
def test_replay_centres_the_digit_and_scales_it_to_200_px(points, brush_px):
    top, bottom, left, right = extent(replay(one_stroke(*points), brush_px))
    assert max(bottom - top, right - left) + 1 == pytest.approx(200, abs=2)
    assert (top + bottom) / 2 == pytest.approx(139.5, abs=1)
    assert (left + right) / 2 == pytest.approx(139.5, abs=1)


def test_replay_keeps_the_aspect_ratio():
    top, bottom, left, right = extent(replay(one_stroke((0, 0), (90, 180), (0, 180)), 20))
    assert bottom - top + 1 == pytest.approx(200, abs=2)
    assert right - left + 1 == pytest.approx(20 + 90, abs=2)


def test_replay_has_round_caps():
    ink = ink_of(replay(one_stroke((0, 0), (0, 100)), brush_px=26))
    assert 0 < ink[41].sum() < 16 < ink[54].sum()


def test_replay_has_round_joins():
    """A sharp corner has no notch: a full dot covers the corner point."""
    canvas = replay(one_stroke((0, 0), (100, 0), (0, 8)), brush_px=26)
    _, bottom, _, right = extent(canvas)
    row, column = bottom - 12, right - 12
    assert ink_of(canvas)[row - 8 : row + 9, column - 8 : column + 9].all()


def test_replay_draws_a_single_point_as_a_dot():
    top, bottom, left, right = extent(replay(one_stroke((250, 250)), brush_px=20))
    assert bottom - top + 1 == pytest.approx(20, abs=1.1)
    assert right - left + 1 == pytest.approx(20, abs=1.1)
    assert (top + bottom) / 2 == pytest.approx(139.5, abs=1)


def test_replay_draws_every_stroke_and_nothing_between_them():
    two = PenDigit(4, 1, (stroke((0, 0), (0, 200)), stroke((200, 0), (200, 200))))
    ink = ink_of(replay(two, brush_px=20))
    assert ink[:, :70].any()
    assert ink[:, 210:].any()
    assert not ink[:, 70:210].any()


@pytest.mark.parametrize("brush_px", [0, -3, 200, 500])
def test_replay_raises_with_the_value_of_an_impossible_brush(brush_px):
    with pytest.raises(ValueError, match=f"brush_px is {brush_px}"):
        replay(one_stroke((0, 0), (0, 100)), brush_px)


def digits_of_writers(*writers: int) -> str:
    return HEADER + "".join(
        SEVEN.replace("7  2  224", f"7 {writer} 224").replace("140  100", f"140 {100 - writer}")
        for writer in writers
    )


def test_held_out_writers_are_every_sixth_of_thirty():
    assert HELD_OUT_WRITERS == (6, 12, 18, 24, 30)


def test_load_holds_out_five_writers_and_draws_the_others_twice(write):
    training, held_out = load(write(digits_of_writers(*range(1, 31))))
    assert held_out.writers.tolist() == [6, 12, 18, 24, 30]
    others = [writer for writer in range(1, 31) if writer % 6]
    assert training.writers.tolist() == [writer for writer in others for _ in range(2)]
    for pixels in (training, held_out):
        assert pixels.images.shape == (len(pixels.writers), 28, 28)
        assert pixels.images.dtype == torch.uint8
        assert pixels.labels.dtype == pixels.writers.dtype == torch.int64
        assert (pixels.labels == 7).all()
        assert (pixels.images.flatten(1).amax(dim=1) == 255).all()


def test_load_draws_each_digit_twice_with_different_brushes(write):
    training, _ = load(write(digits_of_writers(1, 2, 3, 6)))
    ink = training.images.double().sum(dim=(1, 2)).reshape(3, 2)
    assert (ink[:, 0] != ink[:, 1]).all()


def test_load_uses_brushes_of_12_to_26_px(write, monkeypatch):
    used_px = []

    def recording_replay(digit, brush_px):
        used_px.append(brush_px)
        return replay(digit, brush_px)

    monkeypatch.setattr(pen_digits, "replay", recording_replay)
    load(write(digits_of_writers(*range(1, 31))))
    assert len(used_px) == 25 * 2 + 5
    assert min(used_px) >= 12
    assert max(used_px) <= 26
    assert min(used_px) < 13
    assert max(used_px) > 25


@pytest.mark.parametrize(("ink", "grey"), [(0.999, 255), (0.001, 0), (0.4, 102)])
def test_load_rounds_ink_to_the_nearest_grey(write, monkeypatch, ink, grey):
    monkeypatch.setattr(preprocess, "to_pixels", lambda rgba: np.full((28, 28), ink, np.float32))
    _, held_out = load(write(HEADER + DOT))
    assert (held_out.images == grey).all()


def test_load_is_deterministic_and_independent_of_later_digits(write):
    torch.manual_seed(1)
    np.random.seed(1)
    first, first_held_out = load(write(digits_of_writers(1, 6, 2)))
    np.random.seed(2)
    second, second_held_out = load(write(digits_of_writers(1, 6, 2, 3)))
    assert torch.equal(first.images, second.images[:4])
    assert torch.equal(first_held_out.images, second_held_out.images)


def test_load_raises_for_a_digit_without_ink(write, monkeypatch):
    monkeypatch.setattr(preprocess, "to_pixels", lambda rgba: None)
    with pytest.raises(ValueError, match="a 1 of writer 6 leaves no ink"):
        load(write(HEADER + DOT))


def test_load_draws_a_dot(write):
    _, held_out = load(write(HEADER + DOT))
    assert held_out.images[0, 14, 14] == 255
    assert held_out.labels.tolist() == [1]


def equal(one: tuple[PenPixels, PenPixels], other: tuple[PenPixels, PenPixels]) -> bool:
    return all(
        torch.equal(a, b)
        for part, same in zip(one, other, strict=True)
        for a, b in zip(part, same, strict=True)
    )


def test_pixels_are_kept_until_the_file_changes(write, monkeypatch):
    path = write(digits_of_writers(1, 6, 2))
    first = pen_digits.load_kept(path)
    assert equal(first, load(path))
    with monkeypatch.context() as patch:
        patch.setattr(pen_digits, "replay", None)
        assert equal(pen_digits.load_kept(path), first)
    write(digits_of_writers(1, 6, 2, 3))
    assert len(pen_digits.load_kept(path)[0].labels) == len(first[0].labels) + 2
    assert len(list(path.parent.glob("*.npz"))) == 1


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_damaged_kept_pixels_are_replaced(write, damage):
    path = write(digits_of_writers(1, 6))
    first = pen_digits.load_kept(path)
    (kept,) = path.parent.glob("*.npz")
    content = kept.read_bytes()
    kept.write_bytes({"cut": content[:-40], "empty": b"", "other": b"PK?"}[damage])
    assert equal(pen_digits.load_kept(path), first)
    assert kept.read_bytes() == content


def test_pixels_are_loaded_though_they_cannot_be_kept(write, monkeypatch):
    def read_only(path, content):
        raise OSError("Read-only file system")

    path = write(digits_of_writers(1, 6))
    monkeypatch.setattr(pen_digits, "write_whole", read_only)
    assert equal(pen_digits.load_kept(path), load(path))


@pytest.mark.skipif(not PENDIGITS.exists(), reason=f"{PENDIGITS.name} is missing: see {SOURCE_URL}")
def test_real_file_has_7494_digits_by_30_writers():
    digits = read(PENDIGITS)
    assert len(digits) == 7494
    assert {digit.writer for digit in digits} == set(range(1, 31))
    assert {digit.label for digit in digits} == set(range(10))
    assert sum(digit.writer in HELD_OUT_WRITERS for digit in digits) == 1249
