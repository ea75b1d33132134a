"""The hardware and software that train and measure."""

import os
import platform
import sys
from pathlib import Path

import torch

MOST_ON_GPU = 8
BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # the last one is ARM's


def describe(device: str) -> str:
    """The hardware in one line: processor, cores, vector instructions, operating system."""
    cpuinfo = Path("/proc/cpuinfo")
    processor = platform.processor() or platform.machine()
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0].partition(":")[2].strip() if names else processor
    parts = [
        processor,
        f"{os.cpu_count()} cores",
        torch.backends.cpu.get_cpu_capability(),
        platform.system(),
    ]
    if device == "cuda":
        parts.append(torch.cuda.get_device_name())
    return ", ".join(parts)


def choose_device(wanted: str | None) -> str:
    """The device to train on: the wanted one or, if None, a GPU if there is one.

    Raises ValueError if torch does not find the wanted device.
    """
    found = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted is None:
        return next(device for device, available in found.items() if available)
    if not found[wanted]:
        available = " or ".join(device for device in found if found[device])
        raise ValueError(f"torch finds no {wanted} device here; use --device {available}")
    return wanted


def usual_workers(device: str) -> int:
    """How many processes use the device well: one per core of the processor, on a GPU fewer.

    Up to MOST_ON_GPU share one from Nvidia: eight took 6.8 s a run, four 8.0, one 23.5
    (checkpoints/results/benchmark_gpu.json). Sharing Apple's has not been measured.
    """
    cores = torch.get_num_threads()
    return {"cpu": cores, "cuda": min(cores, MOST_ON_GPU)}.get(device, 1)


def computes_in_bf16(device: str) -> bool:
    """Whether the device has bf16 instructions that can be worth a trial.

    A processor without them emulates bf16, which takes up to ten times as long as fp32.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "mps":  # Apple's GPUs gain nothing from bf16, and not all of them support it
        return False
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in BF16_INSTRUCTIONS)


def versions() -> str:
    """The software versions that results depend on."""
    return f"python {platform.python_version()}, torch {torch.__version__}"


def peak_memory_mb() -> int | None:
    """Peak resident memory of this process so far; None on Windows, which does not report it."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1 << 20) if sys.platform == "darwin" else peak // (1 << 10)
