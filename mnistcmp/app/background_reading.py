"""Work that must not hold up a reading: one thread for all sessions, in pieces of at most 20 ms.

A session asks for a result again and again until it is complete; that it still asks shows that it
is still there. Before each piece the thread waits until no drawing is being read.
"""

import atexit
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import uuid4

import numpy as np
import streamlit as st

from mnistcmp.app import cached_networks, session
from mnistcmp.records import default_folder

if TYPE_CHECKING:
    from torch import nn

    from mnistcmp.robustness.holding_out import HoldOut

KEPT = 64  # complete results
GONE_SECONDS = 20  # a session that has not asked for so long has gone; a slow browser asks seldom
PATIENCE_SECONDS = 60  # a job that is not complete by then is given up
RETRY_SECONDS = 10  # how long a result that is a problem is kept
TURN_SECONDS = 0.5  # between two looks at the clock while drawings are read
PIECE_SECONDS = 2  # more than the longest piece takes on a busy machine
POLL_SECONDS = 0.4  # between two questions of a page
BUSY = "The server is busy with other drawings. Try again in a moment."

_LOG = logging.getLogger(__name__)

T = TypeVar("T")
Pieces = Iterator[T | None]


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What is known so far.

    value: the last result; None before the first. complete: whether it is the final one, or there
    will be none because of `problem`.
    """

    value: T | None = None
    complete: bool = False
    problem: str = ""


@dataclass
class _Job(Generic[T]):
    pieces: Pieces[T]
    began: float
    latest: T | None = None


def _start_thread(work: Callable[[], None]) -> None:
    """Run `work` in a thread that does not keep the server from stopping."""
    threading.Thread(target=work, name="background reading", daemon=True).start()


class BackgroundReader(Generic[T]):
    """The jobs of all sessions; `step` does one piece of one of them.

    clock: seconds. start: starts a thread that runs a function.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = _start_thread,
    ) -> None:
        self._clock, self._start = clock, start
        self._changed = threading.Condition()
        self._reading = 0  # drawings that are being read now
        self._running = False
        self._wanted: dict[str, tuple[Hashable, float]] = {}  # session -> key, when it last asked
        self._jobs: OrderedDict[Hashable, _Job[T]] = OrderedDict()  # the next one first
        self._finished: OrderedDict[Hashable, tuple[Answer[T], float]] = OrderedDict()

    def ask(self, session: str, key: Hashable, begin: Callable[[], Pieces[T]]) -> Answer[T]:
        """What is known of `key`, the only thing that the session now wants.

        `begin()` gives the pieces of a new job: each `next` does at most 20 ms of work and gives
        the result so far, or None if it is as before.
        """
        with self._changed:
            self._give_up()
            if key in self._finished:
                self._wanted.pop(session, None)
                self._finished.move_to_end(key)
                return self._finished[key][0]
            self._wanted[session] = key, self._clock()
            if key not in self._jobs:
                self._jobs[key] = _Job(begin(), self._clock())
            if not self._running:
                self._running = True
                self._start(self._work)
            return Answer(self._jobs[key].latest)

    def drop(self, session: str) -> None:
        """The session no longer wants anything."""
        with self._changed:
            self._wanted.pop(session, None)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """No piece begins before the end of this block."""
        with self._changed:
            self._reading += 1
        try:
            yield
        finally:
            with self._changed:
                self._reading -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Drop all jobs, and wait for the end of the present piece."""
        with self._changed:
            self._wanted.clear()
            self._jobs.clear()
            self._changed.wait_for(lambda: not self._running, PIECE_SECONDS)

    def step(self) -> bool:
        """Do one piece of the next job, unless a drawing is being read -> whether jobs are left."""
        with self._changed:
            self._give_up()
            if not self._jobs:
                self._running = False
                self._changed.notify_all()
                return False
            if self._reading:
                return True
            key, job = next(iter(self._jobs.items()))
            self._jobs.move_to_end(key)
        try:
            latest = next(job.pieces)
        except StopIteration:
            self._finish(key, job, Answer(job.latest, complete=True))
        except Exception as error:  # the thread works for other sessions too
            _LOG.exception("Work in the background failed")
            self._finish(key, job, Answer(complete=True, problem=f"This failed: {error}"))
        else:
            job.latest = job.latest if latest is None else latest
        return True

    def _work(self) -> None:
        while self.step():
            with self._changed:
                self._changed.wait_for(lambda: not self._reading, TURN_SECONDS)

    def _finish(self, key: Hashable, job: _Job[T], answer: Answer[T]) -> None:
        with self._changed:
            if self._jobs.get(key) is job:
                del self._jobs[key]
            self._finished[key] = answer, self._clock()
            while len(self._finished) > KEPT:
                self._finished.popitem(last=False)

    def _give_up(self) -> None:
        """Forget sessions that have gone, jobs that no one wants or that take too long, and old
        problems."""
        now = self._clock()
        self._wanted = {
            each: (key, asked)
            for each, (key, asked) in self._wanted.items()
            if now - asked <= GONE_SECONDS
        }
        wanted = {key for key, _ in self._wanted.values()}
        for key, (answer, since) in list(self._finished.items()):
            if answer.problem and now - since > RETRY_SECONDS:
                del self._finished[key]
        for key, job in list(self._jobs.items()):
            if key not in wanted:
                del self._jobs[key]
            elif now - job.began > PATIENCE_SECONDS:
                self._finish(key, job, Answer(complete=True, problem=BUSY))


@st.cache_resource(show_spinner=False)
def reader() -> "BackgroundReader[HoldOut]":
    """The one for all sessions."""
    shared: BackgroundReader[HoldOut] = BackgroundReader()
    atexit.register(shared.stop)  # torch aborts the process if it ends within a piece
    return shared


def hold_out(
    pixels: np.ndarray, digit: int, recipe: str, networks: Mapping[str, "nn.Module"]
) -> "Answer[HoldOut]":
    """How long the networks of a recipe hold out with float32 (28, 28) pixels of this digit."""

    def begin() -> "Pieces[HoldOut]":
        from mnistcmp.robustness.hold_out_search import search

        return search(pixels, digit, networks)

    changed = cached_networks.weights_changed(default_folder(), recipe, "mnist")
    return reader().ask(_visitor(), (pixels.tobytes(), digit, recipe, changed), begin)


def drop() -> None:
    """This session no longer wants anything."""
    reader().drop(_visitor())


def show_when_ready(ask: Callable[[], Answer[T]], draw: Callable[[Answer[T]], None]) -> None:
    """Draw what `ask` answers, now and again until it is complete."""
    answer = ask()
    if answer.complete:
        with st.container():  # where the fragment drew, so that charts stay in the browser
            draw(answer)
    else:
        _poll(ask, draw)


# Only a run of the whole page stops the browser from asking.
@st.fragment(run_every=POLL_SECONDS)
def _poll(ask: Callable[[], Answer[T]], draw: Callable[[Answer[T]], None]) -> None:
    answer = ask()
    if answer.complete:
        st.rerun()
    draw(answer)


def _visitor() -> str:
    """A name for the present session."""
    return st.session_state.setdefault(session.VISITOR, uuid4().hex)
