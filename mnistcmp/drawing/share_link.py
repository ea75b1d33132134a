"""Conversion between a drawing and a short text, for a link or for the browser's tab to keep."""

import base64
import json
import zlib
from typing import Any

import numpy as np

from mnistcmp.drawing import door
from mnistcmp.drawing.canvas import Drawing, DrawingError, Picture, Stroke

LONGEST_LINK = 6_000  # characters: proxies and servers accept URLs of about 8,000
LARGEST_TEXT = 100_000  # bytes after decompression; more is an attack


def to_text(drawing: Drawing, longest: int = LONGEST_LINK) -> str:
    """A drawing, rounded to whole px -> at most `longest` characters that are valid in a URL.

    Raises DrawingError if there are more.
    """
    parts = []
    for part in drawing:
        if isinstance(part, Stroke):
            points = np.rint(np.array(part.points)).astype(int)
            steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=int))
            parts.append([max(1, round(part.brush_px)), *steps.flatten().tolist()])
        else:
            place = (part.x, part.y, part.width, part.height, part.degrees)
            parts.append([base64.b64encode(part.png).decode(), *map(round, place)])
    packed = zlib.compress(json.dumps(parts, separators=(",", ":")).encode(), level=9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(text) > longest:
        raise DrawingError(
            f"the drawing needs {len(text):,} characters, but a link can have only "
            f"{longest:,}: draw it with fewer strokes"
        )
    return text


def from_text(text: str, longest: int = LONGEST_LINK) -> Drawing:
    """A text made by `to_text` -> the drawing.

    Raises DrawingError for any other text, and for a longer one: links are untrusted input.
    """
    try:
        if len(text) > longest:
            raise DrawingError(f"it has {len(text):,} characters, more than {longest:,}")
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        content = zlib.decompressobj().decompress(packed, LARGEST_TEXT)
        parts = json.loads(content)
        if not isinstance(parts, list):
            raise DrawingError("it is not a list of strokes")
        return door.checked([_part(*part) for part in parts])
    except DrawingError as error:
        raise DrawingError(f"the drawing in this link cannot be read: {error}") from error
    except (
        zlib.error,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        OverflowError,
        RecursionError,
        OSError,
    ) as error:
        # Without Python's message, which may quote the untrusted link.
        raise DrawingError("the drawing in this link cannot be read: it is damaged") from error


def _part(first: Any, *numbers: Any) -> Stroke | Picture:  # Any: whatever the JSON holds
    values = np.array([door.number(value) for value in numbers])
    if isinstance(first, str):
        return Picture(door.from_base64(first), *values.tolist())
    points = np.cumsum(np.reshape(values, (-1, 2)), axis=0)
    return Stroke([tuple(point) for point in points.tolist()], door.number(first))
