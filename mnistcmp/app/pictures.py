"""Arrays as pictures, red above 0 and blue below: small PNG files that the browser scales up.

The colours are the ends of ColorBrewer's RdBu (Brewer 2003), which colour-blind people can tell
apart.
"""

import base64
import io
from html import escape

import numpy as np
from PIL import Image

RED, BLUE = "#B2182B", "#2166AC"
FRAME = (136, 136, 136, 255)  # a grey that is visible on white and on black
ENDS = np.array([[33, 102, 172], [178, 24, 43]], np.float32)
THUMBNAIL_PX = 112
INK_SHADE = 0.45  # how much full ink darkens a heat map


def diverging(values: np.ndarray, most: float) -> np.ndarray:
    """Float (...) -> uint8 RGB (..., 3): white at 0, red at `most` and above, blue at -`most`."""
    share = np.clip(values / most, -1, 1) if most > 0 else np.zeros_like(values)
    ends = ENDS[(share > 0).astype(int)]
    return np.rint(255 + np.abs(share)[..., None] * (ends - 255)).astype(np.uint8)


def sheet(maps: np.ndarray, side_px: int, columns: int, most: float, gap_px: int = 0) -> np.ndarray:
    """Float (n, h, w) -> one RGBA picture: framed tiles of `side_px` a side, in rows of `columns`.

    Without a gap, neighbours share a frame line.
    """
    _, height, width = maps.shape
    pitch = side_px + 1 + gap_px
    rows = -(-len(maps) // columns)
    across = min(len(maps), columns)
    picture = np.zeros((rows * pitch - gap_px + 1, across * pitch - gap_px + 1, 4), np.uint8)
    steps = np.arange(side_px)
    enlarged = maps[:, steps[:, None] * height // side_px, steps * width // side_px]
    for number, colours in enumerate(diverging(enlarged, most)):
        row, column = divmod(number, columns)
        top, left = row * pitch, column * pitch
        framed = picture[top : top + side_px + 2, left : left + side_px + 2]
        framed[:] = FRAME
        framed[1:-1, 1:-1, :3] = colours
    return picture


def strip(values: np.ndarray, columns: int, most: float) -> np.ndarray:
    """Float (n,) -> an RGBA picture with one pixel per value, in rows of `columns`."""
    rows = -(-len(values) // columns)
    picture = np.zeros((rows * columns, 4), np.uint8)
    picture[: len(values), :3] = diverging(values, most)
    picture[: len(values), 3] = 255
    return picture.reshape(rows, columns, 4)[:, : len(values)]


def heat(values: np.ndarray, ink: np.ndarray, most: float) -> np.ndarray:
    """A heat map, float (h, w), darkened by the ink in [0, 1] (h, w): RGB (h, w, 3)."""
    light = 1 - INK_SHADE * ink[..., None]
    return np.rint(diverging(values, most) * light).astype(np.uint8)


def grey(ink: np.ndarray) -> np.ndarray:
    """Ink in [0, 1], light on black as in the data: uint8 (h, w)."""
    return np.rint(255 * ink).astype(np.uint8)


def figure(
    picture: np.ndarray, scale: float, caption: str, alt: str, width_px: int, border_px: int = 1
) -> str:
    """A picture, enlarged by `scale`, below its caption (HTML), in a column of `width_px`.

    The border shows the edge of a white picture on a white page, or of a black one on black.
    """
    across = round(picture.shape[1] * scale)
    return (
        f'<figure style="margin:0;width:{width_px}px;max-width:100%;font-size:0.85rem">'
        f'<figcaption style="margin-bottom:0.25rem">{caption}</figcaption>'
        f'<img src="{_data_url(Image.fromarray(picture))}" alt="{escape(alt)}" '
        f'style="width:{across}px;max-width:100%;image-rendering:pixelated;display:block;'
        f'box-sizing:content-box;border:{border_px}px solid #888">'
        "</figure>"
    )


def thumbnail(ink: np.ndarray, caption: str, alt: str, side_px: int = THUMBNAIL_PX) -> str:
    """Ink in [0, 1] (h, w), small and light on black, above its caption (HTML)."""
    small = Image.fromarray(grey(ink))
    small.thumbnail((side_px, side_px))
    return (
        f'<figure style="margin:0;width:{side_px}px;font-size:0.85rem">'
        f'<img src="{_data_url(small)}" alt="{escape(alt)}" '
        f'style="width:{side_px}px;height:{side_px}px;object-fit:contain;'
        'background:#000;image-rendering:pixelated">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def row(figures: list[str]) -> str:
    """Figures side by side; on narrow screens, one below another."""
    return f'<div style="display:flex;flex-wrap:wrap;gap:1.25rem 1rem">{"".join(figures)}</div>'


def legend(left: str, right: str) -> str:
    """The colour scale, with a label below each end."""
    words = "".join(f"<span>{escape(word)}</span>" for word in (left, "0", right))
    return (
        '<div style="width:350px;max-width:100%;font-size:0.85rem;margin:0.75rem 0">'
        f'<div style="height:10px;border:1px solid #888;'
        f'background:linear-gradient(90deg,{BLUE},#fff,{RED})"></div>'
        f'<div style="display:flex;justify-content:space-between;gap:0.5rem">{words}</div></div>'
    )


def _data_url(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # encoded many times per second
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
