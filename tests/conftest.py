"""Fixtures for many tests."""

import shutil
import sys

import pytest
import torch

from mnistcmp.campaign import jobs
from mnistcmp.campaign.jobs import Materials
from mnistcmp.campaign.workers import worker_pool
from tests.helpers import REPOSITORY, InlineWorker, measure_little, toy_materials


@pytest.fixture(autouse=True)
def main_module():
    """AppTest leaves the page that it ran as the main module, which worker processes would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the shipped checkpoints, which the app uses and the test may damage."""
    folder = shutil.copytree(REPOSITORY / "checkpoints", tmp_path / "checkpoints")
    monkeypatch.setenv("MNISTCMP_CHECKPOINTS", str(folder))
    return folder


@pytest.fixture(scope="session")
def toy() -> Materials:
    return toy_materials()


@pytest.fixture
def inline(monkeypatch):
    """Campaigns train in the test's process, on one thread like a worker, and measure little."""
    measure_little(monkeypatch)
    monkeypatch.setattr(worker_pool, "Worker", InlineWorker)
    for name in ("materials", "device", "steps", "folder"):  # restored after the test
        monkeypatch.setattr(jobs._Here, name, None, raising=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
