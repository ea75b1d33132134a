"""The app's server, and visitors without browsers that use Streamlit's protocol.

A visitor does over a websocket what the Draw page does: it requests the page, finds the fragment
with the invisible element that accepts pictures, and sends pictures of 140 x 140 px to it. It waits
for each answer before it sends the next picture.
"""

import asyncio
import base64
import io
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.drawing import canvas
from mnistcmp.drawing.canvas import Points

REPOSITORY = Path(__file__).resolve().parents[2]
HEALTHY_WITHIN_SECONDS = 120
PATIENCE_SECONDS = 60  # for the server's next message
COMPONENT = "mnistcmp_live"  # the element that accepts pictures; named in mnistcmp/app/draw/live.py
READINGS = "mnistcmp_readings"  # that shows them; named in app/draw/readings/component.py
AWAKE_POLL_SECONDS = 0.3
PAGES = ("", "break", "benchmarks", "studies", "inside", "lesson")  # as in the address
IDLE_SHARE = 0.2  # of one processor
QUIET_SECONDS = 0.5  # after the last answer, to detect further messages
PICTURE_PX = 140  # per side, as in live.js
BRUSH_PX = 20

# Strokes on the canvas of 280 px.
DIGITS: dict[str, list[Points]] = {
    "0": [[(140, 50), (95, 80), (80, 140), (95, 205), (140, 235), (190, 200), (200, 140)]],
    "1": [[(140, 40), (140, 240)]],
    "2": [[(85, 90), (140, 50), (190, 90), (170, 140), (85, 230), (205, 230)]],
    "3": [[(85, 65), (150, 50), (190, 90), (130, 135), (195, 180), (150, 230), (80, 215)]],
    "4": [[(110, 40), (80, 150), (210, 150)], [(170, 50), (170, 240)]],
    "5": [
        [(100, 55), (95, 130), (160, 120), (195, 170), (150, 230), (85, 220)],
        [(100, 55), (195, 55)],
    ],
    "6": [[(165, 45), (105, 120), (90, 190), (140, 235), (185, 195), (145, 150), (95, 185)]],
    "7": [[(70, 60), (210, 60), (120, 240)]],
    "8": [[(180, 75), (135, 45), (100, 85), (185, 185), (140, 235), (95, 190), (180, 75)]],
    "9": [[(185, 100), (140, 50), (95, 95), (135, 135), (185, 100), (175, 240)]],
}


class AppError(Exception):
    """The server did not start, or did not answer like the app."""


@dataclass(frozen=True)
class Server:
    """A running server: its address, process id and start time."""

    address: str
    pid: int
    start_seconds: float


@contextmanager
def server() -> Iterator[Server]:
    """Run the app on a free local port until the end of the block.

    Raises AppError, with the end of the server's output, if it does not start.
    """
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
    address = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=said, stderr=said)
        try:
            while not _healthy(address):
                seconds = time.perf_counter() - started
                if process.poll() is not None or seconds > HEALTHY_WITHIN_SECONDS:
                    said.seek(0)
                    last = said.read().decode(errors="replace")[-2000:].strip()
                    raise AppError(f"the server did not start in {seconds:.0f} s:\n{last}")
                time.sleep(0.1)
            yield Server(address, process.pid, time.perf_counter() - started)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
            return True
    except OSError:
        return False


def resident_mb(pid: int | None = None) -> float | None:
    """The resident memory of a process in MB of 10^6 bytes; None on systems without /proc.

    Without `pid`: of a new Python process that has imported only torch.
    """
    if not Path("/proc/self/status").exists():
        return None
    if pid is None:
        code = "import torch; print(open('/proc/self/status').read())"
        command = [sys.executable, "-c", code]
        status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    else:
        status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024 / 1e6


