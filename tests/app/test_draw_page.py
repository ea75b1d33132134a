"""The Draw page without a browser: every state of the canvas."""

import base64
import io
import json
import re
import shutil
from urllib.parse import parse_qs, urlencode

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1 import AppTest

from mnistcmp import drawing
from mnistcmp.app import cached_networks, cached_records, session
from mnistcmp.app.draw import stages
from mnistcmp.app.draw.readings import component
from mnistcmp.checkpoints import read_manifest
from mnistcmp.data import pen_digits
from mnistcmp.data.unipen import PenDigit
from mnistcmp.drawing import canvas, share_link
from mnistcmp.drawing.fabric_js import from_fabric
from mnistcmp.drawing.photo import Photo
from tests.helpers import APP
from tests.photos import file, scan

NETWORKS = sum(entry.recipe == "drawn" for entry in read_manifest())
STROKE = {"type": "Path", "path": [["M", 140, 40], ["L", 140, 240]], "strokeWidth": 20}


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_data.clear()


def as_url(rgba: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def one() -> np.ndarray:
    """The canvas with a 1 on it."""
    line = np.array([[0, 0], [0, 100]], np.float32)
    return pen_digits.replay(PenDigit(1, 0, (line,)), brush_px=20)


def blank() -> np.ndarray:
    return np.full((280, 280, 4), 255, np.uint8)


def run(url: str | None, objects: list[dict] | None = None) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=120)
    app.session_state["canvas"] = {"drawing": {"raw": {"objects": objects or []}, "data": url}}
    return app.run()


def readings(app: AppTest) -> dict:
    """What the component of the readings got."""
    (found,) = [
        part.proto.json
        for part in app.get("bidi_component")
        if part.proto.component_name == "mnistcmp_readings"
    ]
    return json.loads(found)


def verdict(app: AppTest) -> str:
    """The digits that are read; "–" if there are none."""
    return "".join(digit["reads"] for digit in readings(app)["digits"]) or "–"


def words(app: AppTest) -> str:
    """What is said of the first digit."""
    return readings(app)["digits"][0]["words"]


def labelled(elements, label: str):
    (found,) = [element for element in elements if element.label == label]
    return found


def at(link: str) -> AppTest:
    """The page, opened with these URL parameters."""
    app = AppTest.from_file(APP, default_timeout=120)
    for name, values in parse_qs(link).items():
        app.query_params[name] = values
    return app.run()


def test_untouched_canvas_shows_the_starter_until_it_is_cleared():
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    assert verdict(app) == "4"
    assert words(app).startswith(f"33 of {NETWORKS} networks read 4")
    labelled(app.button, "Clear").click().run()
    assert verdict(app) == "–"
    assert "Draw a digit" in readings(app)["invitation"]


def test_blank_canvas_after_a_reset_asks_for_a_digit():
    app = run(as_url(blank()))
    assert not app.exception
    assert verdict(app) == "–"
    assert "Draw a digit" in readings(app)["invitation"]


def test_fragments_stand_at_places_that_the_browser_knows(monkeypatch):
    """Of a run that is cut short, Streamlit may send the inner fragments only."""
    sent = []
    monkeypatch.setattr(ForwardMsgQueue, "_before_enqueue_msg", sent.append)
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    deltas = [message for message in sent if message.HasField("delta")]
    paths = [tuple(message.metadata.delta_path) for message in deltas]
    fragments = [message.delta.fragment_id for message in deltas]
    outer = fragments.index(next(filter(None, fragments)))
    first_element = next(
        at
        for at in range(outer, len(deltas))
        if deltas[at].delta.HasField("new_element") and fragments[at]
    )
    roots = {}
    for path, fragment in zip(paths, fragments, strict=True):
        roots.setdefault(fragment, path)
    inner = [root for fragment, root in roots.items() if fragment not in ("", fragments[outer])]
    assert len(inner) >= 4
    before = set(paths[:first_element])
    for root in inner:
        assert root[-1] == 0, root
        own = max((r for r in roots.values() if r == root[: len(r)] and r != root), key=len)
        if own == roots[fragments[outer]]:
            assert root[:-1] in before, root


