"""The Draw page: draw a digit with mouse or finger, and see how each network reads it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import background_reading, cached_networks, cached_records, recipe_choice, session
from mnistcmp.app.draw import (
    canvas,
    examples,
    hold_out,
    learning,
    live,
    open_and_save,
    stages,
    starter,
)
from mnistcmp.app.draw.digit_read import DigitRead
from mnistcmp.app.draw.readings import component, data
from mnistcmp.app.draw.score import fooled, scorecard
from mnistcmp.app.draw.send_at_once import send_at_once
from mnistcmp.app.main import LESSON
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.drawing import threshold
from mnistcmp.drawing.canvas import render
from mnistcmp.drawing.split_digits import split
from mnistcmp.inference import consensus
from mnistcmp.safe_files import DamagedFile

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from torch import nn

STYLE = Path(__file__).with_name("page.css")
ORDERS = (data.BY_FAMILY, "size", "accuracy")
INVITATION = "Draw a digit: 0 to 9, with mouse or finger."
WAKING = "Waking the networks …"
AWAKE_POLL_SECONDS = 0.3
PRIVATE = (
    "Your drawing stays in this server’s memory while you visit. It is not saved, and not sent "
    "anywhere else."
)


class Settings(NamedTuple):
    """What a person chose: the networks' recipe, their order, and the preprocessing."""

    recipe: str
    order: str
    way: str


def page() -> None:
    """Show the page."""
    send_at_once()
    st.html(STYLE)
    st.title(f"{len(MODELS)} neural networks read your handwriting", anchor=False)
    open_and_save.from_link(
        {"recipe": list(RECIPES), "order": list(ORDERS), "way": list(stages.WAYS)}
    )
    _drawing()


@st.fragment
def _drawing() -> None:
    """Everything that changes with a finished stroke. page.css places the first three parts."""
    # All containers before anything that can be clicked. If a click runs this fragment again,
    # Streamlit drops what it has not sent yet, except what is in fragments within it; these must
    # not stand at a place that the browser does not know.
    parts = st.container(key="draw")
    left, right, menus = (
        parts.container(key=f"draw_{name}") for name in ("canvas", "readings", "menus")
    )
    row = st.container()
    score, fool = st.columns(2, gap="large")
    seen, learn, rule = (st.container() for _ in range(3))
    with menus:
        with st.popover("Settings", width="stretch"):
            settings = _settings()
        opening = st.popover("Open and keep", width="stretch", on_change="rerun")
        with opening:
            open_and_save.show_ways_in()
    with left:
        finished = canvas.show()
        # Beside the canvas's buttons, so that a phone shows it without scrolling.
        if canvas.buttons().button("Lesson", help="Four steps with your own digit, ten minutes"):
            st.switch_page(LESSON)
    with right:
        _readings(finished, settings)
    with opening:
        examples.show("menu")
        open_and_save.show_ways_out()
    with menus:
        open_and_save.show_problems()
        st.caption(PRIVATE)
    with row:
        examples.show("row")
    read: list[DigitRead] = st.session_state.get(session.READ, [])
    with score:
        scorecard.show(read, settings.recipe)
    with fool:
        fooled.show(read, settings.way)
    if not read:
        return
    with seen:
        chosen = _chosen(read)
        _show_stages(chosen, settings)
    with learn:
        learning.show(stages.WAYS[settings.way](chosen.steps), chosen.together.digit)
    with rule:
        _show_threshold(settings, len(read[0].reading.models))


def _settings() -> Settings:
    recipe = recipe_choice.choose()
    order = st.segmented_control(
        "Order by",
        ORDERS,
        default=ORDERS[0],
        required=True,
        key=session.ORDER,
        persist_state="session",
        width="content",
    )
    way = st.selectbox("Preprocessing", list(stages.WAYS), key=session.WAY, persist_state="session")
    st.slider(
        "Brush, px",
        canvas.THINNEST_PX,
        canvas.THICKEST_PX,
        canvas.USUAL_PX,
        key=session.BRUSH,
        persist_state="session",
    )
    return Settings(recipe, order, way)


# Only what changes with every picture: it runs many times per second.
@st.fragment
def _readings(finished: np.ndarray | None, settings: Settings) -> None:
    state = st.session_state
    reported, waited = state.pop(session.REPORTED, False), state.get(session.WAITING, False)
    picture = live.picture(reported, canvas.brush_px())
    moving = picture is not None
    rgba = picture if moving else finished
    if starter.showing():
        rgba = render(session.drawing())
    if rgba is None or moving:
        background_reading.drop()
    panel, waiting = st.container(), st.container()
    with panel, background_reading.reader().waiting():
        shown = _show(rgba, settings, moving, waiting)
    if not moving:
        state[session.READ] = shown
    if waited and not state[session.WAITING] and not reported:
        st.rerun()  # links and downloads wait no longer


