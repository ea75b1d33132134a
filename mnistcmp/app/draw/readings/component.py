"""The component on the page; component.js draws it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from mnistcmp.app import session
from mnistcmp.app.in_browser.part import browser_part
from mnistcmp.app.main import BENCHMARKS, BREAK_IT, INSIDE
from mnistcmp.catalogue.corruptions import DIALS
from mnistcmp.catalogue.networks import MODELS

FOLDER = Path(__file__).parent
BREAK = "break"
# What the browser may ask for -> the page. The first two are about one network.
PAGES = {"benchmarks": BENCHMARKS, "inside": INSIDE, BREAK: BREAK_IT}
# A page -> where it finds the network.
NETWORK_KEYS = {"benchmarks": session.HIGHLIGHT, "inside": session.INSIDE}


TEXTS = {
    "number": "Several digits:",
    "lead": "Break it",
    "views": ["Who holds out longest", "Readings"],
    "explained": f"How far {len(DIALS)} dials, such as shift or noise, can be turned until a "
    "network misreads this digit: the mean share of their ranges.",
    "closer": "{}: its probability for each digit, in percent",
    "pages": {"benchmarks": "Benchmark of {}", "inside": "Inside {}"},
}


class Wish(NamedTuple):
    """A page that the person wants to see, and the network that it should show."""

    page: str
    network: str | None = None


def show(data: Mapping[str, object]) -> Wish | None:
    """Show the readings -> the page that the person has just asked for, if any.

    data: digits: one for each digit of the drawing, as from `data.digit`; empty if it is blank.
    invitation: what to do then. moving: whether the pen is down, or its stroke not reported yet.
    small: a line below the verdict. held: as from `hold_out.as_data`, or None.
    """
    result = browser_part("mnistcmp_readings", FOLDER, "component")(
        key=session.READINGS, data={**data, "texts": TEXTS}, on_wish_change=lambda: None
    )
    return None if result.wish is None else checked(result.wish)


def checked(sent: Any) -> Wish | None:
    """What the browser sent as a wish; None if it is none that the component could have sent."""
    if not isinstance(sent, Mapping):
        return None
    page, network = sent.get("page"), sent.get("network")
    if page == BREAK:
        return Wish(page)
    known = isinstance(page, str) and isinstance(network, str)
    return Wish(page, network) if known and page in NETWORK_KEYS and network in MODELS else None


def follow(wish: Wish) -> None:
    """Go to the page that was asked for."""
    if wish.network is not None:
        st.session_state[NETWORK_KEYS[wish.page]] = wish.network
    st.switch_page(PAGES[wish.page])
