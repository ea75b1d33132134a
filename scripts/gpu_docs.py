"""What was measured on a GPU, as Markdown, for docs/RESULTS.md."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from mnistcmp.analysis.benchmark_tables import markdown
from mnistcmp.analysis.text import listed
from mnistcmp.models import MODELS
from mnistcmp.records import Records, newest

LEAST_SEEDS = 2  # on the CPU: one run has no spread


def gpu(results: Path) -> str:
    """One seed on a GPU beside the seeds on the CPU, and the time of several runs at once."""
    path = results / "benchmark_gpu.json"
    if not path.exists():
        return "Not measured yet."
    benchmark = json.loads(path.read_text())
    networks = benchmark["networks"]
    compared = beside_cpu(benchmark, newest(Records(results).runs()))
    text = (
        f"One run of each of {len(networks)} networks (recipe `{benchmark['recipe']}`, seed "
        f"{benchmark['seed']}), {benchmark['runs_at_once']} at once, took "
        f"{benchmark['wall_seconds']} s from start to last record, including the measurement of "
        f"robustness.{_precision(networks)}\n\n{_differences(compared)}\n\n"
        f"{markdown(_table(compared))}\n\n{_at_once(benchmark['at_once'])}\n\n"
        f"Measured on: {benchmark['machine']}; {benchmark['versions']}."
    )
    return text


def beside_cpu(benchmark: dict, runs: pd.DataFrame) -> pd.DataFrame:
    """A row per network with at least two seeds on the CPU; accuracies in percent.

    Columns: model, gpu, gpu_seconds, cpu (the mean), sd, n, cpu_seconds (the median), difference.
    """
    wanted = (runs["dataset"] == "mnist") & (runs["recipe"] == benchmark["recipe"])
    runs = runs[wanted & (runs["device"] == "cpu") & (runs["status"] == "ok")]
    rows = []
    for model in MODELS:
        of_model = runs[runs["model"] == model]
        accuracy = 100 * of_model["test_accuracy"]
        if model in benchmark["networks"] and len(of_model) >= LEAST_SEEDS:
            on_gpu = benchmark["networks"][model]
            rows.append(
                {
                    "model": model,
                    "gpu": 100 * on_gpu["test_accuracy"],
                    "gpu_seconds": on_gpu["train_seconds"],
                    "cpu": accuracy.mean(),
                    "sd": accuracy.std(),
                    "n": len(of_model),
                    "cpu_seconds": of_model["train_seconds"].median(),
                }
            )
    table = pd.DataFrame(rows)
    return table.assign(difference=table["gpu"] - table["cpu"])


def _differences(compared: pd.DataFrame) -> str:
    difference = compared["difference"]
    largest = compared.loc[difference.abs().idxmax()]
    found = np.sqrt((difference**2).mean())
    # Of one run from the mean of n others, if all have the same spread.
    expected = np.sqrt((compared["sd"] ** 2 * (1 + 1 / compared["n"])).mean())
    error = difference.std() / np.sqrt(len(compared))
    return (
        f"For the {len(compared)} networks with at least {LEAST_SEEDS} seeds on the CPU, the "
        f"accuracy on the GPU minus the mean on the CPU is {difference.mean():+.3f} ± {error:.3f} "
        f"percentage points (mean and its standard error) and at most "
        f"{abs(largest['difference']):.2f} (`{largest['model']}`, which has a standard deviation "
        f"of {largest['sd']:.2f} between seeds). The root mean square of the differences is "
        f"{found:.3f} points; the spread between the CPU's seeds alone would give {expected:.3f}."
    )


def _table(compared: pd.DataFrame) -> pd.DataFrame:
    mean = compared["cpu"].map("{:.2f}".format) + " ± " + compared["sd"].map("{:.2f}".format)
    return pd.DataFrame(
        {
            "model": compared["model"],
            "GPU, %": compared["gpu"].map("{:.2f}".format),
            "CPU, %": mean,
            "n on the CPU": compared["n"].astype(str),
            "difference": compared["difference"].round(2).add(0.0).map("{:+.2f}".format),
            "training on the GPU, s": compared["gpu_seconds"].map("{:.0f}".format),
            "training on one CPU core, s": compared["cpu_seconds"].map("{:.0f}".format),
        }
    )


def _precision(networks: dict) -> str:
    used = {each["precision"] for each in networks.values()}
    if used == {"fp32"}:
        return " Trials before the runs found bf16 not faster for any network, so all are in fp32."
    count = sum(each["precision"] == "bf16" for each in networks.values())
    return f" {count} of them were faster in bf16 and use it."


def _at_once(measured: dict) -> str:
    models = listed(f"`{model}`" for model in measured["models"])
    rows = [
        {
            "runs at once": str(trial["runs_at_once"]),
            "runs": str(trial["runs"]),
            "wall clock, s": str(trial["wall_seconds"]),
            "s per run": f"{trial['wall_seconds'] / trial['runs']:.1f}",
        }
        for trial in measured["trials"]
    ]
    return (
        "Small networks leave most of a GPU idle, so several runs share it. Wall clock of the "
        f"whole command for {models}, each way once:\n\n{markdown(pd.DataFrame(rows))}"
    )
