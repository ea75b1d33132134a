"""Worker processes: each holds the data and trains one run at a time, on one thread.

The data reaches them through a file. A process that ends while it starts reads nothing, and the
pipe to it holds 64 KiB, so more in the arguments could block this process for ever.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from mnistcmp.campaign import jobs
from mnistcmp.campaign.jobs import Counter, Materials
from mnistcmp.campaign.workers.executors import Call, Executor
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.pen_digits import PenPixels
from mnistcmp.safe_files import read_arrays

DELETE = "import shutil, sys; shutil.rmtree(sys.argv[1], ignore_errors=True)"


class Worker:
    """A separate process, so that a run that crashes its process affects no other run.

    `executor` is a concurrent.futures Executor; `steps_done()` is the progress of the current run.
    """

    def __init__(self, data: Path, device: str) -> None:
        context = get_context("spawn")  # a fork would copy torch's threads in an unknown state
        self._steps: Counter = context.RawValue("q", 0)
        self.executor = ProcessPoolExecutor(
            1, mp_context=context, initializer=_start, initargs=(data, device, self._steps)
        )

    def submit(self, call: Call) -> Future[object]:
        """Make the call in the process. Raises BrokenProcessPool if the process has ended."""
        # The first call starts the process, which inherits the blocked Ctrl-C: only the parent
        # handles it, as soon as it is unblocked here.
        with without_interrupts():
            return self.executor.submit(call.function, *call.arguments)

    def steps_done(self) -> int:
        """The optimiser steps of the current run so far."""
        return self._steps.value

    def stop_waiting(self) -> None:
        """Expect nothing more from the process, which was ended, perhaps while it sent a result.

        The executor's thread waits for the rest of that result until every writing end of the pipe
        is closed, and the interpreter waits for the thread. The last one is the executor's own.
        """
        results = getattr(self.executor, "_result_queue", None)  # no public way leads to it
        if results is not None:
            results._writer.close()


class Crew(Executor):
    """Several processes on this machine."""

    def __init__(self, count: int, materials: Materials, device: str) -> None:
        # Not shared memory, which is often limited to 64 MB in a container.
        self._folder = tempfile.TemporaryDirectory(prefix="mnistcmp-", ignore_cleanup_errors=True)
        data = Path(self._folder.name) / "data.npz"
        save_materials(data, materials)
        self._make_worker = partial(Worker, data, device)
        self._workers: list[Worker] = []
        self._idle = [self._new_worker() for _ in range(count)]
        self._busy: dict[Future[object], Worker] = {}
        self.workers = count

    def shutdown(self) -> None:
        """Stop the processes and delete their data."""
        for process in multiprocessing.active_children():
            process.terminate()
        for worker in self._workers:
            worker.stop_waiting()
        self._folder.cleanup()

    def _new_worker(self) -> Worker:
        worker = self._make_worker()
        self._workers.append(worker)
        return worker

    def is_free(self) -> bool:
        """Whether a process is idle."""
        return bool(self._idle)

    def submit(self, call: Call) -> Future[object]:
        """Make the call in an idle process."""
        worker = self._idle.pop()
        try:
            future = worker.submit(call)
        except BrokenProcessPool:  # it was killed while idle
            worker = self._new_worker()
            future = worker.submit(call)
        self._busy[future] = worker
        return future

    def outcome(self, future: Future[object]) -> object:
        """The result or the exception; a process that ended is replaced."""
        worker = self._busy.pop(future)
        outcome = future.exception() or future.result()
        if isinstance(outcome, BrokenProcessPool):
            worker.executor.shutdown(wait=False)
            worker = self._new_worker()
        self._idle.append(worker)
        return outcome

    def steps_done(self, future: Future[object]) -> int:
        """The optimiser steps of a call so far."""
        return self._busy[future].steps_done()


def save_materials(path: Path, materials: Materials, *, compressed: bool = False) -> None:
    """Write the data for the workers. Raises OSError, with the path and the remedy."""
    arrays = {
        f"{part}.{field}": np.asarray(value)
        for part, fields in materials._asdict().items()
        if fields is not None
        for field, value in fields._asdict().items()
    }
    try:
        save = np.savez_compressed if compressed else np.savez
        save(path, allow_pickle=False, **arrays)
    except OSError as error:
        reason = f"{error.strerror}; free some space, or name another folder with TMPDIR"
        raise OSError(error.errno, reason, str(path)) from error


def load_materials(path: Path) -> Materials:
    """The data that `save_materials` wrote."""
    parts: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for name, array in read_arrays(path).items():
        part, _, field = name.partition(".")
        is_text = array.dtype.kind == "U"
        parts[part][field] = tuple(array.tolist()) if is_text else torch.from_numpy(array)
    pens = (parts.get(part) for part in Materials._fields[1:])
    return Materials(
        Dataset(**parts["dataset"]), *(None if pen is None else PenPixels(**pen) for pen in pens)
    )


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Put Ctrl-C off until the block has ended; a process that it starts inherits the blocking."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []
    # The mask is this thread's alone, but a signal to another thread is handled here, too.
    handler = signal.signal(signal.SIGINT, lambda *given: arrived.append(given))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, handler)
        if arrived and callable(handler):
            handler(*arrived[0])


def _start(data: Path, device: str, steps: Counter) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_die_with_parent, args=(data,), daemon=True).start()
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True  # a seed gives the same weights on a GPU, too
    jobs.prepare(load_materials(data), device, steps, data.parent)


def _die_with_parent(data: Path) -> None:
    # A killed parent can neither stop its workers, which would wait for it indefinitely, nor delete
    # their data.
    parent = parent_process()
    assert parent is not None  # a worker has one
    connection.wait([parent.sentinel])
    # By another process, because until its end this one may still write to the folder.
    subprocess.Popen([sys.executable, "-c", DELETE, data.parent])
    os._exit(1)
