"""The drawing canvas: what a drawing consists of, and how it is rendered.

A drawing contains only what is visible on the canvas: `Stroke`s, and a `Picture` for each sample or
upload.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

CANVAS_PX = 280
USUAL_BRUSHES_PX = 12, 26  # thinnest and thickest brush of generated drawings

# Pillow draws without anti-aliasing, so lines are drawn at this scale and averaged.
SUPERSAMPLING = 2

GREYS = 16  # grey levels of a picture in a link: a quarter of the bytes, and the same readings
CURVE_PIECES = 4  # straight pieces of each curve
LARGEST_PNG = 400_000  # bytes: the canvas's pixels without compression have 313,600

Points = list[tuple[float, float]]


class DrawingError(ValueError):
    """Something from outside that is no drawing, or a drawing that is too large."""


@dataclass(frozen=True)
class Stroke:
    """One stroke of the pen: its sampled points (x, y) and its width, all in canvas px."""

    points: Points
    brush_px: float


@dataclass(frozen=True)
class Picture:
    """A grey PNG on the canvas: centre and size in canvas px, rotated clockwise by `degrees`."""

    png: bytes
    x: float
    y: float
    width: float
    height: float
    degrees: float = 0.0


Drawing = list[Stroke | Picture]


def paint(strokes: Iterable[tuple[Points, float]]) -> Image.Image:
    """(points, width) of lines, in canvas px -> grey image (280, 280), black on white.

    Lines have round caps and joins and are anti-aliased.
    """
    large = Image.new("L", (CANVAS_PX * SUPERSAMPLING,) * 2, "white")
    pen = ImageDraw.Draw(large)
    for points, brush_px in strokes:
        corners = [(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points]
        width = round(brush_px * SUPERSAMPLING)
        pen.line(corners, fill="black", width=width)
        for corner in corners:
            pen.circle(corner, radius=width / 2, fill="black")
    return large.reduce(SUPERSAMPLING)


def opaque(grey: Image.Image) -> np.ndarray:
    """A grey image in the format that the web canvas sends: opaque uint8 RGBA (H, W, 4)."""
    return np.array(grey.convert("RGBA"))


def render(drawing: Drawing) -> np.ndarray:
    """The drawing as the web canvas shows it, except for edge pixels: uint8 RGBA (280, 280, 4)."""
    grey = paint(
        (_curve(part.points), part.brush_px) for part in drawing if isinstance(part, Stroke)
    )
    for part in drawing:
        if isinstance(part, Picture):
            grey = ImageChops.darker(grey, paint_picture(part))
    return opaque(grey)


def put(ink: np.ndarray) -> Picture:
    """float (h, w) ink in [0, 1], at most 280 px a side -> picture, filling the canvas."""
    grey = Image.fromarray(np.rint(255 * (1 - ink)).astype(np.uint8))
    buffer = io.BytesIO()
    grey.quantize(GREYS).save(buffer, "PNG", optimize=True)
    scale = CANVAS_PX / max(grey.size)
    middle = CANVAS_PX / 2
    return Picture(buffer.getvalue(), middle, middle, grey.width * scale, grey.height * scale)


def open_png(png: bytes) -> Image.Image:
    """A PNG of at most 280 px a side -> an RGBA image.

    Raises DrawingError for anything else, for larger pictures before their pixels are decoded.
    """
    if len(png) > LARGEST_PNG:
        raise DrawingError(f"its picture has {len(png):,} bytes, more than {LARGEST_PNG:,}")
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as opened:
            if max(opened.size) > CANVAS_PX:
                raise DrawingError(f"its picture has {opened.size} px, more than the canvas")
            return opened.convert("RGBA")
    except DrawingError:
        raise
    except Exception as error:  # Pillow raises many types of errors for damaged files
        raise DrawingError("its picture is not a readable PNG") from error


def paint_picture(picture: Picture) -> Image.Image:
    """The picture as a grey image (280, 280) on white. Raises DrawingError if it is unreadable."""
    grey = open_png(picture.png).convert("L")
    size = (max(1, round(picture.width)), max(1, round(picture.height)))
    # Rotated as white on black, so that the new corners are blank.
    ink = ImageChops.invert(grey.resize(size)).rotate(-picture.degrees, expand=True)
    canvas = Image.new("L", (CANVAS_PX,) * 2, "black")
    canvas.paste(ink, (round(picture.x - ink.width / 2), round(picture.y - ink.height / 2)))
    return ImageChops.invert(canvas)


def _curve(samples: Points) -> Points:
    """The curve that fabric.js draws for a pen's samples: quadratic pieces between midpoints."""
    if len(samples) < 3:
        return samples
    points = np.array(samples)
    starts, middles = joints(points)
    t = np.linspace(0, 1, CURVE_PIECES + 1)[1:, None, None]
    curves = (1 - t) ** 2 * starts + 2 * t * (1 - t) * points[1:-1] + t**2 * middles
    along = curves.transpose(1, 0, 2).reshape(-1, 2)
    return [tuple(point) for point in np.concatenate([points[:1], along, points[-1:]]).tolist()]


def joints(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and end points of the curves for (n, 2) samples: midpoints, and the first sample."""
    middles = (points[1:-1] + points[2:]) / 2
    return np.concatenate([points[:1], middles[:-1]]), middles
