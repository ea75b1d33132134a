"""The page "Break it" without a browser: digits, dials, links and what is wrong with them."""

import json
import shutil
from urllib.parse import parse_qs, urlparse

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app import cached_records
from mnistcmp.app.break_it import sweep
from mnistcmp.catalogue.corruptions import DIALS
from mnistcmp.checkpoints import read_manifest
from tests.helpers import page

PAGE = page("break_it")
NETWORKS = sum(entry.recipe == "drawn" for entry in read_manifest())
ONE = {"type": "Path", "path": [["M", 140, 40], ["L", 140, 240]], "strokeWidth": 20}
DOT = {"type": "Path", "path": [["M", 140, 40], ["L", 140, 41]], "strokeWidth": 1}
TIMES_SIGN = [
    {"type": "Path", "path": [["M", x, 40], ["L", 280 - x, 240]], "strokeWidth": 20}
    for x in (40, 140, 240)
]


# Once only, because loading the networks takes seconds; the caches know every folder of weights.
@pytest.fixture(autouse=True, scope="module")
def empty_caches():
    st.cache_data.clear()
    st.cache_resource.clear()


def run(parameters: str = "", **state: object) -> AppTest:
    """The page with these parameters of the URL and this state of the session."""
    app = AppTest.from_file(PAGE, default_timeout=120)
    for name, values in parse_qs(parameters).items():
        app.query_params[name] = values
    for key, value in state.items():
        app.session_state[key] = value
    return app.run()


def sent(app: AppTest) -> list[dict]:
    """What the page sends to its components: the slider and the heat maps."""
    return [json.loads(component.proto.json) for component in app.get("bidi_component")]


def data(app: AppTest) -> dict:
    """What the page sends to the slider."""
    (found,) = [data for data in sent(app) if "levels" in data]
    return found


def rows(app: AppTest) -> dict[str, dict]:
    return {row["name"]: row for family in data(app)["families"] for row in family["rows"]}


def address(app: AppTest) -> dict[str, str]:
    """The parameters of the link that the page shows."""
    (shown,) = [code.value for code in app.code if "dial=" in code.value]
    return {name: value for name, (value,) in parse_qs(urlparse(shown).query).items()}


def warnings(app: AppTest) -> list[str]:
    return [warning.value for warning in app.warning]


def labelled(elements, label: str):
    (found,) = [element for element in elements if element.label == label]
    return found


def test_starter_digit_is_there_at_once():
    app = run()
    assert not app.exception and not app.warning
    shown = data(app)
    assert (shown["dial"], shown["direction"], shown["at"], shown["label"]) == (
        *("shift", "right"),
        0,
        3,
    )
    assert len(rows(app)) == NETWORKS
    assert all(row["answers"][0] == 3 for row in rows(app).values())
    assert any(shown["headline"] in text.value for text in app.markdown)
    assert "Test image" in "".join(note.value for note in app.caption)


def test_drawing_is_used_and_its_digit_is_proposed():
    app = run(drawing=[ONE])
    assert not app.exception
    assert data(app)["label"] == 1
    assert labelled(app.selectbox, "Which digit is it?").value == 1
    assert address(app)["label"] == "1"
    assert "test" not in address(app)
    labelled(app.selectbox, "Which digit is it?").set_value(7).run()
    assert data(app)["label"] == 7
    assert "no network reads this digit as a 7, even unchanged" in data(app)["headline"]


def test_another_drawing_gets_another_proposal():
    app = run(drawing=[ONE])
    labelled(app.selectbox, "Which digit is it?").set_value(7).run()
    seven = [["M", 70, 60], ["L", 210, 60], ["L", 120, 240]]
    app.session_state["drawing"] = [ONE | {"path": seven}]
    app.run()
    assert labelled(app.selectbox, "Which digit is it?").value == 7
    app.session_state["drawing"] = [ONE]
    app.run()
    assert labelled(app.selectbox, "Which digit is it?").value == 1


def test_drawing_that_is_no_certain_digit_asks_what_it_is():
    app = run(drawing=TIMES_SIGN)
    assert not app.exception
    assert "not sure whether this drawing is a digit" in app.info[0].value
    assert not app.get("bidi_component")
    labelled(app.selectbox, "Which digit is it?").set_value(8).run()
    assert not app.exception
    assert data(app)["label"] == 8


def test_drawing_with_too_little_ink_is_replaced_by_a_test_image():
    app = run(drawing=[DOT])
    assert not app.exception
    assert "too little ink" in app.info[0].value
    assert len(rows(app)) == NETWORKS


def test_test_image_can_be_taken_in_place_of_the_drawing():
    app = run(drawing=[ONE], break_image="a test image")
    assert data(app)["label"] == 3
    labelled(app.selectbox, "Digit").set_value(5).run()
    assert data(app)["label"] == 5
    first = address(app)["test"]
    labelled(app.button, "Next").click().run()
    assert address(app)["test"] != first


