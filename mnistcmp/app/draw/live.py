"""What the canvas component does not do: see live.js.

It sends pictures while the pen moves, labels the canvas, lays the starter over it, and keeps the
drawing in the browser's tab.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from mnistcmp.app import session
from mnistcmp.app.draw import starter
from mnistcmp.drawing import door, share_link
from mnistcmp.drawing.canvas import CANVAS_PX, DrawingError

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

LABEL = (
    f"Drawing area, {CANVAS_PX} by {CANVAS_PX} pixels. Draw a digit with mouse or finger. "
    "Without them, choose one of the examples below."
)
LONGEST_KEPT = 50_000  # characters of a drawing that the tab keeps: enough for a photo
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


def picture(reported: bool, brush_px: int) -> np.ndarray | None:
    """The current drawing, uint8 RGBA (140, 140, 4); None if there is no new picture.

    `reported`: whether the canvas has just reported a drawing. `brush_px`: its brush's width. Call
    it once per run of the page, always in the same place: it adds an invisible element there. A
    damaged picture is ignored, because the finished stroke follows anyway.
    """
    state = st.session_state
    if state.pop(session.RESTORED, False):
        st.rerun()  # the canvas is in another fragment
    last = _last()
    new = last.number not in (0, state.get(session.LIVE_SEEN))
    state[session.LIVE_SEEN] = last.number
    if new:
        session.dismiss_starter()
        # A report in the same run may have been sent before this picture.
        state[session.WAITING] = True
    elif last.settled or (reported and last.up):
        state[session.WAITING] = False
    _component()(
        key=session.LIVE,
        data={
            "answered": last.number,
            "waiting": state.get(session.WAITING, False),
            "label": LABEL,
            "brush": brush_px,
            "redrawn": state.get(session.REDRAW, {"revision": 0})["revision"],
            "starter": starter.picture() if starter.showing() else None,
            "kept": None if new else _text_to_keep(),
        },
        default={"picture": None, "kept": None},
        on_picture_change=lambda: None,
        on_kept_change=_take_kept,
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


def _text_to_keep() -> str | None:
    """The drawing, for the tab to keep; "" if there is none, or it is too large for that.

    None while only the starter is shown: the tab may still have a drawing.
    """
    if starter.showing():
        return None
    try:
        drawing = session.drawing()
        return share_link.to_text(drawing, LONGEST_KEPT) if drawing else ""
    except DrawingError:
        return ""


def _take_kept() -> None:
    """Put the drawing that the tab has kept on the canvas, if nothing was drawn since."""
    value: Any = st.session_state[session.LIVE]
    text = value.get("kept") if isinstance(value, dict) else None
    if text is None or not starter.showing():
        return
    try:
        if not isinstance(text, str):
            raise DrawingError(f"a kept drawing is of type {type(text).__name__}")
        session.put(share_link.from_text(text, LONGEST_KEPT))
        st.session_state[session.RESTORED] = True
    except DrawingError as error:
        session.refuse(error)


@st.cache_resource
def _component() -> "ComponentRenderer":
    javascript = Path(__file__).with_name("live.js").read_text()
    return st.components.v2.component("mnistcmp_live", html="<span></span>", js=javascript)
