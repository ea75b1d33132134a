"""What workers must be able to do: processes here (worker_pool.py) or a Dask cluster's."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Final

TICK_SECONDS = 0.25
LOCAL = "local"  # in place of the address of a cluster: one that is started here
REPEAT: Final = object()  # in place of an outcome: the call is to be made again


@dataclass(frozen=True)
class Call:
    """A call of `function`, one of those in `jobs`, to be made in a worker."""

    function: Callable[..., object]
    arguments: tuple[object, ...]


class WorkerDied(Exception):
    """A worker ended during a call, and the call is not repeated."""


class Executor(ABC):
    """Workers that share calls, one at a time each; a context manager that stops them on exit.

    A call whose worker ends is repeated, or fails with BrokenProcessPool or WorkerDied; other calls
    continue.
    """

    workers: int  # at present

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    @abstractmethod
    def is_free(self) -> bool:
        """Whether a worker can take a call now."""

    @abstractmethod
    def submit(self, call: Call) -> Future[object]:
        """Make the call in a free worker."""

    @abstractmethod
    def outcome(self, future: Future[object]) -> object:
        """The result of a finished call, its exception, or REPEAT; its worker is free again."""

    @abstractmethod
    def steps_done(self, future: Future[object]) -> int:
        """The optimiser steps of a call so far."""

    @abstractmethod
    def shutdown(self) -> None:
        """Stop all calls."""

    def look(self) -> None:  # noqa: B027
        """Notice workers that came or ended; called a few times a second."""

    def each(
        self,
        calls: Iterable[Call | None],
        on_tick: Callable[[dict[Call, int]], None] = lambda steps_done: None,
    ) -> Iterator[tuple[Call, object]]:
        """Make all calls in order as workers become free -> each call with its result when done.

        A call is taken when a worker is free, so it may depend on earlier results; None means that
        there is none before the next result. The result of a failed call is its exception.
        `on_tick` is called a few times a second with the steps done by each active call.
        """
        waiting, again = iter(calls), deque[Call]()
        running: dict[Future[object], Call] = {}
        while True:
            self.look()
            while self.is_free():
                call = again.popleft() if again else next(waiting, None)
                if call is None:
                    break
                running[self.submit(call)] = call
            if not running:
                if self.is_free():
                    return
                time.sleep(TICK_SECONDS)  # until there is a worker
            done, _ = wait(running, TICK_SECONDS, FIRST_COMPLETED)
            for future in done:
                call, outcome = running.pop(future), self.outcome(future)
                if outcome is REPEAT:
                    again.append(call)
                else:
                    yield call, outcome
            on_tick({call: self.steps_done(future) for future, call in running.items()})
