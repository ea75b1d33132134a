"""Pictures of the canvas while the pen moves, which the canvas component itself does not send."""

import base64
import binascii
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image, UnidentifiedImageError

from mnistcmp.app import session

LARGEST_PX = 280  # a picture is 140 px a side; what is much larger did not come from our page


def picture() -> np.ndarray | None:
    """The drawing as it is right now, uint8 (140, 140, 4); None if it has not changed of late.

    Call it once in a run of the page, at a place that always exists: it puts an invisible element
    there. A damaged picture counts as none, since the finished stroke follows anyway.
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


def _last() -> dict:
    state = st.session_state.get(session.LIVE) or {}
    return state.get("picture") or {"number": 0, "png": ""}


@st.cache_resource
def _component() -> Callable:
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
