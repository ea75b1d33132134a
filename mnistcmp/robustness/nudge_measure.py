"""The smallest nudges of all shipped networks, measured on fixed test digits and recorded."""

import hashlib
import math
import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from mnistcmp import checkpoints
from mnistcmp.checkpoints import Checkpoint
from mnistcmp.data.load import load_dataset
from mnistcmp.records.nudges import Entry, NudgeRecords, Transfer
from mnistcmp.robustness.nudge import STEPS, smallest_nudges

DATASET = "mnist"
DIGITS = 200
ORDER_SEED = 0  # of the digits, which are the same for all networks
BATCH = 50


@dataclass(frozen=True)
class Zoo:
    """The networks of one recipe, by name, and the N digits that they are measured on.

    images: float32 (N, 1, 28, 28) in [0, 1]; labels: int64 (N,).
    right: which of the digits each network reads correctly, bool (N,).
    """

    networks: Mapping[str, nn.Module]
    images: Tensor
    labels: Tensor
    right: Mapping[str, Tensor]

    @classmethod
    def of(cls, networks: Mapping[str, nn.Module], images: Tensor, labels: Tensor) -> "Zoo":
        """The networks, which read the digits once."""
        right = {name: _read(each, images) == labels for name, each in networks.items()}
        return cls(networks, images, labels, right)


def measure(zoo: Zoo, model: str) -> tuple[list[float | None], dict[str, Transfer]]:
    """The norms of one network's nudges, and how often they fool each other network; see Entry.

    A nudge counts for another network if the digit needed one and the other network reads the clean
    digit correctly; it is fooled if it then answers anything else than the label. The smallest
    nudge of one network rarely fools another one, so that nudges twice as large are counted, too.
    """
    norms, nudged = _nudges(zoo.networks[model], zoo.images, zoo.labels)
    doubled = (2 * nudged - zoo.images).clamp(0, 1)
    is_nudged = norms > 0  # not NaN: a nudge was found
    transfers: dict[str, Transfer] = {}
    for name, other in zoo.networks.items():
        if name != model:
            counted = is_nudged & zoo.right[name]
            fooled, fooled_doubled = (
                int((counted & (_read(other, images) != zoo.labels)).sum())
                for images in (nudged, doubled)
            )
            transfers[name] = {
                "fooled": fooled,
                "fooled_doubled": fooled_doubled,
                "digits": int(counted.sum()),
            }
    return [None if math.isnan(norm) else round(norm, 4) for norm in norms.tolist()], transfers


def unmeasured(folder: Path, recipes: Iterable[str]) -> list[Checkpoint]:
    """The networks in `folder` without a record of these weights and of all others of the recipe.

    Raises CheckpointError if the manifest is damaged, and RecordsError if the records are.
    """
    recorded = {
        (entry["sha256"], entry["compared"])
        for entry in NudgeRecords(folder / "results").entries()
        if entry["steps"] == STEPS and len(entry["norms"]) == DIGITS
    }
    found: list[Checkpoint] = []
    for recipe in recipes:
        networks = _networks_of(folder, recipe)
        compared = sha256_of_all(networks)
        found += [each for each in networks if (each.sha256, compared) not in recorded]
    return found


def sha256_of_all(networks: Iterable[Checkpoint]) -> str:
    """One sha256 for the weights of several networks, in any order."""
    return hashlib.sha256("".join(sorted(each.sha256 for each in networks)).encode()).hexdigest()


def measure_all(
    networks: Sequence[Checkpoint], folder: Path, data: Path, *, workers: int, device: str
) -> Iterator[Entry]:
    """Measure networks of `folder` in `workers` processes, and record them -> each entry when done.

    `data` is the folder of the data sets. After an interruption, what was recorded stays. Raises as
    `load_dataset`, `checkpoints.load_all` and `NudgeRecords.append` do.
    """
    records = NudgeRecords(folder / "results")
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start
    )
    try:
        running = [
            pool.submit(entry_of, checkpoint, folder, data, device) for checkpoint in networks
        ]
        for done in as_completed(running):
            records.append(done.result())
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def entry_of(checkpoint: Checkpoint, folder: Path, data: Path, device: str) -> Entry:
    """The record of one network of `folder`."""
    norms, transfers = measure(_zoo(folder, data, device, checkpoint.recipe), checkpoint.model)
    return {
        "dataset": checkpoint.dataset,
        "model": checkpoint.model,
        "recipe": checkpoint.recipe,
        "seed": checkpoint.seed,
        "sha256": checkpoint.sha256,
        "compared": sha256_of_all(_networks_of(folder, checkpoint.recipe)),
        "device": device,
        "steps": STEPS,
        "norms": norms,
        "transfers": transfers,
    }


def fixed_digits(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """DIGITS of the uint8 test images (N, H, W) and labels (N,) -> (n, 1, H, W) in [0, 1], (n,)."""
    generator = torch.Generator().manual_seed(ORDER_SEED)
    drawn = torch.randperm(len(images), generator=generator)[:DIGITS]
    return images[drawn, None] / 255, labels[drawn]


@lru_cache(maxsize=1)  # networks are measured recipe by recipe
def _zoo(folder: Path, data: Path, device: str, recipe: str) -> Zoo:
    dataset = load_dataset(DATASET, data)
    images, labels = fixed_digits(dataset.test_images, dataset.test_labels)
    networks = checkpoints.load_all(recipe, DATASET, folder)
    moved = {name: network.to(device) for name, network in networks.items()}
    return Zoo.of(moved, images.to(device), labels.to(device))


def _networks_of(folder: Path, recipe: str) -> list[Checkpoint]:
    return [
        checkpoint
        for checkpoint in checkpoints.read_manifest(folder)
        if (checkpoint.dataset, checkpoint.recipe) == (DATASET, recipe)
    ]


def _nudges(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The norms (N,) of the smallest nudges, and the nudged images."""
    batches = [
        smallest_nudges(network, *batch)
        for batch in zip(images.split(BATCH), labels.split(BATCH), strict=True)
    ]
    return (
        torch.cat([batch.norms for batch in batches]),
        torch.cat([batch.images for batch in batches]),
    )


@torch.inference_mode()
def _read(network: nn.Module, images: Tensor) -> Tensor:
    """The answers to the images, int64 (N,)."""
    return torch.cat([network(batch).argmax(dim=1) for batch in images.split(BATCH)])


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    torch.set_num_threads(1)
    # Otherwise, a GPU may round the factors of convolutions to 10 bits, and sum in any order.
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
