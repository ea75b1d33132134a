"""The order and the precision of the runs, and the estimate of the time left.

Every kind of run (network and recipe) is timed for a moment just before its first run. To time all
kinds in advance would take minutes on a slow processor; until then, a guess gives their order.
"""

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, inf
from pathlib import Path
from typing import Protocol

from mnistcmp import machine
from mnistcmp.campaign.jobs import Finished, Job, Materials, Probed, probe_job, run_job
from mnistcmp.campaign.recording import record
from mnistcmp.campaign.workers.executors import Call, Executor
from mnistcmp.campaign.workers.worker_pool import Crew
from mnistcmp.inspection import structure
from mnistcmp.models import build
from mnistcmp.records import RunRow
from mnistcmp.training.loop import Precision

# The share of a step's time that bf16 must save to be used, because its rounding can cost a small
# network accuracy: `cnn` read 0.1 points less of the validation images, the mean of three pairs of
# runs with the same seed (checkpoints/results/recipe_search.csv; one pair of conv_batchnorm shows
# no such loss). This was examined because the test accuracy of cnn was low.
BF16_MUST_SAVE = 1 / 4

# The guessed time of a training step: a constant, and six operations per multiply-add of an image,
# at the speed of one core.
STEP_SECONDS = 1e-3
OPERATIONS_PER_SECOND = 3e10


class Progress(Protocol):
    """Receives the progress of a campaign."""

    def note(self, message: str) -> None:
        """A message to show."""

    def finished(self, job: Job, row: RunRow, done: int) -> None:
        """A run was recorded; `done` runs of the campaign are recorded now."""

    def running(self, shares: dict[Job, float], seconds_left: float) -> None:
        """The active runs and the share of each that is done; called a few times a second."""


@dataclass(frozen=True)
class _Plan:
    """A job, its precision, and its expected time, which is a guess if it `is_guess`."""

    job: Job
    precision: Precision
    steps: int
    seconds: float
    is_guess: bool = False

    @property
    def call(self) -> Call:
        return Call(run_job, (self.job, self.precision))


def run(
    jobs: list[Job],
    materials: Materials,
    folder: Path,
    *,
    campaign: str,
    workers: int,
    device: str | None,
    progress: Progress,
    cluster: str | None = None,
) -> list[RunRow]:
    """Train all jobs, the longest first, and record each in `folder` -> their rows.

    With `cluster`, the address of a Dask scheduler or LOCAL, its workers train, at most `workers`
    of them; a device of None means that each of them chooses. A failed run is recorded with its
    reason, and the others continue. Raises OSError if a record cannot be written (for example,
    because the disk is full); earlier records are then unchanged.
    """
    rows: list[RunRow] = []
    agenda = _Agenda(_guess(jobs, materials), workers)
    with _executor(cluster, workers, materials, device, progress) as crew:
        facts = _facts(campaign, crew.workers, device, cluster)
        for call, outcome in crew.each(agenda.calls(), partial(_report, progress, agenda, crew)):
            if call.function is probe_job:
                agenda.timed(call, outcome)
                continue
            plan = agenda.plans[call]
            rows.append(record(folder, plan.job, plan.precision, outcome, facts, materials.dataset))
            agenda.clock.finished(plan)
            progress.finished(plan.job, rows[-1], len(rows))
            if isinstance(outcome, Finished) and isinstance(outcome.robustness, str):
                progress.note(f"{plan.job}: robustness not measured ({outcome.robustness})")
    return rows


def _executor(
    cluster: str | None,
    workers: int,
    materials: Materials,
    device: str | None,
    progress: Progress,
) -> Executor:
    if cluster is None:
        return Crew(workers, materials, machine.choose_device(device))
    from mnistcmp.campaign.workers.cluster import Cluster  # needs an optional extra

    return Cluster(cluster, workers, materials, device, progress.note)


def _facts(campaign: str, workers: int, device: str | None, cluster: str | None) -> RunRow:
    """The columns that all runs share; a run that does not fail corrects those of its worker."""
    device = device or "unknown"
    return {
        "campaign": campaign,
        "device": device,
        "workers": workers,
        "machine": f"a worker of the cluster {cluster}" if cluster else machine.describe(device),
        "versions": machine.versions(),
    }


