"""Who would misread the finished drawing first, and who would hold out longest."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from mnistcmp.app import background_reading, session
from mnistcmp.app.background_reading import Answer
from mnistcmp.app.break_it.digit import DRAWN
from mnistcmp.app.draw.readings import data
from mnistcmp.catalogue.corruptions import SHIFT_DIRECTIONS
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.drawing import canvas, to_pixels
from mnistcmp.robustness.holding_out import Held, HoldOut

if TYPE_CHECKING:
    from torch import nn

    from mnistcmp.inference import Consensus

LOOKING = "Finding out which network breaks first …"


def question(
    together: "Consensus", recipe: str, networks: Mapping[str, "nn.Module"]
) -> Callable[[], Answer[HoldOut]] | None:
    """What asks about the finished drawing; None if the networks are not sure which digit it is."""
    pixels = to_pixels(canvas.render(session.drawing()))
    if pixels is None or together.digit is None:
        return None
    return partial(background_reading.hold_out, pixels, together.digit, recipe, networks)


def as_data(answer: Answer[HoldOut], *, agreed: bool) -> dict[str, object]:
    """What is known as JSON for the readings: a line, whether it is final, and groups of bars.

    `agreed`: whether all networks read the same digit, so that their readings tell little. Only
    then are there bars.
    """
    if answer.problem:
        return {"line": answer.problem, "known": False, "groups": []}
    if answer.value is None or not answer.complete:
        return {"line": LOOKING, "known": False, "groups": []}
    result = answer.value
    shares = {network: result.mean_share(network) for network in result.held if agreed}
    return {
        "line": in_words(result.first_to_break()),
        "known": True,
        "groups": data.held(shares),
    }


def in_words(first: tuple[str, Held] | None) -> str:
    """The network that breaks first, and what breaks it."""
    if first is None:
        return "No network would break: each reads this digit at every level of every dial."
    network, held = first
    return f"{MODELS[network].title} would break first: {held.in_words()} it reads {held.reads}."


def set_break_it(answer: Answer[HoldOut] | None) -> None:
    """Let "Break it" begin with this drawing, where the first network breaks, if it is known."""
    state = st.session_state
    state[session.BREAK_IMAGE] = DRAWN
    if not answer or not answer.value or (first := answer.value.first_to_break()) is None:
        return
    network, held = first
    dial = held.side.dial.name
    direction = SHIFT_DIRECTIONS[0] if dial == "shift" else ""
    state[session.BREAK_NETWORK], state[session.BREAK_DIAL] = network, dial
    state[session.BREAK_DIRECTION] = SHIFT_DIRECTIONS[0]
    state[session.BREAK_LEVEL] = dial, direction, held.breaks