def _show(
    rgba: np.ndarray | None, settings: Settings, moving: bool, waiting: "DeltaGenerator"
) -> list[DigitRead]:
    """Let all networks read the drawing, and show it -> what they read in each of its digits.

    `waiting`: the place of what asks again until an answer is there.
    """
    if not cached_networks.awake(settings.recipe):
        _show_asleep(settings)
        with waiting:
            _wait_until_awake(settings.recipe)
        return []
    models = cached_networks.networks_or_remedy(settings.recipe)
    if not models:
        return []
    started = time.perf_counter()
    read = [] if rgba is None else _read(rgba, models, settings)
    milliseconds = 1000 * (time.perf_counter() - started)
    ask = None
    if len(read) == 1 and not moving and settings.way == stages.USUAL:
        ask = hold_out.question(read[0].together, settings.recipe, models)
    answer = ask() if ask else None
    wish = component.show(
        {
            "digits": [data.digit(each.reading, each.together, settings.order) for each in read],
            "invitation": INVITATION,
            "small": f"{milliseconds:.0f} ms for all networks together" if read else "",
            "moving": moving,
            "held": answer and hold_out.as_data(answer, agreed=not read[0].together.disagreeing),
        }
    )
    if ask and answer and not answer.complete:
        with waiting:
            background_reading.show_when_ready(ask, lambda _: None)
    if wish:
        if wish.page == component.BREAK:
            hold_out.set_break_it(answer)
        component.follow(wish)
    return read


def _show_asleep(settings: Settings) -> None:
    """Show what the networks read in the starter, until they are loaded."""
    recorded = starter.reading(settings.recipe) if starter.showing() else None
    digits = []
    if recorded is not None:
        reading = recorded.of(
            cached_networks.ordered(recorded.models, settings.recipe, settings.order)
        )
        together = consensus(reading, _least_certainty())
        digits = [data.digit(reading, together, settings.order)]
    component.show(
        {"digits": digits, "invitation": WAKING, "small": WAKING, "moving": False, "held": None}
    )


@st.fragment(run_every=AWAKE_POLL_SECONDS)
def _wait_until_awake(recipe: str) -> None:
    if cached_networks.awake(recipe):
        st.rerun()


def _read(rgba: np.ndarray, models: dict[str, "nn.Module"], settings: Settings) -> list[DigitRead]:
    """uint8 RGBA (H, W, 4) -> what the networks read in each digit, from left to right."""
    from mnistcmp.inference import read

    steps = [step for step in map(drawing.stages, split(rgba)) if step is not None]
    if not steps:
        return []
    names = cached_networks.ordered(models, settings.recipe, settings.order)
    images = np.stack([stages.WAYS[settings.way](step) for step in steps])
    readings = read(images, {name: models[name] for name in names})
    least_certainty = _least_certainty()
    return [
        DigitRead(step, reading, consensus(reading, least_certainty))
        for step, reading in zip(steps, readings, strict=True)
    ]


def _least_certainty() -> float:
    """Below this certainty, the app says “not sure”; 0 and a warning if it is not known."""
    try:
        rates = cached_records.threshold()
    except DamagedFile as error:
        st.warning(f"The app cannot say “not sure”: {plain(error)}; {threshold.REMEDY}.")
        rates = None
    return rates["least_certainty"] if rates else 0.0


def _chosen(read: list[DigitRead]) -> DigitRead:
    """The digit that is explained below; of several, the one that the person chooses."""
    if len(read) == 1:
        return read[0]
    at = st.segmented_control(
        "Explain which digit?",
        range(len(read)),
        default=0,
        required=True,
        format_func=lambda at: f"{at + 1}: {_name(read[at])}",
        key=f"{session.EXPLAINED} {len(read)}",
    )
    assert at is not None  # there is a default, and it cannot be deselected
    return read[at]


def _name(read: DigitRead) -> str:
    return "not sure" if read.together.digit is None else str(read.together.digit)


def _show_stages(read: DigitRead, settings: Settings) -> None:
    from mnistcmp.inference import read as read_images

    models, _ = cached_networks.networks(settings.recipe)
    others = [way for way in stages.WAYS if way != settings.way]
    images = np.stack([stages.WAYS[way](read.steps) for way in others])
    readings = dict(zip(others, read_images(images, models), strict=True))
    readings[settings.way] = read.reading
    photo = open_and_save.uploaded()
    stages.show(read.steps, {way: readings[way] for way in stages.WAYS}, photo and photo.html)


def _show_threshold(settings: Settings, networks: int) -> None:
    """Show when the app says "not sure", and how often that was right when it was measured."""
    try:
        rates = cached_records.threshold()
    except DamagedFile:
        return  # the readings say so
    measured = rates["shipped"].get(settings.recipe) if rates else None
    # With other networks, the rates would differ.
    if rates and measured and measured["networks"] == networks:
        with st.expander("When does the app say “Not sure”?"):
            st.markdown(_in_words(rates, settings.recipe))


def _in_words(rates: threshold.Threshold, recipe: str) -> str:
    shipped = rates["shipped"][recipe]
    return (
        "The app says “Not sure” if the highest average probability is below "
        f"{100 * rates['least_certainty']:.1f} %. This rejects "
        f"{100 * shipped['test_digits_rejected']:.1f} % of MNIST’s {shipped['test_digits']:,} test "
        f"images and {100 * shipped['pen_digits_rejected']:.1f} % of {shipped['pen_digits']:,} pen "
        f"digits, and accepts {100 * shipped['nondigits_accepted']:.0f} % of "
        f"{shipped['nondigits']:,} scribbles, shapes, letters and animals as digits. The threshold "
        "was chosen on held-out training images."
    )


page()
