"""Measure the app's response times, for one visitor and for many, and its memory.

    python scripts/benchmark_app.py
    python scripts/benchmark_app.py --sessions 50 100 --seconds 30 --strokes 60

The real server is started three times. The first server is visited with a real browser, if there is
one:

- First visit: seconds from navigation until the recorded reading of the starter digit is on the
  page, until the canvas can be used, and until the networks have read the digit. Browser and
  server have cached nothing, but the operating system has cached the files.
- Final reading: a mouse draws digits at a person's pace. The time is measured in milliseconds, from
  the browser's time stamp of the mouse-up until the page shows the reading of the first picture
  that was sent after it and contains the complete stroke. Such a picture has at least 98 % of the
  ink of the finished drawing, which the canvas sends 200 ms later. A reading is shown when a
  MutationObserver finds the verdict and the digits and percentages of all networks on the page;
  the screen is painted within the next frame. Pictures have numbers, and the page's websocket shows
  which picture the server answers. A reading equal to the one on the page counts as shown when it
  is received. The finished drawing is not part of this time, but it is counted how often it changes
  the consensus.
- While drawing: readings shown per second while the mouse moves steadily.

The second server gets visitors without browsers (scripts/visitors/without_browser.py). Each sends a
new picture every time. The time is measured in milliseconds, from sending a picture until its
reading is received. It includes Streamlit's time but no browser's.

- One visitor, at most one picture per 100 ms, as the page sends them.
- 20, 30 and 60 visitors, one picture per second each.
- Overload: each of them sends the next picture as soon as the last one is answered. Pictures do not
  queue up if p95 is no larger in the second half than in the first, if no message arrives after the
  last answer, and if one visitor is then as fast as before.

CPU time is that of all the server's threads, per picture. Other work on the machine affects
it less than the other figures.

Memory is the server's resident memory (VmRSS, in MB of 10^6 bytes):

- with loaded networks, minus that of a process that only imports torch;
- per session, while the first group of visitors is connected, after they have drawn;
- the growth while they draw for two minutes more, after their first minute;
- what 100 visitors leave behind who come, draw five pictures and leave, ten at a time;
- of the third server, whose every page is visited with every recipe, minus that of a process that
  only imports torch.

The result is written to checkpoints/results/benchmark_app.json.
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
    visit_everything,
)

from mnistcmp import machine
from mnistcmp.checkpoints import read_manifest
from mnistcmp.records import default_folder
from mnistcmp.safe_files import write_whole

PAGE_PAUSE_SECONDS = 0.1  # between two pictures, as in live.js
AFTER_OVERLOAD_SECONDS = 3
FIRST_SECONDS, STEADY_SECONDS = 60, 120  # memory may grow in the first minute
PASSING, AT_A_TIME, PASSING_PICTURES = 100, 10, 5  # visitors who come, draw and leave
PICTURES = 1000
COMPARE = {"<=": operator.le, ">=": operator.ge}

VISITORS = {20: 500, 30: 500, 60: 2000}  # their number, and the goal for p95 in ms


def rows_for(visitors: int) -> list[tuple]:
    """The ROWS of one number of visitors."""
    paced, overload = f"load.{visitors}.paced", f"load.{visitors}.overload"
    name = f"{visitors} visitors, one picture per second"
    return [
        (f"{name}, median", f"{paced}.p50_ms", "{:.0f} ms", None, None),
        (f"{name}, p95", f"{paced}.p95_ms", "{:.0f} ms", "<=", VISITORS[visitors]),
        (f"{visitors} visitors, overload", f"{overload}.readings_a_second", "{:.1f}/s", ">=", 40),
        ("  CPU time per reading", f"{overload}.processor_ms_a_reading", "{:.0f} ms", None, None),
        ("  p95, first half", f"{overload}.p95_ms_first_half", "{:.0f} ms", None, None),
        ("  p95, second half", f"{overload}.p95_ms_second_half", "{:.0f} ms", None, None),
        ("  messages after the last answer", f"{overload}.left_over", "{:.0f}", "<=", 0),
    ]


# Name, path in the result, number format, comparison and goal of each figure.
ROWS = [
    ("First visit: starter digit read", "browser.starter_seconds", "{:.1f} s", "<=", 1.5),
    ("First visit: canvas ready", "browser.canvas_seconds", "{:.1f} s", "<=", 2),
    ("First visit: networks loaded", "browser.awake_seconds", "{:.1f} s", "<=", 5),
    ("Final reading after mouse-up, median", "browser.final_p50_ms", "{:.0f} ms", "<=", 60),
    ("Final reading after mouse-up, p95", "browser.final_p95_ms", "{:.0f} ms", "<=", 120),
    ("  mouse-up to picture sent, median", "browser.send_p50_ms", "{:.0f} ms", None, None),
    ("  picture sent to reading, median", "browser.answer_p50_ms", "{:.0f} ms", None, None),
    ("  reading to page shown, median", "browser.show_p50_ms", "{:.0f} ms", None, None),
    ("Readings while drawing", "browser.drawing_readings_a_second", "{:.1f}/s", ">=", 12),
    ("One visitor, server time, median", "load.alone.p50_ms", "{:.0f} ms", "<=", 30),
    ("One visitor, server time, p95", "load.alone.p95_ms", "{:.0f} ms", "<=", 60),
    ("  of which all networks, median", "load.alone.networks_p50_ms", "{:.0f} ms", None, None),
    ("  CPU time per reading", "load.alone.processor_ms_a_reading", "{:.0f} ms", None, None),
    *(row for visitors in VISITORS for row in rows_for(visitors)),
    ("One visitor after overload, median", "load.after_overload.p50_ms", "{:.0f} ms", None, None),
    ("Memory in addition to torch", "memory.above_torch_mb", "{:.0f} MB", "<=", 300),
    (
        "  after every page and recipe was visited",
        "memory.everything_above_torch_mb",
        "{:.0f} MB",
        "<=",
        400,
    ),
    ("Memory per session", "memory.a_session_mb", "{:.1f} MB", "<=", 3),
    ("Growth in two minutes, after the first", "memory.steady_growth_mb", "{:.1f} MB", "<=", 5),
    ("Left by 100 visitors", "memory.left_by_passing_mb", "{:.1f} MB", "<=", 30),
]


async def measure_load(
    app: Server, groups: list[int], seconds: float, console: Console
) -> tuple[dict[str, dict], dict[str, float | None]]:
    """Measure with visitors without browsers -> response times, and the memory between (MB).

    Raises AppError.
    """
    urls = pictures(PICTURES)
    gc.collect()
    gc.freeze()  # otherwise this process's garbage collection would distort the figures

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
    megabytes = {"awake_mb": resident_mb(app.pid)}
    load: dict[str, dict] = {
        "alone": await phase("one visitor", alone, seconds, PAGE_PAUSE_SECONDS)
    }
    megabytes["before_sessions_mb"] = resident_mb(app.pid)
    for count in groups:
        visitors = [await Visitor.open(app.address) for _ in range(count)]
        paced = await phase(f"{count} visitors, once per second", visitors, seconds, 1)
        if count == groups[0]:
            megabytes["after_sessions_mb"] = resident_mb(app.pid)
            await phase("  their first minute", visitors, max(1, FIRST_SECONDS - seconds), 1)
            megabytes["first_minute_mb"] = resident_mb(app.pid)
            await phase("  two minutes more", visitors, STEADY_SECONDS, 1)
            megabytes["steady_mb"] = resident_mb(app.pid)
        overload = await phase(f"{count} visitors, overload", visitors, seconds, 0)
        load[str(count)] = {"paced": paced, "overload": overload}
        await leave(visitors)
    load["after_overload"] = await phase(
        "one visitor again", alone, AFTER_OVERLOAD_SECONDS, PAGE_PAUSE_SECONDS
    )
    megabytes["before_passing_mb"] = resident_mb(app.pid)
    with console.status(f"{PASSING} visitors come, draw and leave …"):
        for _ in range(PASSING // AT_A_TIME):
            visitors = [await Visitor.open(app.address) for _ in range(AT_A_TIME)]
            await draw(visitors, PASSING_PICTURES, 1, urls)
            await leave(visitors)
    megabytes["after_passing_mb"] = resident_mb(app.pid)
    await leave(alone)
    return load, megabytes


async def leave(visitors: list[Visitor]) -> None:
    """Let the visitors close their connections."""
    await asyncio.gather(*(visitor.connection.close() for visitor in visitors))


def memory(megabytes: dict[str, float | None], sessions: int) -> dict[str, float] | None:
    """The measured memory and the figures derived from it; None on systems without /proc."""
    known = {name: value for name, value in megabytes.items() if value is not None}
    if len(known) < len(megabytes):
        return None
    torch_mb = resident_mb()
    return known | {
        "torch_alone_mb": torch_mb,
        "above_torch_mb": known["awake_mb"] - torch_mb,
        "everything_above_torch_mb": known["everything_mb"] - torch_mb,
        "a_session_mb": (known["after_sessions_mb"] - known["before_sessions_mb"]) / sessions,
        "steady_growth_mb": known["steady_mb"] - known["first_minute_mb"],
        "left_by_passing_mb": known["after_passing_mb"] - known["before_passing_mb"],
    }


def rows(result: dict) -> list[tuple[str, str, str, str]]:
    """Name, figure, goal, and whether the goal is met (empty without a goal), for each figure.

    `result` is the content of benchmark_app.json.
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
    """Print all figures with their goals."""
    table = Table(box=box.SIMPLE, padding=(0, 1))
    table.add_column("")
    for column in ("measured", "goal", ""):
        table.add_column(column, justify="right")
    for row in rows(result):
        table.add_row(*row)
    console.print(table)


