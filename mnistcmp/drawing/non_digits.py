"""Random drawings that are not digits, to find out when a reading should be rejected."""

from collections.abc import Callable, Iterator
from itertools import cycle, islice

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistcmp.drawing import canvas
from mnistcmp.drawing.canvas import CANVAS_PX, USUAL_BRUSHES_PX, Points
from mnistcmp.drawing.preprocess import to_pixels

# Capital letters that do not look like digits: no I, O, S, Z, B, G and the like.
LETTERS = "AEFHKMNPRTWXY"


def generate(count: int, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield `count` drawings, of each kind in turn: (kind, float32 (28, 28) as `to_pixels`)."""
    rng = np.random.default_rng(seed)
    for kind in islice(cycle(KINDS), count):
        pixels = to_pixels(canvas.opaque(KINDS[kind](rng)))
        assert pixels is not None, f"{kind} left no ink"
        yield kind, pixels


def _painted(rng: np.random.Generator, strokes: list[np.ndarray]) -> Image.Image:
    """Strokes in a unit square -> an image, with a random position, size and slight rotation."""
    brush_px = rng.uniform(*USUAL_BRUSHES_PX)
    size_px = rng.uniform(120, 220)
    angle = rng.uniform(-0.3, 0.3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = CANVAS_PX / 2 + rng.uniform(-15, 15, 2)
    placed = [(stroke - 0.5) @ turn.T * size_px + middle for stroke in strokes]
    return canvas.paint((_points(stroke), brush_px) for stroke in placed)


def _points(stroke: np.ndarray) -> Points:
    return [tuple(point) for point in stroke.tolist()]


def _smooth(corners: np.ndarray) -> np.ndarray:
    """(n, 2) corners -> a smooth curve, by cutting corners three times (Chaikin 1974)."""
    for _ in range(3):
        first, second = corners[:-1], corners[1:]
        cut = np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second], axis=1)
        corners = cut.reshape(-1, 2)
    return corners


def _scribble(rng: np.random.Generator) -> Image.Image:
    return _painted(rng, [_smooth(rng.uniform(0, 1, (rng.integers(9, 20), 2)))])


def _hatching(rng: np.random.Generator) -> Image.Image:
    across = np.linspace(0, 1, rng.integers(7, 14))
    zigzag = np.stack([across, np.arange(len(across)) % 2], axis=1)
    return _painted(rng, [zigzag + rng.normal(0, 0.05, zigzag.shape)])


def _polygon(rng: np.random.Generator) -> Image.Image:
    corners = rng.integers(3, 6)
    angles = np.linspace(0, 2 * np.pi, corners + 1) + rng.uniform(0, np.pi)
    radii = rng.uniform(0.4, 0.55, corners + 1)
    radii[-1] = radii[0]
    return _painted(rng, [0.5 + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)])


def _star(rng: np.random.Generator) -> Image.Image:
    count = rng.integers(5, 9)
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 1)
    ends = 0.5 + rng.uniform(0.35, 0.55, (count, 1)) * np.stack([np.cos(angles), np.sin(angles)], 1)
    return _painted(rng, [np.stack([[0.5, 0.5], end]) for end in ends])


def _spiral(rng: np.random.Generator) -> Image.Image:
    angles = np.linspace(0, rng.uniform(4.5, 7) * np.pi, 120) + rng.uniform(0, 6)
    radii = np.linspace(0.05, 0.5, 120)
    return _painted(rng, [0.5 + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)])


def _dots(rng: np.random.Generator) -> Image.Image:
    return _painted(rng, [point[None] for point in rng.uniform(0, 1, (rng.integers(4, 9), 2))])


def _animal(rng: np.random.Generator) -> Image.Image:
    """A body on four legs with a neck, a head and a tail: people like to draw horses."""
    body = [[0.2, 0.45], [0.75, 0.45], [0.75, 0.65], [0.2, 0.65], [0.2, 0.45]]
    legs = [[[x, 0.65], [x + rng.uniform(-0.06, 0.06), 1]] for x in (0.22, 0.34, 0.62, 0.74)]
    head = [[0.75, 0.45], [0.88, 0.1], [1.05, 0.2], [0.9, 0.3]]
    tail = [[0.2, 0.47], [0.05, 0.75]]
    parts = [np.array(part) for part in (body, *legs, head, tail)]
    mirror = np.array([rng.choice([-1, 1]), 1])
    return _painted(
        rng, [0.5 + (part - 0.5 + rng.normal(0, 0.03, part.shape)) * mirror for part in parts]
    )


def _letter(rng: np.random.Generator) -> Image.Image:
    grey = Image.new("L", (CANVAS_PX,) * 2, "white")
    font = ImageFont.load_default(rng.uniform(160, 230))
    ImageDraw.Draw(grey).text(
        (CANVAS_PX / 2,) * 2,
        rng.choice(list(LETTERS)),
        font=font,
        anchor="mm",
        fill="black",
        stroke_width=rng.uniform(0, 8),
        stroke_fill="black",
    )
    return grey.rotate(rng.uniform(-15, 15), fillcolor="white", resample=Image.Resampling.BILINEAR)


KINDS: dict[str, Callable[[np.random.Generator], Image.Image]] = {
    "scribble": _scribble,
    "hatching": _hatching,
    "polygon": _polygon,
    "star": _star,
    "spiral": _spiral,
    "dots": _dots,
    "animal": _animal,
    "letter": _letter,
}
