"""A visitor with a real browser, who measures the response times of the Draw page.

This module moves the mouse and evaluates the log that browser.js writes in the page.
"""

import base64
import io
import itertools
import re
import shutil
import time
from math import hypot
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from rich.console import Console

from mnistcmp.drawing.canvas import Points
from visitors.without_browser import DIGITS, AppError, server, strokes_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MOVE_SECONDS = 1 / 60  # between two movements of the mouse
PX_A_SECOND = 480  # a person's pen on this canvas
PATIENCE_MS = 120_000
QUIET_MS = 600  # the canvas reports a finished stroke after 200 ms
COMPLETE = 0.98  # share of the finished drawing's ink in a picture with the complete stroke
INVITATION = "Draw a digit: 0 to 9"  # shown when the canvas is blank
LOG_SCRIPT = Path(__file__).with_suffix(".js")


def chromium() -> str | None:
    """The path of Chromium or Chrome; None if neither is installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


def invitation(page: "Page") -> "Locator":
    """The invitation to draw; it is there once, for the eye."""
    return page.locator(".words", has_text=INVITATION)


def awake(page: "Page") -> "Locator":
    """The line that says how long the networks took; it is there once they are loaded."""
    return page.locator(".verdict .small", has_text="for all networks together")


def blank(page: "Page") -> None:
    """Wait until the networks are loaded, and clear the starter away."""
    awake(page).wait_for()
    page.locator("canvas.upper-canvas").wait_for()
    page.get_by_test_id("stButton").get_by_role("button", name="Clear").click()
    invitation(page).wait_for()


def measure_browser(strokes: int, console: Console) -> dict[str, object]:
    """Measure a first visit, `strokes` final readings and steady drawing in a real browser.

    Returns {"skipped": reason} without a browser. Raises AppError.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        return {"skipped": 'no playwright: python -m pip install -e ".[dev]"'}
    if (path := chromium()) is None:
        return {"skipped": "no Chromium: install it (Debian: apt-get install chromium)"}
    with server() as app, sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            page.add_init_script(path=LOG_SCRIPT)
            figures = {
                "server_start_seconds": app.start_seconds,
                **measure_visit(page, app.address),
                **measure_strokes(page, strokes, console),
                **measure_drawing(page),
                "chromium": browser.version,
            }
            browser.close()
        except Error as error:
            raise AppError(f"the browser failed: {error}") from error
    return figures


def measure_visit(page: "Page", address: str) -> dict[str, float]:
    """Open the page as the server's first visitor -> seconds from navigation."""
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator(".verdict .digits", has_text=re.compile(r"\d")).wait_for()
    starter_seconds = time.perf_counter() - started
    page.locator("canvas.upper-canvas").wait_for()
    canvas_seconds = time.perf_counter() - started
    awake(page).wait_for()
    return {
        "starter_seconds": starter_seconds,
        "canvas_seconds": canvas_seconds,
        "awake_seconds": time.perf_counter() - started,
    }


def measure_strokes(page: "Page", strokes: int, console: Console) -> dict[str, object]:
    """Draw digits with at least `strokes` strokes in total -> the times of their final readings."""
    random = Random(0)
    finals = []
    clear(page)  # the starter
    for digit in itertools.cycle(DIGITS):
        for stroke in strokes_of(digit, random):
            press(page, stroke[0])
            move(page, stroke)
            page.mouse.up()
            finals.append(final_reading(idle_log(page)))
        console.print(f"{len(finals)} of {strokes} strokes", style="dim")
        if len(finals) >= strokes:
            break
        clear(page)
    timed = [final for final in finals if final is not None]
    if not timed:
        raise AppError("the page showed no reading of any stroke")
    parts = {part: [final[part] for final in timed] for part in ("send", "answer", "show")}
    return {
        "strokes": len(finals),
        "strokes_without_live_reading": len(finals) - len(timed),
        "final_p50_ms": float(np.percentile([final["ms"] for final in timed], 50)),
        "final_p95_ms": float(np.percentile([final["ms"] for final in timed], 95)),
        **{f"{part}_p50_ms": float(np.median(parts[part])) for part in parts},
        "consensus_changed_later": sum(final["changed_later"] for final in timed),
        "finals": finals,
    }


