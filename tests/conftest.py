"""Shared by the tests: a toy data set, training without processes, and the training script."""

import importlib.util
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from mnistcmp import workers
from mnistcmp.data import Dataset
from mnistcmp.strokes import PenPixels
from mnistcmp.workers import Job, Materials

REPOSITORY = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 120  # how long a test waits for what should come at once


def toy_images(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a bright patch whose place is the label: uint8 (N, 28, 28), int64 (N,)."""
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


def until(condition: Callable[[], object]) -> object:
    """Wait until `condition()` is true -> what it then is."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.01)
    return found


def end_process(pid: int) -> None:
    """End a process as the kernel does when memory runs out."""
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The app on a copy of the shipped folder, which may be damaged."""
    # Here, because importing streamlit prints warnings, also in the programs that tests start.
    from mnistcmp.app import cached

    folder = shutil.copytree(cached.CHECKPOINTS, tmp_path / "checkpoints")
    monkeypatch.setattr(cached, "CHECKPOINTS", folder)
    monkeypatch.setattr(cached, "RESULTS", folder / "results")
    return folder


def import_train_all() -> ModuleType:
    """scripts/train_all.py as a module; scripts/ is not a package."""
    spec = importlib.util.spec_from_file_location(
        "train_all", REPOSITORY / "scripts" / "train_all.py"
    )
    module = importlib.util.module_from_spec(spec)
    search_path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = search_path
    return module


class Quiet:
    """A campaign's Progress that keeps what it is told."""

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
    """Does everything at once, in the process of the test."""

    def submit(self, function, /, *arguments, **named):
        future = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class InlineWorker:
    """In place of workers.Worker: no process, so no seconds of starting one."""

    def __init__(self, materials: Materials, device: str) -> None:
        workers._Here.materials, workers._Here.device = materials, device
        workers._Here.steps = SimpleNamespace(value=0)
        self.executor = InlineExecutor()

    def submit(self, call: workers.Call) -> Future:
        return self.executor.submit(call.function, *call.arguments)

    def steps_done(self) -> int:
        return workers._Here.steps.value


@pytest.fixture(scope="session")
def toy() -> Materials:
    return toy_materials()


@pytest.fixture
def inline(monkeypatch):
    """Campaigns train in the process of the test, on one thread as a worker would."""
    monkeypatch.setattr(workers, "Worker", InlineWorker)
    for name in ("materials", "device", "steps"):  # so that they are gone after the test
        monkeypatch.setattr(workers._Here, name, None, raising=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
