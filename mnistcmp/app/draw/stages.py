"""What the networks see: the steps from canvas to 28×28 pixels, and two simpler alternatives."""

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

USUAL = next(iter(WAYS))

STAGES = {
    "ink": "the canvas without colours",
    "crop": "the part that is not blank",
    "box": "longer side scaled to 20 px",
    "pixels": "centre of mass moved to the centre of 28 × 28 px",
}


def as_html(steps: Stages, readings: dict[str, "Reading"]) -> tuple[str, str]:
    """Two rows of pictures as HTML: the stages, and each preprocessing with its readings."""
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
    """Show the two rows that `as_html` returns."""
    st.subheader("What the networks see")
    st.caption(
        "MNIST’s digits were cropped, scaled and centred. A drawing must be preprocessed in the "
        "same way; otherwise it looks different from the images that the networks were trained on."
    )
    st.html(stages)
    st.caption("The same drawing with three kinds of preprocessing, and what the networks read:")
    st.html(ways)


def read_by(reading: "Reading") -> str:
    """How many networks read which digit: "12 read 7, 3 read 1"."""
    counts = Counter(reading.digits.tolist()).most_common(3)
    text = ", ".join(f"{count} read {digit}" for digit, count in counts)
    return text if sum(count for _, count in counts) == len(reading.models) else f"{text} …"
