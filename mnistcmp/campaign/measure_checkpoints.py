"""Measure the robustness of the MNIST networks in a folder that have no record of it yet.

Only this process writes records, one for each network as soon as it is measured, so an interruption
costs only the networks that are being measured.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Protocol, cast

from mnistcmp import machine
from mnistcmp.campaign.jobs import Materials, measure_job, stress_job
from mnistcmp.campaign.orders import only_writer
from mnistcmp.campaign.recording import reason_of, record_robustness
from mnistcmp.campaign.workers.executors import Call
from mnistcmp.campaign.workers.worker_pool import Crew
from mnistcmp.checkpoints import Checkpoint, read_manifest
from mnistcmp.data.load import load_dataset
from mnistcmp.records.robustness import Measured, RobustnessRecords
from mnistcmp.robustness.stressed_images import all_stresses
from mnistcmp.safe_files import check_writable

DATASET = "mnist"


class Progress(Protocol):
    """Receives the progress."""

    def prepared(self, done: int, total: int) -> None:
        """So many of the changes of the test images have been made."""

    def measured(self, name: str, outcome: str, done: int) -> None:
        """A network was measured, or was not for the reason in `outcome`; `done` are done."""


@dataclass(frozen=True)
class Order:
    """Which networks to measure, and how.

    data: the folder of the data sets, to which MNIST is downloaded.
    folder: the folder of weights and records.
    workers, device: as in orders.Order.
    """

    models: tuple[str, ...]
    recipes: tuple[str, ...]
    data: Path
    folder: Path
    workers: int | None = None
    device: str | None = None


def measure_missing(
    order: Order,
    say: Callable[[str], None],
    show: Callable[[int], AbstractContextManager[Progress]],
) -> int:
    """Measure the networks of an order that have no record, and record them -> failures.

    `say` prints a message; `show` makes the progress display for a number of networks. Raises
    ValueError if torch does not find the device or another process writes to the folder, and as
    `load_dataset`, `read_manifest` and `RobustnessRecords.append` do.
    """
    results = order.folder / "results"
    for folder in (order.folder, results):
        check_writable(folder)
    with only_writer(order.folder):
        records = RobustnessRecords(results)
        for problem in records.problems():
            say(problem)
        trained = _trained(order)
        waiting = [entry for entry in trained if not records.is_complete(entry.sha256)]
        say(f"{len(trained) - len(waiting)} of {len(trained)} networks are measured already.")
        failed = _measure(waiting, order, records, show) if waiting else 0
        records.write_table()
    return failed


def _trained(order: Order) -> list[Checkpoint]:
    return [
        entry
        for entry in read_manifest(order.folder)
        if entry.dataset == DATASET
        and entry.model in order.models
        and entry.recipe in order.recipes
    ]


def _measure(
    waiting: list[Checkpoint],
    order: Order,
    records: RobustnessRecords,
    show: Callable[[int], AbstractContextManager[Progress]],
) -> int:
    """Measure and record all that are waiting -> the number of failures."""
    device = machine.choose_device(order.device)
    workers = order.workers or machine.usual_workers(device)
    materials = Materials(load_dataset(DATASET, order.data))
    preparing = [Call(stress_job, (stress,)) for stress in all_stresses()]
    checkpoint_of = {Call(measure_job, (entry, order.folder)): entry for entry in waiting}
    prepared = measured = failed = 0
    with show(len(waiting)) as progress, Crew(workers, materials, device) as crew:
        progress.prepared(0, len(preparing))
        for call, outcome in crew.each([*preparing, *checkpoint_of]):
            if isinstance(outcome, OSError):  # the disk is full, for example
                raise outcome
            if call not in checkpoint_of:
                prepared += 1
                progress.prepared(prepared, len(preparing))
                continue
            entry = checkpoint_of[call]
            measured += 1
            failed += not isinstance(outcome, dict)
            text = _record(records, entry, outcome, device)
            progress.measured(f"{entry.model}, {entry.recipe}", text, measured)
    return failed


def _record(
    records: RobustnessRecords, checkpoint: Checkpoint, outcome: object, device: str
) -> str:
    """Record what `measure_job` returned -> a summary; or the reason why it raised an error."""
    if not isinstance(outcome, dict):
        return reason_of(outcome)
    measured = cast(Measured, outcome)
    facts = {
        **asdict(checkpoint),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(device),
        "versions": machine.versions(),
        "device": device,
    }
    record_robustness(records, measured, checkpoint.sha256, facts)
    corrupted = mean(measured["corruptions"].values())
    return f"{100 * measured['clean']:.2f} % clean, {100 * corrupted:.2f} % corrupted"
