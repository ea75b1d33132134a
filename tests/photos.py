"""Synthetic photos of digits, and an assertion that a photo is read correctly."""

import io

import numpy as np
import pytest
from PIL import Image

from mnistcmp.drawing import canvas, photo

DIGITS = {
    "7": [[(80, 70), (200, 70), (130, 220)]],
    "4": [[(160, 60), (90, 160), (210, 160)], [(165, 110), (165, 230)]],
}
USUAL_PX = 20
TENTH_PX = 19  # a tenth of the height of either digit

# The least intersection over union of the digit's ink and the ink that was read. Measured: at least
# 0.79 if the digit is recognisable, at most 0.49 if it is lost.
ALIKE = 0.75

y, x = np.mgrid[:280, :280] / 279


def painted(digit: str, brush_px: float = USUAL_PX) -> np.ndarray:
    """The digit as ink in [0, 1], (280, 280)."""
    strokes = [(points, brush_px) for points in DIGITS[digit]]
    return 1 - np.asarray(canvas.paint(strokes)) / 255


def grey(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8))


def file(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else grey(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scan(digit: str, brush_px: float = USUAL_PX) -> np.ndarray:
    return 230 - 200 * painted(digit, brush_px)


def fitted(ink: np.ndarray) -> np.ndarray:
    """The inked pixels, scaled to a longer side of 120 px and centred."""
    inked = ink > 0.5
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    crop = Image.fromarray(inked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    scale = 120 / max(crop.size)
    crop = crop.convert("L").resize([round(side * scale) for side in crop.size])
    field = Image.new("L", (120, 120))
    field.paste(crop, ((120 - crop.width) // 2, (120 - crop.height) // 2))
    return np.asarray(field) > 127


def overlap(ink: np.ndarray, expected: np.ndarray) -> float:
    """Intersection over union of the inked pixels, regardless of position and size."""
    one, other = fitted(ink), fitted(expected)
    return (one & other).sum() / (one | other).sum()


def assert_reads(content: bytes, digit: str, brush_px: float = USUAL_PX) -> None:
    ink = photo.read(content).ink
    assert ink.shape == (84, 84)
    assert ink.dtype == np.float32
    assert ink.min() == 0
    assert ink.max() <= 1
    assert overlap(ink, painted(digit, brush_px)) > ALIKE


every_digit = pytest.mark.parametrize("digit", DIGITS)
