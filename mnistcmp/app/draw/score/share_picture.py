"""A picture to share: the drawing, what the networks read in it, and which of them were fooled."""

import io
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont, ImageOps

from mnistcmp.app.palette import family_colours
from mnistcmp.catalogue.networks import MODELS

if TYPE_CHECKING:
    from mnistcmp.app.draw.score.fooled import Fooled

# Portrait, for phones: there, it is about a third as large.
WIDTH_PX, GREATEST_HEIGHT_PX = 1080, 1600
MARGIN_PX = 60
DRAWING_TOP_PX, DRAWING_PX, FRAME_PX = 300, 440, 2
VERDICT_LEFT_PX = 570
LIST_TOP_PX = 800
COLUMNS = 2
LARGEST_HEADLINE_PX, TEXT_PX, VERDICT_PX, LARGEST_NAME_PX = 84, 44, 320, 48
LINE = 1.25  # of the letters' size
PAPER, INK, FRAME = "#FFFFFF", "#1A1A1A", "#888888"
# Pillow's own font has neither sign.
PLAIN = str.maketrans("×–", "x-")


def png(fooled: "Fooled") -> bytes:
    """The picture as PNG. At least one network is fooled.

    Networks appear by title, with the colour of their family.
    """
    picture = Image.new("RGB", (WIDTH_PX, GREATEST_HEIGHT_PX), PAPER)
    pen = ImageDraw.Draw(picture)
    _write_headline(pen, fooled)
    _paste_drawing(picture, fooled)
    _write_verdict(pen, fooled)
    bottom = round(_write_networks(pen, fooled)) + MARGIN_PX
    buffer = io.BytesIO()
    picture.crop((0, 0, WIDTH_PX, bottom)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def fitting(texts: Iterable[str], width_px: float, largest_px: float) -> float:
    """The largest size of letters, in px, with which each text fits into the width."""
    widest = max(_font(largest_px).getlength(text) for text in texts)
    return largest_px * min(1, width_px / widest)


@lru_cache(maxsize=16)
def _font(size_px: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    assert isinstance(font, ImageFont.FreeTypeFont)  # every wheel of Pillow has FreeType
    return font


def _write(pen: ImageDraw.ImageDraw, x: float, y: float, text: str, size_px: float) -> None:
    pen.text((x, y), text, INK, _font(size_px))


def _write_headline(pen: ImageDraw.ImageDraw, fooled: "Fooled") -> None:
    count, asked = len(fooled.wrong), fooled.asked
    verb = "misreads" if count == 1 else "misread"
    lines = f"{count} of {asked} neural networks", f"{verb} this {fooled.label}"
    size_px = fitting(lines, WIDTH_PX - 2 * MARGIN_PX, LARGEST_HEADLINE_PX)
    for number, line in enumerate(lines):
        _write(pen, MARGIN_PX, MARGIN_PX + number * LINE * size_px, line, size_px)


def _paste_drawing(picture: Image.Image, fooled: "Fooled") -> None:
    ink = ImageOps.pad(Image.fromarray(fooled.ink), (DRAWING_PX, DRAWING_PX))
    framed = ImageOps.expand(ImageOps.invert(ink).convert("RGB"), FRAME_PX, FRAME)
    picture.paste(framed, (MARGIN_PX, DRAWING_TOP_PX))


def _write_verdict(pen: ImageDraw.ImageDraw, fooled: "Fooled") -> None:
    sure = fooled.verdict is not None
    above = "Together they read" if sure else "They are not sure"
    _write(pen, VERDICT_LEFT_PX, DRAWING_TOP_PX, above, TEXT_PX)
    digit = str(fooled.verdict) if sure else "?"
    _write(pen, VERDICT_LEFT_PX, DRAWING_TOP_PX + LINE * TEXT_PX, digit, VERDICT_PX)


def _write_networks(pen: ImageDraw.ImageDraw, fooled: "Fooled") -> float:
    """Write the networks that are fooled -> where the list ends."""
    _write(pen, MARGIN_PX, LIST_TOP_PX, "Fooled:", TEXT_PX)
    top = LIST_TOP_PX + 1.5 * TEXT_PX
    titles = [MODELS[name].title.translate(PLAIN) for name in fooled.wrong]
    rows = -(-len(titles) // COLUMNS)
    column_px = (WIDTH_PX - 2 * MARGIN_PX) / COLUMNS
    high_enough = (GREATEST_HEIGHT_PX - MARGIN_PX - top) / rows / LINE
    largest_px = min(LARGEST_NAME_PX, high_enough)
    # Before a title is its disc, which is as wide as a letter is high.
    size_px = fitting(titles, column_px - 2 * largest_px, largest_px)
    colours = family_colours()
    for number, (name, title) in enumerate(zip(fooled.wrong, titles, strict=True)):
        column, row = divmod(number, rows)
        x, y = MARGIN_PX + column * column_px, top + row * LINE * size_px
        disc = x + 0.1 * size_px, y + 0.25 * size_px, x + 0.8 * size_px, y + 0.95 * size_px
        pen.ellipse(disc, colours[MODELS[name].family])
        _write(pen, x + 1.1 * size_px, y, title, size_px)
    return top + rows * LINE * size_px
