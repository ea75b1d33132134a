"""Compare the training speed of this project's engine with the textbook loop.

    python scripts/benchmark_training.py
    python scripts/benchmark_training.py --models cnn mlp --rounds 5
    python scripts/benchmark_training.py --end-to-end    # complete runs of studies 1 and 2

Both train the same model with the same number of Adam steps, in batches of 64, on the same images,
with raw pixels. The textbook loop uses a torchvision data set, a DataLoader and torch's default
number of threads. The engine works as in a campaign: one single-threaded process per core, each
training its own copy, so the time of one epoch is the elapsed time divided by the number of
processes. The two take turns. The first round is a warm-up, and the median of the others counts.
Long epochs are computed from a quarter of an epoch. The times do not include evaluation, except
with --end-to-end, which also includes the start and the recording. The result is written to
checkpoints/results/benchmark_training.json, the source of the table in docs/RESULTS.md.
"""

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from torch import nn
from torch.utils.data import DataLoader, Subset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from mnistcmp import machine
from mnistcmp.campaign import plans, schedule
from mnistcmp.campaign.jobs import Job, Materials, probe_job, run_job
from mnistcmp.campaign.progress import TerminalProgress
from mnistcmp.campaign.workers.executors import Call
from mnistcmp.campaign.workers.worker_pool import Crew
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.load import load_dataset
from mnistcmp.models import MODELS, build
from mnistcmp.records import default_folder, home
from mnistcmp.safe_files import write_whole

RECIPE = Recipe("published", epochs=1)
EPOCH_IMAGES = 60_000
QUARTER_IMAGES = 15_040  # 235 batches
LONG_QUARTER_SECONDS = 2  # in the textbook loop; above, only a quarter of the epoch is timed


def textbook_seconds(name: str, images: MNIST, epochs: int = 1, test: MNIST | None = None) -> float:
    """Train as tutorials do -> seconds; with `test`, including an evaluation after each epoch."""
    torch.manual_seed(0)
    model = build(name)
    optimiser = torch.optim.Adam(model.parameters(), lr=RECIPE.learning_rate)
    loss_function = nn.CrossEntropyLoss()
    loader = DataLoader(images, batch_size=RECIPE.batch_size, shuffle=True)
    started = time.perf_counter()
    for _ in range(epochs):
        model.train()
        for pixels, labels in loader:
            optimiser.zero_grad()
            loss = loss_function(model(pixels), labels)
            loss.backward()
            optimiser.step()
        if test is not None:
            model.eval()
            with torch.no_grad():
                for pixels, labels in DataLoader(test, batch_size=RECIPE.batch_size):
                    (model(pixels).argmax(dim=1) == labels).sum().item()
    return time.perf_counter() - started


def engine_seconds(crew: Crew, workers: int, name: str, precision: str) -> float:
    """All workers train a copy each at the same time -> elapsed seconds per copy."""
    jobs = [Job("mnist", name, RECIPE, seed) for seed in range(workers)]
    outcomes = [
        outcome for _, outcome in crew.each(Call(run_job, (job, precision)) for job in jobs)
    ]
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return max(outcome.run["train_seconds"] for outcome in outcomes) / workers


def training_flops(name: str) -> int:
    """Floating-point operations of a forward and a backward pass for one image."""
    counter = FlopCounterMode(display=False)
    with counter:
        build(name)(torch.rand(1, 1, 28, 28)).sum().backward()
    return counter.get_total_flops()


def peak_flops(dtype: torch.dtype) -> float:
    """The highest FLOP/s of a large matrix product on all cores of this machine."""
    size, best = 2048, float("inf")
    matrix = torch.rand(size, size).to(dtype)
    for _ in range(50):
        started = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def first(dataset: Dataset, count: int) -> Dataset:
    """The first `count` training images; only 100 test images, because evaluation is not timed."""
    return Dataset(
        dataset.train_images[:count],
        dataset.train_labels[:count],
        dataset.test_images[:100],
        dataset.test_labels[:100],
    )


