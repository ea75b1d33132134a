"""Pictures of the canvas while the pen moves; the canvas component does not send any."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from mnistcmp.app import session
from mnistcmp.drawing import door
from mnistcmp.drawing.canvas import DrawingError

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

LARGEST_NUMBER = 2**53  # the largest integer that JavaScript counts to


class LivePicture(NamedTuple):
    """A picture as live.js sends it.

    number: counts the pictures; 0 before the first.
    png: a data URL.
    up: whether the pen was up.
    settled: whether the canvas has certainly reported every stroke since; there is no new picture.
    """

    number: int = 0
    png: str = ""
    up: bool = True
    settled: bool = True


def picture(reported: bool) -> np.ndarray | None:
    """The current drawing, uint8 RGBA (140, 140, 4); None if there is no new picture.

    `reported`: whether the canvas has just reported a drawing. Call it once per run of the page,
    always in the same place: it adds an invisible element there. A damaged picture is ignored,
    because the finished stroke follows anyway.
    """
    state = st.session_state
    last = _last()
    new = last.number not in (0, state.get(session.LIVE_SEEN))
    state[session.LIVE_SEEN] = last.number
    if new:
        # A report in the same run may have been sent before this picture.
        state[session.WAITING] = True
    elif last.settled or (reported and last.up):
        state[session.WAITING] = False
    _component()(
        key=session.LIVE,
        data={"answered": last.number, "waiting": state.get(session.WAITING, False)},
        default={"picture": None},
        on_picture_change=lambda: None,
    )
    if not new:
        return None
    try:
        return door.pixels(last.png)
    except DrawingError as error:
        session.refuse(error)
        return None


def _last() -> LivePicture:
    value: Any = st.session_state.get(session.LIVE)
    sent = value.get("picture") if isinstance(value, dict) else None
    if sent is None:
        return LivePicture()
    number = sent.get("number") if isinstance(sent, dict) else None
    if type(number) is not int or not 0 <= number <= LARGEST_NUMBER:
        session.refuse(DrawingError("a live picture has no number"))
        return LivePicture()
    up, settled = (sent.get(name) is True for name in ("up", "settled"))
    return LivePicture(number, sent.get("png"), up, settled)


@st.cache_resource
def _component() -> "ComponentRenderer":
    javascript = Path(__file__).with_name("live.js").read_text()
    return st.components.v2.component("mnistcmp_live", html="<span></span>", js=javascript)
