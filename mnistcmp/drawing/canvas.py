"""The drawing canvas: what a drawing is, and how it is painted.

A drawing is what can be seen on the canvas and no more: `Stroke`s, and a `Picture` for each sample
or upload that was put on it.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

CANVAS_PX = 280
USUAL_BRUSHES_PX = 12, 26  # the thinnest and the thickest, of drawings that are made for training

# Pillow draws without anti-aliasing, so twice as large and then averaged.
SUPERSAMPLING = 2

GREYS = 16  # of a picture in a link: a quarter of the bytes, and no network reads it otherwise
CURVE_PIECES = 4  # straight ones, for a curve between two samples of the pen

Points = list[tuple[float, float]]


class DrawingError(ValueError):
    """A link whose drawing cannot be read, or a drawing that is too large for a link."""


@dataclass(frozen=True)
class Stroke:
    """One movement of the pen: where it was seen, x and y in canvas px, and how wide it is."""

    points: Points
    brush_px: float


@dataclass(frozen=True)
class Picture:
    """A grey PNG on the canvas: its middle and size in canvas px, turned clockwise by `degrees`."""

    png: bytes
    x: float
    y: float
    width: float
    height: float
    degrees: float = 0.0


Drawing = list[Stroke | Picture]


def paint(strokes: Iterable[tuple[Points, float]]) -> Image.Image:
    """Lines through points (canvas px) with their widths -> grey image (280, 280), black on white.

    Round caps and joins, anti-aliased.
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
    """A grey image as the canvas sends its pictures: uint8 RGBA (H, W, 4), nothing transparent."""
    return np.array(grey.convert("RGBA"))


def render(drawing: Drawing) -> np.ndarray:
    """The drawing as the web canvas shows it, but for its edges: uint8 RGBA (280, 280, 4)."""
    grey = paint(
        (_curve(part.points), part.brush_px) for part in drawing if isinstance(part, Stroke)
    )
    for part in drawing:
        if isinstance(part, Picture):
            grey = ImageChops.darker(grey, paint_picture(part))
    return opaque(grey)


def put(ink: np.ndarray) -> Picture:
    """float (h, w) ink in [0, 1], at most 280 px a side -> black on white, filling the canvas."""
    grey = Image.fromarray(np.rint(255 * (1 - ink)).astype(np.uint8))
    buffer = io.BytesIO()
    grey.quantize(GREYS).save(buffer, "PNG", optimize=True)
    scale = CANVAS_PX / max(grey.size)
    middle = CANVAS_PX / 2
    return Picture(buffer.getvalue(), middle, middle, grey.width * scale, grey.height * scale)


def paint_picture(picture: Picture) -> Image.Image:
    """The picture alone, grey (280, 280) on white. Raises DrawingError if it cannot be read."""
    try:
        with Image.open(io.BytesIO(picture.png), formats=["PNG"]) as opened:
            if max(opened.size) > CANVAS_PX:
                raise DrawingError(f"it has {opened.size} px, more than the canvas")
            grey = opened.convert("L")
    except Exception as error:  # damaged files make Pillow raise whatever it stumbles over
        raise DrawingError("its picture is no PNG of ours") from error
    size = (max(1, round(picture.width)), max(1, round(picture.height)))
    # Turned as ink on black, so that the corners that appear are paper.
    ink = ImageChops.invert(grey.resize(size)).rotate(-picture.degrees, expand=True)
    canvas = Image.new("L", (CANVAS_PX,) * 2, "black")
    canvas.paste(ink, (round(picture.x - ink.width / 2), round(picture.y - ink.height / 2)))
    return ImageChops.invert(canvas)


def _curve(samples: Points) -> Points:
    """What fabric.js draws through the samples of a pen: quadratic curves through the midpoints."""
    if len(samples) < 3:
        return samples
    points = np.array(samples)
    starts, middles = joints(points)
    t = np.linspace(0, 1, CURVE_PIECES + 1)[1:, None, None]
    curves = (1 - t) ** 2 * starts + 2 * t * (1 - t) * points[1:-1] + t**2 * middles
    along = curves.transpose(1, 0, 2).reshape(-1, 2)
    return [tuple(point) for point in np.concatenate([points[:1], along, points[-1:]]).tolist()]


def joints(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each curve starts and where it ends: the midpoints between (n, 2) samples."""
    middles = (points[1:-1] + points[2:]) / 2
    return np.concatenate([points[:1], middles[:-1]]), middles
