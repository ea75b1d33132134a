"""Which run is trained when, in which precision, and how long the rest will take."""

import time
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Protocol

from mnistcmp.training import machine
from mnistcmp.training.jobs import Job, Materials, probe_job, run_job
from mnistcmp.training.loop import Precision
from mnistcmp.training.recording import record
from mnistcmp.training.worker_pool import Call, Crew

# The share of a step's time that bf16 must save to be used. Its rounding costs a small network
# more than a little time is worth: `cnn` read 0.1 points less of the validation images, the mean of
# three pairs of runs with the same seed (checkpoints/results/recipe_search.csv; one pair of
# conv_batchnorm shows no such loss). Looked into because cnn's test figure was low.
BF16_MUST_SAVE = 1 / 4


class Progress(Protocol):
    """Who is told how the campaign goes."""

    def note(self, message: str) -> None:
        """Something worth a line."""

    def finished(self, job: Job, row: dict[str, object], done: int) -> None:
        """A run was recorded; `done` runs of the campaign are."""

    def running(self, shares: dict[Job, float], seconds_left: float) -> None:
        """What runs now and which share of each is done, a few times a second."""


@dataclass(frozen=True)
class _Plan:
    """A job, the precision it will run in, and how long it should take."""

    job: Job
    precision: Precision
    steps: int
    seconds: float

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
    device: str,
    progress: Progress,
) -> list[dict[str, object]]:
    """Train all jobs, the longest first, and record each in `folder` -> their rows.

    A run that fails is a row with its reason, and the others go on. Raises OSError if a record
    cannot be written (a full disk, say); what was recorded before is then unharmed.
    """
    facts = {
        "campaign": campaign,
        "device": device,
        "workers": workers,
        "machine": machine.describe(device),
        "versions": machine.versions(),
    }
    rows = []
    with Crew(workers, materials, device) as crew:
        progress.note("Timing a few steps of every kind of run …")
        plans = sorted(_plans(crew, jobs), key=lambda plan: -plan.seconds)
        clock = _Clock(plans, workers)
        by_call = {plan.call: plan for plan in plans}
        for call, outcome in crew.each(by_call, partial(_report, progress, clock, by_call)):
            plan = by_call[call]
            rows.append(record(folder, plan.job, plan.precision, outcome, facts, materials.dataset))
            clock.finished(plan)
            progress.finished(plan.job, rows[-1], len(rows))
    return rows


def _plans(crew: Crew, jobs: list[Job]) -> list[_Plan]:
    """Choose each job's precision by timing a few steps of every (model, recipe)."""
    kinds = {(job.model, job.recipe): Call(probe_job, (job,)) for job in jobs}
    probed = dict(crew.each(kinds.values()))
    plans = []
    for job in jobs:
        outcome = probed[kinds[job.model, job.recipe]]
        if isinstance(outcome, BaseException):
            # It will fail again as a run, and is recorded then.
            plans.append(_Plan(job, "fp32", 1, 0.0))
            continue
        precision = choose_precision(outcome.seconds)
        seconds = outcome.steps * outcome.seconds[precision]
        plans.append(_Plan(job, precision, outcome.steps, seconds))
    return plans


def choose_precision(seconds: dict[Precision, float]) -> Precision:
    """bf16 where a step of it took clearly less time than one of fp32 did."""
    return "bf16" if seconds.get("bf16", inf) < (1 - BF16_MUST_SAVE) * seconds["fp32"] else "fp32"


class _Clock:
    """How long the rest will take: the timed steps, corrected by how the campaign really went."""

    def __init__(self, plans: list[_Plan], workers: int) -> None:
        self._started, self._workers = time.monotonic(), workers
        self._waiting = {plan: plan.seconds for plan in plans}
        self._total = sum(self._waiting.values())

    def finished(self, plan: _Plan) -> None:
        del self._waiting[plan]

    def seconds_left(self, shares: dict[_Plan, float]) -> float:
        left = {plan: s * (1 - shares.get(plan, 0)) for plan, s in self._waiting.items()}
        work_left = max(sum(left.values()) / self._workers, max(left.values(), default=0))
        work_done = (self._total - sum(left.values())) / self._workers
        # Early on, the pace so far is mostly chance, and measuring comes on top of training.
        pace = (time.monotonic() - self._started) / work_done if work_done > 30 else 1.2
        return work_left * pace


def _report(
    progress: Progress, clock: _Clock, plans: dict[Call, _Plan], steps_done: dict[Call, int]
) -> None:
    shares = {plans[call]: done / plans[call].steps for call, done in steps_done.items()}
    progress.running(
        {plan.job: share for plan, share in shares.items()}, clock.seconds_left(shares)
    )
