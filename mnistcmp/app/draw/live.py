"""Pictures of the canvas while the pen moves; the canvas component does not send any."""

import base64
import binascii
import io
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import streamlit as st
from PIL import Image, UnidentifiedImageError

from mnistcmp.app import session

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

LARGEST_PX = 280  # our pictures have 140 px a side; much larger ones are not from our page


class LivePicture(TypedDict):
    """A picture as live.js sends it: its number and a data URL."""

    number: int
    png: str


def picture() -> np.ndarray | None:
    """The current drawing, uint8 RGBA (140, 140, 4); None if there is no new picture.

    Call it once per run of the page, always in the same place: it adds an invisible element there.
    A damaged picture is ignored, because the finished stroke follows anyway.
    """
    last = _last()
    _component()(
        key=session.LIVE,
        data={"answered": last["number"]},
        default={"picture": None},
        on_picture_change=lambda: None,
    )
    if last["number"] == st.session_state.get(session.LIVE_SEEN, 0):
        return None
    st.session_state[session.LIVE_SEEN] = last["number"]
    return _decoded(last["png"])


def _last() -> LivePicture:
    state: dict[str, LivePicture | None] = st.session_state.get(session.LIVE) or {}
    return state.get("picture") or {"number": 0, "png": ""}


@st.cache_resource
def _component() -> "ComponentRenderer":
    javascript = Path(__file__).with_name("live.js").read_text()
    return st.components.v2.component("mnistcmp_live", html="<span></span>", js=javascript)


def _decoded(url: str) -> np.ndarray | None:
    try:
        image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
        if max(image.size) > LARGEST_PX:
            return None
        return np.asarray(image.convert("RGBA"))
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError):
        return None
