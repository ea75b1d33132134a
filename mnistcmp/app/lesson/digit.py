"""The digit of the lesson: the drawing, or a test image without one."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import cached_records, session
from mnistcmp.app.break_it.digit import Digit, drawing_id
from mnistcmp.app.draw import starter
from mnistcmp.app.sample_images import STARTER
from mnistcmp.drawing import Stages, canvas

if TYPE_CHECKING:
    from torch import nn


def stages() -> Stages | None:
    """The stages of the drawing's preprocessing; None if there is no digit on the canvas.

    The starter does not count: some networks misread it before anything is done to it.
    """
    return None if starter.showing() else drawing.stages(canvas.render(session.drawing()))


def find(steps: Stages | None, networks: Mapping[str, "nn.Module"]) -> Digit:
    """The drawing with these stages, or the test image; a drawing is what most networks read.

    What the person said of the drawing on another page counts more.
    Raises SamplesError if the pack of test images is missing and needed.
    """
    if steps is None:
        pack = cached_records.sample_pack("mnist")
        at = pack.easy(STARTER)[0]
        return Digit(pack.images[at] / np.float32(255), STARTER, int(pack.index[at]))
    said = st.session_state.get(session.BREAK_LABEL)
    if said is not None and st.session_state.get(session.BREAK_LABELLED) == drawing_id():
        return Digit(steps.pixels, said, None)

    from mnistcmp.inference import read

    (reading,) = read(steps.pixels[None], networks)
    ((most, _),) = Counter(reading.digits.tolist()).most_common(1)
    return Digit(steps.pixels, most, None)
