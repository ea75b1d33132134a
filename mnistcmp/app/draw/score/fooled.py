""" "Fool as many as you can": how many networks read the drawing wrong, and a picture to share."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st

from mnistcmp.app import session
from mnistcmp.app.draw import stages
from mnistcmp.app.draw.digit_read import DigitRead
from mnistcmp.app.draw.score import scorecard, share_picture
from mnistcmp.app.pictures import grey
from mnistcmp.catalogue.networks import MODELS


class Fooled(NamedTuple):
    """A drawing, and the networks that read it wrong.

    ink: uint8 (H, W), bright ink. label: what it is, 0..9. verdict: what the networks read
    together; None if they are not sure. wrong: the networks' names. asked: how many read it.
    """

    ink: np.ndarray
    label: int
    verdict: int | None
    wrong: tuple[str, ...]
    asked: int


def fooled(read: DigitRead, label: int) -> Fooled:
    """The networks that do not read `label`."""
    pairs = zip(read.reading.models, read.reading.digits, strict=True)
    wrong = tuple(name for name, digit in pairs if digit != label)
    return Fooled(grey(read.steps.ink), label, read.together.digit, wrong, len(read.reading.models))


@st.fragment
def show(read: Sequence[DigitRead], way: str) -> None:
    """Show how many networks the finished drawing fools.

    `read`: what they read in each of its digits; empty if it is blank. `way`: the preprocessing.
    """
    st.header("Fool as many as you can", anchor=False)
    st.caption(
        "Draw a digit that a person still reads, and that as many networks as possible do not."
    )
    goal = st.pills("I draw a", range(10), key=session.GOAL, persist_state="session")
    if way != stages.USUAL:
        st.caption(f"This counts only with the preprocessing “{stages.USUAL}”.")
    elif len(read) == 1:
        label = scorecard.label_of(read[0]) if goal is None else goal
        if label is not None:
            _show_count(fooled(read[0], label))
    elif read:
        st.caption("Draw a single digit.")
    if best := _best():
        st.markdown(f"Your best so far: **{len(best.wrong)} of {best.asked}** with a {best.label}.")


def _best() -> Fooled | None:
    best: Fooled | None = st.session_state.get(session.BEST_FOOLED)
    return best


def _show_count(now: Fooled) -> None:
    count = len(now.wrong)
    verb = "misreads" if count == 1 else "misread"
    st.markdown(f"**{count} of {now.asked} networks** {verb} this {now.label}.")
    if now.wrong:
        st.caption(f"Fooled: {', '.join(MODELS[name].title for name in now.wrong)}.")
    best = _best()
    row = st.container(horizontal=True)
    row.button(
        "Count it",
        on_click=_count,
        args=(now,),
        disabled=count <= (len(best.wrong) if best else 0),
        help="Press it when the drawing is finished, if it fools more networks than your best.",
    )
    row.download_button(
        "Picture to share",
        partial(share_picture.png, now),  # made on request
        f"fooled_{count}_of_{now.asked}.png",
        "image/png",
        on_click="ignore",
        disabled=not count,
    )


def _count(now: Fooled) -> None:
    st.session_state[session.BEST_FOOLED] = now
