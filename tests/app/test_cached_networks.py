"""Networks are loaded in the background, once for all visitors."""

import subprocess
import sys
from concurrent.futures import Executor, Future
from types import SimpleNamespace

import numpy as np
import pytest

from mnistcmp.app import cached_networks
from mnistcmp.app.cached_networks import Loader
from mnistcmp.inference import read
from mnistcmp.records import default_folder
from tests.helpers import REPOSITORY, InlineExecutor

RECIPE = "hardened"  # has the fewest networks


class LaterExecutor(Executor):
    """An executor that does its work only when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future, object, tuple]] = []

    def submit(self, function, /, *arguments, **named):
        future: Future = Future()
        self.waiting.append((future, function, arguments))
        return future

    def step(self) -> None:
        """Do the oldest piece of work."""
        future, function, arguments = self.waiting.pop(0)
        done = InlineExecutor().submit(function, *arguments)
        if error := done.exception():
            future.set_exception(error)
        else:
            future.set_result(done.result())


@pytest.fixture
def worker(monkeypatch) -> LaterExecutor:
    worker = LaterExecutor()
    loader = Loader(worker)
    monkeypatch.setattr(cached_networks, "_loader", lambda: loader)
    return worker


def test_networks_are_awake_as_soon_as_they_are_loaded(worker):
    assert not cached_networks.awake(RECIPE)
    assert not cached_networks.awake(RECIPE)  # asked again, not loaded again
    assert len(worker.waiting) == 1
    worker.step()
    assert cached_networks.awake(RECIPE)
    networks, problems = cached_networks.networks(RECIPE)
    assert not problems
    assert all(cached_networks.network(name, RECIPE)[0] is networks[name] for name in networks)
    pixels = np.random.default_rng(0).random((1, 28, 28), np.float32)
    (reading,) = read(pixels, networks)
    assert set(reading.models) == set(networks)


def test_first_page_is_sent_before_torch_is_imported(monkeypatch):
    waited = []
    monkeypatch.setattr(cached_networks.time, "sleep", waited.append)
    monkeypatch.setattr(cached_networks, "_checkpoints", lambda: SimpleNamespace(load_checkpoint=0))
    cached_networks._load(default_folder(), "no such recipe", "mnist")
    assert waited == []  # torch is here already
    monkeypatch.delitem(sys.modules, "torch")
    cached_networks._load(default_folder(), "no such recipe", "mnist")
    assert waited == [cached_networks.PAGE_FIRST_SECONDS]


def test_weights_that_changed_are_loaded_again(worker, monkeypatch):
    cached_networks.awake(RECIPE)
    worker.step()
    assert cached_networks.awake(RECIPE)
    monkeypatch.setattr(cached_networks, "weights_changed", lambda *_: (1, 1))
    assert not cached_networks.awake(RECIPE)


def test_failure_in_the_background_is_raised_where_the_networks_are_needed(worker, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no torch here")

    monkeypatch.setattr(cached_networks, "_load", fail)
    assert not cached_networks.awake(RECIPE)
    worker.step()
    assert cached_networks.awake(RECIPE)
    with pytest.raises(OSError, match="no torch here"):
        cached_networks.networks(RECIPE)


def test_damaged_file_is_a_problem_with_a_remedy_and_the_others_are_loaded(
    worker, monkeypatch, tmp_path
):
    for path in (default_folder() / "mnist" / RECIPE).iterdir():
        target = tmp_path / "mnist" / RECIPE / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    (tmp_path / "manifest.json").write_bytes((default_folder() / "manifest.json").read_bytes())
    target.write_bytes(b"damaged")
    monkeypatch.setattr(cached_networks, "default_folder", lambda: tmp_path)
    cached_networks.awake(RECIPE)
    worker.step()
    networks, (problem,) = cached_networks.networks(RECIPE)
    assert target.name in problem
    assert len(networks) == 3


def test_torch_can_be_imported_by_several_threads_at_once():
    code = """
import sys, threading
from pathlib import Path
from mnistcmp.app import cached_networks
failed = []
def load():
    cached_networks._load(cached_networks.default_folder(), "hardened", "mnist")
def use():
    import numpy as np
    from mnistcmp import inference
    from mnistcmp.inspection import explain, structure
    from mnistcmp.models import build
    inference.read(np.zeros((1, 28, 28), np.float32), {"mlp": build("mlp").eval()})
def caught(work):
    try:
        work()
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=caught, args=(work,)) for work in (load, use, load, use)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit(repr(failed) if failed else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, timeout=300)
    assert done.returncode == 0
