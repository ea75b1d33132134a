"""What a run leaves on disk: its row, its epochs, what it read, and perhaps its weights."""

import json
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import torch

from mnistcmp import checkpoints
from mnistcmp.data.dataset import Dataset
from mnistcmp.models import build
from mnistcmp.records import KEY, Records
from mnistcmp.training.jobs import Finished, Job
from mnistcmp.training.loop import Precision

# MNIST's weights read what is drawn in the app. Those of other data sets only let --check measure
# again, for which a repository that is cloned whole should not grow by megabytes a network.
LARGEST_KEPT_BYTES = 1_000_000  # of data sets other than MNIST


def key_of(job: Job) -> tuple[str, str, str, int, str]:
    """(data set, model, recipe, seed, protocol): what names a run in the records."""
    return job.dataset, job.model, job.recipe.name, job.seed, job.protocol


def record(
    folder: Path,
    job: Job,
    precision: Precision,
    outcome: object,
    facts: dict[str, object],
    dataset: Dataset,
) -> dict[str, object]:
    """Write down in `folder` what a run left, or what it failed of -> its row.

    `outcome` is what `run_job` returned, or the exception that it ended with; `facts` are columns
    that all runs of the campaign share. Raises OSError if something cannot be written.
    """
    run = uuid4().hex[:12]
    key = dict(zip((*KEY, "protocol"), key_of(job), strict=True))
    row = (
        facts
        | key
        | {
            "run": run,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": json.dumps(asdict(job.recipe)),
            "precision": precision,
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
