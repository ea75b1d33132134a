"""The text about the GPU: computed from the benchmark and from the records of the CPU's runs."""

import json

import gpu_docs
import pytest

from mnistcmp.records import Records
from tests.made_up import run

BENCHMARK = {
    "machine": "abacus, GPU",
    "versions": "torch",
    "recipe": "tuned",
    "seed": 0,
    "runs_at_once": 10,
    "wall_seconds": 183,
    "networks": {
        "mlp": {"test_accuracy": 0.975, "train_seconds": 6.4, "precision": "fp32"},
        "cnn": {"test_accuracy": 0.98, "train_seconds": 17.6, "precision": "fp32"},
        "fcn": {"test_accuracy": 0.9, "train_seconds": 1.0, "precision": "fp32"},
    },
    "at_once": {
        "models": ["mlp", "cnn"],
        "trials": [{"runs_at_once": 4, "runs": 8, "wall_seconds": 64}],
    },
}


@pytest.fixture
def results(tmp_path):
    records = Records(tmp_path)
    for model, accuracies in {"mlp": [0.97, 0.972], "cnn": [0.98, 0.984], "fcn": [0.9]}.items():
        for seed, accuracy in enumerate(accuracies):
            row = run(model, accuracy, dataset="mnist", recipe="tuned", seed=seed, device="cpu")
            records.append(row)
    records.append(run("fcn", 0.5, dataset="mnist", recipe="tuned", seed=1, device="cuda"))
    (tmp_path / "benchmark_gpu.json").write_text(json.dumps(BENCHMARK))
    return tmp_path


def test_networks_with_two_seeds_on_the_cpu_are_compared(results):
    table = gpu_docs.beside_cpu(BENCHMARK, Records(results).runs()).set_index("model")
    assert list(table.index) == ["mlp", "cnn"]
    assert table["difference"].round(6).to_dict() == {"mlp": 0.4, "cnn": -0.2}
    assert table["sd"].round(4).to_dict() == {"mlp": 0.1414, "cnn": 0.2828}


def test_text_has_the_differences_and_the_seconds_per_run(results):
    text = gpu_docs.gpu(results)
    assert "is +0.100 ± 0.300 percentage points" in text
    assert "at most 0.40 (`mlp`, which has a standard deviation of 0.14" in text
    assert "square of the differences is 0.316 points" in text  # sqrt((0.16 + 0.04) / 2)
    assert "seeds alone would give 0.274" in text  # sqrt((0.02 + 0.08) * 1.5 / 2)
    assert "| 4 | 8 | 64 | 8.0 |" in text
    assert "183 s" in text


def test_nothing_is_claimed_without_a_measurement(tmp_path):
    assert gpu_docs.gpu(tmp_path) == "Not measured yet."
