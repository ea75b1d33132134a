"""Throw thousands of bad inputs at the doors of the package and report what each kind costs.

    python scripts/throw_bad_inputs.py

Every input is a valid example that was damaged: cut off, with other bytes, with other values, too
large or nested too deeply. It must be refused with the error that its door promises, or be of use.
The exit status is 1 if another error is raised (a traceback), or if an input takes more than one
second of processor time or 100 MB of memory.
"""

import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import bad_inputs
import torch

from mnistcmp import drawing
from mnistcmp.checkpoints import CheckpointError, load_checkpoint, read_manifest
from mnistcmp.data import download, image_folder
from mnistcmp.drawing import canvas, door, fabric_js, photo, share_link
from mnistcmp.drawing.canvas import DrawingError
from mnistcmp.records import Records, RecordsError, summarise

MOST_SECONDS, MOST_MB = 1, 100


def read_link(text: str) -> None:
    canvas.render(share_link.from_text(text))


def read_canvas_state(state: Any) -> None:
    report = fabric_js.read_report(state)
    canvas.render(fabric_js.from_fabric(report.objects))
    if report.rgba is not None:
        drawing.stages(report.rgba)


def read_live_picture(url: Any) -> None:
    drawing.stages(door.pixels(url))


def read_upload(content: bytes) -> None:
    drawing.stages(canvas.render([canvas.put(photo.read(content).ink)]))


def read_records(folder: Path) -> None:
    records = Records(folder)
    summarise(records.runs())
    records.epochs()
    records.write_tables()
    if problems := records.problems():
        raise RecordsError(problems[0])


def read_network(folder: Path) -> None:
    for checkpoint in read_manifest(folder):
        load_checkpoint(checkpoint, folder)


def read_images(folder: Path) -> None:
    image_folder.load(folder, "folder", folder / "cache")


class Kind(NamedTuple):
    """Inputs of one kind: how many, how to make one, the door and what it promises.

    refusals: the errors with which it may refuse an input.
    """

    inputs: int
    make: Callable[[random.Random, Path], Any]
    read: Callable[[Any], None]
    refusals: tuple[type[Exception], ...]


KINDS = {
    "links": Kind(3000, bad_inputs.link, read_link, (DrawingError,)),
    "canvas states": Kind(2500, bad_inputs.canvas_state, read_canvas_state, (DrawingError,)),
    "live pictures": Kind(1500, bad_inputs.live_picture, read_live_picture, (DrawingError,)),
    "uploads": Kind(1500, bad_inputs.upload, read_upload, (photo.PhotoError,)),
    "record lines": Kind(1000, bad_inputs.record_lines, read_records, (RecordsError,)),
    "manifests": Kind(1000, bad_inputs.manifest, read_network, (CheckpointError,)),
    "folders": Kind(500, bad_inputs.images, read_images, (ValueError, OSError)),
}


class Result(NamedTuple):
    """What happened to the inputs of one kind."""

    inputs: int
    refused: int
    accepted: int
    tracebacks: list[str]
    seconds: tuple[float, int]  # at the worst, and the input's number
    megabytes: tuple[float, int]


def throw(name: str, numbers: Iterable[int]) -> Result:
    """Make the inputs with these numbers, each from its own seed, and read them."""
    kind = KINDS[name]
    counts = {"refused": 0, "accepted": 0}
    tracebacks, seconds, megabytes = [], [], []
    for number in numbers:
        with tempfile.TemporaryDirectory() as folder:
            given = kind.make(random.Random(f"{name} {number}"), Path(folder))
            before, start = memory_mb(reset=True), time.process_time()
            try:
                kind.read(given)
                counts["accepted"] += 1
            except kind.refusals:
                counts["refused"] += 1
            except Exception:
                tracebacks.append(f"{name}, number {number}: {traceback.format_exc()}")
            seconds.append((time.process_time() - start, number))
            megabytes.append((memory_mb() - before, number))
    return Result(len(seconds), *counts.values(), tracebacks, max(seconds), max(megabytes))


def prepare() -> None:
    """Prepare a process: processor time is that of one thread, and nothing is printed."""
    torch.set_num_threads(1)
    download.console.quiet = True  # it would name the skipped files of every folder
    warnings.simplefilter("ignore")  # Pillow's, about damaged files


def memory_mb(reset: bool = False) -> float:
    """The most memory of this process since the last reset; 0 where the system is not Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024


def main() -> int:
    """Throw all inputs, two kinds at a time in new processes, and print the table."""
    print(f"{'':14} inputs  refused  accepted  tracebacks  seconds (number)  MB (number)")
    good = True
    spawn = get_context("spawn")
    with ProcessPoolExecutor(2, spawn, prepare, max_tasks_per_child=1) as pool:
        running = {name: pool.submit(throw, name, range(KINDS[name].inputs)) for name in KINDS}
        for name, future in running.items():
            each = future.result()
            (seconds, slowest), (megabytes, largest) = each.seconds, each.megabytes
            print(
                f"{name:14} {each.inputs:6} {each.refused:8} {each.accepted:9} "
                f"{len(each.tracebacks):11} {seconds:8.2f} ({slowest:6}) {megabytes:4.0f} "
                f"({largest:6})",
                *each.tracebacks[:3],
                sep="\n",
            )
            good &= not each.tracebacks
            good &= seconds <= MOST_SECONDS and megabytes <= MOST_MB
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
