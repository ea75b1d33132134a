"""Helpers for tests: toy data, a web server, training without processes, the command line."""

import hashlib
import http.server
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mnistcmp import cli
from mnistcmp.campaign import jobs
from mnistcmp.campaign.jobs import Job, Materials
from mnistcmp.campaign.workers import executors, worker_pool
from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.pen_digits import PenPixels
from mnistcmp.records import Records, robustness
from mnistcmp.robustness import measure, stressed_images

REPOSITORY = Path(__file__).resolve().parent.parent
APP = str(REPOSITORY / "streamlit_app.py")
FEW_CORRUPTIONS = {name: CORRUPTIONS[name] for name in ("stripe", "translate")}
FEW_DIALS = {
    "shift": replace(DIALS["shift"], ladder=(2, 5)),
    "contrast": replace(DIALS["contrast"], ladder=(0.25, 0.5)),
}
PATIENCE_SECONDS = 120  # how long a test waits for something that normally takes a moment


def toy_images(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a bright patch at a position given by the label: uint8 (N, 28, 28), int64 (N,)."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 60, (count, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (count,), generator=generator)
    for image, label in zip(pixels, labels.tolist(), strict=True):
        top, left = 5 + 12 * (label // 5), 2 + 5 * (label % 5)
        image[top : top + 5, left : left + 5] = 220
    return pixels, labels


def toy_materials() -> Materials:
    """512 training and 128 test images, and pen digits of two writers each."""
    return Materials(
        Dataset(*toy_images(512, seed=1), *toy_images(128, seed=2)),
        PenPixels(*toy_images(64, seed=3), torch.arange(64) % 2 + 1),
        PenPixels(*toy_images(32, seed=4), torch.arange(32) % 2 + 3),
    )


def measure_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Robustness is measured under two corruptions, and two dials with two levels each."""
    for module in (measure, stressed_images, robustness):
        monkeypatch.setattr(module, "CORRUPTIONS", FEW_CORRUPTIONS)
        monkeypatch.setattr(module, "DIALS", FEW_DIALS)


def page(name: str) -> str:
    """The script of one page, which a test can run on its own."""
    return str(REPOSITORY / "mnistcmp" / "app" / name / "page.py")


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def disk(root: Path) -> dict[str, bytes]:
    """Name -> contents of every file under `root`."""
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


class Mirror(http.server.ThreadingHTTPServer):
    """A web server for `files`; `requested` lists the requests, `cut` truncates the responses."""

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), MirrorHandler)
        self.files, self.requested, self.cut = files, [], False
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class MirrorHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.strip("/")
        self.server.requested.append(name)
        if name not in self.server.files:
            return self.send_error(404)
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.server.cut else content)

    def log_message(self, *_):
        pass


def until(condition: Callable[[], object]) -> object:
    """Wait until `condition()` is true -> its value."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.01)
    return found


def end_process(pid: int) -> None:
    """Kill a process, as the kernel does when memory runs out."""
    os.kill(pid, signal.SIGKILL)


class Training:
    """`mnistcmp train`, or another command, on toy images, writing to `out`."""

    def __init__(self, out: Path, capsys: pytest.CaptureFixture, command: str = "train") -> None:
        self.out, self._capsys, self._command = out, capsys, command

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """-> exit status, stdout, stderr."""
        try:
            status = cli.main([self._command, "--checkpoints", str(self.out), *arguments])
        except SystemExit as end:
            status = end.code
        return status, *self._capsys.readouterr()

    def runs(self):
        return Records(self.out / "results").runs()

    def trained(self) -> list[tuple[str, str, int]]:
        """(model, recipe, seed) of every row, sorted."""
        rows = self.runs()[["model", "recipe", "seed"]].itertuples(index=False, name=None)
        return sorted(rows)


class Quiet:
    """A campaign's Progress that prints nothing and keeps notes and jobs."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.jobs: list[Job] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def finished(self, job: Job, row: dict[str, object], done: int) -> None:
        assert done == len(self.jobs) + 1
        self.jobs.append(job)

    def running(self, shares: dict[Job, float], seconds_left: float) -> None:
        pass


class InlineExecutor(Executor):
    """An executor that makes each call immediately, in the test's process."""

    def submit(self, function, /, *arguments, **named):
        future = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class InlineWorker:
    """A fast replacement for worker_pool.Worker, which starts no process."""

    def __init__(self, data: Path, device: str) -> None:
        materials = worker_pool.load_materials(data)
        jobs.prepare(materials, device, SimpleNamespace(value=0), data.parent)
        self.executor = InlineExecutor()

    def submit(self, call: executors.Call) -> Future:
        return self.executor.submit(call.function, *call.arguments)

    def stop_waiting(self) -> None:
        pass

    def steps_done(self) -> int:
        return jobs._Here.steps.value
