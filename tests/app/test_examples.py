"""The six examples of the Draw page, and whether what they say is true."""

from collections import Counter

import pytest
from streamlit.testing.v1 import AppTest

from mnistcmp import drawing
from mnistcmp.app import cached_records
from mnistcmp.app.draw import examples
from mnistcmp.checkpoints import load_all
from mnistcmp.data.sample_pack import SamplesError
from mnistcmp.drawing import canvas
from mnistcmp.drawing.canvas import Picture
from mnistcmp.inference import Reading, consensus, read
from tests.helpers import APP


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    """What the networks of the recipe `drawn` read in each example."""
    networks = load_all("drawn")
    found = {}
    for example in examples.all_examples():
        pixels = drawing.to_pixels(canvas.render(example.drawing()))
        (found[example.name],) = read(pixels[None], networks)
    return found


def counts(reading: Reading) -> Counter:
    return Counter(reading.digits.tolist())


def test_there_are_six_with_a_sentence_each():
    found = examples.all_examples()
    assert len({example.name for example in found}) == 6
    assert all(example.sentence.endswith(".") for example in found)


def test_networks_disagree_on_4_or_9(readings):
    read = counts(readings["4 or 9?"])
    assert read.keys() == {4, 9}
    assert min(read.values()) >= 5


@pytest.mark.parametrize(
    ("name", "digit", "taken_for"), [("A crossed 7", 7, 2), ("A slashed 0", 0, 8)]
)
def test_some_networks_take_the_digit_for_another(name, digit, taken_for, readings):
    read = counts(readings[name])
    assert read[digit] > read[taken_for] > 0


def test_networks_are_sure_that_the_letter_is_a_4(readings):
    reading = readings["The letter A"]
    rates = cached_records.threshold()
    assert consensus(reading, rates["least_certainty"]).digit == 4
    assert counts(reading)[4] > len(reading.models) / 2


def test_test_digit_is_the_one_that_was_misread_most_often():
    pack = cached_records.sample_pack("mnist")
    example = examples.all_examples()[-1]
    at = int(pack.misread.argmax())
    assert f"{pack.misread[at]} of {pack.runs} training runs" in example.sentence
    assert 2 * pack.misread[at] > pack.runs
    (picture,) = example.drawing()
    assert isinstance(picture, Picture)
    assert picture == canvas.put((pack.images[at] / 255).astype("float32"))


def test_examples_without_a_pack_lack_only_the_test_digit(monkeypatch):
    def missing(dataset: str) -> None:
        raise SamplesError("missing")

    monkeypatch.setattr(cached_records, "sample_pack", missing)
    assert len(examples.all_examples()) == 5


@pytest.mark.parametrize("place", ["row", "menu"])
def test_click_puts_the_example_on_the_canvas(place):
    app = AppTest.from_file(APP, default_timeout=120).run()
    app.button(key=f"example_{place}_0").click().run()
    assert not app.exception
    assert len(app.session_state["redraw"]["objects"]) == 2  # its strokes
    assert not app.session_state["starter"]