def processor_seconds(pid: int) -> float | None:
    """The CPU time of a process so far; None on systems without /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()  # the name before it may contain spaces
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def strokes_of(digit: str, random: Random) -> list[Points]:
    """The strokes of a digit in canvas px, drawn a little differently each time."""
    size, right, down = random.uniform(0.8, 1.05), random.uniform(-15, 15), random.uniform(-10, 10)
    return [
        [
            (
                140 + size * (x - 140) + right + random.uniform(-6, 6),
                140 + size * (y - 140) + down + random.uniform(-6, 6),
            )
            for x, y in stroke
        ]
        for stroke in DIGITS[digit]
    ]


def pictures(count: int, seed: int = 0) -> list[str]:
    """Different drawn digits in the page's format: data URLs of PNG, 140 x 140 px RGBA."""
    random = Random(seed)
    urls = []
    for digit in itertools.islice(itertools.cycle(DIGITS), count):
        painted = canvas.paint((stroke, BRUSH_PX) for stroke in strokes_of(digit, random))
        buffer = io.BytesIO()
        painted.resize((PICTURE_PX, PICTURE_PX), Image.Resampling.BOX).convert("RGBA").save(
            buffer, "PNG"
        )
        urls.append("data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode())
    return urls


@dataclass(frozen=True)
class Answer:
    """The times of one picture: when it was sent, and seconds from then.

    shown: until the readings were received. finished: until the server had finished.
    networks_ms: the time "for all networks together" that the page states.
    """

    sent: float
    shown: float
    finished: float
    networks_ms: float


class Visitor:
    """One session of the Draw page; create it with `open`."""

    def __init__(self, connection: ClientConnection):
        self.connection = connection
        self.sent = 0
        self.page_hash = self.fragment = self.live = ""

    @classmethod
    async def open(cls, address: str) -> "Visitor":
        """Connect and let the page run until the networks are loaded. Raises AppError."""
        visitor = cls(await _connection(address))
        first = _request(address)
        until = time.perf_counter() + PATIENCE_SECONDS
        while not await visitor._first_run(first) and time.perf_counter() < until:
            await asyncio.sleep(AWAKE_POLL_SECONDS)
        if not visitor.live:
            raise AppError("the Draw page has no element that accepts pictures")
        return visitor

    @classmethod
    async def visit(cls, address: str, page: str, recipe: str) -> None:
        """Let a page run once with a recipe, and leave. Raises AppError."""
        visitor = cls(await _connection(address))
        request = _request(address)
        request.rerun_script.page_name = page
        request.rerun_script.query_string = f"recipe={recipe}"
        await visitor._first_run(request)
        await visitor.connection.close()

    async def _first_run(self, request: BackMsg) -> bool:
        """Let the whole page run -> whether the networks have read what it starts with."""
        awake = False
        async for message in self._run(request.SerializeToString()):
            if message.HasField("new_session"):
                self.page_hash = message.new_session.page_script_hash
            component = message.delta.new_element.bidi_component
            if component.component_name == COMPONENT:
                self.live, self.fragment = component.id, message.delta.fragment_id
            elif component.component_name == READINGS:
                awake = "for all networks" in json.loads(component.json)["small"]
        return awake

    async def read(self, url: str) -> Answer:
        """Send a picture and wait for its reading. Raises AppError if there is none."""
        self.sent += 1
        message = BackMsg()
        rerun = message.rerun_script
        rerun.page_script_hash, rerun.fragment_id = self.page_hash, self.fragment
        state = json.dumps({"picture": {"number": self.sent, "png": url}})
        rerun.widget_states.widgets.add(id=self.live, json_value=state)
        frame = message.SerializeToString()
        shown = networks_ms = answered = None
        sent = time.perf_counter()
        async for message in self._run(frame):
            component = message.delta.new_element.bidi_component
            if component.component_name == COMPONENT:
                answered = json.loads(component.json)["answered"]
            elif component.component_name == READINGS:
                shown = time.perf_counter() - sent
                said = json.loads(component.json)["small"]
                networks_ms = float(re.search(r"(\d+) ms for all", said)[1])
        finished = time.perf_counter() - sent
        if answered != self.sent or shown is None or networks_ms is None:
            raise AppError(f"picture {self.sent} was not read; the last one read: {answered}")
        return Answer(sent, shown, finished, networks_ms)

    async def _run(self, frame: bytes) -> AsyncIterator[ForwardMsg]:
        """Send a request to run the page or fragment -> the server's messages until it has run."""
        message = ForwardMsg()
        try:
            await self.connection.send(frame)
            while not message.HasField("script_finished"):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    message.ParseFromString(await self.connection.recv())
                if message.delta.new_element.HasField("exception"):
                    raise AppError(f"the page failed: {message.delta.new_element.exception}")
                yield message
        except (WebSocketException, TimeoutError) as error:
            raise AppError(f"a visitor lost the server: {error!r}") from error

    async def left_over(self) -> int:
        """The number of deltas after the last answer; it should be 0."""
        deltas = 0
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                while True:
                    frame = await self.connection.recv()
                    deltas += ForwardMsg.FromString(frame).HasField("delta")
        except TimeoutError:
            return deltas
        except WebSocketException as error:
            raise AppError(f"a visitor lost the server: {error!r}") from error


async def _connection(address: str) -> ClientConnection:
    stream = address.replace("http", "ws", 1) + "/_stcore/stream"
    try:
        return await connect(stream, max_size=None, open_timeout=PATIENCE_SECONDS)
    except (OSError, WebSocketException, TimeoutError) as error:
        raise AppError(f"a visitor could not connect: {error!r}") from error


def _request(address: str) -> BackMsg:
    """The request of a new session to run the page."""
    request = BackMsg()
    request.rerun_script.widget_states.SetInParent()
    request.rerun_script.context_info.url = address
    return request


async def visit_everything(app: Server) -> None:
    """Visit every page with every recipe, and wait until the server has nothing to do.

    Raises AppError.
    """
    for page in PAGES:
        for recipe in RECIPES:
            await Visitor.visit(app.address, page, recipe)
    busy = -1.0
    while (spent := processor_seconds(app.pid) or busy) > busy + IDLE_SHARE * QUIET_SECONDS:
        busy = spent
        await asyncio.sleep(QUIET_SECONDS)


async def draw(
    visitors: list[Visitor], seconds: float, every_seconds: float, urls: list[str]
) -> dict[str, float]:
    """Let every visitor send a picture `every_seconds`, or later if the last one is not answered.

    Returns latencies in ms over all pictures, and readings per second of all visitors.
    `p95_ms_first_half` and `p95_ms_second_half` are by the time of sending; the second is larger if
    pictures queue up.
    """
    began = time.perf_counter()
    ends = began + seconds

    async def one(place: int) -> list[Answer]:
        due = began + every_seconds * place / len(visitors)  # staggered
        mine = itertools.cycle(urls[place :: len(visitors)])
        answers = []
        while (at := max(due, time.perf_counter())) < ends:
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            answers.append(await visitors[place].read(next(mine)))
            due = at + every_seconds
        return answers

    each = await asyncio.gather(*map(one, range(len(visitors))))
    left_over = sum(await asyncio.gather(*(visitor.left_over() for visitor in visitors)))
    answers = [answer for answers in each for answer in answers]
    shown = np.array([1000 * answer.shown for answer in answers])
    late = np.array([answer.sent > began + seconds / 2 for answer in answers])
    in_time = sum(answer.sent + answer.shown <= ends for answer in answers)
    return {
        "sessions": len(visitors),
        "readings": len(answers),
        "readings_a_second": in_time / seconds,
        "p50_ms": float(np.percentile(shown, 50)),
        "p95_ms": float(np.percentile(shown, 95)),
        "most_ms": float(shown.max()),
        "p95_ms_first_half": _p95(shown[~late]),
        "p95_ms_second_half": _p95(shown[late]),
        "finished_p50_ms": float(np.median([1000 * answer.finished for answer in answers])),
        "networks_p50_ms": float(np.median([answer.networks_ms for answer in answers])),
        "fewest_by_one_session": min(map(len, each)),
        "left_over": left_over,
    }


def _p95(milliseconds: np.ndarray) -> float | None:
    return float(np.percentile(milliseconds, 95)) if len(milliseconds) else None
