"""Arrays as pictures: small PNG files that the browser scales up.

Signed values are orange above 0 and blue below, the stronger the farther from 0; 0 is transparent,
so that it has the colour of the page, light or dark. Colour-blind people can tell the two apart.
"""

import base64
import io
from html import escape
from math import isqrt

import numpy as np
from PIL import Image

from mnistcmp.app.palette import INK, MARKS

ABOVE, BELOW = MARKS[2].colour, MARKS[1].colour
SCALE = f"linear-gradient(90deg,{BELOW},transparent,{ABOVE})"  # in CSS
THUMBNAIL_PX = 112
INK_SHADE = 0.5  # how opaque full ink is below a heat map


def diverging(values: np.ndarray, most: float) -> np.ndarray:
    """Float (...) -> uint8 RGBA (..., 4): transparent at 0, opaque from `most` and from -`most`."""
    share = np.clip(values / most, -1, 1) if most > 0 else np.zeros_like(values)
    picture = np.empty((*values.shape, 4), np.uint8)
    picture[..., :3] = np.where(share[..., None] < 0, _rgb(BELOW), _rgb(ABOVE))
    picture[..., 3] = np.rint(255 * np.abs(share))
    return picture


def heat(values: np.ndarray, ink: np.ndarray, most: float) -> np.ndarray:
    """A heat map, float (h, w), over the ink in [0, 1] (h, w) in grey: uint8 RGBA (h, w, 4)."""
    above = diverging(values, most).astype(np.float32)
    alpha = above[..., 3:] / 255
    below = INK_SHADE * ink[..., None] * (1 - alpha)  # what is seen of the ink
    opaque = alpha + below
    colours = above[..., :3] * alpha + np.array(_rgb(INK)) * below
    colours /= np.where(opaque > 0, opaque, 1)
    return np.rint(np.concatenate([colours, 255 * opaque], axis=-1)).astype(np.uint8)


def grid(values: np.ndarray) -> np.ndarray:
    """Float (n,) -> (rows, columns) in reading order, as nearly square as n can be divided."""
    columns = next(
        each
        for each in range(max(isqrt(len(values) - 1) + 1, 1), len(values) + 1)
        if len(values) % each == 0
    )
    return values.reshape(-1, columns)


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
        f'<img src="{png_url(picture)}" alt="{escape(alt)}" '
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
        f'<div style="height:10px;border:1px solid #888;background:{SCALE}"></div>'
        f'<div style="display:flex;justify-content:space-between;gap:0.5rem">{words}</div></div>'
    )


def png_url(picture: np.ndarray) -> str:
    """A uint8 picture, grey (h, w), RGB or RGBA (h, w, channels), as the address of a PNG."""
    return _data_url(Image.fromarray(picture))


def _rgb(colour: str) -> tuple[int, int, int]:
    """ "#D55E00" -> (213, 94, 0)."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _data_url(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # encoded many times per second
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
