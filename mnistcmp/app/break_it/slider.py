"""The component that moves a dial in the browser; see slider.js."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import streamlit as st
from PIL import Image

from mnistcmp.app import session
from mnistcmp.app.break_it import link, sentences
from mnistcmp.app.break_it.outcomes import Outcome, Sweep, rest, sides
from mnistcmp.app.in_browser.part import browser_part
from mnistcmp.app.palette import family_marks
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.corruptions import Dial
from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS
from mnistcmp.drawing.door import PNG_URL

FOLDER = Path(__file__).parent


def show(sweep: Sweep, families: Mapping[str, list[Outcome]], label: int, at: int) -> None:
    """Show the dial at the position `at` of its slider, with the networks by family.

    What the browser reports is checked before the next run of the page; `session.BREAK_LEVEL` has
    it then. If it is no place of a dial, the page says so, and the dial goes to rest.
    """
    problem = st.session_state.pop(session.BREAK_SLIDER_PROBLEM, "")
    if problem:
        st.warning(plain(problem))
    data = as_data(sweep, families, label) | {
        "at": at,
        "chosen": st.session_state.get(session.BREAK_NETWORK),
    }
    # With another key, the browser takes the position from `at`.
    data["key"] = f"{crc32(repr((data['strip'], data['families'])).encode())} {problem}"
    browser_part("mnistcmp_dial", FOLDER, "slider")(
        key=session.BREAK_SLIDER,
        data=data,
        default={"place": None},
        on_place_change=_take_place,
    )


def as_data(sweep: Sweep, families: Mapping[str, list[Outcome]], label: int) -> dict[str, object]:
    """Everything that the browser shows of a sweep; positions count from 0."""
    dial, levels = sweep.dial, sweep.dial.positions
    ordered = [outcome for group in families.values() for outcome in group]
    marks = family_marks()
    unchanged = rest(dial)
    return {
        "dial": sweep.name,
        "direction": sweep.direction,
        "title": f"{dial.title} {sweep.direction}".strip(),
        "label": label,
        "levels": levels,
        "labels": [_label(dial, at) for at in range(len(levels))],
        "ends": [dial.lower or dial.label(levels[0]), dial.upper or dial.label(levels[-1])],
        # The marks of the scale: the ends, and rest if it lies between them.
        "scale": [(at, dial.label(levels[at])) for at in sorted({0, unchanged, len(levels) - 1})],
        "path": [at for side in reversed(sides(dial)) for at in side],
        "strip": PNG_URL + base64.b64encode(_png(sweep.pictures)).decode(),
        "headline": sentences.headline(sweep, ordered, label),
        "states": [sentences.state(sweep, label, at) for at in range(len(levels))],
        "families": [
            {
                "title": FAMILY_TITLES[family],
                "colour": marks[family].colour,
                "character": marks[family].character,
                "rows": [_row(sweep, outcome, unchanged) for outcome in group],
            }
            for family, group in families.items()
        ],
    }


def _row(sweep: Sweep, outcome: Outcome, unchanged: int) -> dict[str, object]:
    number = sweep.models.index(outcome.model)
    breaks = sorted({at for at in outcome.breaks if at is not None})
    last = len(sweep.dial.positions) - 1
    low = max((at for at in breaks if at < unchanged), default=0)
    high = min((at for at in breaks if at > unchanged), default=last)
    return {
        "name": outcome.model,
        "title": MODELS[outcome.model].title,
        "answers": sweep.answers[number].tolist(),
        "sure": np.rint(100 * sweep.certainties[number]).astype(int).tolist(),
        "breaks": breaks,
        "held": [low, high] if outcome.knows else None,
        "where": sentences.where_it_breaks(sweep.dial, outcome),
    }


def _label(dial: Dial, at: int) -> str:
    label = dial.label(dial.positions[at])
    return f"{label}, unchanged" if at == rest(dial) else label


def _png(pictures: np.ndarray) -> bytes:
    """uint8 (positions, 28, 28) -> one PNG with the pictures side by side."""
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(list(pictures), axis=1)).save(buffer, "PNG")
    return buffer.getvalue()


def _take_place() -> None:
    """Take the place of the slider that the browser reports."""
    value: Any = st.session_state[session.BREAK_SLIDER]
    try:
        place = link.checked_place(value.get("place") if isinstance(value, Mapping) else None)
    except ValueError as error:
        st.session_state[session.BREAK_SLIDER_PROBLEM] = str(error)
        st.session_state.pop(session.BREAK_LEVEL, None)
    else:
        st.session_state[session.BREAK_LEVEL] = place
