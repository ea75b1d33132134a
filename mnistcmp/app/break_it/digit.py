"""The digit that is broken: the person's drawing or a test image, and what digit it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import cached_records, sample_images, session
from mnistcmp.app.draw import starter
from mnistcmp.app.plain_text import plain
from mnistcmp.drawing import canvas, share_link, threshold
from mnistcmp.drawing.canvas import DrawingError
from mnistcmp.safe_files import DamagedFile

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from torch import nn

    from mnistcmp.inference import Consensus

DRAWN, TESTED = "your drawing", "a test image"
EXAMPLE = "the example"  # in place of the drawing, while nothing is drawn
PAGE = "break"


@dataclass(frozen=True)
class Digit:
    """A digit, float32 (28, 28) pixels in [0, 1], and its label.

    number: of the test image; None for the person's drawing.
    """

    pixels: np.ndarray
    label: int
    number: int | None


def choose(networks: Mapping[str, "nn.Module"], popover: "DeltaGenerator") -> Digit | None:
    """Ask for the digit; None, after a line that says what to do, if there is none yet.

    The networks propose what digit a drawing is. What has to be answered stands on the page, and
    what can be changed in the `popover`.
    """
    drawn = drawing.to_pixels(canvas.render(session.drawing()))
    if drawn is None:
        if session.drawing():
            st.info("Your drawing has too little ink to be a digit, so a test image is shown.")
        return _test_image(popover)
    st.session_state.setdefault(session.BREAK_IMAGE, DRAWN)  # a link may have set it
    example = starter.showing()
    with popover:
        chosen = st.segmented_control(
            "Digit",
            (DRAWN, TESTED),
            required=True,
            format_func=lambda choice: EXAMPLE if choice == DRAWN and example else choice,
            key=session.BREAK_IMAGE,
            persist_state="session",
        )
    if chosen == TESTED:
        return _test_image(popover)
    label = _label(drawn, networks, popover)
    return None if label is None else Digit(drawn, label, None)


def _test_image(popover: "DeltaGenerator") -> Digit | None:
    with popover:
        image = sample_images.choose(PAGE)
    return None if image is None else Digit(image.pixels, image.label, image.number)


def _label(
    drawn: np.ndarray, networks: Mapping[str, "nn.Module"], popover: "DeltaGenerator"
) -> int | None:
    """Ask which digit the drawing is, and propose what the networks read."""
    together = _consensus(drawn, networks)
    current = drawing_id()
    if st.session_state.get(session.BREAK_LABELLED) != current:  # another drawing
        st.session_state[session.BREAK_LABELLED] = current
        st.session_state[session.BREAK_LABEL] = together.digit
    if together.digit is None:
        st.info("The networks are not sure whether this drawing is a digit.")
    # Without an answer, nothing else can be shown.
    unknown = st.session_state[session.BREAK_LABEL] is None
    place = st.container() if unknown else popover
    label: int | None = place.selectbox(
        "Which digit is it?",
        range(10),
        index=None,
        key=session.BREAK_LABEL,
        placeholder="Choose",
        width=220,
        persist_state="session",
    )
    return label


def drawing_id() -> str:
    """A text that differs between drawings."""
    try:
        return share_link.to_text(session.drawing())
    except DrawingError:  # too large for a link
        return repr(session.drawing())


def _consensus(drawn: np.ndarray, networks: Mapping[str, "nn.Module"]) -> "Consensus":
    from mnistcmp.inference import consensus, read

    (reading,) = read(drawn[None], networks)
    try:
        rates = cached_records.threshold()
    except DamagedFile as error:
        rates = None
        st.warning(f"The app cannot say “not sure”: {plain(error)}; {threshold.REMEDY}.")
    return consensus(reading, rates["least_certainty"] if rates else 0.0)