def test_stroke_is_read_by_all_networks():
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert verdict(app) == "1"
    assert words(app) == f"All {NETWORKS} networks read 1."


def test_undo_removes_the_last_stroke_and_clear_removes_all():
    app = run(as_url(one()), [STROKE, STROKE | {"strokeWidth": 9}])
    undo = labelled(app.button, "Undo")
    undo.click().run()
    assert widths(app.session_state["redraw"]["objects"]) == [20]
    assert widths(app.session_state["drawing"]) == [20]
    undo.click().run()
    assert app.session_state["redraw"]["objects"] == []
    app = run(as_url(one()), [STROKE, STROKE])
    labelled(app.button, "Clear").click().run()
    assert app.session_state["redraw"]["objects"] == []
    assert verdict(app) == "–"


@pytest.mark.parametrize(("button", "left"), [("Undo", 1), ("Clear", 0)])
def test_report_sent_before_a_click_does_not_restore_the_strokes(button, left):
    drawn = [STROKE | {"strokeWidth": width} for width in (20, 15, 10)]
    app = run(as_url(one()), drawn[:2])
    labelled(app.button, button).click().run()
    report(app, drawn)  # its third stroke had ended just before the click
    assert widths(app.session_state["drawing"]) == [20, 15, 10][:left]
    report(app, [*app.session_state["redraw"]["objects"], drawn[2]])  # a stroke drawn afterwards
    assert widths(app.session_state["drawing"]) == [*[20, 15, 10][:left], 10]


def report(app: AppTest, objects: list[dict]) -> None:
    """Let the canvas report these objects."""
    app.session_state["canvas"] = {"drawing": {"raw": {"objects": objects}, "data": as_url(one())}}
    app.run()
    assert not app.exception


def widths(objects: list[dict]) -> list[int]:
    return [each["strokeWidth"] for each in objects]


def test_link_restores_drawing_and_settings():
    text = share_link.to_text([canvas.Stroke([(140, 40), (140, 240)], 20)])
    app = at(urlencode({"drawing": text, "recipe": "tuned", "way": "whole canvas shrunk"}))
    assert not app.exception
    assert verdict(app) == "1"
    assert app.segmented_control(key="recipe").value == "tuned"
    assert app.selectbox(key="way").value == "whole canvas shrunk"
    (shown,) = [code.value for code in app.code if "drawing=" in code.value]
    assert parse_qs(shown.partition("?")[2])["drawing"] == [text]


def test_link_with_invalid_values_shows_a_warning_and_the_default_settings():
    app = at(urlencode({"drawing": "x" * 9000, "recipe": "best", "order": "size"}))
    assert not app.exception
    assert "cannot be read" in app.warning[0].value
    assert app.segmented_control(key="recipe").value == "drawn"
    assert verdict(app) == "4"  # the starter


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("digit", [0, 9])
def test_test_image_is_put_on_the_canvas_and_a_second_click_shows_another(digit, hard):
    app = AppTest.from_file(APP, default_timeout=120).run()
    labelled(app.toggle, "Hard ones").set_value(hard)
    given = []
    for _ in range(2):
        app.button(key=f"sample_{digit}").click().run()
        assert not app.exception
        assert any(f", a {digit}; misread by" in note.value for note in app.caption)
        if not hard:
            assert verdict(app) == str(digit)  # before the canvas has answered
        (part,) = from_fabric(app.session_state["redraw"]["objects"])
        given.append(part)
    assert given[0].png != given[1].png
    (image,) = [cached_records.sample_pack("mnist").images[app.session_state["sample"]]]
    pixels = drawing.stages(canvas.render(given[1:])).ink[5::10, 5::10] * image.max()
    assert np.abs(pixels - image).mean() < 8  # of 255; the canvas shows 16 shades of grey


