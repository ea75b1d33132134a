"""The description of the machine that measures."""

import os

import torch

from mnistcmp.training import machine


def test_machine_and_versions_are_described():
    assert f"{os.cpu_count()} cores" in machine.describe("cpu")
    assert machine.versions().endswith(f"torch {torch.__version__}")


def test_peak_memory_is_plausible_and_never_falls():
    before = machine.peak_memory_mb()
    ballast = torch.ones(25_000_000)  # 100 MB
    during = machine.peak_memory_mb()
    del ballast
    assert 50 < before <= during <= machine.peak_memory_mb() < 100_000
