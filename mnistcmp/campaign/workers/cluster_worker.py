"""What a Dask worker does for a campaign: say its version, take the data, make calls.

It starts no process. Needs no Dask: a worker is passed in where one is needed.
"""

import hashlib
import os
import platform
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypedDict

import torch

import mnistcmp
from mnistcmp import machine
from mnistcmp.campaign import jobs
from mnistcmp.campaign.workers.worker_pool import load_materials

REPORT_SECONDS = 1.0


class Facts(TypedDict, total=False):
    """What must be the same on all machines; `problem` is why a worker cannot say it."""

    torch: str  # without the kind of its build, such as +cpu
    sources: str  # sha256 of the package's files
    problem: str


class Worker(Protocol):
    """A Dask worker."""

    address: str
    local_directory: str

    def log_event(self, topic: str, message: object) -> None:
        """Send a message to all who subscribed to the topic."""


class Abandoned(Exception):
    """The campaign that asked for a run has ended, or another one has taken the worker."""


class _Campaign:
    """The campaign that this worker works for."""

    token: str | None = None


class Steps:
    """A counter of steps that its worker reports to the campaign once a second.

    Setting it raises Abandoned if the campaign has ended, which ends the run.
    """

    def __init__(self, worker: Worker, token: str) -> None:
        self._worker, self._token = worker, token
        self._value, self._next_report = 0, 0.0

    @property
    def value(self) -> int:
        """The steps of the current run so far."""
        return self._value

    @value.setter
    def value(self, steps: int) -> None:
        _check(self._token)
        self._value = steps
        if time.monotonic() > self._next_report:
            self._next_report = time.monotonic() + REPORT_SECONDS
            self._worker.log_event(self._token, {"worker": self._worker.address, "steps": steps})


@cache
def facts() -> Facts:
    """The versions on this machine."""
    folder = Path(mnistcmp.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
    return {"torch": torch.__version__.partition("+")[0], "sources": digest.hexdigest()}


def asked_for_facts() -> Callable[[], Facts]:
    """A function that also answers where the package is missing or is another version."""

    def ask() -> Facts:  # nested, so that its code is sent, not its name
        try:
            from mnistcmp.campaign.workers import cluster_worker

            return cluster_worker.facts()
        except (ImportError, AttributeError) as error:
            return {"problem": str(error)}

    return ask


def receive(
    content: bytes, sha256: str, device: str | None, token: str, dask_worker: Worker
) -> str:
    """Take the data of a campaign -> the name of the host.

    Raises ValueError if they arrived damaged, or if the device is missing here.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError("the data arrived damaged")
    device = machine.choose_device(device)
    folder = _folder(dask_worker, token)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"data-{os.getpid()}.npz"
    path.write_bytes(content)
    materials = load_materials(path)
    path.unlink()
    torch.backends.cudnn.deterministic = True  # a seed gives the same weights on a GPU, too
    jobs.prepare(materials, device, Steps(dask_worker, token), folder)
    _Campaign.token = token
    return platform.node()


def make_call(token: str, function: Callable[..., object], arguments: tuple[Any, ...]) -> object:
    """Make a call of the campaign with this token, on one thread."""
    _check(token)
    torch.set_num_threads(1)
    return function(*arguments)


def forget(token: str, dask_worker: Worker) -> None:
    """End the work for a campaign: a run that is under way ends at its next steps."""
    if _Campaign.token == token:
        _Campaign.token = None
    shutil.rmtree(_folder(dask_worker, token), ignore_errors=True)


def _check(token: str) -> None:
    if _Campaign.token != token:
        raise Abandoned("its worker was taken by another training, or the training has ended")


def _folder(worker: Worker, token: str) -> Path:
    """The folder that the workers of a host share."""
    return Path(worker.local_directory).parent / f"mnistcmp-{token}"
