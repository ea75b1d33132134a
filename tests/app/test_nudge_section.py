"""The section "Nudge it" of the page "Break it", without a browser."""

import re

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from mnistcmp import checkpoints
from mnistcmp.app import session
from mnistcmp.app.break_it import nudge
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.data import sample_pack
from mnistcmp.records import default_folder
from mnistcmp.records.nudges import NudgeRecords
from mnistcmp.robustness import nudge as search
from tests.records.test_nudge_records import entry

RECIPE = "tuned"


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def seven() -> np.ndarray:
    """A 7 that every network reads."""
    pack = sample_pack.load(sample_pack.path(default_folder(), "mnist"))
    return pack.images[pack.easy(7)[0]] / np.float32(255)


def script() -> None:
    import streamlit as st

    from mnistcmp.app import cached_networks
    from mnistcmp.app.break_it import nudge

    networks = cached_networks.networks_or_remedy("tuned")
    for problem in nudge.take(st.session_state["given"]):
        st.error(problem)
    nudge.show(st.session_state["pixels"], st.session_state["label"], networks, "tuned")
    st.session_state["settings"] = nudge.settings()


def run(pixels: np.ndarray, label: int = 7, **given: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=120)
    app.session_state["pixels"], app.session_state["label"] = pixels, label
    app.session_state["given"] = given
    return app.run()


def headline(app: AppTest) -> str:
    assert not app.exception
    (text,) = [each.value for each in app.markdown if each.value.startswith(("**", "No "))]
    return text


def html(app: AppTest) -> str:
    return "".join(each.proto.body for each in app.get("html"))


def read(networks: dict[str, torch.nn.Module], image: torch.Tensor) -> dict[str, int]:
    with torch.no_grad():
        return {name: int(each(image).argmax()) for name, each in networks.items()}


def wrong(answers: dict[str, int]) -> set[tuple[str, str]]:
    return {(name, str(digit)) for name, digit in answers.items() if digit != 7}


def named(shown: str) -> set[tuple[str, str]]:
    """The networks in the lists, with what they read."""
    lists = "".join(re.findall("<ul.*?</ul>", shown))
    names = {each.title: name for name, each in MODELS.items()}
    return {(names[title], digit) for title, digit in re.findall(r"“(.+?)” reads (\d)", lists)}


def test_nudge_misleads_the_chosen_network_into_any_wrong_answer(seven):
    app = run(seven, nudge="mlp")
    digit = re.search(
        r"\*\*Perceptron 32\*\* reads this 7 as \*\*(\d)\*\* after a change of size", headline(app)
    )
    assert digit and digit.group(1) != "7"
    assert html(app).count("<figure") == 3
    assert f"Perceptron 32 reads {digit.group(1)}" in html(app)


def test_size_is_that_of_the_search_and_is_explained_in_pixels(seven):
    network = checkpoints.load("cnn", RECIPE)
    found = search.smallest_nudges(network, torch.tensor(seven)[None, None], torch.tensor([7]))
    norm = found.norms.item()
    text = headline(run(seven))
    assert f"after a change of size **{norm:.2f}**. It is as large as if" in text
    assert f"as if {norm**2:.1f} pixels, of 784, had turned" in text


def test_chosen_answer_is_given(seven):
    app = run(seven)
    app.selectbox(key=session.BREAK_TARGET).set_value("3").run()
    assert "**Small CNN** reads this 7 as **3**" in headline(app)
    assert app.session_state["settings"] == {"nudge": "cnn", "answer": "3"}


def test_other_networks_that_fall_for_it_are_counted_and_named(seven):
    app = run(seven, nudge="strong_cnn")
    networks = checkpoints.load_all(RECIPE)
    image = torch.tensor(seven)[None, None]
    found = search.smallest_nudges(networks["strong_cnn"], image, torch.tensor([7]))
    answers = read(networks, found.images)
    assert answers.pop("strong_cnn") != 7
    shown = html(app)
    assert f"{len(networks) - 1} other networks read the unchanged digit as 7." in shown
    once, twice = shown.split("Twice as large")
    assert named(once) == wrong(answers)
    doubled = (2 * found.images - image).clamp(0, 1)
    misled = {pair for pair in wrong(read(networks, doubled)) if pair[0] != "strong_cnn"}
    assert named(twice) == misled
    assert 0 < len(misled) < len(networks) - 1
    assert f", it misleads <b>{len(misled)}</b> of them." in twice


def test_right_answer_is_not_offered_and_a_chosen_one_gives_way_to_any(seven):
    app = run(seven, answer="7")
    target = app.selectbox(key=session.BREAK_TARGET)
    assert target.value == nudge.ANY and "7" not in target.options
    assert app.session_state["settings"]["answer"] == "any"


def test_digit_that_is_misread_already_needs_no_nudge(seven):
    app = run(seven, label=1)
    assert headline(app) == "**Small CNN** reads this 1 as 7 without any change."
    assert "<figure" not in html(app)


def test_network_that_cannot_be_misled_is_said(seven, monkeypatch):
    nothing = search.Nudges(torch.zeros(1, 1, 28, 28), torch.tensor([np.nan]), torch.tensor([7]))
    monkeypatch.setattr(search, "smallest_nudges", lambda *_: nothing)
    app = run(seven)
    assert headline(app).startswith("No change was found that makes **Small CNN** answer wrongly.")
    app = run(seven, answer="3")
    assert "answer 3." in headline(app)
    assert "<figure" not in html(app)


def test_blank_drawing_is_said():
    app = run(np.zeros((28, 28), np.float32))
    assert not app.exception
    assert [each.value for each in app.info] == [
        "The picture is blank: there is no digit to nudge."
    ]


def test_network_with_damaged_weights_is_not_offered_and_the_others_are(copy, seven):
    next((copy / "mnist" / RECIPE).glob("cnn-*.safetensors")).write_bytes(b"damaged")
    app = run(seven)
    assert "cnn-" in app.warning[0].value
    network = app.selectbox(key=session.BREAK_NUDGED)
    assert "Small CNN" not in network.options and network.value == "mlp"
    assert headline(app).startswith("**Perceptron 32** reads")


def test_recorded_median_of_the_network_is_given_for_comparison(copy, seven):
    records = NudgeRecords(copy / "results")
    records.path.unlink(missing_ok=True)
    assert not [each for each in run(seven).caption if "For comparison" in each.value]
    norms = [0.0, *np.arange(1.0, 10.0)]
    records.append(entry(norms=norms))
    records.append(entry("mlp", norms=[9.0] * 9))
    (usual,) = [each.value for each in run(seven).caption if "For comparison" in each.value]
    assert "of 9 test digits, half need a change of less than 5.00" in usual
    assert "2.00 to 8.00" in usual


def test_choices_in_a_link_are_taken(seven):
    app = run(seven, nudge="tiny_cnn", answer="2")
    assert "**Tiny CNN** reads this 7 as **2**" in headline(app)
    assert app.session_state["settings"] == {"nudge": "tiny_cnn", "answer": "2"}


@pytest.mark.parametrize(
    ("given", "named"),
    [({"nudge": "<b>x"}, "“<b>x”"), ({"answer": "10"}, "“10”"), ({"answer": "9" * 99}, "9" * 40)],
)
def test_wrong_choices_in_a_link_are_named_and_left_out(seven, given, named):
    app = run(seven, **given)
    (problem,) = app.error
    assert named in problem.value and "choose on the page" in problem.value
    assert "9" * 41 not in problem.value
    assert app.session_state["settings"] == {"nudge": "cnn", "answer": "any"}
