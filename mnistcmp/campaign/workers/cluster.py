"""Runs on the workers of a Dask cluster, each of which makes one call at a time.

A worker gets the data once, checked by hash, and only if it has the same version of this package
and of torch. This process decides which worker makes which call: Dask's own choice would repeat a
call on another worker before its version was checked. docs/CLUSTER.md says how to start a cluster.
"""

import contextlib
import hashlib
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any
from uuid import uuid4

from mnistcmp.campaign.jobs import Materials
from mnistcmp.campaign.workers import cluster_worker
from mnistcmp.campaign.workers.cluster_worker import Facts
from mnistcmp.campaign.workers.executors import LOCAL, REPEAT, Call, Executor, WorkerDied
from mnistcmp.campaign.workers.worker_pool import save_materials, without_interrupts

try:
    import dask
    from distributed import Client, KilledWorker, LocalCluster
except ImportError as error:
    raise ValueError(
        "--cluster needs the package distributed: install it with "
        "`python -m pip install 'mnistcmp[cluster]'`, or in a checkout with "
        '`python -m pip install -e ".[cluster]"`'
    ) from error

LOOK_SECONDS = 1.0
CONNECT_SECONDS = 20
# A worker may end for reasons of its own; but a run that ends three workers is to blame itself.
LOSSES_ALLOWED = 2


