"""The digit that the Draw page starts with, and its recorded readings."""

import make_starter
import numpy as np
import pytest
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import cached_records, session
from mnistcmp.app.draw import starter
from mnistcmp.catalogue.recipes import RECIPES, USUAL_RECIPE
from mnistcmp.checkpoints import load_all
from mnistcmp.drawing import canvas, share_link
from mnistcmp.drawing.canvas import Stroke
from mnistcmp.inference import consensus, read
from mnistcmp.json_files import check
from mnistcmp.records import default_folder

REMEDY = "run python scripts/make_starter.py"


@pytest.fixture
def state(monkeypatch) -> dict:
    """A new session."""
    state: dict = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


@pytest.mark.parametrize("recipe", RECIPES)
def test_recorded_reading_is_what_the_networks_read(recipe):
    recorded = starter.reading(recipe)
    assert recorded is not None, REMEDY
    pixels = drawing.to_pixels(canvas.render(share_link.from_text(make_starter.DRAWING)))
    (reading,) = read(pixels[None], load_all(recipe))
    assert recorded.models == reading.models, REMEDY
    np.testing.assert_allclose(recorded.probabilities, reading.probabilities, atol=1e-3)


def test_file_is_what_the_script_writes():
    found = make_starter.content()
    check(found, starter.Content)
    assert starter.content()["drawing"] == found["drawing"], REMEDY
    lines = make_starter.as_text(found).splitlines()
    assert len(lines) == len(starter.FILE.read_text().splitlines()), REMEDY
    assert '   "mlp": [' in "\n".join(lines)


def test_networks_are_sure_of_the_digit_and_some_read_another():
    rates = cached_records.threshold()
    together = consensus(starter.reading(USUAL_RECIPE), rates["least_certainty"])
    assert together.digit == 4, "choose another starter"
    assert 3 <= len(together.disagreeing) <= 15, "choose another starter"


def test_reading_of_other_weights_is_not_shown(monkeypatch):
    monkeypatch.setattr(starter, "_weights", lambda *_: "0" * 64)
    assert starter.reading(USUAL_RECIPE) is None


def test_weights_differ_when_one_network_was_trained_again(monkeypatch):
    before = starter.weights_of(default_folder(), "tuned")
    entries = starter.read_manifest(default_folder())
    (changed,) = (e for e in entries if e.key == ("mnist", "mlp", "tuned"))
    object.__setattr__(changed, "sha256", "0" * 64)
    monkeypatch.setattr(starter, "read_manifest", lambda folder: entries)
    assert starter.weights_of(default_folder(), "tuned") != before


def test_reading_needs_no_record_of_the_recipe():
    assert starter.reading("nosuch") is None


def test_new_session_shows_the_starter_on_every_page(state):
    starter.offer()
    assert starter.showing()
    assert session.drawing() == share_link.from_text(starter.content()["drawing"])


@pytest.mark.parametrize("given", [[], [Stroke([(140, 40), (140, 240)], 20)]])
def test_starter_goes_when_a_drawing_is_put_or_cleared_and_stays_away(given, state):
    starter.offer()
    session.put(given)
    starter.offer()  # as in every run
    assert not starter.showing()
    assert session.drawing() == given
