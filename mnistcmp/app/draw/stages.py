"""What the networks see: the stages from canvas to 28×28, and two simpler ways to get there."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnistcmp.app import pictures
from mnistcmp.drawing import Stages, preprocess

if TYPE_CHECKING:
    from mnistcmp.inference import Reading

WAYS: dict[str, Callable[[Stages], np.ndarray]] = {
    "as MNIST was made": lambda steps: steps.pixels,
    "bounding box only": preprocess.bounding_box,
    "whole canvas shrunk": preprocess.whole_canvas,
}

STAGES = {
    "ink": "the canvas without its colours",
    "crop": "what is not blank",
    "box": "longer side to 20 px",
    "pixels": "centre of mass to the middle of 28 × 28",
}


def as_html(steps: Stages, readings: dict[str, "Reading"]) -> tuple[str, str]:
    """Two rows of pictures as HTML: every stage, and every way with what the networks read."""
    stages = [
        pictures.thumbnail(getattr(steps, stage), f"<b>{stage}</b>: {text}", f"{stage}: {text}")
        for stage, text in STAGES.items()
    ]
    ways = [
        pictures.thumbnail(
            WAYS[way](steps), f"<b>{way}</b>: {read_by(reading)}", f"the drawing, {way}"
        )
        for way, reading in readings.items()
    ]
    return pictures.row(stages), pictures.row(ways)


def show(stages: str, ways: str) -> None:
    """Put both rows, as `as_html` makes them, on the page."""
    st.subheader("What the networks see")
    st.caption(
        "MNIST’s digits were cropped, scaled and centred before anybody was trained on them, so a "
        "drawing has to go the same way. Programs that skip it show the networks something else."
    )
    st.html(stages)
    st.caption("The same drawing, made into 28 × 28 pixels in three ways, and who reads what:")
    st.html(ways)


def read_by(reading: "Reading") -> str:
    """How many networks read what: "12 read 7, 3 read 1"."""
    counts = Counter(reading.digits.tolist()).most_common(3)
    text = ", ".join(f"{count} read {digit}" for digit, count in counts)
    return text if sum(count for _, count in counts) == len(reading.models) else f"{text} …"
