"""How fast the app answers one person and twenty, and what memory it takes, on this machine.

    python scripts/benchmark_app.py
    python scripts/benchmark_app.py --sessions 50 --seconds 30 --strokes 60

The real server is started twice. First a real browser comes to it (skipped where there is none):

- First visit: seconds from navigation to a canvas that can be drawn on, and until the networks are
  awake. Nothing is cached in browser or server, but the files are in the system's memory.
- Final reading: a mouse draws digits at a person's pace. Milliseconds from the browser's time stamp
  of the mouse-up until the page shows the reading of the first picture that was sent after it and
  holds the whole stroke: at least 98 % of the ink of the finished drawing, which the canvas sends
  200 ms later. "Shows" means that the verdict's text and all digits and percentages of the wall are
  in the document, as a MutationObserver sees it; the screen is painted within the next frame. Which
  picture a reading belongs to is known from the page's own websocket: pictures have numbers, and
  the server says which it answers. Where the reading is the one that the page shows already, it
  counts as shown when it has come. What the finished drawing changes later is not in this time, but
  counted where it changes the consensus.
- While drawing: pictures whose wall was on the page, in a second, while the mouse moves steadily.

Then visitors without browsers come to a new server (scripts/without_browser.py), each with a new
picture every time. Milliseconds are those from sending a picture until the last part of its
reading, the wall, has come: the server's part, with Streamlit's own, but without a browser's.

- One visitor alone, at most one picture in 100 ms, as the page sends them.
- All visitors, one picture a second each.
- Overload: each visitor sends the next picture as soon as the last is answered. That nothing piles
  up shows in p95 of the second half, which is no larger than that of the first, in no message left
  over after the last answer, and in one visitor being as fast as before.

Processor time is that of the server, all its threads, for each picture: other work on the machine
changes this figure less than the others.

Memory is what the server has resident (VmRSS, MB of 10^6 bytes): with the networks awake, less what
a process takes that only imports torch; and what all visitors add, after they have been read for
once a second and are still there, divided by their number. The result is written to
checkpoints/results/benchmark_app.json.
"""

import argparse
import asyncio
import gc
import json
import operator
import signal
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from rich import box
from rich.console import Console
from rich.table import Table
from visitors.browser import measure_browser
from visitors.without_browser import (
    AppError,
    Server,
    Visitor,
    draw,
    pictures,
    processor_seconds,
    resident_mb,
    server,
)

from mnistcmp.checkpoints import read_manifest
from mnistcmp.records import default_folder
from mnistcmp.safe_files import write_whole
from mnistcmp.training import machine

PAGE_PAUSE_SECONDS = 0.1  # between two pictures, as in live.js
AFTER_OVERLOAD_SECONDS = 3
PICTURES = 1000
COMPARE = {"<=": operator.le, ">=": operator.ge}

# What is measured -> its place in the result, how it is written, the goal, and how it is compared.
ROWS = [
    ("First visit: canvas ready", "browser.canvas_seconds", "{:.1f} s", "<=", 7),
    ("First visit: networks awake", "browser.awake_seconds", "{:.1f} s", None, None),
    ("Final reading after mouse-up, median", "browser.final_p50_ms", "{:.0f} ms", "<=", 90),
    ("Final reading after mouse-up, p95", "browser.final_p95_ms", "{:.0f} ms", "<=", 160),
    ("  mouse-up to picture sent, median", "browser.send_p50_ms", "{:.0f} ms", None, None),
    ("  picture sent to reading come, median", "browser.answer_p50_ms", "{:.0f} ms", None, None),
    ("  reading come to page shown, median", "browser.show_p50_ms", "{:.0f} ms", None, None),
    ("Readings while drawing", "browser.drawing_readings_a_second", "{:.1f}/s", ">=", 8),
    ("One visitor, server's part, median", "load.alone.p50_ms", "{:.0f} ms", "<=", 30),
    ("One visitor, server's part, p95", "load.alone.p95_ms", "{:.0f} ms", "<=", 60),
    ("  of it all networks, median", "load.alone.networks_p50_ms", "{:.0f} ms", None, None),
    ("  processor time a reading", "load.alone.processor_ms_a_reading", "{:.0f} ms", None, None),
    ("All visitors, one picture a second, median", "load.paced.p50_ms", "{:.0f} ms", None, None),
    ("All visitors, one picture a second, p95", "load.paced.p95_ms", "{:.0f} ms", "<=", 500),
    ("Overload: readings in all", "load.overload.readings_a_second", "{:.1f}/s", ">=", 25),
    ("  processor time a reading", "load.overload.processor_ms_a_reading", "{:.0f} ms", None, None),
    ("Overload: p95, first half", "load.overload.p95_ms_first_half", "{:.0f} ms", None, None),
    ("Overload: p95, second half", "load.overload.p95_ms_second_half", "{:.0f} ms", None, None),
    ("Overload: messages left over", "load.overload.left_over", "{:.0f}", "<=", 0),
    ("One visitor after it, median", "load.after_overload.p50_ms", "{:.0f} ms", None, None),
    ("Memory above torch alone", "memory.above_torch_mb", "{:.0f} MB", "<=", 300),
    ("Memory a session", "memory.a_session_mb", "{:.1f} MB", "<=", 3),
]