def compare_epochs(
    names: list[str], rounds: int, folder: Path, console: Console
) -> tuple[list[dict[str, object]], dict[str, float]]:
    """Time an epoch of each model both ways -> one row per model, and peak FLOP/s by precision."""
    dataset, images = load_dataset("mnist", folder), MNIST(folder, transform=ToTensor())
    workers = torch.get_num_threads()
    peaks = {"fp32": peak_flops(torch.float32)}
    if machine.computes_in_bf16("cpu"):
        peaks["bf16"] = peak_flops(torch.bfloat16)
    rows = []
    with ExitStack() as stack:
        crews = {
            count: stack.enter_context(Crew(workers, Materials(first(dataset, count)), "cpu"))
            for count in (QUARTER_IMAGES, EPOCH_IMAGES)
        }
        for name in names:
            quarter = textbook_seconds(name, Subset(images, range(QUARTER_IMAGES)))
            count = QUARTER_IMAGES if quarter > LONG_QUARTER_SECONDS else EPOCH_IMAGES
            scale = ceil(EPOCH_IMAGES / RECIPE.batch_size) / ceil(count / RECIPE.batch_size)
            crew, few = crews[count], Subset(images, range(count))
            ((_, probed),) = crew.each([Call(probe_job, (Job("mnist", name, RECIPE, 0),))])
            precision = schedule.choose_precision(probed.seconds)
            textbook, engine = [], []
            for _ in range(1 + rounds):
                textbook.append(scale * textbook_seconds(name, few))
                engine.append(scale * engine_seconds(crew, workers, name, precision))
            textbook, engine = textbook[1:], engine[1:]
            flops = EPOCH_IMAGES * training_flops(name)
            rows.append(
                {
                    "model": name,
                    "textbook_seconds": median(textbook),
                    "engine_seconds": median(engine),
                    "ratio": median(textbook) / median(engine),
                    "precision": precision,
                    "textbook_share_of_peak": flops / median(textbook) / peaks["fp32"],
                    "engine_share_of_peak": flops / median(engine) / peaks[precision],
                }
            )
            row = rows[-1]
            console.print(
                f"{name}: an epoch takes {row['textbook_seconds']:.1f} s with the textbook loop, "
                f"{row['engine_seconds']:.1f} s with the engine ({precision}): "
                f"{row['ratio']:.1f} times as fast"
            )
    return rows, peaks


def compare_end_to_end(folder: Path, console: Console) -> dict[str, float]:
    """Complete runs of studies 1 and 2, published recipe, one seed, from start to last record.

    The textbook loop trains and evaluates one model after the other; its time excludes loading.
    """
    names = [name for number in (1, 2) for name in STUDIES[number].models]
    started = time.perf_counter()
    planned = plans.plan(names, ["published"], [0])
    # The textbook loop does not measure robustness.
    jobs = [replace(job, robustness=None) for job in planned]
    with tempfile.TemporaryDirectory() as out, TerminalProgress(console, len(jobs)) as progress:
        rows = schedule.run(
            jobs,
            Materials(load_dataset("mnist", folder)),
            Path(out),
            campaign="benchmark",
            workers=torch.get_num_threads(),
            device="cpu",
            progress=progress,
        )
    engine = time.perf_counter() - started
    failed = [row["status"] for row in rows if row["status"] != "ok"]
    if failed:
        raise RuntimeError(f"the engine's runs failed: {failed}")
    training = MNIST(folder, transform=ToTensor())
    test = MNIST(folder, train=False, transform=ToTensor())
    textbook = 0.0
    for job in jobs:
        textbook += textbook_seconds(job.model, training, job.recipe.epochs, test)
        console.print(f"textbook: {job.model} done, {textbook:.0f} s so far")
    console.print(
        f"textbook {textbook:.0f} s, engine {engine:.0f} s: {textbook / engine:.1f} times as fast"
    )
    return {
        "runs": len(jobs),
        "textbook_seconds": textbook,
        "engine_seconds": engine,
        "ratio": textbook / engine,
    }


def main() -> None:
    """Measure, print and save."""
    studied = [name for number in (1, 2, 4) for name in STUDIES[number].models]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=studied, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--end-to-end", action="store_true")
    parser.add_argument("--data", type=Path, default=home() / "data", metavar="DIR")
    options = parser.parse_args()
    console = Console(highlight=False)
    path = default_folder() / "results" / "benchmark_training.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    facts = {
        "machine": machine.describe("cpu"),
        "versions": machine.versions(),
        "threads": torch.get_num_threads(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if options.end_to_end:
        result["end_to_end"] = compare_end_to_end(options.data, console) | facts
    else:
        rows, peaks = compare_epochs(options.models, options.rounds, options.data, console)
        result |= {"epochs": rows, "rounds": options.rounds, "peak_flops": peaks} | facts
    write_whole(path, (json.dumps(result, indent=1) + "\n").encode())
    console.print(f"written to {path}")


if __name__ == "__main__":
    main()
