"""The choice of a test image on a page: a digit, and "Next" for another image of it."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnistcmp.app import cached_records
from mnistcmp.app.plain_text import plain
from mnistcmp.data.sample_pack import Samples, SamplesError

STARTER = 3


@dataclass(frozen=True)
class Image:
    """The test image `number`: float32 (28, 28) pixels in [0, 1], and its label."""

    number: int
    pixels: np.ndarray
    label: int


def choose(page: str) -> Image | None:
    """Ask for a test image; None, with a warning, if the pack of images is missing.

    `page` tells one page's choice from another's.
    """
    try:
        pack = cached_records.sample_pack("mnist")
    except SamplesError as error:
        st.warning(plain(error))
        return None
    row = st.container(horizontal=True, vertical_alignment="bottom")
    digit = row.selectbox(
        "Digit",
        range(10),
        index=STARTER,
        key=_digit(page),
        width=160,
        persist_state="session",
    )
    row.button("Next", on_click=_next, args=(page,), help="Another test image of this digit")
    places = _places(pack, digit)
    at = places[st.session_state.get(_count(page), 0) % len(places)]
    row.caption(
        f"Test image {pack.index[at]}; misread by {pack.misread[at]} of {pack.runs} training runs."
    )
    return Image(int(pack.index[at]), pack.images[at] / np.float32(255), digit)


def put(page: str, number: int) -> None:
    """Choose the test image `number`. Call it before `choose`.

    Raises ValueError if `choose` does not offer it, SamplesError if the pack is missing.
    """
    pack = cached_records.sample_pack("mnist")
    for digit in range(10):
        numbers = pack.index[_places(pack, digit)].tolist()
        if number in numbers:
            st.session_state[_digit(page)] = digit
            st.session_state[_count(page)] = numbers.index(number)
            return
    raise ValueError(f"the app has no test image {number}: choose one on the page")


def _places(pack: Samples, digit: int) -> list[int]:
    return [*pack.easy(digit), *pack.hard(digit)]


def _digit(page: str) -> str:
    return f"{page}_digit"


def _count(page: str) -> str:
    return f"{page}_next"  # how often "Next" was clicked


def _next(page: str) -> None:
    st.session_state[_count(page)] = st.session_state.get(_count(page), 0) + 1
