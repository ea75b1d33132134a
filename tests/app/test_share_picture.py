"""The picture to share: everything is on it, fits and is legible."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcmp.app.draw.score import share_picture
from mnistcmp.app.draw.score.fooled import Fooled
from mnistcmp.app.palette import family_colours
from mnistcmp.catalogue.networks import MODELS

LEAST_LETTER_PX = 28  # a third of it on a phone


def fooled(count: int, verdict: int | None = 9, asked: int = len(MODELS)) -> Fooled:
    ink = np.zeros((280, 280), np.uint8)
    ink[40:240, 130:150] = 255
    return Fooled(ink, 4, verdict, tuple(MODELS)[:count], asked)


@pytest.fixture
def written(monkeypatch) -> list[tuple[str, tuple[float, float, float, float]]]:
    """What is written, with its box."""
    texts = []
    text = ImageDraw.ImageDraw.text

    def note(pen, xy, words, fill, font):
        texts.append((words, pen.textbbox(xy, words, font)))
        assert font.size >= LEAST_LETTER_PX
        # The font has a sign for every letter.
        missing = font.getmask("\N{SNOWMAN}")
        assert all(bytes(font.getmask(each)) != bytes(missing) for each in words)
        text(pen, xy, words, fill, font)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    return texts


def picture(made: Fooled) -> Image.Image:
    return Image.open(io.BytesIO(share_picture.png(made)))


@pytest.mark.parametrize("count", [1, 2, 11, len(MODELS)])
def test_all_texts_fit_beside_each_other(written, count):
    image = picture(fooled(count))
    boxes = [box for _, box in written]
    for number, (left, top, right, bottom) in enumerate(boxes):
        assert 0 < left < right < image.width and 0 < top < bottom < image.height
        for l2, t2, r2, b2 in boxes[:number]:
            assert right <= l2 or r2 <= left or bottom <= t2 or b2 <= top


def test_it_says_how_many_and_which_networks_are_fooled(written):
    picture(fooled(3, asked=34))
    texts = [text for text, _ in written]
    assert texts[:2] == ["3 of 34 neural networks", "misread this 4"]
    assert "Together they read" in texts and "9" in texts
    titles = [MODELS[name].title.translate(share_picture.PLAIN) for name in list(MODELS)[:3]]
    assert texts[-3:] == titles


def test_unsure_networks_have_a_question_mark(written):
    picture(fooled(1, verdict=None))
    texts = [text for text, _ in written]
    assert texts[:2] == [f"1 of {len(MODELS)} neural networks", "misreads this 4"]
    assert "?" in texts and "Together they read" not in texts


def test_drawing_and_family_colours_are_on_it():
    image = picture(fooled(len(MODELS)))
    colours = {"#{:02X}{:02X}{:02X}".format(*colour) for _, colour in image.getcolors(1 << 20)}
    assert set(family_colours().values()) <= colours
    middle = share_picture.DRAWING_PX // 2
    at = share_picture.MARGIN_PX + middle, share_picture.DRAWING_TOP_PX + middle
    assert image.getpixel(at) == (0, 0, 0)
    assert image.getpixel((at[0] + 60, at[1])) == (255, 255, 255)