def clear(page: "Page") -> None:
    """Clear the canvas."""
    page.evaluate("benchmark.begin()")
    page.get_by_test_id("stButton").get_by_role("button", name="Clear").click()
    invitation(page).wait_for()
    idle_log(page)


def press(page: "Page", point: tuple[float, float]) -> None:
    """Put the pen down at a point of the canvas (px), with a new log."""
    page.evaluate("benchmark.begin()")
    corner = page.locator("canvas.upper-canvas").bounding_box()
    page.mouse.move(corner["x"] + point[0], corner["y"] + point[1])
    page.mouse.down()


def move(page: "Page", points: Points) -> None:
    """Move the pen along the points (canvas px) at 480 px per second.

    A browser that is too slow for 60 movements per second gets fewer and longer ones, as from a
    real mouse, but still every point.
    """
    corner = page.locator("canvas.upper-canvas").bounding_box()
    at_seconds = time.perf_counter()
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        began = at_seconds
        at_seconds += max(1.0, hypot(to_x - x, to_y - y)) / PX_A_SECOND
        part = 0.0
        while part < 1:
            time.sleep(max(0.0, min(MOVE_SECONDS, at_seconds - time.perf_counter())))
            part = min(1.0, (time.perf_counter() - began) / (at_seconds - began))
            at_x, at_y = x + (to_x - x) * part, y + (to_y - y) * part
            page.mouse.move(corner["x"] + at_x, corner["y"] + at_y)


def idle_log(page: "Page") -> dict:
    """The log of browser.js, once the page is idle."""
    page.wait_for_function("ms => benchmark.quiet(ms)", arg=QUIET_MS)
    return page.evaluate("benchmark.log")


def final_reading(log: dict) -> dict[str, object] | None:
    """The log of one stroke -> ms from mouse-up to the final reading, and its parts.

    None if no picture sent after the mouse-up contained the complete stroke, or the page showed no
    reading of it.
    """
    finished = ink(log["finished"])
    for picture in log["sent"]:
        if picture["t"] > log["up"] and ink(picture["png"]) >= COMPLETE * finished:
            break
    else:
        return None
    readings = [read for read in log["readings"] if read["number"] >= picture["number"]]
    if not readings or (shown := shown_at(readings, log["shown"])) is None:
        return None
    return {
        "ms": shown - log["up"],
        "send": picture["t"] - log["up"],
        "answer": readings[0]["t"] - picture["t"],
        "show": shown - readings[0]["t"],
        "changed_later": readings[0]["consensus"] != readings[-1]["consensus"],
    }


def shown_at(readings: list[dict], states: list[dict]) -> float | None:
    """When the page showed the first of the readings, or a later one; page clock, ms.

    Drawing it can take so long that the next reading is drawn instead.
    """
    received = readings[0]["t"]
    for state, following in itertools.zip_longest(states, states[1:]):
        if following is not None and following["t"] <= received:
            continue
        verdict_shown = any(
            (read["consensus"], read["verdict"]) == (state["consensus"], state["verdict"])
            for read in readings
        )
        if verdict_shown and any(on_chart(read, state) for read in readings):
            return max(received, state["t"])
    return None


def on_chart(reading: dict, state: dict) -> bool:
    """Whether the rows in this state of the page show the reading's digits and percentages."""
    return bool(reading["chart"] == state["chart"])


def ink(url: str) -> float:
    """The mean darkness of a picture (a data URL), in [0, 1]."""
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        return 1 - float(np.asarray(image.convert("L")).mean()) / 255


def measure_drawing(page: "Page") -> dict[str, float]:
    """Draw a long meander -> readings per second that were received and shown."""
    ends = [(20, 260), (260, 20)]
    meander = [(x, 20 + 24 * row) for row in range(11) for x in ends[row % 2]]
    clear(page)
    press(page, meander[0])
    move(page, meander)
    page.mouse.up()
    log = idle_log(page)
    received = [read for read in log["readings"] if read["t"] <= log["up"]]
    shown = {
        read["number"]
        for read in received
        for state in log["shown"]
        if read["t"] <= state["t"] <= log["up"] and on_chart(read, state)
    }
    seconds = (log["up"] - log["sent"][0]["t"]) / 1000
    return {
        "drawing_seconds": seconds,
        "drawing_readings_a_second": len(shown) / seconds,
        "drawing_readings_come_a_second": len({read["number"] for read in received}) / seconds,
    }
