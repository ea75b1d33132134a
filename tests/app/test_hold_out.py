"""The Draw page once the drawing rests: who would break first, and who would hold out longest."""

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app import session
from mnistcmp.app.background_reading import Answer
from mnistcmp.app.draw import hold_out
from mnistcmp.app.draw.readings import component
from mnistcmp.catalogue.corruptions import SIDES
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.robustness import hold_out_search
from mnistcmp.robustness.holding_out import Held, HoldOut
from tests.app.test_draw_page import NETWORKS, STROKE, as_url, labelled, one, readings, words
from tests.helpers import APP

SHIFT = next(side for side in SIDES if side.title == "Shift")
BREAKS = Held(SHIFT, 2, 3, 2)
LINE = f"{MODELS['mlp'].title} would break first: shifted 3 px to the right it reads 2."


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_data.clear()
    st.cache_resource.clear()


def result(names: tuple[str, ...], digit: int = 1) -> HoldOut:
    """`mlp` breaks when it is shifted by 3 px; the others hold out everywhere."""
    right = tuple(Held(side, side.levels[-1]) for side in SIDES)
    mlp = tuple(BREAKS if held.side == SHIFT else held for held in right)
    held = {name: mlp if name == "mlp" else right for name in names}
    return HoldOut(digit, names, dict.fromkeys(names, digit), held, names)


@pytest.fixture
def searched(monkeypatch) -> list[tuple[np.ndarray, int]]:
    """What was searched: pixels and digit; the search is done after two pieces."""
    found = []

    def search(pixels, digit, networks):
        found.append((pixels, digit))
        yield None
        yield result(tuple(networks), digit)

    monkeypatch.setattr(hold_out_search, "search", search)
    return found


def draw(app: AppTest, stroke: dict) -> None:
    """Let the canvas report a finished drawing of one stroke."""
    raw = {"objects": [stroke]}
    app.session_state["canvas"] = {"drawing": {"raw": raw, "data": as_url(one())}}
    app.run()
    assert not app.exception


def at_rest() -> AppTest:
    """The page with a finished 1."""
    app = AppTest.from_file(APP, default_timeout=120)
    draw(app, STROKE)
    return app


def finish(background, app: AppTest) -> None:
    """Do the work in the background, and let the page ask again."""
    while background.step():
        pass
    app.run()
    assert not app.exception


def held(app: AppTest) -> dict | None:
    """What the readings got of who holds out longest."""
    return readings(app)["held"]


def test_line_and_bars_appear_when_the_result_is_ready(background, searched):
    app = at_rest()
    assert held(app) == {"line": hold_out.LOOKING, "known": False, "groups": []}
    finish(background, app)
    assert held(app)["line"] == LINE
    assert sum(len(group["rows"]) for group in held(app)["groups"]) == NETWORKS
    ((_, digit),) = searched
    assert digit == 1


def test_result_is_not_searched_again(background, searched):
    app = at_rest()
    finish(background, app)
    app.run()
    assert len(searched) == 1


def test_next_drawing_drops_the_search_of_the_last_one(background, searched):
    app = at_rest()
    background.step()
    draw(app, STROKE | {"strokeWidth": 36})
    while background.step():
        pass
    assert len(searched) == 2 and not np.array_equal(searched[0][0], searched[1][0])
    draw(app, STROKE)
    assert held(app)["line"] == hold_out.LOOKING  # the first search was not completed


def test_moving_pen_drops_the_search_and_shows_the_readings(background, searched):
    app = at_rest()
    app.session_state["live"] = {"picture": {"number": 1, "png": as_url(one()), "up": False}}
    app.run()
    assert not app.exception
    assert not background.step()
    assert readings(app)["moving"] and readings(app)["digits"]
    assert held(app) is None


def test_clearing_the_canvas_drops_the_search(background, searched):
    app = at_rest()
    labelled(app.button, "Clear").click().run()
    assert not background.step()
    assert held(app) is None


def test_other_preprocessing_shows_only_the_readings(background, searched):
    app = at_rest()
    finish(background, app)
    app.selectbox(key="way").set_value("bounding box only").run()
    assert readings(app)["digits"] and held(app) is None


def test_failure_is_told_and_the_readings_stay(background, monkeypatch):
    def broken(pixels, digit, networks):
        raise RuntimeError("out of memory")
        yield

    monkeypatch.setattr(hold_out_search, "search", broken)
    app = at_rest()
    finish(background, app)
    assert "out of memory" in held(app)["line"]
    assert not held(app)["known"] and not held(app)["groups"]
    assert words(app) == f"All {NETWORKS} networks read 1."


def test_break_it_opens_with_the_drawing_and_the_dial(background, searched, monkeypatch):
    app = at_rest()
    finish(background, app)
    monkeypatch.setattr(component, "show", lambda data: component.Wish(component.BREAK))
    app.run()
    assert not app.exception
    assert app.title[0].value == "Break it"
    assert app.session_state[session.BREAK_DIAL] == "shift"
    assert app.session_state[session.BREAK_NETWORK] == "mlp"
    assert app.session_state[session.BREAK_LEVEL] == ("shift", "right", 3)
    (kept,) = app.session_state[session.DRAWING]
    assert kept["path"] == STROKE["path"]


def test_line_names_network_change_and_digit():
    assert hold_out.in_words(("mlp", BREAKS)) == LINE
    assert "No network would break" in hold_out.in_words(None)


def test_bars_are_sorted_by_mean_share_within_families_and_between_them():
    data = hold_out.as_data(Answer(result(("mlp", "cnn", "fcn")), complete=True), agreed=True)
    families = [(group["name"], group["rows"]) for group in data["groups"]]
    assert [name for name, _ in families] == ["convnets", "perceptrons"]
    rows = [(row["name"], row["share"]) for _, rows in families for row in rows]
    assert rows == [("cnn", 100), ("fcn", 100), ("mlp", round(100 * (11 + 2 / 14) / 12))]


def test_networks_that_disagree_get_no_bars():
    data = hold_out.as_data(Answer(result(("mlp", "cnn")), complete=True), agreed=False)
    assert data == {"line": LINE, "known": True, "groups": []}
