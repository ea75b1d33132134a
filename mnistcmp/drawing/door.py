"""The door for every drawing from outside: links, the web canvas, live pictures and uploads.

What comes from outside may have any shape. Types, ranges and numbers of parts are checked here,
before anything is painted, so that no drawing takes more than a second or a few megabytes.
"""

import base64
import binascii
from typing import Any

import numpy as np

from mnistcmp.drawing.canvas import (
    CANVAS_PX,
    LARGEST_PNG,
    Drawing,
    DrawingError,
    Picture,
    Stroke,
    open_png,
)

MOST_STROKES, MOST_PICTURES = 200, 4
MOST_POINTS = 20_000  # of all strokes together
THICKEST_BRUSH_PX = 100  # the brush has at most 40 px, but strokes can be enlarged
LARGEST_PICTURE_PX = 2 * CANVAS_PX
FARTHEST = 10_000  # of any number: the pen may leave the canvas, but not the largest screen

PNG_URL = "data:image/png;base64,"


def number(value: Any) -> float:
    """The value, if it is a number within ±10,000. Raises DrawingError otherwise."""
    if type(value) not in (int, float):  # a bool is no number here
        raise DrawingError(f"a number in it is of type {type(value).__name__}")
    if not abs(value) <= FARTHEST:  # not `>`, which would accept NaN
        raise DrawingError(f"a number in it is not within ±{FARTHEST:,}")
    return value


def checked(drawing: Drawing) -> Drawing:
    """The drawing, if it can be painted safely.

    Raises DrawingError, with the reason, if it is too large or has impossible values.
    """
    strokes = [part for part in drawing if isinstance(part, Stroke)]
    pictures = [part for part in drawing if isinstance(part, Picture)]
    check_counts(len(strokes), len(pictures), sum(len(stroke.points) for stroke in strokes))
    for stroke in strokes:
        if not 0 < number(stroke.brush_px) <= THICKEST_BRUSH_PX:
            raise DrawingError(
                f"its brush is {stroke.brush_px:g} px, not more than 0 and at most "
                f"{THICKEST_BRUSH_PX}"
            )
        if not stroke.points:
            raise DrawingError("a stroke in it has no points")
        for x, y in stroke.points:
            number(x)
            number(y)
    for picture in pictures:
        for place in (picture.x, picture.y, picture.degrees):
            number(place)
        for side in (picture.width, picture.height):
            if not 0 < number(side) <= LARGEST_PICTURE_PX:
                raise DrawingError(
                    f"a side of its picture is {side:g} px, not more than 0 and at most "
                    f"{LARGEST_PICTURE_PX}"
                )
        open_png(picture.png)
    return drawing


def check_counts(strokes: int, pictures: int, points: int) -> None:
    """Raise DrawingError if a drawing has too many parts."""
    for count, most, what in (
        (strokes, MOST_STROKES, "strokes"),
        (pictures, MOST_PICTURES, "pictures"),
        (points, MOST_POINTS, "points"),
    ):
        if count > most:
            raise DrawingError(f"it has {count:,} {what}, more than {most:,}")


def png_of(url: Any) -> bytes:
    """The content of a PNG's data URL. Raises DrawingError for anything else."""
    if not isinstance(url, str) or not url.startswith(PNG_URL):
        raise DrawingError("a picture in it is not the data URL of a PNG")
    return from_base64(url[len(PNG_URL) :])


def from_base64(text: str) -> bytes:
    """The bytes of a PNG in base64. Raises DrawingError if they are too many or not base64."""
    if len(text) > 4 * (LARGEST_PNG // 3 + 1):
        raise DrawingError(f"a picture in it has more than {LARGEST_PNG:,} bytes")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DrawingError("a picture in it is not valid base64") from error


def pixels(url: Any) -> np.ndarray:
    """The data URL of a PNG of at most 280 px a side -> uint8 RGBA (H, W, 4).

    Raises DrawingError for anything else.
    """
    return np.asarray(open_png(png_of(url)))
