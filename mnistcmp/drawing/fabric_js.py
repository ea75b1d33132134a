"""Conversion between drawings and the objects of the web canvas (fabric.js).

The web canvas describes a drawing as a list of objects: a `path` for each stroke and an `image` for
each picture. Each object may be moved, rotated or scaled.
"""

import base64
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin
from typing import Any

import numpy as np

from mnistcmp.drawing import door
from mnistcmp.drawing.canvas import (
    Drawing,
    DrawingError,
    Picture,
    Points,
    Stroke,
    joints,
    open_png,
)

LETTERS = ("M", "Q", "L", "C")
NUMBERS = (
    *("left", "top", "width", "height", "scaleX", "scaleY", "angle"),
    *("strokeWidth", "strokeMiterLimit"),
)
STROKE_STYLE = {
    "stroke": "black",
    "strokeLineCap": "round",
    "strokeLineJoin": "round",
    "fill": None,
}

FabricObject = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What the web canvas reports: its objects, and its pixels, uint8 RGBA (H, W, 4), if any."""

    objects: list[FabricObject]
    rgba: np.ndarray | None = None


def read_report(value: Any) -> Report:
    """The web canvas's `{"raw": {"objects": […]}, "data": data URL of a PNG or None}`.

    Raises DrawingError for anything else.
    """
    if not isinstance(value, dict):
        raise DrawingError(f"the canvas's report is of type {type(value).__name__}")
    raw, url = value.get("raw") or {}, value.get("data")
    if not isinstance(raw, dict):
        raise DrawingError(f"the canvas's drawing is of type {type(raw).__name__}")
    objects = cleaned(raw.get("objects", []))
    from_fabric(objects)  # raises if they cannot be painted
    return Report(objects, None if url is None else door.pixels(url))


def cleaned(objects: Any) -> list[FabricObject]:
    """The paths and images among `objects`, with only the properties that matter.

    Other objects are ignored; our canvas has none. Raises DrawingError if it is not a list, or if
    a property is impossible.
    """
    if not isinstance(objects, list) or not all(isinstance(thing, dict) for thing in objects):
        raise DrawingError("the canvas's objects are not a list of objects")
    paths = [thing for thing in objects if _kind(thing) == "path"]
    images = [thing for thing in objects if _kind(thing) == "image"]
    if not all(isinstance(path.get("path"), list) for path in paths):
        raise DrawingError("a path in it has no commands")
    door.check_counts(len(paths), len(images), sum(len(path["path"]) for path in paths))
    return [_cleaned(thing) for thing in objects if _kind(thing) in ("path", "image")]


def from_fabric(objects: Any) -> Drawing:
    """The web canvas's `objects`, possibly moved, rotated or scaled -> a drawing.

    Raises DrawingError if they are none.
    """
    try:
        return door.checked([_part_of(thing) for thing in cleaned(objects)])
    except KeyError as error:
        raise DrawingError(f"an object in it has no {error}") from error


def to_fabric(drawing: Drawing) -> list[FabricObject]:
    """A drawing -> objects for the `initial_drawing` of the web canvas."""
    return [
        _fabric_path(part) if isinstance(part, Stroke) else _fabric_image(part) for part in drawing
    ]


def _kind(thing: FabricObject) -> str:
    kind = thing.get("type")
    return kind.lower() if isinstance(kind, str) else ""


def _cleaned(thing: FabricObject) -> FabricObject:
    kept: FabricObject = {"type": _kind(thing)}
    kept |= {name: door.number(thing[name]) for name in NUMBERS if name in thing}
    kept |= {name: bool(thing[name]) for name in ("flipX", "flipY") if name in thing}
    for name, start in (("originX", "left"), ("originY", "top")):
        if name in thing:
            kept[name] = "center" if thing[name] == "center" else start
    if kept["type"] == "image":
        door.png_of(thing.get("src"))
        return kept | {"src": thing["src"]}
    return kept | STROKE_STYLE | {"path": [_command(command) for command in thing["path"]]}


def _command(command: Any) -> list[object]:
    """A path's command: a letter and the coordinates of one, two or three points."""
    if not isinstance(command, list) or len(command) not in (3, 5, 7) or command[0] not in LETTERS:
        raise DrawingError("a path in it has an unknown command")
    return [command[0], *map(door.number, command[1:])]


def _part_of(thing: FabricObject) -> Stroke | Picture:
    if thing["type"] == "path":
        return _stroke_of(thing)
    x, y = _middle(thing)
    width, height = _scaled_size(thing)
    return Picture(door.png_of(thing["src"]), x, y, width, height, thing.get("angle", 0))


def _origin(samples: Points) -> np.ndarray:
    """The centre of a path according to fabric.js, (2,)."""
    points = np.array(samples)
    extent = points[[0, -1]]
    if len(points) > 2:
        starts, middles = joints(points)
        # fabric.js computes the bounds as if each curve were cubic, with its control point twice.
        # Where it turns, (middle - start) t² - 2 (control - start) t + (control - start) = 0.
        controls = points[1:-1]
        rise = controls - starts
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(rise**2 - (middles - starts) * rise)
            t = np.nan_to_num(np.clip([rise / (rise + root), rise / (rise - root)], 0, 1))
        turns = (1 - t) ** 3 * starts + 3 * t * (1 - t) * controls + t**3 * middles
        extent = np.concatenate([extent, middles, turns.reshape(-1, 2)])
    return (extent.min(axis=0) + extent.max(axis=0)) / 2


def _stroke_of(thing: FabricObject) -> Stroke:
    """A path: ["M", x, y], ["Q", sample x, y, midpoint x, y] for each sample, ["L", x, y]."""
    samples = [(float(command[1]), float(command[2])) for command in thing["path"]]
    if not samples:
        raise DrawingError("a path in it has no commands")
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
        "strokeWidth": stroke.brush_px,
        **STROKE_STYLE,
    }


def _fabric_image(picture: Picture) -> FabricObject:
    width, height = open_png(picture.png).size
    return {
        "type": "image",
        "src": door.PNG_URL + base64.b64encode(picture.png).decode(),
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
