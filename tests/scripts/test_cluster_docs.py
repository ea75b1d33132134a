"""The text about clusters: computed from the benchmark."""

import json

import cluster_docs
import pytest

BENCHMARK = {
    "machine": "abacus",
    "versions": "torch",
    "model": "cnn",
    "images": 10_000,
    "epochs": 2,
    "rounds": 3,
    "against_processes": [
        {
            "workers": 2,
            "runs": 8,
            "runs_an_hour": {"processes": 2000.0, "cluster": 1960.0},
            "overhead": 0.021,
        }
    ],
    "many_workers": {
        "workers": 100,
        "calls": 2000,
        "wait_seconds": 1.0,
        "result_bytes": 1_000_000,
        "seconds": 25.0,
        "busy_seconds_a_call": 0.01,
        "peak_memory_mb": {"start": 500, "connected": 510, "end": 700},
    },
    "record_seconds": 0.02,
}


def test_figures_are_those_of_the_benchmark(tmp_path):
    (tmp_path / "benchmark_cluster.json").write_text(json.dumps(BENCHMARK))
    text = cluster_docs.cluster(tmp_path)
    assert "| 2 | 8 | 2000 | 1960 | +2.1 % |" in text
    assert "in 25 s; without any cost it would take 20 s" in text
    assert "10.0 ms of processor time a call" in text
    assert "from 500 to 700 MB" in text
    assert "Extrapolated, not measured" in text
    assert "2,000 workers with runs of 60 s" in text  # 60 / (0.01 + 0.02)


def test_longer_runs_keep_more_workers_busy():
    assert cluster_docs.most_workers(BENCHMARK, 300) == pytest.approx(10_000)


def test_nothing_is_claimed_without_a_measurement(tmp_path):
    assert cluster_docs.cluster(tmp_path) == "Not measured yet."