def test_drawing_can_be_replaced_any_number_of_times():
    app = AppTest.from_file(APP, default_timeout=120).run()
    app.session_state["redraw"] = {"objects": [], "revision": 20_000}
    for _ in range(2):
        app.button(key="sample_0").click().run()
        assert not app.exception
        assert verdict(app) == "0"


def photo_of(*digits: str) -> bytes:
    """A sheet with these digits side by side and a line below them."""
    sheet = np.concatenate([scan(digit) for digit in digits], axis=1)
    sheet = np.pad(sheet, 60, constant_values=230)
    sheet[370:373] = 120
    return file(sheet)


def upload(app: AppTest, content: bytes) -> None:
    app.file_uploader(key="upload").set_value(("digit.png", content, "image/png")).run()
    assert not app.exception


def html(app: AppTest) -> str:
    return "".join(part.proto.body for part in app.get("html"))


LEFT_OUT = "striped marks were left out, because they are not the digit"


def test_page_shows_what_was_left_out_of_a_photo_as_long_as_it_is_on_the_canvas():
    app = AppTest.from_file(APP, default_timeout=120).run()
    upload(app, photo_of("7"))
    assert verdict(app) == "7"
    assert LEFT_OUT in html(app)
    assert not app.warning
    upload(app, file(scan("4")))
    assert verdict(app) == "4"
    assert "<b>photo</b>: nothing was left out" in html(app)
    labelled(app.button, "Clear").click().run()
    app.button(key="sample_1").click().run()
    assert "<b>photo</b>" not in html(app)


def test_page_says_that_a_photo_has_two_digits():
    app = AppTest.from_file(APP, default_timeout=120).run()
    upload(app, photo_of("7", "4"))
    assert verdict(app) in ("7", "4")
    assert "has 2 marks that may be a digit" in app.warning[0].value
    upload(app, photo_of("7"))
    assert not app.warning


def test_left_out_marks_are_striped_and_the_digit_is_not():
    digit, left_out = np.zeros((560, 280)), np.zeros((560, 280), bool)
    digit[40:240, 40:240], left_out[320:520, 40:240] = 1, True
    shown = decoded(stages.of_photo(Photo(np.zeros((84, 84)), digit, left_out, 0)))
    assert shown.shape == (224, 112)
    assert (shown[20:92, 20:92] == 255).all()
    striped = shown[132:204, 20:92]
    assert set(np.unique(striped)) == {76, 204}
    assert 0.4 < (striped == 76).mean() < 0.6


def decoded(figure: str) -> np.ndarray:
    """The pixels of the picture in a figure."""
    (content,) = re.findall('base64,([^"]+)', figure)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_each_preprocessing_is_shown_with_its_readings():
    app = run(as_url(one()), [STROKE])
    pictures = html(app)
    for way in stages.WAYS:
        assert way in pictures
    assert f"{NETWORKS} read 1" in pictures


def test_each_digit_of_a_number_can_be_explained():
    app = AppTest.from_file(APP, default_timeout=120).run()
    next(each for each in app.button if each.label == "Three digits").click().run()
    assert verdict(app) == "407"
    choice = labelled(app.get("button_group"), "Explain which digit?")
    assert choice.options == ["1: 4", "2: 0", "3: 7"]
    assert choice.value == 0
    for at, digit in ((0, 4), (2, 7)):
        app.session_state[f"{session.EXPLAINED} 3"] = at
        assert f"{NETWORKS} read {digit}" in html(app.run())


def test_single_digit_needs_no_choice_of_a_digit():
    app = run(as_url(one()), [STROKE])
    assert "Explain which digit?" not in [group.label for group in app.get("button_group")]


