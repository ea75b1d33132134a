"""Worker processes: each holds the data and trains one run after the other, on one thread."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection, get_context, parent_process

import numpy as np
import torch

from mnistcmp.data.dataset import Dataset
from mnistcmp.data.pen_digits import PenPixels
from mnistcmp.training import jobs
from mnistcmp.training.jobs import Materials

TICK_SECONDS = 0.25


@dataclass(frozen=True)
class Call:
    """`function(*arguments)`, to be called in a worker; `function` is probe_job or run_job."""

    function: Callable[..., object]
    arguments: tuple[object, ...]


class Worker:
    """A process of its own, so that a run that takes its process down takes no other along.

    `executor` is a plain concurrent.futures Executor; `steps_done()` tells how far its run is.
    """

    def __init__(self, materials: Materials, device: str) -> None:
        context = get_context("spawn")  # a fork would copy torch's threads in an unknown state
        self._steps = context.RawValue("q", 0)
        # As numpy arrays the data travels through a pipe; tensors would travel through shared
        # memory, of which a container often has no more than 64 MB.
        arrays = [part and _each(part, torch.Tensor, torch.Tensor.numpy) for part in materials]
        self.executor = ProcessPoolExecutor(
            1, mp_context=context, initializer=_start, initargs=(arrays, device, self._steps)
        )

    def submit(self, call: Call) -> Future:
        """Have the process do the call. Raises BrokenProcessPool if the process is gone."""
        # The first call starts the process. It is born deaf to Ctrl-C, which is its parent's to
        # handle; the parent hears it as soon as it listens again.
        with _without_interrupts():
            return self.executor.submit(call.function, *call.arguments)

    def steps_done(self) -> int:
        """Optimiser steps of the present run so far."""
        return self._steps.value


class Crew:
    """Some workers that share out calls; leaving it as a context manager stops their processes."""

    def __init__(self, count: int, materials: Materials, device: str) -> None:
        self._new_worker = partial(Worker, materials, device)
        self._idle = [self._new_worker() for _ in range(count)]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for process in multiprocessing.active_children():
            process.terminate()

    def each(
        self,
        calls: Iterable[Call],
        on_tick: Callable[[dict[Call, int]], None] = lambda steps_done: None,
    ) -> Iterator[tuple[Call, object]]:
        """Do all calls, in their order as workers become free -> each with its result when done.

        The result is the exception if it raised one, BrokenProcessPool if its process ended.
        `on_tick` is told a few times a second how many steps each call under way has done.
        """
        waiting, running = deque(calls), {}
        while waiting or running:
            while waiting and self._idle:
                worker, call = self._idle.pop(), waiting.popleft()
                try:
                    future = worker.submit(call)
                except BrokenProcessPool:  # it was killed while it had nothing to do
                    worker = self._new_worker()
                    future = worker.submit(call)
                running[future] = worker, call
            done, _ = wait(running, TICK_SECONDS, FIRST_COMPLETED)
            for future in done:
                worker, call = running.pop(future)
                outcome = future.exception() or future.result()
                if isinstance(outcome, BrokenProcessPool):
                    worker.executor.shutdown(wait=False)
                    worker = self._new_worker()
                self._idle.append(worker)
                yield call, outcome
            on_tick({call: worker.steps_done() for worker, call in running.values()})


def _each(fields: Iterable[object], kind: type, change: Callable) -> tuple[object, ...]:
    """The fields, those of one kind changed; what is of another kind, class names say, as it is."""
    return tuple(change(field) if isinstance(field, kind) else field for field in fields)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _start(arrays: list[tuple[object, ...] | None], device: str, steps: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_die_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True  # on a GPU too, the same seed gives the same weights
    kinds = (Dataset, PenPixels, PenPixels)
    materials = Materials(
        *(
            part and kind(*_each(part, np.ndarray, torch.from_numpy))
            for kind, part in zip(kinds, arrays, strict=True)
        )
    )
    jobs.prepare(materials, device, steps)


def _die_with_parent() -> None:
    # A parent that was killed cannot stop its workers, and they would wait for it for ever.
    connection.wait([parent_process().sentinel])
    os._exit(1)
