"""Photos of real test digits, made: paper, pen, light, lines and everything else that may be there.

A case is made of a digit's image, a kind (what is added) and a style (paper, pen and lines). The
styles for development and for the benchmark have nothing in common.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIDE_PX, HEIGHT_PX = 400, 160


@dataclass(frozen=True)
class Style:
    """Ranges to draw from. Greys are of 255; the ink is the fraction of light that is swallowed.

    pens: ink and thickness, the least share of ink in an MNIST pixel that counts as stroke.
    """

    papers: tuple[int, ...]
    pens: tuple[tuple[float, float], ...]
    line_greys: tuple[int, ...]
    line_px: tuple[int, ...]
    gaps_px: tuple[int, ...]
    shadows: tuple[float, ...]


DEVELOPMENT = Style(
    papers=(235, 250, 200),
    pens=((0.95, 0.3), (0.85, 0.5), (0.6, 0.4)),
    line_greys=(120, 150, 175),
    line_px=(1, 2, 4, 8),
    gaps_px=(40, 60),
    shadows=(0.35, 0.6),
)
BENCHMARK = Style(
    papers=(243, 225, 185, 160),
    pens=((0.9, 0.4), (0.75, 0.6), (0.65, 0.25)),
    line_greys=(100, 135, 165),
    line_px=(1, 3, 5, 7),
    gaps_px=(34, 48, 72),
    shadows=(0.3, 0.45, 0.7),
)


@dataclass
class Scene:
    """A sheet: the light from every point, float (H, W) of 255, before the camera."""

    light: np.ndarray
    paper: int
    style: Style
    rng: np.random.Generator

    def one(self, choices: tuple) -> float:
        return choices[self.rng.integers(len(choices))]

    def draw(self, paint: Callable[[ImageDraw.ImageDraw], None], grey: float) -> None:
        """Print on the sheet: `paint` marks with 255 where `grey` goes."""
        marks = Image.new("L", self.light.shape[::-1])
        paint(ImageDraw.Draw(marks))
        share = np.asarray(marks) / 255
        self.light *= 1 - share * (1 - grey / self.paper)


def sheet(
    digit: np.ndarray,
    style: Style,
    rng: np.random.Generator,
    height_px: int = HEIGHT_PX,
    size: tuple[int, int] = (SIDE_PX, SIDE_PX),
) -> Scene:
    """A digit, uint8 (28, 28), near the middle of a sheet of `size` (width, height)."""
    paper = style.papers[rng.integers(len(style.papers))]
    ink, least = style.pens[rng.integers(len(style.pens))]
    rows, columns = (np.flatnonzero((digit > 127).any(axis=axis)) for axis in (1, 0))
    crop = Image.fromarray(digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    crop = Image.fromarray(np.pad(np.asarray(crop), 1))
    scale = height_px / (crop.height - 2)
    share = np.asarray(
        crop.resize((round(crop.width * scale), round(crop.height * scale)), 3), float
    )
    share = np.clip((share / 255 - least) * scale / 2 + 0.5, 0, 1) * ink
    light = np.full(size[::-1], float(paper))
    shift = rng.integers(-15, 16, 2) * min(size) // SIDE_PX
    top = (size[1] - share.shape[0]) // 2 + shift[0]
    left = (size[0] - share.shape[1]) // 2 + shift[1]
    light[top : top + share.shape[0], left : left + share.shape[1]] *= 1 - share
    return Scene(light, paper, style, rng)


def _box(scene: Scene) -> None:
    width = int(scene.one(scene.style.line_px))
    side = scene.rng.integers(220, 300)
    corner = (SIDE_PX - side) // 2
    where = (corner, corner, SIDE_PX - corner, SIDE_PX - corner)
    scene.draw(lambda pen: pen.rectangle(where, outline=255, width=width), 40)


def _frame(scene: Scene) -> None:
    where = (2, 2, SIDE_PX - 3, SIDE_PX - 3)
    scene.draw(lambda pen: pen.rectangle(where, outline=255, width=2), 40)


def _ruled_line(scene: Scene) -> None:
    at = SIDE_PX * 33 // 40
    scene.draw(
        lambda pen: pen.line((0, at, SIDE_PX, at), 255, 2), scene.one(scene.style.line_greys)
    )


def _ruled(scene: Scene) -> None:
    gap, first = int(scene.one(scene.style.gaps_px)), int(scene.rng.integers(10, 50))
    places = range(first, SIDE_PX, gap)
    width = 1 + int(scene.rng.integers(2))
    scene.draw(
        lambda pen: [pen.line((0, at, SIDE_PX, at), 255, width) for at in places],
        scene.one(scene.style.line_greys),
    )


def _squared(scene: Scene) -> None:
    gap, first = int(scene.one(scene.style.gaps_px)), int(scene.rng.integers(2, 30))
    places = range(first, SIDE_PX, gap)

    def paint(pen: ImageDraw.ImageDraw) -> None:
        for at in places:
            pen.line((0, at, SIDE_PX, at), 255)
            pen.line((at, 0, at, SIDE_PX), 255)

    scene.draw(paint, scene.one(scene.style.line_greys[1:]))


def _margin(scene: Scene) -> None:
    at = int(scene.rng.integers(40, 80))
    scene.draw(
        lambda pen: pen.line((at, 0, at, SIDE_PX), 255, 3), scene.one(scene.style.line_greys)
    )


def _strip_below(scene: Scene) -> None:
    scene.light[-int(scene.rng.integers(25, 50)) :] = 40


def _strip_left(scene: Scene) -> None:
    scene.light[:, : int(scene.rng.integers(40, 70))] = 40


def _small_print(scene: Scene) -> None:
    font = ImageFont.load_default(int(scene.rng.integers(12, 20)))
    at = int(scene.rng.integers(SIDE_PX * 31 // 40, SIDE_PX * 36 // 40))
    text = "Write one digit in the space above this line."
    scene.draw(lambda pen: pen.text((30, at), text, 255, font), 50)


def _hard_shadow(scene: Scene) -> None:
    y, x = np.mgrid[: scene.light.shape[0], : scene.light.shape[1]]
    angle, off = scene.rng.uniform(0, 2 * np.pi), scene.rng.uniform(-0.1, 0.1) * SIDE_PX
    middle = SIDE_PX / 2
    dark = (x - middle) * np.cos(angle) + (y - middle) * np.sin(angle) > off
    scene.light[dark] *= scene.one(scene.style.shadows)


def _soft_light(scene: Scene) -> None:
    y, x = np.mgrid[: scene.light.shape[0], : scene.light.shape[1]] / SIDE_PX
    left, top = scene.rng.uniform(0, 1, 2)
    far = np.hypot(x - left, y - top)
    scene.light *= np.clip(1.1 - 0.6 * far, 0.1, 1)


def _negative(scene: Scene) -> None:
    scene.light = 275 - scene.light


ADDED: dict[str, Callable[[Scene], None]] = {
    "nothing": lambda scene: None,
    "a box round the digit": _box,
    "a frame at the edge": _frame,
    "one ruled line": _ruled_line,
    "ruled paper": _ruled,
    "squared paper": _squared,
    "a margin line": _margin,
    "a dark strip below": _strip_below,
    "a dark strip on the left": _strip_left,
    "small print": _small_print,
    "a hard shadow": _hard_shadow,
    "uneven light": _soft_light,
    "light on dark": _negative,
}
OTHERS = (
    "a tilted sheet",
    "a turned phone",
    "a small digit on a large page",
    "28 to 100 px",
    "2,000 to 4,000 px",
)
KINDS = (*ADDED, *OTHERS)


def case(digit: np.ndarray, kind: str, style: Style, seed: int) -> bytes:
    """A digit, uint8 (28, 28) -> a JPEG file in which it is seen with `kind` added."""
    rng = np.random.default_rng(seed)
    if kind == "a small digit on a large page":
        height_px = int(rng.uniform(0.1, 0.2) * 1592)
        scene = sheet(digit, style, rng, height_px, (1080, 1592))
    else:
        scene = sheet(digit, style, rng)
        if kind in ADDED:
            ADDED[kind](scene)
        elif kind == "a tilted sheet":
            _ruled(scene)
    noise = rng.normal(0, rng.uniform(0, 4), scene.light.shape)
    image = Image.fromarray(np.rint((scene.light + noise).clip(0, 255)).astype(np.uint8))
    if kind == "a tilted sheet":
        image = _tilted(image, scene)
    if kind == "28 to 100 px":
        image = image.resize((int(rng.integers(28, 100)),) * 2, Image.Resampling.BOX)
    if kind == "2,000 to 4,000 px":
        image = image.resize((int(rng.integers(2000, 4000)),) * 2)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))
    exif = Image.Exif()
    if kind == "a turned phone":
        exif[0x0112], image = 6, image.transpose(Image.Transpose.ROTATE_90)
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=int(rng.integers(40, 96)), exif=exif)
    return buffer.getvalue()


def _tilted(image: Image.Image, scene: Scene) -> Image.Image:
    """Seen from the side, and turned by up to 5 degrees."""
    image = image.rotate(scene.rng.uniform(-5, 5), 3, fillcolor=scene.paper)
    far = scene.rng.uniform(0, 0.1) * SIDE_PX
    corners = (-far, 0, 0, SIDE_PX, SIDE_PX, SIDE_PX, SIDE_PX + far, 0)
    return image.transform(image.size, Image.Transform.QUAD, corners, 3, fillcolor=scene.paper)
