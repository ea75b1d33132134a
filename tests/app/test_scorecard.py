""" "Is it right?" and "Fool as many as you can" on the Draw page, without a browser."""

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app import session
from mnistcmp.app.draw import examples
from mnistcmp.app.draw.score import scorecard
from mnistcmp.app.draw.score.fooled import fooled
from mnistcmp.drawing import canvas, share_link
from mnistcmp.drawing.canvas import Stroke
from mnistcmp.drawing.fabric_js import to_fabric
from tests.app.test_draw_page import NETWORKS, as_url, labelled
from tests.helpers import APP

ONE = [Stroke([(140, 40), (140, 240)], 20)]
SEVEN = [Stroke([(70, 60), (210, 60)], 20), Stroke([(210, 60), (120, 240)], 20)]
TWO_ONES = [*ONE, Stroke([(220, 40), (220, 240)], 20)]
ASK, YES, COUNT, SHARE = "What did you draw?", "Yes, it is a ", "Count it", "Picture to share"


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_data.clear()


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(APP, default_timeout=120)


def draw(app: AppTest, drawing: canvas.Drawing) -> None:
    """Let the canvas report a finished drawing; the one before was cleared."""
    app.session_state["canvas"] = {
        "drawing": {"raw": {"objects": to_fabric(drawing)}, "data": as_url(canvas.render(drawing))}
    }
    app.run()
    assert not app.exception


def say(app: AppTest, label: int | None) -> None:
    app.pills(key=session.LABEL).set_value(label).run()
    assert not app.exception


def labels(app: AppTest) -> list[int]:
    return [each.label for each in app.session_state[session.KEPT]]


def texts(app: AppTest) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption, *app.info])


def score(app: AppTest):
    (table,) = [each.value for each in app.table]
    return table


def test_one_tap_confirms_what_was_read_and_every_network_is_scored(app):
    draw(app, ONE)
    assert not app.table
    labelled(app.button, f"{YES}1").click().run()
    assert not app.exception
    assert labels(app) == [1]
    assert len(score(app)) == NETWORKS
    assert score(app)["Asked"].eq(1).all()
    assert score(app)["Right"].eq(1).all()
    assert app.pills(key=session.LABEL).value == 1
    assert labelled(app.button, f"{YES}1").disabled
    assert "cannot be told apart yet" in texts(app)


def test_another_label_counts_as_wrong(app):
    draw(app, ONE)
    say(app, 7)
    assert labels(app) == [7]
    assert score(app)["Wrong"].eq(1).all()


def test_one_drawing_counts_once_and_its_label_can_be_changed_and_removed(app):
    draw(app, ONE)
    say(app, 7)
    say(app, 1)
    assert labels(app) == [1]
    assert score(app)["Right"].eq(1).all()
    say(app, None)
    assert labels(app) == []
    assert not app.table


def test_next_drawing_is_a_second_one_and_a_changed_one_replaces_its_former_state(app):
    draw(app, ONE)
    say(app, 1)
    draw(app, SEVEN)
    assert app.pills(key=session.LABEL).value is None
    say(app, 7)
    assert labels(app) == [1, 7]
    draw(app, [*SEVEN, Stroke([(120, 150), (200, 150)], 20)])
    assert app.pills(key=session.LABEL).value is None
    assert "You called this drawing a 7 and have changed it since" in texts(app)
    before = app.session_state[session.KEPT][1].pixels
    say(app, 7)
    assert labels(app) == [1, 7]
    assert not np.array_equal(app.session_state[session.KEPT][1].pixels, before)
    assert score(app)["Asked"].eq(2).all()


