"""What the networks see: the steps from canvas to 28×28 pixels, and two simpler alternatives."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from mnistcmp.app import pictures
from mnistcmp.drawing import Stages, preprocess

if TYPE_CHECKING:
    from mnistcmp.drawing.photo import Photo
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


PHOTO_PX = 224  # the longer side of a photo: twice that of a stage, because lines are thin
STRIPE_PX = 3


def of_photo(photo: "Photo") -> str:
    """A photo as HTML: the digit as it was found, and the other marks striped."""
    size = np.array(photo.digit.shape[::-1]) * PHOTO_PX // max(photo.digit.shape)
    digit, left_out = (
        np.asarray(Image.fromarray(np.float32(marks)).resize(np.maximum(size, 1)))
        for marks in (photo.digit, photo.left_out)
    )
    rows, columns = np.indices(digit.shape)
    stripes = np.where((rows + columns) // STRIPE_PX % 2, 0.8, 0.3)
    text = "nothing was left out"
    if photo.left_out.any():
        text = "striped marks were left out, because they are not the digit"
    seen = np.maximum(digit, stripes * (left_out > 0.1))
    return pictures.thumbnail(seen, f"<b>photo</b>: {text}", f"photo: {text}", PHOTO_PX)


def show(steps: Stages, readings: dict[str, "Reading"], photo: str | None = None) -> None:
    """Show two rows of pictures: the stages, and each preprocessing with its readings.

    `photo`: the uploaded photo as HTML, if the drawing has one; it is the first stage.
    """
    stages = [photo] if photo else []
    stages += [
        pictures.thumbnail(getattr(steps, stage), f"<b>{stage}</b>: {text}", f"{stage}: {text}")
        for stage, text in STAGES.items()
    ]
    ways = [
        pictures.thumbnail(
            WAYS[way](steps), f"<b>{way}</b>: {read_by(reading)}", f"the drawing, {way}"
        )
        for way, reading in readings.items()
    ]
    st.header("What the networks see", anchor=False)
    st.caption(
        "MNIST’s digits were cropped, scaled and centred. A drawing must be preprocessed in the "
        "same way; otherwise it looks different from the images that the networks were trained on."
    )
    st.html(pictures.row(stages))
    st.caption("The same drawing with three kinds of preprocessing, and what the networks read:")
    st.html(pictures.row(ways))


def read_by(reading: "Reading") -> str:
    """How many networks read which digit: "12 read 7, 3 read 1"."""
    counts = Counter(reading.digits.tolist()).most_common(3)
    text = ", ".join(f"{count} read {digit}" for digit, count in counts)
    return text if sum(count for _, count in counts) == len(reading.models) else f"{text} …"
