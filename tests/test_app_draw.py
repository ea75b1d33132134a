"""The Draw page, run without a browser: every state that the canvas can be in."""

import base64
import io

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from mnistcmp import strokes
from mnistcmp.app import cached
from mnistcmp.models import MODELS

APP = str(cached.CHECKPOINTS.parent / "streamlit_app.py")
STROKE = {"type": "Path", "path": [["M", 140, 40], ["L", 140, 240]], "strokeWidth": 20}


@pytest.fixture(autouse=True)
def nothing_cached():
    st.cache_data.clear()
    st.cache_resource.clear()


def as_url(rgba: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def one() -> np.ndarray:
    """The canvas with a 1 on it."""
    line = np.array([[0, 0], [0, 100]], np.float32)
    return strokes.replay(strokes.PenDigit(1, 0, (line,)), brush_px=20)


def blank() -> np.ndarray:
    return np.full((280, 280, 4), 255, np.uint8)


def run(url: str | None, objects: list[dict] | None = None) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=120)
    app.session_state["canvas"] = {"drawing": {"raw": {"objects": objects or []}, "data": url}}
    return app.run()


def test_untouched_canvas_asks_for_a_digit():
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    assert app.metric[0].value == "–"
    assert "Draw a digit" in app.info[0].value


def test_blank_canvas_after_a_reset_asks_for_a_digit():
    app = run(as_url(blank()))
    assert not app.exception
    assert app.metric[0].value == "–"
    assert "Draw a digit" in app.info[0].value


def test_stroke_is_read_by_all_networks():
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert (app.metric[0].label, app.metric[0].value) == ("Consensus", "1")
    assert any(f"{len(MODELS)} networks agree" in text.value for text in app.markdown)


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,AAAA", "data:image/png;base64,%%%", "no data url at all"]
)
def test_damaged_data_url_is_named_and_asks_for_a_new_drawing(url):
    app = run(url)
    assert not app.exception
    assert app.metric[0].value == "–"
    assert "could not be read" in app.warning[0].value


def test_undo_takes_back_the_last_stroke_and_clear_all():
    app = run(as_url(one()), [STROKE, STROKE | {"strokeWidth": 9}])
    undo, clear = app.button
    undo.click().run()
    assert app.session_state["redraw"]["objects"] == [STROKE]
    clear.click().run()
    assert app.session_state["redraw"]["objects"] == []
