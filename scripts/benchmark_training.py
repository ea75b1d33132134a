"""How fast the engine trains, against the textbook loop, on this machine.

    python scripts/benchmark_training.py
    python scripts/benchmark_training.py --models cnn mlp --rounds 5
    python scripts/benchmark_training.py --end-to-end    # all of studies 1 and 2, whole runs

Both do the same: the same model, batches of 64, the same number of Adam steps on the same images,
raw pixels. The textbook loop is a torchvision data set, a DataLoader and torch's default number of
threads. The engine works as in a campaign: one single-threaded process on each core, each training
its own copy, so that one epoch takes the elapsed time divided by the number of processes. The two
take turns; after a first round that only warms up, the median of the others counts. An epoch that
takes long is reckoned from a quarter of it. Measuring the networks is not in the times, but
for --end-to-end, where it, starting and recording are. The result is written to
checkpoints/results/benchmark_training.json, from which the README's table is made.
"""

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
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

from mnistcmp.catalogue.settings import Recipe
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.load import load_dataset
from mnistcmp.models import MODELS, build
from mnistcmp.records import default_folder, home
from mnistcmp.safe_files import write_whole
from mnistcmp.training import campaign, machine, schedule
from mnistcmp.training.jobs import Job, Materials, probe_job, run_job
from mnistcmp.training.progress import TerminalProgress
from mnistcmp.training.worker_pool import Call, Crew

RECIPE = Recipe("published", epochs=1)
EPOCH_IMAGES = 60_000
QUARTER_IMAGES = 15_040  # 235 batches
LONG_QUARTER_SECONDS = 2  # by the textbook: then a quarter of the epoch is timed, else all of it


def textbook_seconds(name: str, images: MNIST, epochs: int = 1, test: MNIST | None = None) -> float:
    """Train as the tutorials do -> seconds; with `test`, measured after each epoch and included."""
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
    """Every worker trains its own copy at the same time -> seconds a copy, by all together."""
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
    """The most operations a second that a large matrix product reaches here, on all cores."""
    size, best = 2048, float("inf")
    matrix = torch.rand(size, size).to(dtype)
    for _ in range(50):
        started = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def first(dataset: Dataset, count: int) -> Dataset:
    """The first `count` training images; hardly any test images, because measuring is not timed."""
    return Dataset(
        dataset.train_images[:count],
        dataset.train_labels[:count],
        dataset.test_images[:100],
        dataset.test_labels[:100],
    )


def compare_epochs(
    names: list[str], rounds: int, folder: Path, console: Console
) -> tuple[list[dict[str, object]], dict[str, float]]:
    """Time an epoch of each model both ways -> a row for each, and the peak FLOP/s by precision."""
    dataset, images = load_dataset("mnist", folder), MNIST(folder, transform=ToTensor())
    workers = torch.get_num_threads()
    peaks = {"fp32": peak_flops(torch.float32), "bf16": peak_flops(torch.bfloat16)}
    rows = []
    with ExitStack() as stack:
        crews = {
            count: stack.enter_context(Crew(workers, Materials(first(dataset, count)), "cpu"))
            for count in (QUARTER_IMAGES, EPOCH_IMAGES)
        }
        for name in names:
            quarter = textbook_seconds(name, Subset(images, range(QUARTER_IMAGES)))
            count = QUARTER_IMAGES if quarter > LONG_QUARTER_SECONDS else EPOCH_IMAGES
            whole = ceil(EPOCH_IMAGES / RECIPE.batch_size) / ceil(count / RECIPE.batch_size)
            crew, few = crews[count], Subset(images, range(count))
            ((_, probed),) = crew.each([Call(probe_job, (Job("mnist", name, RECIPE, 0),))])
            precision = schedule.choose_precision(probed.seconds)
            textbook, engine = [], []
            for _ in range(1 + rounds):
                textbook.append(whole * textbook_seconds(name, few))
                engine.append(whole * engine_seconds(crew, workers, name, precision))
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
                f"{name}: an epoch takes {row['textbook_seconds']:.1f} s by the textbook, "
                f"{row['engine_seconds']:.1f} s by the engine ({precision}): "
                f"{row['ratio']:.1f} times as fast"
            )
    return rows, peaks


def compare_end_to_end(folder: Path, console: Console) -> dict[str, float]:
    """Whole runs of studies 1 and 2, published recipe, one seed: everything from start to record.

    The textbook side trains and measures one model after the other; loading is not in its time.
    """
    names = [name for number in (1, 2) for name in STUDIES[number].models]
    started = time.perf_counter()
    jobs = campaign.plan(names, ["published"], [0])
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
        f"textbook {textbook:.0f} s, engine {engine:.0f} s: {textbook / engine:.1f} times"
    )
    return {
        "runs": len(jobs),
        "textbook_seconds": textbook,
        "engine_seconds": engine,
        "ratio": textbook / engine,
    }


def main() -> None:
    """Measure, print and write down."""
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
