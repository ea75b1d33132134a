"""Conversion between drawings and the objects of the web canvas (fabric.js).

The web canvas describes a drawing as a list of objects: a `path` for each stroke and an `image` for
each picture. Each object may be moved, rotated or scaled.
"""

import base64
import io
from collections.abc import Iterable
from itertools import pairwise
from math import cos, radians, sin
from typing import Any

import numpy as np
from PIL import Image

from mnistcmp.drawing.canvas import Drawing, Picture, Points, Stroke, joints

BOUNDS_PIECES = 129  # points per curve, to find its bounding box

FabricObject = dict[str, Any]


def from_fabric(objects: Iterable[FabricObject]) -> Drawing:
    """The web canvas's `objects`, possibly moved, rotated or scaled -> a drawing.

    Objects other than paths and images are ignored; our canvas has none.
    """
    drawing: Drawing = []
    for thing in objects:
        kind = str(thing.get("type")).lower()
        if kind == "path":
            drawing.append(_stroke_of(thing))
        elif kind == "image":
            png = base64.b64decode(thing["src"].partition(",")[2])
            x, y = _middle(thing)
            width, height = _scaled_size(thing)
            drawing.append(Picture(png, x, y, width, height, thing.get("angle", 0)))
    return drawing


def to_fabric(drawing: Drawing) -> list[FabricObject]:
    """A drawing -> objects for the `initial_drawing` of the web canvas."""
    return [
        _fabric_path(part) if isinstance(part, Stroke) else _fabric_image(part) for part in drawing
    ]


def _origin(samples: Points) -> np.ndarray:
    """The centre of a path according to fabric.js, (2,)."""
    points = np.array(samples)
    extent = points[[0, -1]]
    if len(points) > 2:
        starts, middles = joints(points)
        t = np.linspace(0, 1, BOUNDS_PIECES)[:, None, None]
        # fabric.js computes the bounds as if each curve were cubic, with its control point twice.
        cubic = (1 - t) ** 3 * starts + 3 * t * (1 - t) * points[1:-1] + t**3 * middles
        extent = np.concatenate([extent, cubic.reshape(-1, 2)])
    return (extent.min(axis=0) + extent.max(axis=0)) / 2


def _stroke_of(thing: FabricObject) -> Stroke:
    """A path: ["M", x, y], ["Q", sample x, y, midpoint x, y] for each sample, ["L", x, y]."""
    samples = [(float(command[1]), float(command[2])) for command in thing["path"]]
    scale_x, scale_y = thing.get("scaleX", 1), thing.get("scaleY", 1)
    brush_px = thing["strokeWidth"] * (abs(scale_x) * abs(scale_y)) ** 0.5
    if "left" not in thing:  # the points are canvas coordinates
        return Stroke(samples, brush_px)
    flipped = [-1 if thing.get(flip) else 1 for flip in ("flipX", "flipY")]
    local = (np.array(samples) - _origin(samples)) * [scale_x, scale_y] * flipped
    placed = local @ _turn(thing.get("angle", 0)).T + _middle(thing)
    return Stroke([tuple(point) for point in placed.tolist()], brush_px)


def _turn(degrees: float) -> np.ndarray:
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return np.array([[c, -s], [s, c]])  # clockwise, because y points down


def _scaled_size(thing: FabricObject) -> tuple[float, float]:
    return thing["width"] * thing.get("scaleX", 1), thing["height"] * thing.get("scaleY", 1)


def _middle(thing: FabricObject) -> tuple[float, float]:
    if thing.get("originX") == "center":
        return thing["left"], thing["top"]
    half = np.array(_scaled_size(thing)) / 2
    x, y = _turn(thing.get("angle", 0)) @ half + [thing["left"], thing["top"]]
    return float(x), float(y)


def _fabric_path(stroke: Stroke) -> FabricObject:
    first, *others = [[round(x, 2), round(y, 2)] for x, y in stroke.points]
    last = others[-1] if others else first
    commands: list[list[object]] = [["M", *first]]
    for (x, y), (next_x, next_y) in pairwise(others):
        commands.append(["Q", x, y, (x + next_x) / 2, (y + next_y) / 2])
    return {
        "type": "path",
        "path": [*commands, ["L", *last]],
        "stroke": "black",
        "strokeWidth": stroke.brush_px,
        "strokeLineCap": "round",
        "strokeLineJoin": "round",
        "fill": None,
    }


def _fabric_image(picture: Picture) -> FabricObject:
    with Image.open(io.BytesIO(picture.png)) as opened:
        width, height = opened.size
    return {
        "type": "image",
        "src": "data:image/png;base64," + base64.b64encode(picture.png).decode(),
        "originX": "center",
        "originY": "center",
        "left": picture.x,
        "top": picture.y,
        "width": width,
        "height": height,
        "scaleX": picture.width / width,
        "scaleY": picture.height / height,
        "angle": picture.degrees,
    }
