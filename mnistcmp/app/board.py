"""The canvas on the page, and the drawing on it, which outlives a change of page or of any option.

The session keeps the drawing as the canvas's own objects (`drawing`), what the canvas is to show in
place of them (`redraw`), and what it showed before (`superseded`). The canvas answers late: until
what it reports was drawn on what it was given, what it was given counts.
"""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import CanvasResult, st_canvas

from mnistcmp.drawing import canvas
from mnistcmp.drawing.canvas import CANVAS_PX, Drawing
from mnistcmp.drawing.fabric_js import FabricObject, from_fabric, to_fabric

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

WIDTH_PX = 296  # of its container, which leaves no room for scroll bars
MARK, FIRST_MARK = "strokeMiterLimit", 100  # the canvas's own strokes have 10
THINNEST_PX, USUAL_PX, THICKEST_PX = 8, 20, 40


def show() -> np.ndarray | None:
    """The canvas -> its finished strokes, uint8 RGBA (H, W, 4); None if it is blank."""
    if "canvas" not in st.session_state and "drawing" in st.session_state:
        _redraw(st.session_state["drawing"])  # back from another page, or come by a link
    with st.container(width=WIDTH_PX):
        result = st_canvas(
            key="canvas",
            width=CANVAS_PX,
            height=CANVAS_PX,
            stroke_width=st.session_state.get("brush", USUAL_PX),
            background_color="#fff",
            initial_drawing=st.session_state.get("redraw"),
            return_image_data=True,
        )
    objects = (result.json_data or {}).get("objects", [])
    if _is_late(objects):
        return canvas.render(on_it()) if st.session_state["drawing"] else None
    st.session_state.pop("superseded", None)
    st.session_state["drawing"] = objects
    return _image(result)


def buttons(unreported: bool) -> "DeltaGenerator":
    """Undo and Clear -> the row that they stand in.

    `unreported`: a stroke has been seen, but the canvas, which takes 200 ms for it, has not yet
    reported it; it is the one that Undo takes back.
    """
    row = st.container(horizontal=True, width=WIDTH_PX)
    empty = not st.session_state["drawing"]
    row.button("Undo", on_click=_undo, args=(unreported,), disabled=empty)
    row.button("Clear", on_click=put, args=([],), disabled=empty)
    return row


def put(drawing: Drawing) -> None:
    """Put a drawing on the canvas in place of what is there; call it before `show`."""
    _redraw(to_fabric(drawing))


def on_it() -> Drawing:
    """The drawing on the canvas."""
    return from_fabric(st.session_state.get("drawing", []))


def _undo(unreported: bool) -> None:
    drawing = st.session_state.get("drawing", [])
    _redraw(drawing if unreported else drawing[:-1])


def _redraw(objects: list[FabricObject]) -> None:
    # The canvas takes a drawing over only if it differs from the last one it was given.
    revision = st.session_state.get("redraw", {"revision": 0})["revision"] + 1
    # It hands this property back as it got it: so its reports say what they were drawn on. The
    # joins of our strokes are round, so that their mitre limit changes nothing to be seen.
    objects = [each | {MARK: FIRST_MARK + revision} for each in objects]
    if "canvas" in st.session_state and "superseded" not in st.session_state:
        shown = st.session_state["canvas"].get("drawing") or {}
        st.session_state["superseded"] = (shown.get("raw") or {}).get("objects", [])
    st.session_state["redraw"] = {"objects": objects, "revision": revision}
    st.session_state["drawing"] = objects


def _is_late(objects: list[FabricObject]) -> bool:
    """Whether the canvas reports something that was not drawn on what it was given last."""
    given = st.session_state.get("redraw", {"objects": []})["objects"]
    if given:
        return not objects or objects[0].get(MARK) != given[0][MARK]
    before = st.session_state.get("superseded")
    return bool(before) and objects[: len(before)] == before


def _image(result: CanvasResult) -> np.ndarray | None:
    try:
        rgba = result.image_data
    except (ValueError, OSError) as error:
        st.warning(f"The drawing could not be read ({error}). Clear the canvas and draw again.")
        return None
    if rgba is None and st.session_state["drawing"]:
        # A canvas that starts with strokes on it sends no picture of them.
        return canvas.render(on_it())
    return rgba
