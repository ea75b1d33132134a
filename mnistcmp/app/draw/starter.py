"""The digit that is on the canvas, already read, when a visitor comes.

A human reads it as a 4; the networks disagree. Its readings are in starter.json, which
scripts/make_starter.py writes, so that the page has them before the networks are loaded. They are
used only for the weights that they were made with.

The canvas itself stays blank: a picture lies over it until the visitor draws (see live.js).
"""

import base64
import hashlib
import io
from functools import cache
from pathlib import Path
from typing import TypedDict

import numpy as np
import streamlit as st
from PIL import Image

from mnistcmp.app import cached_records, session
from mnistcmp.drawing import share_link
from mnistcmp.drawing.canvas import render
from mnistcmp.drawing.door import PNG_URL
from mnistcmp.inference import Reading
from mnistcmp.json_files import Sha256, Share, read_json
from mnistcmp.manifest import CheckpointError, read_manifest
from mnistcmp.records import default_folder

FILE = Path(__file__).with_name("starter.json")
DESCRIPTION = "Example: a handwritten 4"  # for screen readers


class Recorded(TypedDict):
    """What the networks of one recipe read: for each, the probabilities of the ten digits."""

    weights: Sha256
    probabilities: dict[str, list[Share]]


class Content(TypedDict):
    """The content of starter.json: the drawing as in a link, and the readings by recipe."""

    drawing: str
    readings: dict[str, Recorded]


@cache
def content() -> Content:
    """The file's content. Raises DamagedFile."""
    return read_json(FILE, Content)


def offer() -> None:
    """Show the starter if the session is new."""
    if session.STARTER not in st.session_state:
        st.session_state[session.STARTER] = share_link.from_text(content()["drawing"])


def showing() -> bool:
    """Whether the starter is shown: nothing was drawn or opened yet, and nothing cleared."""
    return bool(st.session_state.get(session.STARTER))


@cache
def picture() -> dict[str, str]:
    """The starter as attributes of an HTML image that covers the canvas."""
    buffer = io.BytesIO()
    drawn = Image.fromarray(render(share_link.from_text(content()["drawing"]))).convert("L")
    drawn.save(buffer, "PNG")
    url = PNG_URL + base64.b64encode(buffer.getvalue()).decode()
    return {"src": url, "alt": DESCRIPTION}


def reading(recipe: str) -> Reading | None:
    """What the networks of this recipe read, in the manifest's order, without loading them.

    None if they were trained again since the file was made.
    """
    folder = default_folder()
    recorded = content()["readings"].get(recipe)
    try:
        weights = _weights(folder, cached_records.changed(folder / "manifest.json"), recipe)
    except CheckpointError:
        return None  # the page says what is wrong when it loads the networks
    if recorded is None or recorded["weights"] != weights:
        return None
    rows = recorded["probabilities"]
    return Reading(tuple(rows), np.array(list(rows.values()), np.float32))


def weights_of(folder: Path, recipe: str) -> str:
    """A hash that differs whenever a network of the recipe has other weights.

    Raises CheckpointError if the manifest is damaged.
    """
    entries = [
        f"{entry.model} {entry.sha256}"
        for entry in read_manifest(folder)
        if (entry.dataset, entry.recipe) == ("mnist", recipe)
    ]
    return hashlib.sha256("\n".join(sorted(entries)).encode()).hexdigest()


@st.cache_data(show_spinner=False)
def _weights(folder: Path, manifest_changed: int, recipe: str) -> str:
    return weights_of(folder, recipe)