def test_kept_drawings_can_be_corrected_and_removed(app):
    for drawing, label in ((ONE, 7), (SEVEN, 7)):
        draw(app, drawing)
        say(app, label)
    app.session_state[session.KEPT_BOX] = True
    app.run()
    shown = [part.proto.body for part in app.get("html") if "<figcaption>1: a 7" in part.proto.body]
    assert len(shown) == 1
    labelled(app.selectbox, "It is a").set_value(1).run()
    labelled(app.button, "Correct").click().run()
    assert labels(app) == [1, 7]
    assert score(app)["Right"].eq(2).all()
    labelled(app.button, "Remove").click().run()
    assert not app.exception
    assert labels(app) == [7]


def test_other_recipe_reads_the_same_drawings(app):
    draw(app, ONE)
    say(app, 1)
    app.segmented_control(key="recipe").set_value("published").run()
    assert not app.exception
    (kept,) = app.session_state[session.KEPT]
    assert set(kept.reads) == {"drawn", "published"}
    assert len(score(app)) == len(kept.reads["published"]) < NETWORKS


def test_only_so_many_drawings_are_kept(app, monkeypatch):
    monkeypatch.setattr(scorecard, "MOST_KEPT", 1)
    draw(app, ONE)
    say(app, 1)
    draw(app, SEVEN)
    assert "no more fit" in texts(app)
    assert ASK not in [each.label for each in app.pills]
    draw(app, ONE)  # the one that is kept can still be changed
    say(app, 7)
    assert labels(app) == [7]


def test_examples_and_several_digits_do_not_count_as_ones_own_hand(app):
    app.run()
    assert "This is an example" in texts(app)  # the starter
    for *_, text in examples.DRAWN:
        draw(app, share_link.from_text(text))
        assert ASK not in [each.label for each in app.pills]
    draw(app, TWO_ONES)
    assert "Draw a single digit, to say" in texts(app)
    labelled(app.button, "Clear").click().run()
    assert "Draw a digit and say what it is" in texts(app)


def test_moving_pen_leaves_the_score_alone(app):
    draw(app, ONE)
    say(app, 1)
    app.session_state["live"] = {
        "picture": {"number": 1, "png": as_url(canvas.render(SEVEN)), "up": False}
    }
    app.run()
    assert labels(app) == [1]


def test_fooled_networks_are_counted_for_the_digit_that_was_to_be_drawn(app):
    draw(app, ONE)
    assert "misread this" not in texts(app)
    app.pills(key=session.GOAL).set_value(7).run()
    assert f"**{NETWORKS} of {NETWORKS} networks** misread this 7" in texts(app)
    labelled(app.button, COUNT).click().run()
    assert f"Your best so far: **{NETWORKS} of {NETWORKS}** with a 7." in texts(app)
    assert labelled(app.button, COUNT).disabled
    app.pills(key=session.GOAL).set_value(1).run()
    assert f"**0 of {NETWORKS} networks** misread this 1" in texts(app)
    assert labelled(app.get("download_button"), SHARE).proto.disabled
    assert labelled(app.button, COUNT).disabled  # the best is better
    assert f"**{NETWORKS} of {NETWORKS}** with a 7" in texts(app)


def test_fooling_takes_the_label_of_the_score(app):
    draw(app, ONE)
    say(app, 4)
    assert f"**{NETWORKS} of {NETWORKS} networks** misread this 4" in texts(app)


def test_fooling_counts_only_with_the_usual_preprocessing(app):
    draw(app, ONE)
    app.pills(key=session.GOAL).set_value(7).run()
    app.selectbox(key="way").set_value("bounding box only").run()
    assert "misread this" not in texts(app)
    assert "counts only with the preprocessing" in texts(app)


def test_fooled_names_the_networks_that_read_another_digit(app):
    draw(app, ONE)
    (read,) = app.session_state[session.READ]
    probabilities = read.reading.probabilities.copy()
    probabilities[:2] = np.eye(10)[[4, 9]]
    names = read.reading.models
    found = fooled(read._replace(reading=type(read.reading)(names, probabilities)), 4)
    assert found.wrong == names[1:]
    assert (found.label, found.asked, found.verdict) == (4, NETWORKS, 1)
    assert found.ink.shape == (280, 280) and found.ink[140, 140] == 255
