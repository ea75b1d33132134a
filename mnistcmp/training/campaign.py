"""Many runs: what is to be done, by how many workers, and how an interrupted campaign goes on.

All records are written by this process. A run is recorded when it is finished, its row last, so
that whatever interrupts a campaign costs the runs under way and nothing else.
"""

import hashlib
import json
import time
from collections.abc import Iterable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from math import inf
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import torch

from mnistcmp import checkpoints
from mnistcmp.catalogue.recipes import recipe_for, recipes_of
from mnistcmp.data.dataset import Dataset
from mnistcmp.models import build
from mnistcmp.records import KEY, Records
from mnistcmp.safe_files import write_whole
from mnistcmp.training import machine
from mnistcmp.training.jobs import Finished, Job, Materials, probe_job, run_job
from mnistcmp.training.loop import Precision
from mnistcmp.training.worker_pool import Call, Crew

# MNIST's weights read what is drawn in the app. Those of other data sets only let --check measure
# again, for which a repository that is cloned whole should not grow by megabytes a network.
LARGEST_KEPT_BYTES = 1_000_000  # of data sets other than MNIST
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


def plan(
    models: Iterable[str],
    recipes: Iterable[str],
    seeds: Iterable[int],
    *,
    dataset: str = "mnist",
    protocol: str = "final",
    epochs: int | None = None,
) -> list[Job]:
    """Every combination that there is a recipe for; `epochs` replaces what the recipes say."""
    change = {} if epochs is None else {"epochs": epochs}
    return [
        Job(dataset, model, replace(recipe_for(recipe, model, dataset), **change), seed, protocol)
        for seed, recipe, model in product(seeds, recipes, models)
        if recipe in recipes_of(model)
    ]


class Journal:
    """The note that a campaign is unfinished; it goes when the campaign is through.

    It is found by the plan it belongs to, so that the same command goes on and another does not.
    """

    def __init__(self, folder: Path, jobs: Iterable[Job], *, missing: bool) -> None:
        plan = json.dumps([missing, *(asdict(job) for job in jobs)], sort_keys=True)
        name = hashlib.sha256(plan.encode()).hexdigest()[:16]
        self._path = folder / "unfinished" / f"{name}.json"

    def campaign(self) -> str | None:
        """The id of the unfinished campaign; None if there is none."""
        if not self._path.exists():
            return None
        return json.loads(self._path.read_text())["campaign"]

    def begin(self) -> str:
        """Start a new campaign -> its id."""
        campaign = uuid4().hex[:12]
        write_whole(self._path, json.dumps({"campaign": campaign}).encode())
        return campaign

    def end(self) -> None:
        """The campaign is through."""
        self._path.unlink(missing_ok=True)


def recorded(records: Records, campaign: str | None = None) -> set[tuple[str, str, str, int, str]]:
    """Which runs need no training: (data set, model, recipe, seed, protocol).

    Of one campaign, those that are `ok`; of all (None), those whose newest row is.
    """
    runs = records.runs()
    if campaign is not None:
        runs = runs[runs["campaign"] == campaign]
    last = runs.drop_duplicates([*KEY, "protocol"], keep="last")
    done = last[last["status"] == "ok"]
    return set(done[[*KEY, "protocol"]].itertuples(index=False, name=None))


def key_of(job: Job) -> tuple[str, str, str, int, str]:
    """As `recorded` names runs."""
    return job.dataset, job.model, job.recipe.name, job.seed, job.protocol


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
            rows.append(_record(folder, plan, outcome, facts, materials.dataset))
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


def _record(
    folder: Path, plan: _Plan, outcome: object, facts: dict[str, object], dataset: Dataset
) -> dict[str, object]:
    """Write down what a run left, or what it failed of -> its row."""
    job = plan.job
    run = uuid4().hex[:12]
    key = dict(zip((*KEY, "protocol"), key_of(job), strict=True))
    row = (
        facts
        | key
        | {
            "run": run,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": json.dumps(asdict(job.recipe)),
            "precision": plan.precision,
            "epochs": job.recipe.epochs,
        }
    )
    records = Records(folder / "results")
    if not isinstance(outcome, Finished):
        row |= {"status": _reason(outcome), "params": _count_params(job.model, dataset)}
        records.append(row)
        return row
    row |= outcome.run | {"status": "ok"}
    kept = None
    if _keeps_weights(job, len(outcome.weights)):
        facts_kept = ("params", "epochs", "test_accuracy", "test_loss", "trained_on")
        kept = checkpoints.save(
            folder,
            outcome.weights,
            run=run,
            dataset=job.dataset,
            model=job.model,
            recipe=job.recipe.name,
            seed=job.seed,
            in_shape=outcome.in_shape,
            classes=dataset.classes,
            **{fact: row[fact] for fact in facts_kept},
        )
    epochs = [{"run": run} | {name: key[name] for name in KEY} | epoch for epoch in outcome.epochs]
    records.append(row, epochs, outcome.predictions)
    if kept:
        checkpoints.drop_former(folder, kept)
    return row


def _keeps_weights(job: Job, size_bytes: int) -> bool:
    small = job.dataset == "mnist" or size_bytes <= LARGEST_KEPT_BYTES
    return small and job.seed == checkpoints.SHIPPED_SEED and job.protocol == "final"


def _count_params(model: str, dataset: Dataset) -> int:
    """How many weights the model has for the data set's images; 0 if it cannot serve them."""
    try:
        with torch.device("meta"):  # shapes without numbers: neither memory nor random numbers
            built = build(model, dataset.in_shape, dataset.classes)
    except ValueError:
        return 0
    return sum(parameter.numel() for parameter in built.parameters())


def _reason(failure: object) -> str:
    """What a run failed of, in one line."""
    if isinstance(failure, BrokenProcessPool):
        return "failed: its process was ended from outside (killed, or out of memory)"
    return f"failed: {type(failure).__name__}: {failure}".replace("\n", " ")
