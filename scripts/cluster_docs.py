"""What was measured with a Dask cluster, as Markdown, for docs/CLUSTER.md."""

import json
from pathlib import Path

import pandas as pd

from mnistcmp.analysis.benchmark_tables import markdown

RUN_SECONDS = (10, 60, 300)  # of the runs in the extrapolation


def cluster(results: Path) -> str:
    """Runs an hour against processes; what 100 workers cost; where it stops to scale."""
    path = results / "benchmark_cluster.json"
    if not path.exists():
        return "Not measured yet."
    benchmark = json.loads(path.read_text())
    rows = [
        {
            "workers": str(each["workers"]),
            "runs": str(each["runs"]),
            "processes, runs an hour": f"{each['runs_an_hour']['processes']:.0f}",
            "cluster, runs an hour": f"{each['runs_an_hour']['cluster']:.0f}",
            "overhead, %": f"{100 * each['overhead']:+.1f}",
            "in single rounds, %": _range(each["overheads"]),
        }
        for each in benchmark["against_processes"]
    ]
    return (
        f"Runs of `{benchmark['model']}` with {benchmark['epochs']} epochs of "
        f"{benchmark['images']:,} images, shorter than usual so that the overhead shows; the "
        f"mean of {benchmark['rounds']} rounds, in which the two take turns:\n\n"
        f"{markdown(pd.DataFrame(rows))}\n\n{_many(benchmark)}\n\n"
        f"Measured on: {benchmark['machine']}; {benchmark['versions']}."
    )


def _range(overheads: list[float]) -> str:
    return f"{100 * min(overheads):+.1f} to {100 * max(overheads):+.1f}"


def most_workers(benchmark: dict, run_seconds: float) -> float:
    """How many workers keep the scheduler and the main process just busy, if all runs last so long.

    Both share one processor core in the benchmark, as do the workers' own messages.
    """
    a_run = benchmark["many_workers"]["busy_seconds_a_call"] + benchmark["record_seconds"]
    return run_seconds / a_run


def _many(benchmark: dict) -> str:
    many, memory = benchmark["many_workers"], benchmark["many_workers"]["peak_memory_mb"]
    limits = ", ".join(
        f"{most_workers(benchmark, seconds):,.0f} workers with runs of {seconds} s"
        for seconds in RUN_SECONDS
    )
    return (
        f"{many['workers']} workers within one process made {many['calls']:,} calls that wait "
        f"{many['wait_seconds']:g} s and return {many['result_bytes'] / 1e6:g} MB, in "
        f"{many['seconds']:.0f} s; without any cost it would take "
        f"{many['calls'] / many['workers'] * many['wait_seconds']:.0f} s. Scheduler, client and "
        f"the workers' messages together took {1000 * many['busy_seconds_a_call']:.1f} ms of "
        f"processor time a call, and their peak memory rose from {memory['start']:,} to "
        f"{memory['end']:,} MB. Recording a run takes the main process another "
        f"{1000 * benchmark['record_seconds']:.1f} ms (median).\n\n"
        f"Extrapolated, not measured: one core is then fully busy at {limits}. Beyond that, more "
        "workers do not give more runs an hour; shards do."
    )
