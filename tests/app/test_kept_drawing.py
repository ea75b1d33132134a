"""The drawing that the browser's tab keeps, and sends back after the page was loaded again."""

import json
import logging

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app import session
from mnistcmp.app.draw import live, starter
from mnistcmp.drawing import share_link
from mnistcmp.drawing.canvas import Stroke, put
from tests.helpers import APP

ONE = [Stroke([(140, 40), (140, 240)], 20)]
TEXT = share_link.to_text(ONE)


@pytest.fixture
def state(monkeypatch) -> dict:
    """A new session; what live.js would get is in `state["sent"]`."""
    state: dict = {}
    monkeypatch.setattr(st, "session_state", state)
    monkeypatch.setattr(live, "_component", lambda: lambda **sent: state.update(sent=sent["data"]))
    starter.offer()
    return state


def keep(state: dict, kept: object) -> None:
    """Let the tab send what it has kept."""
    state[session.LIVE] = {"picture": None, "kept": kept}
    live._take_kept()


def test_tab_is_not_told_to_forget_while_the_starter_is_shown(state):
    live.picture(reported=False, brush_px=20)
    assert state["sent"]["kept"] is None
    assert state["sent"]["starter"]["src"].startswith("data:image/png;base64,")


def test_tab_keeps_the_finished_drawing_until_it_is_cleared(state):
    session.put(ONE)
    live.picture(reported=False, brush_px=20)
    assert state["sent"]["kept"] == TEXT
    assert state["sent"]["starter"] is None
    session.put([])
    live.picture(reported=False, brush_px=20)
    assert state["sent"]["kept"] == ""


def test_tab_keeps_a_photo_but_nothing_larger(state):
    session.put([put(np.random.default_rng(0).random((112, 112), np.float32))])
    live.picture(reported=False, brush_px=20)
    assert share_link.LONGEST_LINK < len(state["sent"]["kept"]) <= live.LONGEST_KEPT
    session.put([put(np.random.default_rng(0).random((280, 280), np.float32))])
    live.picture(reported=False, brush_px=20)
    assert state["sent"]["kept"] == ""


def test_kept_drawing_is_put_on_the_canvas_of_a_new_session(state):
    keep(state, TEXT)
    assert session.drawing() == ONE
    assert state[session.RESTORED]


def test_kept_drawing_does_not_replace_what_was_drawn_since(state):
    drawn = [Stroke([(40, 40), (240, 240)], 20)]
    session.put(drawn)
    keep(state, TEXT)
    assert session.drawing() == drawn


@pytest.mark.parametrize(
    "kept", [7, [TEXT], {}, "", "x", "é", TEXT[:20], "A" * 10**6, TEXT * 10**4]
)
def test_hostile_kept_drawing_is_refused_and_the_starter_stays(kept, state, caplog):
    caplog.set_level(logging.WARNING)
    keep(state, kept)
    assert starter.showing()
    assert session.RESTORED not in state
    assert "refused" in caplog.text


def test_page_shows_the_kept_drawing():
    app = AppTest.from_file(APP, default_timeout=120).run()
    app.session_state["live"] = {"picture": None, "kept": TEXT}
    app.run()
    assert not app.exception


def test_texts_for_the_browser_are_json(state):
    live.picture(reported=False, brush_px=20)
    assert json.loads(json.dumps(state["sent"])) == state["sent"]
    assert "280 by 280 pixels" in state["sent"]["label"]