class Cluster(Executor):
    """The workers of a Dask scheduler, or of one that is started here for `LOCAL`.

    At most `most_workers` are used. `say` prints a line about workers that come, go or are refused.
    Raises OSError if there is no scheduler at `address`, and ValueError if it has only workers of
    another version.
    """

    def __init__(
        self,
        address: str,
        most_workers: int,
        materials: Materials,
        device: str | None,
        say: Callable[[str], None],
    ) -> None:
        self._stack = contextlib.ExitStack()
        self._most, self._device, self._say = most_workers, device, say
        self._token = uuid4().hex  # of this campaign, for its workers
        self._data = _packed(materials)
        self._hosts: dict[str, str] = {}  # of the workers that are used, by address
        self._refused: set[str] = set()
        self._running: dict[Future[object], tuple[str, Call]] = {}
        self._losses: Counter[Call] = Counter()
        self._steps: dict[str, int] = {}
        self._next_look = 0.0
        try:
            self._address = self._start_local() if address == LOCAL else address
            self._client = self._stack.enter_context(_client(self._address))
            self._client.subscribe_topic(self._token, self._count)
            # A function is not left out because an earlier call had the same arguments.
            self._executor = self._client.get_executor(pure=False, allow_other_workers=False)
            self.look()
            if self._refused and not self._hosts:
                raise ValueError(f"the cluster {self._address} has no worker that can be used")
        except BaseException:
            self._stack.close()
            raise

    @property
    def workers(self) -> int:  # type: ignore[override]
        """How many workers can be used now."""
        return len(self._hosts)

    def is_free(self) -> bool:
        """Whether a worker has no call."""
        return self._free() is not None

    def submit(self, call: Call) -> Future[object]:
        """Make the call in a free worker."""
        address = self._free()
        assert address is not None  # see is_free
        self._steps[address] = 0
        arguments = self._token, call.function, call.arguments
        future: Future[object] = self._executor.submit(
            cluster_worker.make_call, *arguments, workers=[address]
        )
        self._running[future] = address, call
        return future

    def outcome(self, future: Future[object]) -> object:
        """The result or the exception; REPEAT, up to LOSSES_ALLOWED times, if its worker ended."""
        address, call = self._running.pop(future)
        outcome = None if future.cancelled() else future.exception() or future.result()
        if not future.cancelled() and not isinstance(outcome, KilledWorker):
            return outcome
        self._hosts.pop(address, None)  # until it is greeted again
        self._losses[call] += 1
        if self._losses[call] <= LOSSES_ALLOWED:
            return REPEAT
        return WorkerDied(
            f"{self._losses[call]} workers were killed during it (perhaps memory ran out)"
        )

    def steps_done(self, future: Future[object]) -> int:
        """The optimiser steps of a call, as its worker reported them last."""
        return self._steps[self._running[future][0]]

    def look(self) -> None:
        """Greet new workers and give up those that ended; at most once in LOOK_SECONDS.

        Raises ConnectionError if the scheduler is gone.
        """
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        live = set(self._ask(self._client.nthreads))
        for address in self._hosts.keys() - live:
            self._say(f"The worker {address} on {self._hosts.pop(address)} is gone.")
        for future, (address, _) in list(self._running.items()):
            if address not in live:
                future.cancel()
        room = self._most - len(self._hosts)
        new = sorted(live - self._hosts.keys() - self._refused)[:room]
        if new:
            self._greet(new)

    def shutdown(self) -> None:
        """Stop all calls, as soon as each has trained a few more steps, and leave the cluster."""
        with contextlib.suppress(OSError, RuntimeError):
            self._executor.shutdown(wait=False)
            if self._client.status == "running" and self._hosts:
                self._on(list(self._hosts), cluster_worker.forget, self._token)
        self._stack.close()

    def _start_local(self) -> str:
        """Start a scheduler and workers on this machine -> its address."""
        folder = tempfile.TemporaryDirectory(prefix="mnistcmp-", ignore_cleanup_errors=True)
        self._stack.enter_context(folder)
        # Dask's workers give freed memory back at once, which costs training time.
        trim = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}
        self._stack.enter_context(dask.config.set(trim))
        # Its thread, and the processes that it starts, inherit that Ctrl-C is blocked: it reaches
        # only this process, which stops them. Python's tracker would unblock it when it starts.
        resource_tracker.ensure_running()
        with without_interrupts():
            cluster = LocalCluster(
                n_workers=self._most,
                threads_per_worker=1,
                memory_limit=0,  # as without a cluster: the system decides
                dashboard_address=":0",  # any free port
                local_directory=folder.name,
                silence_logs=logging.CRITICAL,
            )
        return str(self._stack.enter_context(cluster).scheduler_address)

    def _free(self) -> str | None:
        busy = {address for address, _ in self._running.values()}
        return next((address for address in self._hosts if address not in busy), None)

    def _count(self, event: tuple[float, dict[str, Any]]) -> None:
        _, message = event
        self._steps[message["worker"]] = message["steps"]

    def _greet(self, addresses: list[str]) -> None:
        """Refuse workers of another version, and send the data to the others."""
        found = self._on(addresses, cluster_worker.asked_for_facts())
        fit = []
        for address, facts in found.items():
            if isinstance(facts, OSError):
                continue  # it has just ended
            if reason := _misfit(facts):
                self._refused.add(address)
                self._say(f"The worker {address} is not used: {reason}.")
            else:
                fit.append(address)
        sha256 = hashlib.sha256(self._data).hexdigest()
        arguments = self._data, sha256, self._device, self._token
        for address, answer in self._on(fit, cluster_worker.receive, *arguments).items():
            if isinstance(answer, OSError):
                continue
            if isinstance(answer, Exception):
                self._refused.add(address)
                self._say(f"The worker {address} is not used: {answer}.")
            else:
                self._hosts[address] = answer
                self._say(f"The worker {address} on {answer} trains; {self.workers} in all.")

    def _on(self, addresses: list[str], function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on workers, outside of their calls -> each address with its answer."""
        if not addresses:
            return {}
        run = self._client.run
        return self._ask(run, function, *arguments, workers=addresses, on_error="return")

    def _ask(self, question: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            return question(*arguments, **options)
        except (OSError, TimeoutError, RuntimeError) as error:
            raise ConnectionError(f"the Dask scheduler at {self._address} is gone") from error


@contextlib.contextmanager
def _client(address: str) -> Iterator[Any]:
    """A client of the scheduler at `address`. Raises ConnectionError if none answers."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # this process says it itself
    # With another client in this process, both keep their own.
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {address} ({error}): start one with `dask scheduler`, "
            "or check the address"
        ) from error
    with client:
        yield client


def _packed(materials: Materials) -> bytes:
    """The data as a file's content; about a third of MNIST's size."""
    with tempfile.TemporaryDirectory(prefix="mnistcmp-") as folder:
        path = Path(folder) / "data.npz"
        save_materials(path, materials, compressed=True)
        return path.read_bytes()


def _misfit(facts: Facts | Exception) -> str | None:
    """Why a worker with these facts cannot be used, and the remedy; None if it can."""
    if isinstance(facts, Exception):
        return f"it does not answer ({type(facts).__name__}: {facts})"
    here = cluster_worker.facts()
    if problem := facts.get("problem"):
        return f"it cannot import mnistcmp ({problem}); install this version there"
    if facts["torch"] != here["torch"]:
        return (
            f"it has torch {facts['torch']}, and this machine {here['torch']}; install the same "
            "version and start it again"
        )
    if facts["sources"] != here["sources"]:
        return (
            "it has another version of mnistcmp than this machine (the files of the package "
            "differ); install the same version and start it again"
        )
    return None