@pytest.mark.parametrize(
    ("page", "title", "key"),
    [("benchmarks", "Benchmarks", "highlight"), ("inside", "Inside a network", "inside")],
)
def test_a_networks_links_lead_to_its_pages(monkeypatch, page, title, key):
    monkeypatch.setattr(component, "show", lambda data: component.Wish(page, "mlp"))
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert app.title[0].value == title
    assert app.selectbox(key=key).value == "mlp"


def test_page_states_the_measured_share_of_rejected_digits():
    rates = cached_records.threshold()["shipped"]["drawn"]
    text = next(
        note.value for note in run(as_url(one()), [STROKE]).markdown if "Not sure" in note.value
    )
    assert f"{100 * rates['test_digits_rejected']:.1f} % of MNIST" in text
    assert f"{100 * rates['pen_digits_rejected']:.1f} % of {rates['pen_digits']:,} pen" in text


def test_damaged_checkpoint_is_named_and_the_others_are_used(copy):
    (path,) = (copy / "mnist" / "drawn").glob("cnn-*.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert path.name in app.warning[0].value and "train_all.py" in app.warning[0].value
    assert verdict(app) == "1"
    assert words(app) == f"All {NETWORKS - 1} networks read 1."


def test_app_without_checkpoints_names_the_command_that_trains(copy):
    shutil.rmtree(copy)
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert "python scripts/train_all.py" in app.info[0].value


def test_damaged_manifest_is_named(copy):
    (copy / "manifest.json").write_text(json.dumps({"checkpoints": 7}))
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert "manifest.json is damaged" in app.warning[0].value


def test_page_works_without_a_threshold(copy):
    (copy / "results" / "threshold.json").unlink(missing_ok=True)
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert verdict(app) == "1"


def test_page_works_with_a_damaged_threshold_and_records(copy):
    (copy / "results" / "threshold.json").write_text('{"least_certainty": 0.8')
    (copy / "results" / "runs.jsonl").write_text("what,is,this\n1,2,3\n")
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert verdict(app) == "1"
    assert any("threshold.json is damaged" in warning.value for warning in app.warning)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"least_certainty": 5}, "least_certainty is 5, not from 0 to 1"),
        ({"least_certainty": None}, "least_certainty is None"),
        ({"shipped": {"drawn": {}}}, "shipped.drawn.networks is missing"),
        ({"shipped": 7}, "shipped is 7, not an object"),
    ],
)
def test_page_names_the_wrong_field_of_the_threshold(copy, change, said):
    path = copy / "results" / "threshold.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert verdict(app) == "1"
    warnings = "".join(warning.value for warning in app.warning)
    assert f"cannot say “not sure”: {path} is damaged ({said}" in warnings
    assert "find_threshold.py" in warnings


def test_page_says_that_an_empty_threshold_is_damaged(copy):
    (copy / "results" / "threshold.json").write_text("{}")
    app = run(as_url(one()), [STROKE])
    assert not app.exception
    assert any("threshold.json is damaged" in warning.value for warning in app.warning)


def test_restored_weights_are_loaded_without_a_restart(copy):
    (path,) = (copy / "mnist" / "drawn").glob("cnn-*.safetensors")
    content = path.read_bytes()
    path.unlink()
    app = run(as_url(one()), [STROKE])
    assert path.name in app.warning[0].value
    path.write_bytes(content)
    app.run()
    assert not app.warning
    assert words(app) == f"All {NETWORKS} networks read 1."


def test_networks_are_ordered_by_their_results_on_mnist():
    # Records on photos exist too; the networks are larger and less accurate there.
    assert cached_networks.ordered(["fcn", "mlp"], "tuned", "accuracy") == ["mlp", "fcn"]
    assert cached_networks.ordered(
        ["fcn", "strong_cnn", "simple_cnn", "kernel_3"], "tuned", "size"
    ) == [
        *("simple_cnn", "strong_cnn", "fcn", "kernel_3"),
    ]
