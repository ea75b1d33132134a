"""What the slider of "Break it" reports, and what a browser might send in its place."""

import pytest
import streamlit as st

from mnistcmp.app import session
from mnistcmp.app.break_it import link, slider


@pytest.mark.parametrize(
    "sent",
    [None, 7, "x", [], {}, {"dial": "shift"}, {"dial": ["shift"], "level": 1}]
    + [
        {"dial": "shift", "direction": "right", "level": level}
        for level in (99, -1, float("nan"), True, None, "3", 10**400, [3])
    ]
    + [{"dial": "shift", "direction": "", "level": 3}, {"dial": "turn", "direction": "up"}],
)
def test_malformed_report_of_the_slider_is_refused(sent, monkeypatch):
    state = {session.BREAK_SLIDER: {"place": sent}, session.BREAK_LEVEL: ("shift", "right", 3.0)}
    monkeypatch.setattr(st, "session_state", state)
    slider._take_place()
    assert state[session.BREAK_SLIDER_PROBLEM]
    assert session.BREAK_LEVEL not in state


def test_report_of_the_slider_is_the_level_of_the_session(monkeypatch):
    sent = {"dial": "turn", "direction": "", "level": -40}
    state = {session.BREAK_SLIDER: {"place": sent}}
    monkeypatch.setattr(st, "session_state", state)
    slider._take_place()
    assert state == {
        session.BREAK_SLIDER: {"place": sent},
        session.BREAK_LEVEL: ("turn", "", -40.0),
    }
    assert link.checked_place(sent) == ("turn", "", -40.0)
