"""Generated canvas states as nobody's canvas sends them, for tests and throw_bad_inputs.py."""

import base64
import copy
import io
import random
import struct
import zlib
from typing import Any

from PIL import Image

PATH = {
    "type": "path",
    "originX": "center",
    "originY": "center",
    "left": 140,
    "top": 140,
    "scaleX": 1,
    "scaleY": 1,
    "angle": 0,
    "flipX": False,
    "strokeWidth": 20,
    "strokeMiterLimit": 10,
    "path": [["M", 140, 40], ["Q", 140, 60, 140, 140], ["L", 140, 240]],
}


def picture(kind: str = "PNG", mode: str = "RGBA", size: tuple[int, int] = (280, 280)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


def as_url(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()


def bomb(side: int = 20_000) -> bytes:
    """A small PNG that claims `side` × `side` px, all black."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


IMAGE = {
    "type": "image",
    "originX": "center",
    "originY": "center",
    "left": 140,
    "top": 140,
    "width": 280,
    "height": 280,
    "scaleX": 1,
    "scaleY": 1,
    "angle": 0,
    "src": as_url(picture()),
}
STATE = {
    "drawing": {"raw": {"objects": [PATH, IMAGE]}, "data": as_url(picture())},
    "backgroundFit": None,
}

WRONG_NUMBERS = [float("nan"), float("inf"), -float("inf"), 1e6, -1e6, 1e300, 10**400, 0, -1]
OTHERS = [None, True, "20", "", "x" * 10_000, [], {}, [[]], {"a": 1}, [1, 2, 3], b"bytes"]
BOMB = bomb()
PICTURES = [
    *(
        as_url(picture(kind, "RGB"), kind.lower())
        for kind in ("GIF", "JPEG", "WEBP", "BMP", "TIFF")
    ),
    *(as_url(picture(kind, "RGB")) for kind in ("GIF", "JPEG", "WEBP", "TIFF")),
    as_url(picture(size=(281, 1))),
    as_url(picture()[:60]),
    as_url(picture())[:200],
    as_url(b""),
    as_url(BOMB),
    as_url(bytes(2_000_000)),
    "data:image/png;base64,%%%",
    "data:image/png;base64,é",
    "data:,",
    "https://evil.example/a.png",
]


def malformed(seed: int) -> Any:
    """A canvas state with one to three places changed."""
    return changed(STATE, random.Random(seed), [STATE, PATH])


def changed(value: Any, rng: random.Random, more: list) -> Any:
    """A nested value with one to three places deleted or replaced, also by one of `more`."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        spots = list(_spots(value))
        if not spots:
            break
        holder, key = rng.choice(spots)
        if isinstance(holder, dict) and rng.random() < 0.2:
            del holder[key]
        else:
            values = rng.choice([WRONG_NUMBERS, OTHERS, PICTURES, more])
            holder[key] = copy.deepcopy(rng.choice(values))
    return value


def _spots(value: Any):
    """Every place inside a nested value, as (container, key)."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _spots(value[key])


def too_much() -> dict[str, Any]:
    """Name -> canvas states that are well formed, but would take too long or too much memory."""

    def drawn(*objects: dict) -> dict:
        return {"drawing": {"raw": {"objects": list(objects)}, "data": None}}

    many = [["M", x % 280, x % 270] for x in range(20_001)]
    return {
        "brush": drawn(PATH | {"strokeWidth": 1e6}),
        "scale": drawn(PATH | {"scaleX": 200}),
        "both": drawn(PATH | {"scaleX": 1e4, "scaleY": 1e4, "strokeWidth": 1e4}),
        "far": drawn(PATH | {"left": 1e9}),
        "strokes": drawn(*[PATH] * 201),
        "points": drawn(PATH | {"path": many}),
        "points of all": drawn(*[PATH | {"path": many[:5001]}] * 4),
        "pictures": drawn(*[IMAGE] * 5),
        "picture": drawn(IMAGE | {"scaleX": 300}),
        "bomb": drawn(IMAGE | {"src": as_url(BOMB)}),
        "data": {"drawing": {"raw": {"objects": []}, "data": as_url(BOMB)}},
    }
