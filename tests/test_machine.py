"""The description of the machine that measures."""

import os

import pytest
import torch

from mnistcmp import machine


def test_machine_and_versions_are_described():
    assert f"{os.cpu_count()} cores" in machine.describe("cpu")
    assert machine.versions().endswith(f"torch {torch.__version__}")


def test_peak_memory_is_plausible_and_never_falls():
    before = machine.peak_memory_mb()
    ballast = torch.ones(25_000_000)  # 100 MB
    during = machine.peak_memory_mb()
    del ballast
    assert 50 < before <= during <= machine.peak_memory_mb() < 100_000


@pytest.mark.parametrize(
    ("found", "native"),
    [
        ({"avx2": True, "avx512_f": False, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_f": True, "avx512_vnni": True, "avx512_bf16": False}, False),
        ({"avx512_f": True, "avx512_bf16": True}, True),
        ({"amx_tile": True, "amx_bf16": True}, True),
        ({"neon": True, "fp16_arith": True, "bf16": False}, False),
        ({"neon": True, "bf16": True}, True),
    ],
)
def test_processor_is_asked_for_bf16_instructions(monkeypatch, found, native):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert machine.computes_in_bf16("cpu") == native


def test_gpus_are_asked_for_bf16_without_emulation(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: False)
    assert not machine.computes_in_bf16("cuda")
    assert not machine.computes_in_bf16("mps")


@pytest.mark.parametrize(
    ("device", "cores", "workers"),
    [("cpu", 16, 16), ("cuda", 16, 8), ("cuda", 4, 4), ("mps", 16, 1)],
)
def test_gpu_is_shared_by_at_most_eight_workers(monkeypatch, device, cores, workers):
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    assert machine.usual_workers(device) == workers
