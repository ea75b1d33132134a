"""Under the verdict: who would misread the drawing first, and who would hold out longest."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from mnistcmp.app import background_reading, session
from mnistcmp.app.background_reading import Answer
from mnistcmp.app.break_it.digit import DRAWN
from mnistcmp.app.draw.network_rows import NAMES, ROW_PX, SELECTED
from mnistcmp.app.main import BREAK_IT
from mnistcmp.app.palette import INK
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.corruptions import DIALS, SHIFT_DIRECTIONS
from mnistcmp.drawing import canvas, to_pixels
from mnistcmp.robustness.holding_out import Held, HoldOut

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from torch import nn

LONGEST, READINGS = "who holds out longest", "readings"
BAR = "#0090D0"

# Room for the line, so that the chart of readings does not jump with every stroke.
KEEP_ROOM = f"<style>.st-key-{session.HOLD_OUT_BOX} {{ min-height: 3.5rem; }}</style><span></span>"
# The chart of readings stays in the browser, so that the next stroke need not wait for it.
HIDE_READINGS = f"""<style>.st-key-{session.READINGS_BOX} {{
    flex: none; height: 0; overflow: hidden; visibility: hidden; margin-bottom: -1rem;
}}</style><span></span>"""


def room() -> "DeltaGenerator":
    """A place for `show`, which takes the same room while it is empty."""
    place = st.container(key=session.HOLD_OUT_BOX)
    place.html(KEEP_ROOM)
    return place


def show(digit: int, recipe: str, networks: Mapping[str, "nn.Module"], *, agreed: bool) -> None:
    """Show it for the finished drawing, which is read as `digit`, once it is known.

    `agreed`: whether all networks read the same digit, so that their readings tell little.
    """
    pixels = to_pixels(canvas.render(session.drawing()))
    if pixels is None:
        return

    def ask() -> Answer[HoldOut]:
        return background_reading.hold_out(pixels, digit, recipe, networks)

    def draw(answer: Answer[HoldOut]) -> None:
        if answer.problem:
            st.caption(plain(answer.problem))
        elif answer.value is None or not answer.complete:
            st.caption("Finding out which network breaks first …")
        else:
            _draw(answer.value, agreed)

    background_reading.show_when_ready(ask, draw)


def _draw(result: HoldOut, agreed: bool) -> None:
    first = result.first_to_break()
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(in_words(first))
    if row.button("Break it", help="Change this drawing until the networks misread it"):
        _lead_to(first)
    if not agreed:
        return
    view = st.segmented_control(
        "Show",
        (LONGEST, READINGS),
        default=LONGEST,
        required=True,
        key=session.REST_VIEW,
        persist_state="session",
        label_visibility="collapsed",
    )
    if view == LONGEST:
        st.html(HIDE_READINGS)
        st.caption(
            f"How far {len(DIALS)} dials, such as shift or noise, can be turned until a network "
            "misreads this digit: the mean share of their ranges."
        )
        st.vega_lite_chart(
            bars(result), key=session.HOLD_OUT, on_select=_take_closer, selection_mode=SELECTED
        )


def in_words(first: tuple[str, Held] | None) -> str:
    """The network that breaks first, and what breaks it."""
    if first is None:
        return "No network would break: each reads this digit at every level of every dial."
    network, held = first
    return f"**{network}** would break first: {held.in_words()} it reads {held.reads}."


def bars(result: HoldOut) -> dict[str, object]:
    """One bar a network, the one that holds out longest first, as a Vega-Lite specification."""
    shares = {network: result.mean_share(network) for network in result.held}
    ordered = sorted(shares, key=lambda network: shares[network], reverse=True)
    rows = pa.table({"model": ordered, "share": [shares[network] for network in ordered]})
    x = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"orient": "top", "format": "%", "tickCount": 5},
        "title": None,
    }
    tooltip = [{"field": "model"}, {"field": "share", "format": ".0%"}]
    return {
        "height": {"step": ROW_PX},
        "description": "How long each network would hold out with this digit: "
        + ", ".join(f"{network} {shares[network]:.0%}" for network in ordered),
        "datasets": {"held": rows},
        "data": {"name": "held"},
        "encoding": {"y": NAMES, "tooltip": tooltip},
        "layer": [
            {  # a click beside the bar counts, too
                "params": [{"name": SELECTED, "select": {"type": "point", "fields": ["model"]}}],
                "mark": {"type": "bar", "opacity": 0},
                "encoding": {"x": {"datum": 1}},
            },
            {"mark": {"type": "bar", "color": BAR, "height": ROW_PX - 4}, "encoding": {"x": x}},
            {
                "mark": {"type": "text", "align": "left", "dx": 3, "fontSize": 11, "color": INK},
                "encoding": {
                    "x": x,
                    "text": {"field": "share", "type": "quantitative", "format": ".0%"},
                },
            },
        ],
    }


def _take_closer() -> None:
    rows = st.session_state[session.HOLD_OUT]["selection"][SELECTED]
    if rows:
        st.session_state[session.CLOSER] = rows[0]["model"]


def _lead_to(first: tuple[str, Held] | None) -> None:
    """Open "Break it" with this drawing, where the first network breaks."""
    st.session_state[session.BREAK_IMAGE] = DRAWN
    if first is not None:
        network, held = first
        dial = held.side.dial.name
        direction = SHIFT_DIRECTIONS[0] if dial == "shift" else ""
        st.session_state[session.BREAK_NETWORK] = network
        st.session_state[session.BREAK_DIAL] = dial
        st.session_state[session.BREAK_DIRECTION] = SHIFT_DIRECTIONS[0]
        st.session_state[session.BREAK_LEVEL] = dial, direction, held.breaks
    st.switch_page(BREAK_IT)
