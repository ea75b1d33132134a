"""A picture to download: the changed digit, and which networks still read it."""

import io

from PIL import Image, ImageDraw, ImageFont

from mnistcmp.app.break_it import sentences
from mnistcmp.app.break_it.outcomes import NO_MAJORITY, Outcome, Sweep
from mnistcmp.catalogue.networks import MODELS

WIDTH_PX, MARGIN_PX, DIGIT_PX = 1000, 32, 336  # 336 = 12 · 28
COLUMNS = 3
TEXT_PX, TITLE_PX, LINE = 17, 24, 1.4  # sizes of the fonts; height of a line in these sizes
# Characters that Pillow's own font lacks.
IN_ITS_PLACE = str.maketrans({"×": "x", "σ": "sigma", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-"})
PAPER, INK, FAILING = "#ffffff", "#31333f", "#b3261e"


class Sheet:
    """A page that is written from top to bottom, and cut where the text ends."""

    def __init__(self, height_px: int) -> None:
        self.image = Image.new("RGB", (WIDTH_PX, height_px), PAPER)
        self._pen = ImageDraw.Draw(self.image)
        self.y = MARGIN_PX

    def write(self, text: str, size_px: int, x: int = MARGIN_PX, colour: str = INK) -> None:
        """Write a text, in as many lines as it needs up to the right margin."""
        font = ImageFont.load_default(size_px)
        line = ""
        for word in [*text.translate(IN_ITS_PLACE).split(), ""]:
            longer = f"{line} {word}".strip()
            if not word or self._pen.textlength(longer, font) > WIDTH_PX - MARGIN_PX - x:
                self._pen.text((x, self.y), line, colour, font)
                self.y += round(LINE * size_px)
                longer = word
            line = longer

    def table(self, cells: list[str], colour: str = INK) -> None:
        """Write short texts in columns."""
        font = ImageFont.load_default(TEXT_PX)
        rows = -(-len(cells) // COLUMNS)
        pitch_px = (WIDTH_PX - 2 * MARGIN_PX) // COLUMNS
        height_px = round(LINE * TEXT_PX)
        for number, cell in enumerate(cells):
            column, row = divmod(number, rows)
            place = (MARGIN_PX + column * pitch_px, self.y + row * height_px)
            self._pen.text(place, cell.translate(IN_ITS_PLACE), colour, font)
        self.y += rows * height_px


def png(sweep: Sweep, ordered: list[Outcome], label: int, at: int, recipe: str) -> bytes:
    """The digit at a position of the slider, and what every network reads, as a PNG.

    `ordered`: the networks' outcomes in the order in which they are listed.
    """
    sheet = Sheet(1000)
    digit = Image.fromarray(sweep.pictures[at]).resize((DIGIT_PX,) * 2, Image.Resampling.NEAREST)
    sheet.image.paste(digit, (MARGIN_PX, MARGIN_PX))
    beside = 2 * MARGIN_PX + DIGIT_PX
    sheet.write(sentences.state(sweep, label, at), TITLE_PX, beside)
    sheet.y += MARGIN_PX // 2
    sheet.write(sentences.headline(sweep, ordered, label), TEXT_PX, beside)
    sheet.y += MARGIN_PX // 2
    sheet.write(f"mnistcmp: networks trained with the recipe {recipe}", TEXT_PX, beside)
    sheet.y = max(sheet.y, MARGIN_PX + DIGIT_PX) + MARGIN_PX
    readings = dict(
        zip(
            sweep.models,
            zip(sweep.answers[:, at].tolist(), sweep.certainties[:, at].tolist(), strict=True),
            strict=True,
        )
    )
    models = [outcome.model for outcome in ordered]
    for title, right, colour in (
        (f"Still read it as {sentences.a(label)}", True, INK),
        ("Fail", False, FAILING),
    ):
        group = [model for model in models if (readings[model][0] == label) == right]
        sheet.write(f"{title}: {len(group)} of {len(models)}", TITLE_PX, colour=colour)
        sheet.table([_cell(model, *readings[model]) for model in group], colour)
        sheet.y += MARGIN_PX // 2
    buffer = io.BytesIO()
    sheet.image.crop((0, 0, WIDTH_PX, sheet.y + MARGIN_PX // 2)).save(buffer, "PNG")
    return buffer.getvalue()


def _cell(model: str, answer: int, certainty: float) -> str:
    read = "–" if answer == NO_MAJORITY else answer
    return f"{MODELS[model].title}: {read}, {100 * certainty:.0f} %"
