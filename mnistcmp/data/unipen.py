"""Read pen strokes: a UNIPEN file -> digits as they were written.

The digits are the pen strokes of 30 writers on a pressure-sensitive tablet, before any resampling.
Source: E. Alpaydin and F. Alimoglu, "Pen-Based Recognition of Handwritten Digits", 1998, UCI
Machine Learning Repository 81, CC BY 4.0, doi 10.24432/C5MG6K; the file pendigits-orig.tra.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SOURCE_URL = "https://archive.ics.uci.edu/dataset/81"


@dataclass(frozen=True)
class PenDigit:
    """One digit as written: `strokes` are float32 (n, 2) arrays of x, y in tablet units, y up."""

    label: int
    writer: int
    strokes: tuple[np.ndarray, ...]


def read(path: str | Path) -> list[PenDigit]:
    """UNIPEN file -> its digits in file order.

    Raises FileNotFoundError if there is no such file, ValueError with the line number if it is not
    in the format of pendigits-orig.tra.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: get pendigits-orig.tra from {SOURCE_URL} and uncompress it"
        )
    reader = _Reader()
    try:
        for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), start=1):
            reader.take(number, line.split())
        reader.end()
    except ValueError as error:
        raise ValueError(
            f"{path}, line {reader.number}: {error}; get pendigits-orig.tra again from {SOURCE_URL}"
        ) from error
    return reader.digits


@dataclass
class _Reader:
    """Takes the file line by line; raises ValueError for a line out of place."""

    digits: list[PenDigit] = field(default_factory=list)
    number: int = 1  # the current line, from 1
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
            raise ValueError("the file has no .SEGMENT DIGIT")

    def _name_writer(self, label: int, writer: int) -> None:
        if label != self.label:
            raise ValueError(f"the .COMMENT says {label}, the .SEGMENT says {self.label}")
        self.writer = writer

    def _pen_down(self) -> None:
        if self.points is not None or self.writer is None:
            raise ValueError(".PEN_DOWN before .PEN_UP, or before the .COMMENT naming the writer")
        self.points = []

    def _point(self, x: int, y: int) -> None:
        if self.points is None:
            raise ValueError(f"the point {x} {y} is not between .PEN_DOWN and .PEN_UP")
        self.points.append((x, y))

    def _pen_up(self) -> None:
        if not self.points:
            raise ValueError(".PEN_UP without .PEN_DOWN, or without points")
        self.strokes.append(np.array(self.points, dtype=np.float32))
        self.points = None

    def _finish_digit(self) -> None:
        if self.points is not None:
            raise ValueError("the pen is still down at the end of the digit: .PEN_UP is missing")
        if self.label is not None:
            if self.writer is None or not self.strokes:
                raise ValueError(f"the {self.label} before this line has no strokes")
            self.digits.append(PenDigit(self.label, self.writer, tuple(self.strokes)))
        self.label, self.writer, self.strokes = None, None, []


def _digit_label(text: str) -> int:
    if text not in tuple("0123456789"):
        raise ValueError(f"the label {text!r} is not a digit")
    return int(text)
