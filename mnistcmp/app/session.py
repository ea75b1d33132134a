"""The keys of the session state, and the drawing that all pages share.

The drawing is stored as the canvas's own objects (DRAWING). REDRAW holds the objects that the
canvas was told to show instead, SUPERSEDED those that it showed before. The canvas answers with a
delay: until its report is based on the new objects, the new objects count as the drawing.
"""

import logging

import streamlit as st

from mnistcmp.drawing.canvas import Drawing, DrawingError
from mnistcmp.drawing.fabric_js import FabricObject, Report, from_fabric, read_report, to_fabric

# The drawing.
CANVAS = "canvas"  # what the canvas reports
DRAWING = "drawing"
REDRAW = "redraw"
SUPERSEDED = "superseded"
LIVE = "live"  # the pictures that arrive while the pen moves
LIVE_SEEN = "live_seen"  # the number of the last one that was read
WAITING = "waiting"  # whether the canvas has not yet reported a stroke of the last live picture
STARTER = "starter"  # the drawing that is shown to start with; empty once it has gone
RESTORED = "restored"  # whether the drawing that the tab had kept was just put on the canvas
REPORTED = "reported"  # whether the canvas has just reported a drawing
REFUSED = "refused"  # why the last input from the browser was refused
VISITOR = "visitor"  # the session's name for work in the background

RECIPE = "recipe"  # the training recipe, on every page

# Settings of the Draw page; WAY also applies to "Inside a network".
ORDER = "order"
WAY = "way"  # the preprocessing
BRUSH = "brush"
LINKED = "linked"  # whether the parameters of the URL were read
LINK_PROBLEM = "link_problem"
SAMPLE = "sample"  # the position in the pack of the test image on the canvas
UPLOAD = "upload"
UPLOAD_PROBLEM = "upload_problem"
PHOTO = "photo"  # the last uploaded photo, as open_and_save.Uploaded
READINGS = "readings"  # the component that draws them
READ = "read"  # the finished drawing as page.DigitRead, one for each of its digits
EXPLAINED = "explained"  # with the number of digits: which of them is explained
KEPT = "kept"  # the drawings that the person labelled, as score.tally.Kept
LABEL = "label"  # what the person says that the drawing is
KEPT_BOX = "kept_box"  # whether they are shown
GOAL = "goal"  # the digit that the person draws to fool networks
BEST_FOOLED = "best_fooled"  # the drawing that fooled most networks, as score.fooled.Fooled
LEARNING = "learning"  # whether "Watch it learn" is open
LEARNING_EPOCHS = "learning_epochs"  # the component that moves through the epochs

# The Benchmarks page.
HIGHLIGHT = "highlight"  # the network that is highlighted in every chart
SCATTER = "scatter"

# "Inside a network".
INSIDE = "inside"  # the network
INSIDE_BESIDE = "beside"  # the network that it is compared with
INSIDE_IMAGE = "inside_image"  # the person's drawing or a test image
INSIDE_FLOW = "inside_flow"  # the component that shows a network

# "Break it".
BREAK_LINKED = "break_linked"  # whether the parameters of the URL were read
BREAK_PROBLEMS = "break_problems"  # what was wrong with them
BREAK_IMAGE = "break_image"  # the person's drawing or a test image
BREAK_LABEL = "break_label"  # what the person says that the drawing is
BREAK_LABELLED = "break_labelled"  # the drawing that this was said of
BREAK_DIAL = "break_dial"
BREAK_DIRECTION = "break_direction"
BREAK_LEVEL = "break_level"  # the place of the dial: (dial, direction, level)
BREAK_SLIDER = "break_slider"  # the component that moves the dial
BREAK_SLIDER_PROBLEM = "break_slider_problem"
BREAK_NETWORK = "break_network"  # the network that is highlighted
BREAK_NUDGED = "break_nudged"  # the network that is to be misled
BREAK_TARGET = "break_target"  # the wrong answer that it is to give: "any" or a digit

# The lesson.
LESSON_ANSWER = "lesson_answer"  # with the step: the answer that was chosen
LESSON_ANSWERS = "lesson_answers"  # by step, the questions that were answered
LESSON_DIAL = "lesson_dial"

MARK = "strokeMiterLimit"
FIRST_MARK, MARKS = 100, 1000  # strokes drawn on the canvas have 10

_LOG = logging.getLogger(__name__)


def report() -> Report:
    """What the canvas reports; a report that is no drawing counts as a blank canvas.

    Raises KeyError if the canvas has not been shown.
    """
    value = st.session_state[CANVAS]
    try:
        # The component believes its state; the second field is for a background that ours lacks.
        if not isinstance(value, dict) or value.get("backgroundFit") is not None:
            raise DrawingError("the canvas's state is not its own")
        return read_report(value.get("drawing") or {"raw": st.session_state.get(REDRAW)})
    except DrawingError as error:
        refuse(error)
        st.session_state[CANVAS] = {"drawing": {"raw": {"objects": []}, "data": None}}
        return Report([])


def refuse(error: DrawingError) -> None:
    """Log why input from the browser was refused, once for the same reason in a row."""
    # The browser sends its state again with every run.
    if st.session_state.get(REFUSED) != str(error):
        st.session_state[REFUSED] = str(error)
        _LOG.warning("Input from a browser was refused: %s", error)


def drawing() -> Drawing:
    """The drawing on the canvas, or the starter while it is shown."""
    return st.session_state.get(STARTER) or from_fabric(st.session_state.get(DRAWING, []))


def dismiss_starter() -> None:
    """The starter has gone, for the rest of the session."""
    st.session_state[STARTER] = []


def put(drawing: Drawing) -> None:
    """Replace the drawing on the canvas. Call it before the canvas is shown."""
    redraw(to_fabric(drawing))


def redraw(objects: list[FabricObject]) -> None:
    """Replace the objects on the canvas."""
    dismiss_starter()
    # The canvas accepts a drawing only if it differs from the last one that it was given.
    revision = st.session_state.get(REDRAW, {"revision": 0})["revision"] + 1
    # The canvas returns this property unchanged, so its reports show which objects they are based
    # on. Our strokes have round joins, so the mitre limit has no visible effect.
    objects = [each | {MARK: FIRST_MARK + revision % MARKS} for each in objects]
    if CANVAS in st.session_state and SUPERSEDED not in st.session_state:
        st.session_state[SUPERSEDED] = report().objects
    st.session_state[REDRAW] = {"objects": objects, "revision": revision}
    st.session_state[WAITING] = False
    st.session_state[DRAWING] = objects


def is_late(objects: list[FabricObject]) -> bool:
    """Whether the canvas's report is not based on the objects that it was given last."""
    given = st.session_state.get(REDRAW, {"objects": []})["objects"]
    if given:
        return not objects or objects[0].get(MARK) != given[0][MARK]
    before: list[FabricObject] = st.session_state.get(SUPERSEDED, [])
    return bool(before) and objects[: len(before)] == before
