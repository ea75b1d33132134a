"""The Draw page: a digit drawn with mouse or finger, and what every network makes of it."""

import time
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import CanvasResult, st_canvas

from mnistcmp import drawing
from mnistcmp.app import cached, live

if TYPE_CHECKING:
    from mnistcmp.reading import Reading

CANVAS_PX = 280
CANVAS_WIDTH_PX = 296  # of its container, which leaves no room for scroll bars
WALL_WIDTH_PX = 680
RECIPES = {
    "drawn": "Trained on MNIST and real pen strokes.",
    "tuned": "Trained on MNIST, by our best recipe.",
    "published": "Trained on MNIST as their sources say.",
}
ORDERS = ("size", "accuracy", "family")
LEAST_CERTAINTY = 0.6


def page() -> None:
    """Everything from top to bottom."""
    st.title("Draw a digit")
    st.caption("Every network reads what you draw, side by side, while the pen moves.")
    _live()


@st.fragment
def _live() -> None:
    # On a narrow screen the second part goes below the first.
    parts = st.container(horizontal=True, gap="large")
    with parts.container(width=CANVAS_WIDTH_PX):
        canvas = _canvas()
        moving = live.picture()
        recipe = st.segmented_control(
            "Networks", list(RECIPES), default="drawn", required=True, key="draw_recipe"
        )
        st.caption(RECIPES[recipe])
        order = st.segmented_control("Order by", ORDERS, default="size", required=True, key="order")
    with parts.container(width=WALL_WIDTH_PX):
        _read(_image(canvas) if moving is None else moving, recipe, order)


def _canvas() -> CanvasResult:
    """The canvas with its buttons; the drawing survives a change of page."""
    if "canvas" not in st.session_state and "drawing" in st.session_state:
        _redraw(st.session_state["drawing"])  # back from another page
    with st.container(width=CANVAS_WIDTH_PX):
        canvas = st_canvas(
            key="canvas",
            width=CANVAS_PX,
            height=CANVAS_PX,
            stroke_width=st.session_state.get("brush", 20),
            background_color="#fff",
            initial_drawing=st.session_state.get("redraw"),
            return_image_data=True,
        )
        st.session_state["drawing"] = (canvas.json_data or {}).get("objects", [])
        buttons = st.container(horizontal=True)
        empty = not st.session_state["drawing"]
        buttons.button("Undo", on_click=_undo, disabled=empty)
        buttons.button("Clear", on_click=_redraw, args=([],), disabled=empty)
        st.slider("Brush, px", 8, 40, 20, key="brush")
    return canvas


def _undo() -> None:
    _redraw(st.session_state.get("drawing", [])[:-1])


def _redraw(objects: list[dict[str, object]]) -> None:
    """Put these strokes on the canvas in place of what is there."""
    # The canvas takes a drawing over only if it differs from the last one it was given.
    revision = st.session_state.get("redraw", {"revision": 0})["revision"] + 1
    st.session_state["redraw"] = {"objects": objects, "revision": revision}
    st.session_state["drawing"] = objects


def _read(rgba: np.ndarray | None, recipe: str, order: str) -> None:
    verdict, wall = st.container(), st.container()
    models, problems = cached.networks(recipe)
    for problem in problems:
        st.warning(problem)
    if not models:
        st.info("There are no trained networks. Run `python scripts/train_all.py`.")
        return
    started = time.perf_counter()
    pixels = None if rgba is None else drawing.to_pixels(rgba)
    if pixels is None:
        verdict.metric("Consensus", "–")
        wall.info("Draw a digit: 0 to 9, with mouse or finger.")
        return

    from mnistcmp.app.wall import spec
    from mnistcmp.reading import consensus, read

    reading = read(pixels, {name: models[name] for name in _ordered(list(models), recipe, order)})
    together = consensus(reading, LEAST_CERTAINTY)
    milliseconds = 1000 * (time.perf_counter() - started)
    with verdict:
        _verdict(reading, together, milliseconds)
    wall.vega_lite_chart(spec(reading, together), key="wall")


def _verdict(reading: "Reading", together, milliseconds: float) -> None:
    left, right = st.columns([1, 3])
    left.metric("Consensus", "–" if together.digit is None else str(together.digit))
    count = len(reading.models)
    if together.digit is None:
        text = f"**Not sure**: the {count} networks do not agree on any digit, or none is sure."
    elif together.dissenters:
        text = (
            f"**{together.agreeing} of {count} agree.** {', '.join(together.dissenters)} dissent."
        )
    else:
        text = f"**All {count} networks agree.**"
    right.markdown(f"{text}  \n{milliseconds:.0f} ms for all networks together.")


def _image(canvas: CanvasResult) -> np.ndarray | None:
    """The finished strokes, uint8 RGBA; None if there are none."""
    try:
        rgba = canvas.image_data
    except (ValueError, OSError) as error:
        st.warning(f"The drawing could not be read ({error}). Clear the canvas and draw again.")
        return None
    if rgba is None and st.session_state["drawing"]:
        # A canvas that starts with strokes on it, after a change of page, does not send them.
        return st.session_state.get("picture")
    st.session_state["picture"] = rgba
    return rgba


def _ordered(models: list[str], recipe: str, order: str) -> list[str]:
    runs = cached.reported_runs()
    rows = runs[(runs["recipe"] == recipe) & (runs["seed"] == 0)].set_index("model")
    if order == "family":
        from mnistcmp.app.colours import FAMILY_OF

        return sorted(models, key=list(FAMILY_OF).index)
    column = {"size": "params", "accuracy": "test_accuracy"}[order]
    return sorted(models, key=lambda model: rows[column].get(model, 0))


page()