@pytest.mark.parametrize("name", DIALS)
def test_every_dial_shows_its_levels_from_rest(name):
    app = run(break_dial=name)
    assert not app.exception
    shown = data(app)
    dial = DIALS[name]
    assert shown["levels"] == list(dial.positions)
    assert shown["levels"][shown["at"]] == dial.rest
    assert all(len(row["answers"]) == len(dial.positions) for row in rows(app).values())
    assert any(dial.description in note.value for note in app.caption)
    assert dial.random == any("5 pictures" in note.value for note in app.caption)


def test_directions_of_shift_differ():
    right, down = run(), run(break_direction="down")
    assert data(down)["direction"] == "down"
    assert data(right)["strip"] != data(down)["strip"]
    assert run(break_dial="turn").get("button_group")[-1].label != "Direction"


def test_level_of_the_session_is_kept_for_its_dial_only():
    app = run(break_level=("shift", "right", 3.0))
    assert data(app)["at"] == 3
    assert address(app)["level"] == "3"
    app = run(break_level=("shift", "right", 3.0), break_direction="up")
    assert data(app)["at"] == 0
    app = run(break_level=("shift", "right", 3.0), break_dial="turn")
    assert data(app)["levels"][data(app)["at"]] == 0


def test_network_of_the_session_is_highlighted_and_in_the_link():
    app = run(break_network="cnn")
    assert data(app)["chosen"] == "cnn"
    assert address(app)["network"] == "cnn"


def test_link_opens_dial_level_direction_recipe_and_test_image():
    given = {
        "recipe": "tuned",
        "dial": "shift",
        "direction": "left",
        "level": "6",
        "network": "mlp",
    }
    pack = cached_records.sample_pack("mnist")
    number = int(pack.index[pack.hard(5)[0]])
    query = "&".join(f"{name}={value}" for name, value in given.items())
    app = run(f"{query}&test={number}")
    assert not app.exception and not app.warning
    assert address(app) == {**given, "test": str(number)}
    assert data(app)["at"] == 6


def test_link_opens_the_drawing_with_its_label():
    parameters = address(run(drawing=[ONE], break_dial="turn", break_level=("turn", "", -40.0)))
    parameters["label"] = "4"
    app = run("&".join(f"{name}={value}" for name, value in parameters.items()))
    assert not app.exception and not app.warning
    assert address(app) == parameters
    assert data(app)["label"] == 4
    assert data(app)["levels"][data(app)["at"]] == -40


def test_level_between_two_positions_opens_the_closest():
    assert data(run("dial=shift&level=6.4"))["at"] == 6


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("dial=shift&level=99", "a number from 0 to 14, not 99"),
        ("dial=shift&level=nan", "a number from 0 to 14, not nan"),
        ("dial=shift&level=-1e999", "not -inf"),
        ("dial=shift&level=far", "not 'far'"),
        ("dial=shift&level=3&direction=in", "no direction “in”"),
        ("dial=blow", "no dial 'blow'"),
        ("recipe=secret", "no recipe “secret”"),
        ("network=" + "x" * 1000, "no network “" + "x" * 40 + "…”"),
        ("test=99999", "no test image 99999"),
        ("test=-3", "“-3” is no whole number"),
        ("label=12", "12 is no digit"),
        ("drawing=nonsense", "the drawing in this link cannot be read"),
    ],
)
def test_bad_parameter_is_named_and_the_rest_goes_on(parameters, message):
    app = run(parameters)
    assert not app.exception
    (warning,) = warnings(app)
    assert message in warning.replace("\\", "")
    assert len(rows(app)) == NETWORKS
    assert data(app)["at"] == 0


def test_bad_level_keeps_the_dial_of_the_link():
    app = run("dial=turn&level=500")
    assert data(app)["dial"] == "turn"
    assert data(app)["levels"][data(app)["at"]] == 0


def test_refused_report_is_shown_and_the_dial_goes_to_rest():
    app = run(break_slider_problem="the dial shift takes a number from 0 to 14, not 99")
    assert "not 99" in warnings(app)[0]
    key = data(app)["key"]
    app.run()
    assert not app.warning
    assert data(app)["key"] != key  # so that the browser takes the position of the page


def test_dial_is_read_once_for_all_visitors(monkeypatch):
    run()
    monkeypatch.setattr(sweep, "_majority", None)  # a second reading would call it
    again = run()
    assert not again.exception
    assert len(rows(again)) == NETWORKS


def test_network_without_weights_is_left_out(copy):
    (weights,) = (copy / "mnist" / "drawn").glob("mlp-*.safetensors")
    weights.unlink()
    app = run()
    assert not app.exception
    assert any("mlp" in warning for warning in warnings(app))
    assert len(rows(app)) == NETWORKS - 1
    assert "mlp" not in rows(app)


def test_recipe_without_networks_says_how_to_train_them(copy):
    shutil.rmtree(copy)
    app = run()
    assert not app.exception
    assert "no networks trained with the recipe" in app.info[0].value
    assert not app.get("bidi_component")


def test_missing_pack_of_test_images_is_named(copy):
    (copy / "mnist" / "samples.npz").unlink()
    app = run()
    assert not app.exception
    assert "samples.npz" in warnings(app)[0].replace("\\", "")
    app = run(drawing=[ONE])
    assert not app.exception
    assert data(app)["label"] == 1
