"""What a session keeps, by name, and the drawing that all pages share.

The drawing is kept as the canvas's own objects (DRAWING), with what the canvas is to show in place
of them (REDRAW) and what it showed before (SUPERSEDED). The canvas answers late: until what it
reports was drawn on what it was given, what it was given counts.
"""

import streamlit as st

from mnistcmp.drawing.canvas import Drawing
from mnistcmp.drawing.fabric_js import FabricObject, from_fabric, to_fabric

# The drawing.
CANVAS = "canvas"  # what the canvas reports
DRAWING = "drawing"
REDRAW = "redraw"
SUPERSEDED = "superseded"
LIVE = "live"  # the pictures that come while the pen moves
LIVE_SEEN = "live_seen"  # the number of the last one that was read

# What the Draw page is set to; RECIPE and WAY hold on "Inside a model" too.
RECIPE = "draw_recipe"
ORDER = "order"
WAY = "way"  # from drawing to pixels
BRUSH = "brush"
LINKED = "linked"  # whether the address was looked at
LINK_PROBLEM = "link_problem"
SAMPLE = "sample"  # the place in the pack of the test image on the canvas
UPLOAD = "upload"
UPLOAD_PROBLEM = "upload_problem"
SEEN = "seen"  # the pictures of what the networks see
READINGS = "wall"  # the chart of readings
CLOSER = "closer"  # the network that is looked at more closely

# The Benchmarks page.
HIGHLIGHT = "highlight"  # the network that stands out in every chart
SCATTER = "scatter"

# "Inside a model".
INSIDE = "inside"  # the network
INSIDE_NEXT = "inside_next"  # how often another test image was asked for

MARK, FIRST_MARK = "strokeMiterLimit", 100  # the canvas's own strokes have 10


def drawing() -> Drawing:
    """The drawing on the canvas."""
    return from_fabric(st.session_state.get(DRAWING, []))


def put(drawing: Drawing) -> None:
    """Put a drawing on the canvas in place of what is there; call it before the canvas is shown."""
    redraw(to_fabric(drawing))


def redraw(objects: list[FabricObject]) -> None:
    """Give the canvas these objects in place of what is there."""
    # The canvas takes a drawing over only if it differs from the last one it was given.
    revision = st.session_state.get(REDRAW, {"revision": 0})["revision"] + 1
    # It hands this property back as it got it, so that its reports say what they were drawn on. The
    # joins of our strokes are round, so that their mitre limit changes nothing that can be seen.
    objects = [each | {MARK: FIRST_MARK + revision} for each in objects]
    if CANVAS in st.session_state and SUPERSEDED not in st.session_state:
        shown = st.session_state[CANVAS].get("drawing") or {}
        st.session_state[SUPERSEDED] = (shown.get("raw") or {}).get("objects", [])
    st.session_state[REDRAW] = {"objects": objects, "revision": revision}
    st.session_state[DRAWING] = objects


def is_late(objects: list[FabricObject]) -> bool:
    """Whether the canvas reports something that was not drawn on what it was given last."""
    given = st.session_state.get(REDRAW, {"objects": []})["objects"]
    if given:
        return not objects or objects[0].get(MARK) != given[0][MARK]
    before = st.session_state.get(SUPERSEDED)
    return bool(before) and objects[: len(before)] == before