def main() -> int:
    """Measure, print and save -> the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, nargs="+", default=list(VISITORS), metavar="N")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="per load test")
    parser.add_argument("--strokes", type=int, default=30, metavar="N")
    options = parser.parse_args()
    if min(*options.sessions, options.seconds, options.strokes) < 1:
        parser.error("--sessions, --seconds and --strokes must be 1 or more")
    for signal_name in ("SIGTERM", "SIGHUP"):  # end as after Ctrl-C, with all child processes
        if hasattr(signal, signal_name):
            signal.signal(getattr(signal, signal_name), signal.default_int_handler)
    console = Console(highlight=False)
    path = default_folder() / "results" / "benchmark_app.json"
    try:
        browser = measure_browser(options.strokes, console)
        if "skipped" in browser:
            console.print(f"Browser measurements skipped: {browser['skipped']}", soft_wrap=True)
        with server() as app:
            load, megabytes = asyncio.run(
                measure_load(app, options.sessions, options.seconds, console)
            )
        with server() as app, console.status("every page is visited with every recipe …"):
            asyncio.run(visit_everything(app))
            megabytes["everything_mb"] = resident_mb(app.pid)
    except (AppError, KeyboardInterrupt) as error:
        problem = str(error) or "stopped"
        Console(stderr=True).print(f"{problem}; nothing was written", markup=False, soft_wrap=True)
        return 1
    result = {
        "browser": browser,
        "load": load,
        "memory": memory(megabytes, options.sessions[0]),
        "goals": {at: f"{sign} {form.format(goal)}" for _, at, form, sign, goal in ROWS if sign},
        # The networks that a visitor gets by default.
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
