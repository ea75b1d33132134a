"""The Draw page shows a blank canvas's text for whatever a browser sends instead of a drawing."""

import logging
from collections.abc import Iterator

import hostile_canvas
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app import session
from mnistcmp.app.draw import live
from tests.app.test_draw_page import readings, verdict
from tests.helpers import APP

HOSTILE = {
    "nothing": None,
    "text": "drawing",
    "list": {"drawing": [1]},
    "no list": {"drawing": {"raw": {"objects": {"a": 1}}, "data": None}},
    "background": {"drawing": None, "backgroundFit": {"scaleX": 1}},
    "GIF": {"drawing": {"raw": None, "data": hostile_canvas.PICTURES[5]}},
} | hostile_canvas.too_much()


@pytest.fixture
def state(monkeypatch) -> Iterator[dict]:
    """A session without a page."""
    state: dict = {}
    monkeypatch.setattr(st, "session_state", state)
    monkeypatch.setattr(live, "_component", lambda: lambda **_: None)
    return state


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == session.__name__]


def canvas_alone() -> None:
    """The canvas of the page, with its buttons."""
    import streamlit as st

    from mnistcmp.app import session
    from mnistcmp.app.draw import canvas

    if st.session_state.pop("clear", False):
        session.put([])  # as its button does, before the canvas is shown
    rgba = canvas.show()
    assert rgba is None or rgba.shape == (280, 280, 4)
    canvas.buttons()
    session.drawing()


@pytest.mark.parametrize("tens", range(30))
def test_malformed_state_is_shown_as_a_drawing_or_as_blank(tens, caplog):
    app = AppTest.from_function(canvas_alone, default_timeout=120)
    for seed in range(10 * tens, 10 * tens + 10):
        caplog.clear()
        for _ in range(2):  # the browser sends its state again with every run
            app.session_state["canvas"] = hostile_canvas.malformed(seed)
            app.run()
            assert not app.exception
        assert len(logged(caplog)) <= 1
        app.session_state["canvas"] = hostile_canvas.malformed(seed)
        app.session_state["clear"] = True
        app.run()
        assert not app.exception


@pytest.mark.parametrize(
    "sent",
    [7, "x", [], {}, {"number": "7"}, {"number": 1.5}, {"number": True}, {"number": 10**400}]
    + [{"number": 1, "png": png} for png in (None, 5, "x", [], *hostile_canvas.PICTURES)],
)
def test_malformed_live_picture_is_ignored_and_logged_once(sent, state, caplog):
    state[session.LIVE] = {"picture": sent}
    caplog.set_level(logging.WARNING)
    assert live.picture(reported=False, brush_px=20) is None
    assert live.picture(reported=False, brush_px=20) is None
    assert len(logged(caplog)) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_page_shows_the_text_of_a_blank_canvas(name, caplog):
    app = AppTest.from_file(APP, default_timeout=120)
    app.session_state["starter"] = []  # it has gone
    app.session_state["canvas"] = HOSTILE[name]
    app.run()
    assert not app.exception
    assert verdict(app) == "–"
    assert "Draw a digit" in readings(app)["invitation"]
    (line,) = logged(caplog)
    assert "refused" in line


def sent(number: int, up: bool, settled: bool = False) -> dict:
    png = hostile_canvas.as_url(hostile_canvas.picture(size=(140, 140)))
    return {"picture": {"number": number, "png": png, "up": up, "settled": settled}}


@pytest.mark.parametrize(
    ("runs", "waiting"),
    [
        ([], False),
        ([(1, False, False)], True),
        ([(1, False, False), (1, False, True)], True),  # an earlier stroke was reported
        ([(1, True, False), (1, True, True)], False),
        ([(1, True, True)], True),  # the report may have been sent before the picture
        ([(1, True, False), (1, True, False)], True),
    ],
)
def test_link_and_png_wait_for_the_strokes_of_the_live_picture(runs, waiting, state):
    for number, up, reported in runs:
        state[session.LIVE] = sent(number, up)
        live.picture(reported, brush_px=20)
    assert state.get(session.WAITING, False) is waiting
    state[session.LIVE] = sent(len(runs) and 1, True, settled=True)
    live.picture(reported=False, brush_px=20)
    assert not state.get(session.WAITING, False)


def test_link_is_shown_only_when_the_drawing_is_complete():
    app = AppTest.from_file(APP, default_timeout=120)
    app.session_state["canvas"] = {
        "drawing": {"raw": {"objects": [hostile_canvas.PATH]}, "data": hostile_canvas.IMAGE["src"]}
    }
    app.session_state["live"] = sent(1, up=True)
    app.run()
    app.session_state["live"] = sent(2, up=True)
    app.run()
    assert not any("drawing=" in code.value for code in app.code)
    assert any("Waiting" in note.value for note in app.caption)
    app.session_state["live"] = sent(2, up=True, settled=True)
    app.run()
    assert any("drawing=" in code.value for code in app.code)
    assert not app.exception