async def measure_load(app: Server, sessions: int, seconds: float, console: Console) -> dict:
    """Visitors without browsers, then what memory they took -> figures. Raises AppError."""
    urls = pictures(PICTURES)
    gc.collect()
    gc.freeze()  # else this process's own garbage collection would be in the figures

    async def phase(name: str, visitors: list[Visitor], seconds: float, every: float) -> dict:
        before = processor_seconds(app.pid)
        figures = await draw(visitors, seconds, every, urls)
        if before is not None:
            spent = processor_seconds(app.pid) - before
            figures["processor_ms_a_reading"] = 1000 * spent / figures["readings"]
        console.print(
            f"{name}: {figures['readings']} readings, {figures['readings_a_second']:.1f}/s, "
            f"median {figures['p50_ms']:.0f} ms, p95 {figures['p95_ms']:.0f} ms"
        )
        return figures

    alone = [await Visitor.open(app.address)]
    awake_mb = resident_mb(app.pid)
    load = {"alone": await phase("one visitor", alone, seconds, PAGE_PAUSE_SECONDS)}
    before_mb = resident_mb(app.pid)
    visitors = [await Visitor.open(app.address) for _ in range(sessions)]
    load["paced"] = await phase(f"{sessions} visitors, once a second", visitors, seconds, 1)
    used_mb = resident_mb(app.pid)
    load["overload"] = await phase(f"{sessions} visitors, overload", visitors, seconds, 0)
    overload_mb = resident_mb(app.pid)
    load["after_overload"] = await phase(
        "one visitor again", alone, AFTER_OVERLOAD_SECONDS, PAGE_PAUSE_SECONDS
    )
    await asyncio.gather(*(visitor.connection.close() for visitor in alone + visitors))
    memory = None
    if awake_mb is not None:
        torch_mb = resident_mb()
        memory = {
            "awake_mb": awake_mb,
            "torch_alone_mb": torch_mb,
            "above_torch_mb": awake_mb - torch_mb,
            "before_sessions_mb": before_mb,
            "after_sessions_mb": used_mb,
            "after_overload_mb": overload_mb,
            "a_session_mb": (used_mb - before_mb) / sessions,
        }
    return {"load": load, "memory": memory}


def rows(result: dict) -> list[tuple[str, str, str, str]]:
    """What was measured, the figure, its goal, and whether that is met; empty where there is none.

    `result` is what is written to benchmark_app.json.
    """
    table = []
    for name, at, form, sign, goal in ROWS:
        value = result
        for key in at.split("."):
            value = (value or {}).get(key)
        met = "" if None in (value, goal) else "met" if COMPARE[sign](value, goal) else "missed"
        figure = "–" if value is None else form.format(value)
        table.append((name, figure, "" if goal is None else f"{sign} {form.format(goal)}", met))
    return table


def print_table(result: dict, console: Console) -> None:
    """Every figure with its goal beside it."""
    table = Table(box=box.SIMPLE, padding=(0, 1))
    table.add_column("")
    for column in ("measured", "goal", ""):
        table.add_column(column, justify="right")
    for row in rows(result):
        table.add_row(*row)
    console.print(table)


def main() -> int:
    """Measure, print and write down -> the program's exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=20, metavar="N")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="of each load")
    parser.add_argument("--strokes", type=int, default=30, metavar="N")
    options = parser.parse_args()
    if min(options.sessions, options.seconds, options.strokes) < 1:
        parser.error("--sessions, --seconds and --strokes must be 1 or more")
    for signal_name in ("SIGTERM", "SIGHUP"):  # end as after Ctrl-C: with all that was started
        if hasattr(signal, signal_name):
            signal.signal(getattr(signal, signal_name), signal.default_int_handler)
    console = Console(highlight=False)
    path = default_folder() / "results" / "benchmark_app.json"
    try:
        browser = measure_browser(options.strokes, console)
        if "skipped" in browser:
            console.print(f"Without a browser's figures: {browser['skipped']}", soft_wrap=True)
        with server() as app:
            measured = asyncio.run(measure_load(app, options.sessions, options.seconds, console))
    except (AppError, KeyboardInterrupt) as error:
        problem = str(error) or "stopped"
        Console(stderr=True).print(f"{problem}; nothing was written", markup=False, soft_wrap=True)
        return 1
    result = {
        "browser": browser,
        **measured,
        "goals": {at: f"{sign} {form.format(goal)}" for _, at, form, sign, goal in ROWS if sign},
        # Those that read for a visitor who chooses nothing.
        "networks": sum((e.dataset, e.recipe) == ("mnist", "drawn") for e in read_manifest()),
        "options": vars(options),
        "machine": machine.describe("cpu"),
        "versions": f"{machine.versions()}, streamlit {version('streamlit')}",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    print_table(result, console)
    write_whole(path, (json.dumps(result, indent=1) + "\n").encode())
    console.print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
