"""Measure what a Dask cluster costs: runs an hour against processes, and how far it scales.

    python scripts/benchmark_cluster.py

Part 1 starts 100 workers in this process, which make calls that only wait, so that the scheduler
and this program are the limit. Part 2 trains the same short runs with one and with two workers, in
processes and on a local cluster. The two take turns, and the mean of the rounds counts. The time is
from the first call to the last result, when the workers have the data already. Part 3 records one
of the runs many times. The result is written to
checkpoints/results/benchmark_cluster.json, the source of the figures in docs/CLUSTER.md.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean, median

import torch
from distributed import LocalCluster

from mnistcmp import machine
from mnistcmp.campaign import plans
from mnistcmp.campaign.jobs import Materials, run_job
from mnistcmp.campaign.recording import record
from mnistcmp.campaign.workers.cluster import Cluster
from mnistcmp.campaign.workers.executors import LOCAL, Call, Executor
from mnistcmp.campaign.workers.worker_pool import Crew
from mnistcmp.data.dataset import Dataset
from mnistcmp.records import RunRow, default_folder
from mnistcmp.safe_files import write_whole

MODEL, IMAGES, TEST_IMAGES, EPOCHS = "cnn", 60_000, 1_000, 2
RUNS_A_WORKER, ROUNDS = 2, 5
WORKERS, CALLS, WAIT_SECONDS = 100, 2_000, 1.0
RECORDINGS = 50
RESULT_BYTES = 1_000_000  # as large as the weights of a network with 250,000 parameters


def images(count: int) -> Materials:
    """So many training images of noise, with labels: they take as long to train on as digits."""
    generator = torch.Generator().manual_seed(0)
    size = count + TEST_IMAGES
    pixels = torch.randint(0, 256, (size, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (size,), generator=generator)
    return Materials(Dataset(pixels[:count], labels[:count], pixels[count:], labels[count:]))


def seconds_of(crew: Executor, calls: list[Call]) -> float:
    """Make the calls -> seconds from the first one to the last result."""
    started = time.perf_counter()
    for call, outcome in crew.each(calls):
        if isinstance(outcome, BaseException):
            raise RuntimeError(f"{call.function.__name__} failed") from outcome
    return time.perf_counter() - started


def against_processes(workers: int, materials: Materials, rounds: int) -> dict[str, object]:
    """Runs an hour with so many workers, in processes and on a local cluster."""
    jobs = plans.plan([MODEL], ["tuned"], range(workers * RUNS_A_WORKER), epochs=EPOCHS)
    jobs = [replace(job, robustness=None) for job in jobs]
    calls = [Call(run_job, (job, "fp32")) for job in jobs]
    makers: dict[str, Callable[[], Executor]] = {
        "processes": partial(Crew, workers, materials, "cpu"),
        "cluster": partial(Cluster, LOCAL, workers, materials, "cpu", lambda line: None),
    }
    seconds: dict[str, list[float]] = {name: [] for name in makers}
    with makers["processes"]() as crew, makers["cluster"]() as cluster:
        crews = {"processes": crew, "cluster": cluster}
        for each in crews.values():
            seconds_of(each, calls[:workers])  # the first calls load torch and the data
        for number in range(rounds):
            for name in sorted(crews, reverse=bool(number % 2)):
                seconds[name].append(seconds_of(crews[name], calls))
    return {"workers": workers, "runs": len(calls), **figures(len(calls), seconds)}


def figures(runs: int, seconds: dict[str, list[float]]) -> dict[str, object]:
    """Runs an hour and a cluster's overhead, from the seconds of each round with so many runs.

    overhead: of all rounds together. overheads: of each round.
    """
    means = {name: mean(times) for name, times in seconds.items()}
    pairs = zip(seconds["cluster"], seconds["processes"], strict=True)
    return {
        "runs_an_hour": {name: runs * 3600 / each for name, each in means.items()},
        "overhead": means["cluster"] / means["processes"] - 1,
        "overheads": [cluster / processes - 1 for cluster, processes in pairs],
        "seconds": seconds,
    }


def wait_and_answer(number: int, seconds: float) -> bytes:
    """A call that uses no processor -> as many bytes as the weights of a network."""
    time.sleep(seconds)
    return bytes(RESULT_BYTES)


def many_workers(materials: Materials) -> dict[str, object]:
    """The processor time of scheduler and client for each call of 100 workers, and the memory."""
    options = {"processes": False, "dashboard_address": ":0", "memory_limit": 0, "silence_logs": 60}
    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, **options) as local:
        before_mb = machine.peak_memory_mb()
        say: Callable[[str], None] = lambda line: None  # noqa: E731
        with Cluster(local.scheduler_address, WORKERS, materials, "cpu", say) as cluster:
            with_data_mb = machine.peak_memory_mb()
            calls = [Call(wait_and_answer, (number, WAIT_SECONDS)) for number in range(CALLS)]
            busy = time.process_time()
            seconds = seconds_of(cluster, calls)
            busy = time.process_time() - busy
        after_mb = machine.peak_memory_mb()
    return {
        "workers": WORKERS,
        "calls": CALLS,
        "wait_seconds": WAIT_SECONDS,
        "result_bytes": RESULT_BYTES,
        "seconds": seconds,
        "busy_seconds_a_call": busy / CALLS,
        "peak_memory_mb": {"start": before_mb, "connected": with_data_mb, "end": after_mb},
    }


def record_seconds(materials: Materials) -> float:
    """The median time that the main process needs to record a run, with its weights."""
    (job,) = plans.plan([MODEL], ["tuned"], [0], epochs=EPOCHS)
    job = replace(job, robustness=None)
    with Crew(1, materials, "cpu") as crew:
        ((_, finished),) = crew.each([Call(run_job, (job, "fp32"))])
    facts: RunRow = {"campaign": "benchmark", "workers": 1}
    times = []
    with tempfile.TemporaryDirectory(prefix="mnistcmp-") as folder:
        for _ in range(RECORDINGS):
            started = time.perf_counter()
            record(Path(folder), job, "fp32", finished, facts, materials.dataset)
            times.append(time.perf_counter() - started)
    return median(times)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--out", type=Path, default=default_folder() / "results", metavar="DIR")
    options = parser.parse_args()
    many = many_workers(images(100))  # first, because the memory's peak never falls
    materials = images(IMAGES)
    measured = {
        "machine": machine.describe("cpu"),
        "versions": machine.versions(),
        "model": MODEL,
        "images": IMAGES,
        "epochs": EPOCHS,
        "rounds": options.rounds,
        "against_processes": [
            against_processes(workers, materials, options.rounds) for workers in (1, 2)
        ],
        "many_workers": many,
        "record_seconds": record_seconds(materials),
    }
    text = json.dumps(measured, indent=1) + "\n"
    write_whole(options.out / "benchmark_cluster.json", text.encode())
    print(text)


if __name__ == "__main__":
    main()
