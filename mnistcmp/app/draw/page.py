"""The Draw page: a digit drawn with mouse or finger, and what every network makes of it."""

import time
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import cached_networks, cached_records, session
from mnistcmp.app.draw import canvas, live, open_and_save, stages
from mnistcmp.app.draw.send_at_once import send_at_once
from mnistcmp.app.main import BENCHMARKS, INSIDE
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.records import default_folder, training_command

if TYPE_CHECKING:
    from mnistcmp.inference import Consensus, Reading

WALL_WIDTH_PX = 680
ORDERS = ("size", "accuracy", "family")


def page() -> None:
    """Everything from top to bottom."""
    send_at_once()
    st.title("Draw a digit")
    st.caption("Every network reads what you draw, side by side, while the pen moves.")
    open_and_save.from_link(
        {"recipe": list(RECIPES), "order": list(ORDERS), "way": list(stages.WAYS)}
    )
    row = st.container(horizontal=True, vertical_alignment="bottom")
    recipe = row.segmented_control(
        "Networks",
        list(RECIPES),
        default="drawn",
        required=True,
        key=session.RECIPE,
        persist_state="session",
        width="content",
        help="  \n".join(
            f"**{spec.name}**: trained {spec.description}." for spec in RECIPES.values()
        ),
    )
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
            "Pixels are made", list(stages.WAYS), key=session.WAY, persist_state="session"
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


# What changes with every picture, and no more than that: it is run many times a second.
@st.fragment
def _live(recipe: str, order: str, way: str) -> None:
    # On a narrow screen the reading comes below the canvas.
    parts = st.container(horizontal=True, gap="large")
    with parts.container(width=canvas.WIDTH_PX):
        before = st.session_state.get(session.DRAWING)
        # For the tools that appear above the canvas while the mouse is on it: else they would lie
        # on the recipes, and a click on one of those would delete the drawing.
        st.space("small")
        finished = canvas.show()
        moving = live.picture()
        unreported = moving is not None and st.session_state[session.DRAWING] == before
        open_and_save.show_exits(canvas.buttons(unreported))
    with parts.container(width=WALL_WIDTH_PX):
        _read(finished if moving is None else moving, recipe, order, way, moving is not None)


def _read(rgba: np.ndarray | None, recipe: str, order: str, way: str, moving: bool) -> None:
    verdict, wall = st.container(), st.container()
    models, problems = cached_networks.networks(recipe)
    for problem in problems:
        st.warning(problem)
    if not models:
        st.info(
            f"There are no networks trained with the recipe “{recipe}” in `{default_folder()}`. "
            f"Train them with `{training_command('--recipe', recipe)}`."
        )
        return
    started = time.perf_counter()
    steps = None if rgba is None else drawing.stages(rgba)
    if steps is None:
        st.session_state.pop(session.SEEN, None)
        verdict.metric("Consensus", "–")
        wall.info("Draw a digit: 0 to 9, with mouse or finger.")
        return

    from mnistcmp.app.draw.readings_chart import in_words, spec
    from mnistcmp.inference import consensus, read

    ordered = {name: models[name] for name in cached_networks.ordered(models, recipe, order)}
    (reading,) = read(stages.WAYS[way](steps)[None], ordered)
    try:
        rates = cached_records.threshold()
    except ValueError as error:
        rates = None
        st.warning(
            f"When a reading is not to be believed cannot be told: threshold.json is damaged "
            f"({error}). Restore it from git, or run `python scripts/find_threshold.py`."
        )
    together = consensus(reading, rates["least_certainty"] if rates else 0.0)
    milliseconds = 1000 * (time.perf_counter() - started)
    with verdict:
        _verdict(reading, together, milliseconds)
    with wall:
        st.html(in_words(reading, together))
        st.vega_lite_chart(
            spec(reading, together),
            key=session.READINGS,
            on_select=_take_closer,
            selection_mode="row",
        )
        _closer(reading)
        # With other networks than those, the rates would be others.
        measured = rates["shipped"].get(recipe) if rates else None
        if measured and measured["networks"] == len(models):
            st.caption(_in_words(rates, recipe))
    if not moving:  # the other ways can wait until the pen is up and the page has the reading
        others = [other for other in stages.WAYS if other != way]
        images = np.stack([stages.WAYS[other](steps) for other in others])
        readings = {way: reading} | dict(zip(others, read(images, ordered), strict=True))
        st.session_state[session.SEEN] = stages.as_html(
            steps, {w: readings[w] for w in stages.WAYS}
        )
    if seen := st.session_state.get(session.SEEN):
        stages.show(*seen)


def _verdict(reading: "Reading", together: "Consensus", milliseconds: float) -> None:
    left, right = st.columns([1, 3])
    left.metric("Consensus", "–" if together.digit is None else str(together.digit))
    count = len(reading.models)
    if together.digit is None:
        text = (
            f"**Not sure** whether this is a digit: the {count} networks hold their favourite for "
            f"only {reading.certainty:.0%} probable."
        )
    elif together.disagreeing:
        text = (
            f"**{together.agreeing} of {count} agree.** {', '.join(together.disagreeing)} disagree."
        )
    else:
        text = f"**All {count} networks agree.**"
    right.markdown(f"{text}  \n{milliseconds:.0f} ms for all networks together.")


def _take_closer() -> None:
    rows = st.session_state[session.READINGS]["selection"]["row"]
    if rows:
        st.session_state[session.CLOSER] = rows[0]["model"]


def _closer(reading: "Reading") -> None:
    """The ten probabilities of one network, large, and the way to its benchmark."""
    from mnistcmp.app.draw.readings_chart import closer

    if st.session_state.get(session.CLOSER) not in reading.models:
        st.session_state[session.CLOSER] = None
    model = st.selectbox(
        "Look closer at",
        reading.models,
        index=None,
        key=session.CLOSER,
        placeholder="a network: choose one, or click its row",
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


def _in_words(rates: dict, recipe: str) -> str:
    """How often "not sure" is right and wrong, as it was measured."""
    shipped = rates["shipped"][recipe]
    return (
        f"“Not sure” is said below a certainty of {rates['least_certainty']:.1%}. That turns away "
        f"{shipped['test_digits_rejected']:.1%} of MNIST’s {shipped['test_digits']:,} test digits "
        f"and {shipped['pen_digits_rejected']:.1%} of {shipped['pen_digits']:,} pen digits, and "
        f"lets {shipped['nondigits_accepted']:.0%} of {shipped['nondigits']:,} scribbles, shapes, "
        "letters and animals pass for a digit. It was chosen on other digits and other scribbles."
    )


page()
