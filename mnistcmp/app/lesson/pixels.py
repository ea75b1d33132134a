"""Step 1 of the lesson: from pixels to a reading."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnistcmp.app import pictures
from mnistcmp.app.break_it.digit import Digit
from mnistcmp.app.lesson import questions
from mnistcmp.app.lesson.questions import Question
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.drawing import Stages

if TYPE_CHECKING:
    from torch import nn

TITLE = "From pixels to a reading"
READER = "tiny_cnn"  # the smallest network
STAGE_PX, SIDE_PX, BARS_PX = 84, 280, 232  # 280 = 10 · 28
LIGHT = 0.46  # from here on, black on this grey is easier to read than white


def show(digit: Digit, steps: Stages | None, networks: Mapping[str, "nn.Module"]) -> Question:
    """Show how the digit becomes numbers, and the ten probabilities of one network."""
    from mnistcmp.inference import probabilities

    name = READER if READER in networks else next(iter(networks))
    ((certainties,),) = probabilities(digit.pixels[None], {name: networks[name]})
    height, width = digit.pixels.shape
    st.markdown(
        f"A network reads a small picture of {height} × {width} pixels and gives each of the ten "
        "digits a probability. **Your task:** turn on the numbers, and find a pixel that is "
        "neither paper nor full ink."
    )
    as_numbers = st.toggle("Show the pixels as numbers")
    st.html(
        pictures.row(
            [
                *([_stages(steps)] if steps else []),
                _small_picture(digit.pixels, as_numbers),
                _bars(certainties, MODELS[name].title),
            ]
        )
    )
    return questions.of_pixels(height, width, len(certainties))


def _stages(steps: Stages) -> str:
    """The canvas, and the drawing after it was cut out and shrunk."""
    figures = [
        pictures.thumbnail(steps.ink, "1 your canvas", "your canvas", STAGE_PX),
        pictures.thumbnail(steps.crop, "2 cut out", "the drawing, cut out", STAGE_PX),
        pictures.thumbnail(steps.box, "3 shrunk", "the drawing, shrunk", STAGE_PX),
    ]
    # One below another beside the small picture; in a row of their own on a narrow screen.
    style = f"display:flex;flex-wrap:wrap;gap:0.5rem;flex:1 1 {STAGE_PX}px"
    return f'<div style="{style}">{"".join(figures)}</div>'


def _small_picture(pixels: np.ndarray, as_numbers: bool) -> str:
    height, width = pixels.shape
    caption = f"{height} × {width} pixels, " + (
        "ink in tenths" if as_numbers else "what the network sees"
    )
    if not as_numbers:
        alt = "the digit as the network sees it"
        return pictures.figure(pictures.grey(pixels), SIDE_PX / width, caption, alt, SIDE_PX + 2)
    cells = "".join(map(_cell, pixels.flat, pictures.grey(pixels).flat))
    return (
        f'<figure style="margin:0;width:{SIDE_PX + 2}px;max-width:100%;font-size:0.85rem">'
        f'<figcaption style="margin-bottom:0.25rem">{caption}</figcaption>'
        f'<div role="img" aria-label="the pixels as numbers from 0 for paper to 9 for full ink" '
        f'style="display:grid;grid-template-columns:repeat({width},1fr);font-size:8px;'
        f'line-height:{SIDE_PX // width}px;text-align:center">{cells}</div></figure>'
    )


def _cell(ink: float, grey: int) -> str:
    colour = "#000" if ink >= LIGHT else "#fff"
    tenths = min(int(10 * ink), 9)
    return f'<span style="background:rgb({grey},{grey},{grey});color:{colour}">{tenths}</span>'


def _bars(certainties: np.ndarray, title: str) -> str:
    """The ten probabilities as a table with bars."""
    rows = "".join(
        f'<tr><th scope="row" style="font-weight:400;padding:0">{digit}</th>'
        '<td style="width:100%;padding:0 0.5rem"><div style="height:0.8rem;min-width:1px;'
        f'width:{100 * share:.1f}%;background:currentColor"></div></td>'
        f'<td style="text-align:right;padding:0;white-space:nowrap">{100 * share:.1f} %</td></tr>'
        for digit, share in enumerate(certainties)
    )
    return (
        f'<table style="width:{BARS_PX}px;max-width:100%;font-size:0.85rem;line-height:1.5;'
        'border-collapse:collapse"><caption style="text-align:left;margin-bottom:0.25rem">'
        f"the ten probabilities of “{title}”</caption>{rows}</table>"
    )
