""" "Is it right?": a person says what they drew, and every network's score is kept.

Everything is kept in the session only.
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.app import cached_networks, pictures, session
from mnistcmp.app.draw import examples, open_and_save, starter
from mnistcmp.app.draw.digit_read import DigitRead
from mnistcmp.app.draw.score import files, tally
from mnistcmp.app.draw.score.tally import MOST_KEPT, Kept
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.drawing import share_link
from mnistcmp.drawing.canvas import Picture, Stroke

THUMBNAIL_PX = 56
TABLE_PX = 320
TABLE_TEXT = "How often each network read your drawings right, with the 95 % interval of the share"
BATCH = 8  # pictures that are read together; more would not be faster


class Drawn(NamedTuple):
    """The drawing on the canvas; the fields are those of `Kept`. `verdict`: what it is read as."""

    first: Stroke | Picture
    pixels: np.ndarray
    verdict: int | None


# A tap runs only this.
@st.fragment
def show(read: Sequence[DigitRead], recipe: str) -> None:
    """Ask what the finished drawing is, and show the score.

    `read`: what the networks of the recipe read in each of its digits; empty if it is blank.
    """
    st.header("Is it right?", anchor=False)
    drawn = _own_drawing(read)
    if isinstance(drawn, str):
        st.caption(drawn)
    else:
        _ask(drawn)
    kept = _kept()
    if kept and _let_read(kept, recipe):
        _show_score(kept, tally.right(kept, recipe))


def label_of(read: DigitRead) -> int | None:
    """What the person said that this drawing is; None if they did not say."""
    pixels = _as_kept(read)
    return next((each.label for each in _kept() if np.array_equal(each.pixels, pixels)), None)


def _kept() -> list[Kept]:
    kept: list[Kept] = st.session_state.setdefault(session.KEPT, [])
    return kept


def _as_kept(read: DigitRead) -> np.ndarray:
    return pictures.grey(read.steps.pixels)


def _own_drawing(read: Sequence[DigitRead]) -> Drawn | str:
    """The drawing that can be labelled, or why there is none."""
    drawing = session.drawing()
    if not read or not drawing:
        return (
            "Draw a digit and say what it is: the page then keeps score of how well each network "
            f"reads your hand. Up to {MOST_KEPT} drawings are kept, until you leave the page."
        )
    if len(read) > 1:
        return "Draw a single digit, to say whether it is read right."
    is_sample = isinstance(drawing[0], Picture) and not open_and_save.uploaded()
    if is_sample or drawing[0] in _examples():
        return "This is an example, not your hand: draw a digit, and the page keeps score."
    return Drawn(drawing[0], _as_kept(read[0]), read[0].together.digit)


@cache
def _examples() -> list[Stroke | Picture]:
    """The first stroke of each drawing that the page offers."""
    texts = [starter.content()["drawing"], *(text for *_, text in examples.DRAWN)]
    return [share_link.from_text(text)[0] for text in texts]


def _ask(drawn: Drawn) -> None:
    kept = _kept()
    former = next((each for each in kept if each.first == drawn.first), None)
    if former is None and len(kept) >= MOST_KEPT:
        st.info(f"{MOST_KEPT} drawings are kept, and no more fit. Remove some to go on.")
        return
    is_same = former is not None and np.array_equal(former.pixels, drawn.pixels)
    label = former.label if former is not None and is_same else None
    st.session_state[session.LABEL] = label
    if drawn.verdict is not None:
        st.button(
            f"Yes, it is a {drawn.verdict}",
            on_click=_keep,
            args=(drawn, drawn.verdict),
            disabled=label == drawn.verdict,
        )
    st.pills(
        "What did you draw?",
        range(10),
        key=session.LABEL,
        on_change=lambda: _keep(drawn, st.session_state[session.LABEL]),
    )
    if former is not None and not is_same:
        st.caption(
            f"You called this drawing a {former.label} and have changed it since. Say again what "
            "it is, and it replaces the former one."
        )


def _keep(drawn: Drawn, label: int | None) -> None:
    """Keep the drawing with this label, in the place of its former state; None removes it."""
    kept = _kept()
    places = [place for place, each in enumerate(kept) if each.first == drawn.first]
    if label is None:
        del kept[places[0]]
    elif places:
        kept[places[0]] = Kept(drawn.first, drawn.pixels, label)
    else:
        kept.append(Kept(drawn.first, drawn.pixels, label))


def _let_read(kept: Sequence[Kept], recipe: str) -> bool:
    """Let the networks of the recipe read what they have not read yet -> whether there are any."""
    if not cached_networks.awake(recipe):
        return False  # the page comes back when they are loaded
    models, _ = cached_networks.networks(recipe)
    if not models:
        return False

    from mnistcmp.inference import read

    new = [each for each in kept if recipe not in each.reads]
    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        images = np.stack([each.pixels for each in batch]) / np.float32(255)
        for each, reading in zip(batch, read(images, models), strict=True):
            each.reads[recipe] = dict(zip(reading.models, reading.digits.tolist(), strict=True))
    return True


def _show_score(kept: list[Kept], right: pd.DataFrame) -> None:
    st.markdown(tally.conclusion(right))
    table = tally.score(right)
    shown = pd.DataFrame(
        {
            "Network": [MODELS[name].title for name in table.index],
            "Right": table["right"].to_numpy(),
            "Wrong": table["wrong"].to_numpy(),
            "Asked": table["asked"].to_numpy(),
            "95 % interval, %": [
                f"{100 * low:.0f}–{100 * high:.0f}"
                for low, high in zip(table["low"], table["high"], strict=True)
            ],
        }
    )
    st.table(shown, hide_index=True, height=TABLE_PX, border="horizontal", alt=TABLE_TEXT)
    row = st.container(horizontal=True)
    row.download_button(
        "Score (CSV)",
        partial(files.as_csv, right),  # made on request
        "score.csv",
        "text/csv",
        on_click="ignore",
    )
    row.download_button(
        "Drawings (ZIP)",
        partial(files.as_zip, tuple(kept)),
        "my_digits.zip",
        "application/zip",
        on_click="ignore",
        help=(
            "PNG files of 28×28 px in a folder for each digit. Unpack them in a folder DIR, to "
            "train networks on your own hand: `mnistcmp train --dataset DIR`."
        ),
    )
    if len(files.trainable(kept)) < files.FEWEST_LABELS:
        st.caption(
            f"To train a network, the ZIP file needs at least {files.FEWEST_LABELS} digits with at "
            f"least {files.FIRST_TEST} drawings each; a usable network needs many more."
        )
    _show_drawings(kept)


def _show_drawings(kept: list[Kept]) -> None:
    """The drawings, and a way to correct or remove each."""
    box = st.expander(f"Your drawings ({len(kept)})", key=session.KEPT_BOX, on_change="rerun")
    if not box.open:
        return
    with box:
        captions = [f"{number}: a {each.label}" for number, each in enumerate(kept, start=1)]
        thumbnails = [
            pictures.thumbnail(each.pixels / np.float32(255), caption, caption, THUMBNAIL_PX)
            for each, caption in zip(kept, captions, strict=True)
        ]
        st.html(pictures.row(thumbnails))
        row = st.container(horizontal=True, vertical_alignment="bottom")
        at = row.selectbox(
            "Drawing to correct", range(len(kept)), format_func=captions.__getitem__, width=180
        )
        label = row.selectbox(
            "It is a", range(10), index=kept[at].label, key=f"label_of_{at}", width=90
        )
        row.button("Correct", on_click=_correct, args=(kept[at], label))
        row.button("Remove", on_click=kept.__delitem__, args=(at,))


def _correct(kept: Kept, label: int) -> None:
    kept.label = label
