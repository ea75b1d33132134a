"""One dial at a time: which networks still read the digit as the dial moves."""

from functools import partial

import streamlit as st

from mnistcmp.app import session
from mnistcmp.app.break_it import link, picture, sentences, slider
from mnistcmp.app.break_it.digit import Digit
from mnistcmp.app.break_it.outcomes import by_family, outcomes
from mnistcmp.app.break_it.sweep import SEEDS, sweep
from mnistcmp.catalogue.corruptions import DIALS, SHIFT_DIRECTIONS, Dial

STARTER = "shift"


# A fragment: the rest of the page does not run again when the dial rests at another level.
@st.fragment
def show(digit: Digit, recipe: str) -> None:
    """Show the section for a digit and the networks of a recipe, of which there is one at least."""
    st.header("One dial at a time")
    dial, direction = _choose()
    seen = sweep(digit.pixels, dial.name, direction, recipe)
    families = by_family(outcomes(seen, digit.label))
    ordered = [outcome for group in families.values() for outcome in group]
    headline = sentences.headline(seen, ordered, digit.label)
    st.markdown(f"**{headline}**")
    slider.show(seen, families, digit.label, at := _position(dial, direction))
    row = st.container(horizontal=True)
    with row.popover("Link", help="A link that opens this digit with this dial and level"):
        link.show(digit, recipe, (dial.name, direction, dial.positions[at]))
    row.download_button(
        "Picture",
        partial(picture.png, seen, ordered, digit.label, at, recipe),  # made on request
        f"broken_{digit.label}.png",
        "image/png",
        on_click="ignore",
        help="Download the changed digit with what the networks read, at the level that is shown",
    )
    st.caption(_explained(dial, recipe))


def _choose() -> tuple[Dial, str]:
    # Not as defaults of the widgets: a link or a click on the heat map may have set them before.
    st.session_state.setdefault(session.BREAK_DIAL, STARTER)
    st.session_state.setdefault(session.BREAK_DIRECTION, SHIFT_DIRECTIONS[0])
    name = st.pills(
        "Dial",
        list(DIALS),
        required=True,
        label_visibility="collapsed",  # the heading says it
        format_func=lambda name: DIALS[name].title,
        key=session.BREAK_DIAL,
        persist_state="session",
    )
    assert name is not None  # the session state holds one, and it cannot be deselected
    if len(link.directions(DIALS[name])) == 1:
        return DIALS[name], ""
    direction = st.segmented_control(
        "Direction",
        SHIFT_DIRECTIONS,
        required=True,
        label_visibility="collapsed",
        key=session.BREAK_DIRECTION,
        persist_state="session",
    )
    assert direction is not None  # as above
    return DIALS[name], direction


def _explained(dial: Dial, recipe: str) -> str:
    text = dial.description
    if dial.random:
        text += (
            f" It is random: {SEEDS} pictures are made at each level. The first one is shown, and "
            "an answer counts if more than half of them get it."
        )
    if recipe in dial.seen_by:
        text += (
            f" The recipe “{recipe}” shows the networks such changes in training, at least small "
            "ones."
        )
    return (
        f"{text} A network breaks at the first level, from the unchanged digit outwards, at which "
        "its answer is wrong."
    )


def _position(dial: Dial, direction: str) -> int:
    """The slider's position: the closest to the level in the session; otherwise rest."""
    level = dial.rest
    match st.session_state.get(session.BREAK_LEVEL):
        case (dial.name, kept_direction, kept) if kept_direction == direction:
            level = kept
    distances = [abs(position - level) for position in dial.positions]
    return distances.index(min(distances))
