"""Pen strokes (a UNIPEN file) -> the canvas as a person would have drawn it.

The digits are the pen strokes of 30 writers on a pressure-sensitive tablet, before any resampling.
Source: E. Alpaydin and F. Alimoglu, "Pen-Based Recognition of Handwritten Digits", 1998, UCI
Machine Learning Repository 81, CC BY 4.0, doi 10.24432/C5MG6K; the file pendigits-orig.tra.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mnistcmp.catalogue.datasets import HELD_OUT_WRITERS
from mnistcmp.drawing import canvas, preprocess
from mnistcmp.drawing.canvas import CANVAS_PX

SOURCE_URL = "https://archive.ics.uci.edu/dataset/81"

# The digit's ink, brush included, fills as much of the canvas as an MNIST digit of its field.
DIGIT_PX = CANVAS_PX * preprocess.BOX_PX // preprocess.FIELD_PX

THINNEST_BRUSH_PX, THICKEST_BRUSH_PX = 12, 26
BRUSH_SEED = 0


@dataclass(frozen=True)
class PenDigit:
    """One digit as written: `strokes` are float32 (n, 2) arrays of x, y in tablet units, y up."""

    label: int
    writer: int
    strokes: tuple[np.ndarray, ...]


class PenPixels(NamedTuple):
    """N digits as a network reads them, ink bright.

    images: uint8 (N, 28, 28). labels: int64 (N,), 0..9. writers: int64 (N,), 1..30.
    """

    images: torch.Tensor
    labels: torch.Tensor
    writers: torch.Tensor


def load(path: str | Path) -> tuple[PenPixels, PenPixels]:
    """UNIPEN file -> (training, held out), each digit drawn on the canvas and made into pixels.

    Training: all writers but HELD_OUT_WRITERS, each digit twice in a row with two brushes.
    Held out: those five writers, each digit once. Brushes are uniform in 12..26 px; the n-th digit
    of the file has the same brushes in every call. Takes seconds: the caller keeps the result.
    Raises as `read`, and ValueError if a digit leaves no ink.
    """
    digits = read(path)
    brushes_px = np.random.default_rng(BRUSH_SEED).uniform(
        THINNEST_BRUSH_PX, THICKEST_BRUSH_PX, size=(len(digits), 2)
    )
    training, held_out = [], []
    for digit, (first_px, second_px) in zip(digits, brushes_px, strict=True):
        if digit.writer in HELD_OUT_WRITERS:
            held_out.append((digit, first_px))
        else:
            training += [(digit, first_px), (digit, second_px)]
    return _pen_pixels(training), _pen_pixels(held_out)


def read(path: str | Path) -> list[PenDigit]:
    """UNIPEN file -> its digits in file order.

    Raises FileNotFoundError if there is no such file, ValueError with the line number if its text
    is not that of pendigits-orig.tra.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there: get pendigits-orig.tra from {SOURCE_URL} and uncompress it"
        )
    reader = _Reader()
    try:
        for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), start=1):
            reader.take(number, line.split())
        reader.end()
    except ValueError as error:
        raise ValueError(
            f"{path}, line {reader.number}: {error}; get pendigits-orig.tra anew from {SOURCE_URL}"
        ) from error
    return reader.digits


