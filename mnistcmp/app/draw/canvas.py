"""The canvas on the page, with Undo and Clear."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnistcmp.app import session
from mnistcmp.app.draw import starter
from mnistcmp.drawing.canvas import CANVAS_PX, render

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

WIDTH_PX = 296  # of its container, which leaves no room for scroll bars
THINNEST_PX, USUAL_PX, THICKEST_PX = 8, 20, 40  # brushes


def brush_px() -> int:
    """The width of the brush."""
    width: int = st.session_state.get(session.BRUSH, USUAL_PX)
    return width


def show() -> np.ndarray | None:
    """Show the canvas -> its finished strokes, uint8 RGBA (H, W, 4); None if it is blank."""
    state = st.session_state
    if session.CANVAS not in state and state.get(session.DRAWING):
        session.redraw(state[session.DRAWING])  # back from another page, or opened by a link
    # Before the canvas component reads it, which believes everything.
    report = session.report() if session.CANVAS in state else None
    before = state.get(session.DRAWING)
    with st.container(width=WIDTH_PX):
        st_canvas(
            key=session.CANVAS,
            width=CANVAS_PX,
            height=CANVAS_PX,
            stroke_width=brush_px(),
            background_color="#fff",
            initial_drawing=state.get(session.REDRAW),
            return_image_data=True,
        )
    if report is None:
        report = session.report()
    if session.is_late(report.objects):
        return render(session.drawing()) if state[session.DRAWING] else None
    state.pop(session.SUPERSEDED, None)
    state[session.DRAWING] = report.objects
    state[session.REPORTED] = report.objects != before
    if report.objects or report.rgba is not None:
        session.dismiss_starter()
    if report.rgba is None and report.objects:
        # The canvas sends no picture of the strokes that it starts with.
        return render(session.drawing())
    return report.rgba


def buttons() -> "DeltaGenerator":
    """Show Undo and Clear -> their row."""
    row = st.container(horizontal=True, width=WIDTH_PX)
    blank = not st.session_state[session.DRAWING]
    row.button("Undo", on_click=_undo, disabled=blank)
    clear_disabled = blank and not starter.showing()
    row.button("Clear", on_click=session.put, args=([],), disabled=clear_disabled)
    return row


def _undo() -> None:
    drawing = st.session_state.get(session.DRAWING, [])
    # The canvas reports a stroke 200 ms after its end. Until then, Undo removes only that stroke.
    unreported = st.session_state.get(session.WAITING, False)
    session.redraw(drawing if unreported else drawing[:-1])