def _guess(jobs: list[Job], materials: Materials) -> list[_Plan]:
    """The jobs with guesses of their times, from the numbers of multiply-adds; longest first."""
    dataset, pens, _ = materials
    costs = {}
    for model in {job.model for job in jobs}:
        try:
            network = build(model, dataset.in_shape, dataset.classes)
            layers = structure.layers(network, dataset.in_shape)
        except (ValueError, RuntimeError):  # it fits neither the images nor the memory
            layers = []
        costs[model] = 6 * sum(layer.multiply_adds for layer in layers) / OPERATIONS_PER_SECOND
    plans = []
    for job in jobs:
        images = len(dataset.train_labels)
        images += len(pens.labels) if pens and job.recipe.pen_strokes else 0
        steps = job.recipe.epochs * ceil(images / job.recipe.batch_size)
        seconds = steps * (STEP_SECONDS + job.recipe.batch_size * costs[job.model])
        plans.append(_Plan(job, "fp32", steps, seconds, is_guess=True))
    return sorted(plans, key=lambda plan: -plan.seconds)


class _Agenda:
    """What is left to do, the longest first. A kind of run is timed before its first run.

    `plans` are those of the runs that were timed, by their calls.
    """

    def __init__(self, guesses: list[_Plan], workers: int) -> None:
        self.clock = _Clock(guesses, workers)
        self.plans: dict[Call, _Plan] = {}
        self._ready: deque[Call] = deque()
        kinds: defaultdict[object, list[_Plan]] = defaultdict(list)
        for guess in guesses:
            kinds[guess.job.model, guess.job.recipe].append(guess)
        self._kinds = {Call(probe_job, (kind[0].job,)): kind for kind in kinds.values()}

    def calls(self) -> Iterator[Call | None]:
        """Endless: the next call, or None if there is none before the next result."""
        untimed = deque(self._kinds)
        while True:
            if self._ready:
                yield self._ready.popleft()
            else:
                yield untimed.popleft() if untimed else None

    def timed(self, call: Call, outcome: object) -> None:
        """Choose the precision of a kind of run; its runs can start now."""
        for guess in self._kinds[call]:
            # If timing failed, the run will fail too, and is recorded then.
            plan = replace(guess, seconds=0.0, is_guess=False)
            if isinstance(outcome, Probed):
                precision = choose_precision(outcome.seconds)
                seconds = outcome.steps * outcome.seconds[precision]
                plan = _Plan(guess.job, precision, outcome.steps, seconds)
            self.clock.timed(guess, plan)
            self.plans[plan.call] = plan
            self._ready.append(plan.call)


def choose_precision(seconds: dict[Precision, float]) -> Precision:
    """bf16 if its steps took much less time than those of fp32, otherwise fp32."""
    return "bf16" if seconds.get("bf16", inf) < (1 - BF16_MUST_SAVE) * seconds["fp32"] else "fp32"


class _Clock:
    """Estimates the time left: from the timed steps, corrected by the campaign's actual pace.

    Guesses are corrected by the ratio of the timed to the guessed seconds so far.
    """

    def __init__(self, plans: list[_Plan], workers: int) -> None:
        self._started, self.workers = time.monotonic(), workers
        self._waiting = set(plans)
        self._finished_seconds = self._timed_seconds = self._guessed_seconds = 0.0

    def timed(self, guess: _Plan, plan: _Plan) -> None:
        self._waiting.remove(guess)
        self._waiting.add(plan)
        self._timed_seconds += plan.seconds
        self._guessed_seconds += guess.seconds

    def finished(self, plan: _Plan) -> None:
        self._waiting.remove(plan)
        self._finished_seconds += plan.seconds

    def seconds_left(self, shares: dict[_Plan, float]) -> float:
        ratio = self._timed_seconds / self._guessed_seconds if self._timed_seconds else 1.0
        left = [
            plan.seconds * (ratio if plan.is_guess else 1 - shares.get(plan, 0))
            for plan in self._waiting
        ]
        done = self._finished_seconds + sum(plan.seconds * share for plan, share in shares.items())
        work_left = max(sum(left) / self.workers, max(left, default=0))
        work_done = done / self.workers
        # The early pace is mostly chance. Evaluation adds to the timed training steps.
        pace = (time.monotonic() - self._started) / work_done if work_done > 30 else 1.2
        return work_left * pace


def _report(
    progress: Progress, agenda: _Agenda, crew: Executor, steps_done: dict[Call, int]
) -> None:
    agenda.clock.workers = max(1, crew.workers)
    plans = {agenda.plans[call]: done for call, done in steps_done.items() if call in agenda.plans}
    shares = {plan: done / plan.steps for plan, done in plans.items()}
    progress.running(
        {plan.job: share for plan, share in shares.items()}, agenda.clock.seconds_left(shares)
    )
