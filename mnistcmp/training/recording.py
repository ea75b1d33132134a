"""Record a run on disk: its row, epochs, predictions, and sometimes its weights."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import torch

from mnistcmp import checkpoints
from mnistcmp.checkpoints import Checkpoint, Facts
from mnistcmp.data.dataset import Dataset
from mnistcmp.inspection import snapshots
from mnistcmp.models import build
from mnistcmp.records import KEY, Records, RunRow
from mnistcmp.robustness_records import Measured, RobustnessRecords
from mnistcmp.training.jobs import Finished, Job
from mnistcmp.training.loop import Precision

# The app reads drawings with the weights for MNIST. Weights for other data sets only serve --check,
# so they should not add megabytes per network to the repository.
LARGEST_KEPT_BYTES = 1_000_000  # for data sets other than MNIST


def key_of(job: Job) -> tuple[str, str, str, int, str]:
    """(data set, model, recipe, seed, protocol), which identifies a run in the records."""
    return job.dataset, job.model, job.recipe.name, job.seed, job.protocol


def record(
    folder: Path,
    job: Job,
    precision: Precision,
    outcome: object,
    facts: RunRow,
    dataset: Dataset,
) -> RunRow:
    """Record in `folder` the results of a run, or the reason of its failure -> its row.

    `outcome` is what `run_job` returned or raised; `facts` are columns that all runs of a campaign
    share. Raises OSError if something cannot be written.
    """
    run = uuid4().hex[:12]
    row: RunRow = {
        **facts,
        "run": run,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": job.dataset,
        "model": job.model,
        "recipe": job.recipe.name,
        "seed": job.seed,
        "protocol": job.protocol,
        "settings": json.dumps(asdict(job.recipe)),
        "precision": precision,
        "epochs": job.recipe.epochs,
    }
    records = Records(folder / "results")
    if not isinstance(outcome, Finished):
        row |= {"status": reason_of(outcome), "params": _count_params(job.model, dataset)}
        records.append(row)
        return row
    row |= outcome.run | {"status": "ok"}
    saved = _save_weights(folder, job, outcome, row, dataset)
    *key, _ = key_of(job)
    of_run = dict(zip(("run", *KEY), (run, *key), strict=True))
    epochs = [of_run | epoch for epoch in outcome.epochs]
    records.append(row, epochs, outcome.predictions)
    if isinstance(outcome.robustness, dict):
        sha256 = hashlib.sha256(outcome.weights).hexdigest()
        record_robustness(RobustnessRecords(records.folder), outcome.robustness, sha256, row)
    for where, checkpoint in saved:
        checkpoints.drop_former(where, checkpoint)
    return row


def _save_weights(
    folder: Path, job: Job, outcome: Finished, row: RunRow, dataset: Dataset
) -> list[tuple[Path, Checkpoint]]:
    """Save what is kept of a run's weights -> the folder and the entry of each file."""
    if not _keeps_weights(job, len(outcome.weights)):
        return []
    facts: Facts = {
        "run": row["run"],
        "dataset": job.dataset,
        "model": job.model,
        "recipe": job.recipe.name,
        "seed": job.seed,
        "in_shape": outcome.in_shape,
        "classes": dataset.classes,
        "params": row["params"],
        "epochs": row["epochs"],
        "test_accuracy": row["test_accuracy"],
        "test_loss": row["test_loss"],
        "trained_on": row["trained_on"],
    }
    saved = [(folder, checkpoints.save(folder, outcome.weights, **facts))]
    if outcome.states:
        during = snapshots.folder_in(folder)
        saved.append((during, checkpoints.save(during, outcome.states, **facts)))
    return saved


def record_robustness(
    records: RobustnessRecords, measured: Measured, sha256: str, facts: Mapping[str, object]
) -> None:
    """Record the robustness of the weights with this sha256.

    `facts` has at least KEY, the run, when it was finished, machine, versions and device.
    Raises OSError if it cannot be written.
    """
    names = (*KEY, "run", "finished", "machine", "versions", "device")
    records.append({name: facts[name] for name in names} | {"sha256": sha256, **measured})


def _keeps_weights(job: Job, size_bytes: int) -> bool:
    small = job.dataset == "mnist" or size_bytes <= LARGEST_KEPT_BYTES
    return small and job.seed == checkpoints.SHIPPED_SEED and job.protocol == "final"


def _count_params(model: str, dataset: Dataset) -> int:
    """The model's number of parameters for the data set's images; 0 if it does not fit them."""
    try:
        with torch.device("meta"):  # shapes only: needs neither memory nor random numbers
            built = build(model, dataset.in_shape, dataset.classes)
    except ValueError:
        return 0
    return sum(parameter.numel() for parameter in built.parameters())


def reason_of(failure: object) -> str:
    """The reason of a failure, in one line."""
    if isinstance(failure, BrokenProcessPool):
        return "failed: its process was killed (perhaps memory ran out)"
    reason = f"failed: {type(failure).__name__}: {failure}".replace("\n", " ")
    return reason.encode(errors="replace").decode()  # of a path that is not valid Unicode
