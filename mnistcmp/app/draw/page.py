"""The Draw page: draw a digit with mouse or finger, and see how each network reads it."""

import time
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import background_reading, cached_networks, cached_records, recipe_choice, session
from mnistcmp.app.draw import canvas, hold_out, live, open_and_save, stages
from mnistcmp.app.draw.send_at_once import send_at_once
from mnistcmp.app.main import BENCHMARKS, INSIDE
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.drawing import threshold
from mnistcmp.safe_files import DamagedFile

if TYPE_CHECKING:
    from mnistcmp.inference import Consensus, Reading

READINGS_WIDTH_PX = 680
ORDERS = ("size", "accuracy", "family")


def page() -> None:
    """Show the page."""
    send_at_once()
    st.title("Draw a digit")
    st.caption("Every network reads what you draw, side by side, while the pen moves.")
    open_and_save.from_link(
        {"recipe": list(RECIPES), "order": list(ORDERS), "way": list(stages.WAYS)}
    )
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        recipe = recipe_choice.choose()
    with row.popover("View and brush"):
        order = st.segmented_control(
            "Order by",
            ORDERS,
            default="size",
            required=True,
            key=session.ORDER,
            persist_state="session",
            width="content",
        )
        way = st.selectbox(
            "Preprocessing", list(stages.WAYS), key=session.WAY, persist_state="session"
        )
        st.slider(
            "Brush, px",
            canvas.THINNEST_PX,
            canvas.THICKEST_PX,
            canvas.USUAL_PX,
            key=session.BRUSH,
            persist_state="session",
        )
    open_and_save.show(row)
    _live(recipe, order, way)


# Only what changes with every picture: it runs many times per second.
@st.fragment
def _live(recipe: str, order: str, way: str) -> None:
    # On a narrow screen, the readings are below the canvas.
    parts = st.container(horizontal=True, gap="large")
    with parts.container(width=canvas.WIDTH_PX):
        before = st.session_state.get(session.DRAWING)
        # Space for the toolbar that appears above the canvas under the mouse. It would cover the
        # recipes, and a click meant for a recipe could delete the drawing.
        st.space("small")
        finished = canvas.show()
        reported = st.session_state[session.DRAWING] != before
        moving = live.picture(reported)
        unreported = moving is not None and not reported
        open_and_save.show_exits(canvas.buttons(unreported))
    if finished is None or moving is not None:
        background_reading.drop()
    with parts.container(width=READINGS_WIDTH_PX), background_reading.reader().waiting():
        _read(finished if moving is None else moving, recipe, order, way, moving is not None)


def _read(rgba: np.ndarray | None, recipe: str, order: str, way: str, moving: bool) -> None:
    verdict, below, chart = st.container(), st.container(), st.container()
    models = cached_networks.networks_or_remedy(recipe)
    if not models:
        return
    started = time.perf_counter()
    steps = None if rgba is None else drawing.stages(rgba)
    if steps is None:
        st.session_state.pop(session.SEEN, None)
        verdict.metric("Consensus", "–")
        chart.info("Draw a digit: 0 to 9, with mouse or finger.")
        return

    from mnistcmp.app.draw.readings_chart import in_words, spec
    from mnistcmp.inference import consensus, read

    ordered = {name: models[name] for name in cached_networks.ordered(models, recipe, order)}
    (reading,) = read(stages.WAYS[way](steps)[None], ordered)
    try:
        rates = cached_records.threshold()
    except DamagedFile as error:
        rates = None
        st.warning(f"The app cannot say “not sure”: {plain(error)}; {threshold.REMEDY}.")
    together = consensus(reading, rates["least_certainty"] if rates else 0.0)
    milliseconds = 1000 * (time.perf_counter() - started)
    photo = open_and_save.uploaded()
    with verdict:
        _verdict(reading, together, milliseconds)
        if photo and photo.warning:
            st.warning(photo.warning)
    with below:
        room = hold_out.room()
    with chart:
        st.html(in_words(reading, together))
        st.container(key=session.READINGS_BOX).vega_lite_chart(
            spec(reading, together),
            key=session.READINGS,
            on_select=_take_closer,
            selection_mode="row",
        )
        _closer(reading)
        measured = rates["shipped"].get(recipe) if rates else None
        # With other networks, the rates would differ.
        if rates and measured and measured["networks"] == len(models):
            st.caption(_in_words(rates, recipe))
    if not moving:  # what follows can wait until the pen is up
        if together.digit is not None and way == stages.USUAL:
            with room:
                hold_out.show(together.digit, recipe, models, agreed=not together.disagreeing)
        others = [other for other in stages.WAYS if other != way]
        images = np.stack([stages.WAYS[other](steps) for other in others])
        readings = {way: reading} | dict(zip(others, read(images, ordered), strict=True))
        st.session_state[session.SEEN] = stages.as_html(
            steps, {w: readings[w] for w in stages.WAYS}, photo.html if photo else None
        )
    if seen := st.session_state.get(session.SEEN):
        stages.show(*seen)


def _verdict(reading: "Reading", together: "Consensus", milliseconds: float) -> None:
    left, right = st.columns([1, 3])
    left.metric("Consensus", "–" if together.digit is None else str(together.digit))
    count = len(reading.models)
    if together.digit is None:
        text = (
            f"**Not sure** whether this is a digit: the highest average probability over {count} "
            f"networks is only {reading.certainty:.0%}."
        )
    elif together.disagreeing:
        others = ", ".join(together.disagreeing)
        verb = "disagrees" if len(together.disagreeing) == 1 else "disagree"
        text = f"**{together.agreeing} of {count} agree.** {others} {verb}."
    else:
        text = f"**All {count} networks agree.**"
    right.markdown(f"{text}  \n{milliseconds:.0f} ms for all networks together.")


def _take_closer() -> None:
    rows = st.session_state[session.READINGS]["selection"]["row"]
    if rows:
        st.session_state[session.CLOSER] = rows[0]["model"]


def _closer(reading: "Reading") -> None:
    """Show the ten probabilities of one network, with buttons that lead to its other pages."""
    from mnistcmp.app.draw.readings_chart import closer

    if st.session_state.get(session.CLOSER) not in reading.models:
        st.session_state[session.CLOSER] = None
    model = st.selectbox(
        "Look closer at",
        reading.models,
        index=None,
        key=session.CLOSER,
        placeholder="Choose a network, or click its row",
    )
    if model is None:
        return
    st.vega_lite_chart(closer(reading, model), key="closer_chart")
    row = st.container(horizontal=True)
    if row.button(f"Benchmark of {model}"):
        st.session_state[session.HIGHLIGHT] = model
        st.switch_page(BENCHMARKS)
    if row.button(f"Inside {model}"):
        st.session_state[session.INSIDE] = model
        st.switch_page(INSIDE)


def _in_words(rates: threshold.Threshold, recipe: str) -> str:
    """How often "not sure" was right and wrong when it was measured."""
    shipped = rates["shipped"][recipe]
    return (
        "The app says “Not sure” if the highest average probability is below "
        f"{rates['least_certainty']:.1%}. This rejects {shipped['test_digits_rejected']:.1%} of "
        f"MNIST’s {shipped['test_digits']:,} test images and {shipped['pen_digits_rejected']:.1%} "
        f"of {shipped['pen_digits']:,} pen digits, and accepts {shipped['nondigits_accepted']:.0%} "
        f"of {shipped['nondigits']:,} scribbles, shapes, letters and animals as digits. The "
        "threshold was chosen on held-out training images."
    )


page()
