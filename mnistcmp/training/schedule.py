"""The order and the precision of the runs, and the estimate of the time left."""

import time
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Protocol

from mnistcmp.records import RunRow
from mnistcmp.training import machine
from mnistcmp.training.jobs import Job, Materials, Probed, probe_job, run_job
from mnistcmp.training.loop import Precision
from mnistcmp.training.recording import record
from mnistcmp.training.worker_pool import Call, Crew

# The share of a step's time that bf16 must save to be used, because its rounding can cost a small
# network accuracy: `cnn` read 0.1 points less of the validation images, the mean of three pairs of
# runs with the same seed (checkpoints/results/recipe_search.csv; one pair of conv_batchnorm shows
# no such loss). This was examined because the test accuracy of cnn was low.
BF16_MUST_SAVE = 1 / 4


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
    """A job, its precision, and its expected time."""

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
) -> list[RunRow]:
    """Train all jobs, the longest first, and record each in `folder` -> their rows.

    A failed run is recorded with its reason, and the others continue. Raises OSError if a record
    cannot be written (for example, because the disk is full); earlier records are then unchanged.
    """
    facts: RunRow = {
        "campaign": campaign,
        "device": device,
        "workers": workers,
        "machine": machine.describe(device),
        "versions": machine.versions(),
    }
    rows: list[RunRow] = []
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
        if not isinstance(outcome, Probed):
            # The probe failed; the run will fail too, and is recorded then.
            plans.append(_Plan(job, "fp32", 1, 0.0))
            continue
        precision = choose_precision(outcome.seconds)
        seconds = outcome.steps * outcome.seconds[precision]
        plans.append(_Plan(job, precision, outcome.steps, seconds))
    return plans


def choose_precision(seconds: dict[Precision, float]) -> Precision:
    """bf16 if its steps took much less time than those of fp32, otherwise fp32."""
    return "bf16" if seconds.get("bf16", inf) < (1 - BF16_MUST_SAVE) * seconds["fp32"] else "fp32"


class _Clock:
    """Estimates the time left: from the timed steps, corrected by the campaign's actual pace."""

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
        # The early pace is mostly chance. Evaluation adds to the timed training steps.
        pace = (time.monotonic() - self._started) / work_done if work_done > 30 else 1.2
        return work_left * pace


def _report(
    progress: Progress, clock: _Clock, plans: dict[Call, _Plan], steps_done: dict[Call, int]
) -> None:
    shares = {plans[call]: done / plans[call].steps for call, done in steps_done.items()}
    progress.running(
        {plan.job: share for plan, share in shares.items()}, clock.seconds_left(shares)
    )
