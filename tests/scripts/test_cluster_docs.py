"""The text about clusters: computed from the benchmark."""

import json

import benchmark_cluster
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
            "overheads": [-0.01, 0.05, 0.023],
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
    assert "| 2 | 8 | 2000 | 1960 | +2.1 | -1.0 to +5.0 |" in text
    assert "in 25 s; without any cost it would take 20 s" in text
    assert "10.0 ms of processor time a call" in text
    assert "from 500 to 700 MB" in text
    assert "Extrapolated, not measured" in text
    assert "2,000 workers with runs of 60 s" in text  # 60 / (0.01 + 0.02)


def test_longer_runs_keep_more_workers_busy():
    assert cluster_docs.most_workers(BENCHMARK, 300) == pytest.approx(10_000)


def test_nothing_is_claimed_without_a_measurement(tmp_path):
    assert cluster_docs.cluster(tmp_path) == "Not measured yet."


def test_overhead_is_that_of_all_rounds_together():
    found = benchmark_cluster.figures(4, {"processes": [10, 20], "cluster": [11, 19]})
    assert found["runs_an_hour"] == {"processes": 960, "cluster": 960}
    assert found["overhead"] == pytest.approx(0)
    assert found["overheads"] == pytest.approx([0.1, -0.05])