def replay(digit: PenDigit, brush_px: float) -> np.ndarray:
    """Pen strokes -> uint8 RGBA (280, 280, 4): black ink on white, as the web canvas draws it.

    The ink, brush included, has its longer side at 200 px in the middle of the canvas. Strokes have
    round caps and joins. The canvas's fabric.js runs quadratic curves through the midpoints of the
    pointer samples; the tablet's samples lie so close that straight segments, as here, are off by
    0.4 px on average and 1.4 px at the 99th percentile: a seventh of a pixel of the 28x28.
    Raises ValueError if `brush_px` is not in (0, 200).
    """
    if not 0 < brush_px < DIGIT_PX:
        raise ValueError(f"brush_px is {brush_px}, must be between 0 and {DIGIT_PX}: try 20")
    points = np.concatenate(digit.strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    # A digit of a single point has no extent: any scale will do.
    scale = (DIGIT_PX - brush_px) / max(float((high - low).max()), 1.0)
    flip = np.float32([scale, -scale])
    middle = (low + high) / 2
    placed = [(stroke - middle) * flip + CANVAS_PX / 2 for stroke in digit.strokes]
    return canvas.opaque(
        canvas.paint(([tuple(xy) for xy in stroke.tolist()], brush_px) for stroke in placed)
    )


def _pen_pixels(drawings: list[tuple[PenDigit, float]]) -> PenPixels:
    images = np.empty((len(drawings), preprocess.FIELD_PX, preprocess.FIELD_PX), dtype=np.uint8)
    for image, (digit, brush_px) in zip(images, drawings, strict=True):
        pixels = preprocess.to_pixels(replay(digit, brush_px))
        if pixels is None:
            raise ValueError(
                f"a {digit.label} of writer {digit.writer} leaves no ink with a brush of "
                f"{brush_px:.1f} px: mend or remove it in the file"
            )
        image[:] = np.rint(pixels * 255)
    return PenPixels(
        images=torch.from_numpy(images),
        labels=torch.tensor([digit.label for digit, _ in drawings], dtype=torch.int64),
        writers=torch.tensor([digit.writer for digit, _ in drawings], dtype=torch.int64),
    )


@dataclass
class _Reader:
    """Takes the file line by line; what is out of place raises ValueError."""

    digits: list[PenDigit] = field(default_factory=list)
    number: int = 1  # of the line, from 1
    label: int | None = None
    writer: int | None = None
    strokes: list[np.ndarray] = field(default_factory=list)
    points: list[tuple[int, int]] | None = None  # None while the pen is up

    def take(self, number: int, words: list[str]) -> None:
        self.number = number
        match words:
            case [] | [".INCLUDE" | ".LEXICON" | ".HIERARCHY" | ".DT", *_]:
                pass
            case [".SEGMENT", "DIGIT", _, _, label]:
                self._finish_digit()
                self.label = _digit_label(label.strip('"'))
            case [".COMMENT", label, writer, _]:
                self._name_writer(_digit_label(label), int(writer))
            case [".PEN_DOWN"]:
                self._pen_down()
            case [".PEN_UP"]:
                self._pen_up()
            case [x, y] if not x.startswith("."):
                self._point(int(x), int(y))
            case _:
                raise ValueError(f"cannot understand {' '.join(words)!r}")

    def end(self) -> None:
        self._finish_digit()
        if not self.digits:
            raise ValueError("the file ends without a single .SEGMENT DIGIT")

    def _name_writer(self, label: int, writer: int) -> None:
        if label != self.label:
            raise ValueError(f"the .COMMENT is about a {label}, the .SEGMENT about {self.label}")
        self.writer = writer

    def _pen_down(self) -> None:
        if self.points is not None or self.writer is None:
            raise ValueError(".PEN_DOWN before .PEN_UP, or before the .COMMENT naming the writer")
        self.points = []

    def _point(self, x: int, y: int) -> None:
        if self.points is None:
            raise ValueError(f"the point {x} {y} stands outside .PEN_DOWN and .PEN_UP")
        self.points.append((x, y))

    def _pen_up(self) -> None:
        if not self.points:
            raise ValueError(".PEN_UP without .PEN_DOWN, or after no points")
        self.strokes.append(np.array(self.points, dtype=np.float32))
        self.points = None

    def _finish_digit(self) -> None:
        if self.points is not None:
            raise ValueError("the pen is still down where the digit ends: .PEN_UP is missing")
        if self.label is not None:
            if not self.strokes:
                raise ValueError(f"the {self.label} before this line has no strokes")
            self.digits.append(PenDigit(self.label, self.writer, tuple(self.strokes)))
        self.label, self.writer, self.strokes = None, None, []


def _digit_label(text: str) -> int:
    if text not in tuple("0123456789"):
        raise ValueError(f"the label {text!r} is not a digit")
    return int(text)
