"""Worker processes: each holds the data and trains one run after the other, on one thread."""

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil
from multiprocessing import connection, get_context, parent_process
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch
from torch import nn

from mnistcmp import anatomy
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.pen_digits import PenPixels
from mnistcmp.machine import peak_memory_mb
from mnistcmp.models import build
from mnistcmp.results import ACTIVATION_IMAGES
from mnistcmp.training import (
    Epoch,
    Images,
    Precision,
    evaluate,
    milliseconds_per_image,
    probe,
    train,
)

TICK_SECONDS = 0.25


@dataclass(frozen=True)
class Job:
    """One run to be done."""

    dataset: str
    model: str
    recipe: Recipe
    seed: int
    protocol: str = "final"

    def __str__(self) -> str:
        return f"{self.model}, {self.recipe.name}, seed {self.seed}"


class Materials(NamedTuple):
    """All data that a campaign needs; the pen digits are None where their file is missing."""

    dataset: Dataset
    pen_training: PenPixels | None = None
    pen_heldout: PenPixels | None = None


class Finished(NamedTuple):
    """What a run leaves: the figures of its rows, what it read, and its weights (safetensors)."""

    run: dict[str, object]
    epochs: list[dict[str, object]]
    predictions: dict[str, np.ndarray]
    weights: bytes
    in_shape: tuple[int, int, int]


class Probed(NamedTuple):
    """How many steps a job takes, and how long one takes in each precision."""

    steps: int
    seconds: dict[Precision, float]


@dataclass(frozen=True)
class Call:
    """`function(*arguments)`, to be called in a worker; `function` is probe_job or run_job."""

    function: Callable[..., object]
    arguments: tuple[object, ...]


class Worker:
    """A process of its own, so that a run that takes its process down takes no other along.

    `executor` is a plain concurrent.futures Executor; `steps_done()` tells how far its run is.
    """

    def __init__(self, materials: Materials, device: str) -> None:
        context = get_context("spawn")  # a fork would copy torch's threads in an unknown state
        self._steps = context.RawValue("q", 0)
        # As numpy arrays the data travels through a pipe; tensors would travel through shared
        # memory, of which a container often has no more than 64 MB.
        arrays = [part and _each(part, torch.Tensor, torch.Tensor.numpy) for part in materials]
        self.executor = ProcessPoolExecutor(
            1, mp_context=context, initializer=_start, initargs=(arrays, device, self._steps)
        )

    def submit(self, call: Call) -> Future:
        """Have the process do the call. Raises BrokenProcessPool if the process is gone."""
        # The first call starts the process. It is born deaf to Ctrl-C, which is its parent's to
        # handle; the parent hears it as soon as it listens again.
        with _without_interrupts():
            return self.executor.submit(call.function, *call.arguments)

    def steps_done(self) -> int:
        """Optimiser steps of the present run so far."""
        return self._steps.value


class Crew:
    """Some workers that share out calls; leaving it as a context manager stops their processes."""

    def __init__(self, count: int, materials: Materials, device: str) -> None:
        self._new_worker = partial(Worker, materials, device)
        self._idle = [self._new_worker() for _ in range(count)]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for process in multiprocessing.active_children():
            process.terminate()

    def each(
        self,
        calls: Iterable[Call],
        on_tick: Callable[[dict[Call, int]], None] = lambda steps_done: None,
    ) -> Iterator[tuple[Call, object]]:
        """Do all calls, in their order as workers become free -> each with its result when done.

        The result is the exception if it raised one, BrokenProcessPool if its process ended.
        `on_tick` is told a few times a second how many steps each call under way has done.
        """
        waiting, running = deque(calls), {}
        while waiting or running:
            while waiting and self._idle:
                worker, call = self._idle.pop(), waiting.popleft()
                try:
                    future = worker.submit(call)
                except BrokenProcessPool:  # it was killed while it had nothing to do
                    worker = self._new_worker()
                    future = worker.submit(call)
                running[future] = worker, call
            done, _ = wait(running, TICK_SECONDS, FIRST_COMPLETED)
            for future in done:
                worker, call = running.pop(future)
                outcome = future.exception() or future.result()
                if isinstance(outcome, BrokenProcessPool):
                    worker.executor.shutdown(wait=False)
                    worker = self._new_worker()
                self._idle.append(worker)
                yield call, outcome
            on_tick({call: worker.steps_done() for worker, call in running.values()})


def _each(fields: Iterable[object], kind: type, change: Callable) -> tuple[object, ...]:
    """The fields, those of one kind changed; what is of another kind, class names say, as it is."""
    return tuple(change(field) if isinstance(field, kind) else field for field in fields)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class _Here:
    """What this worker process has; set once, by `_start`."""

    materials: Materials
    device: str
    steps: object


def _start(arrays: list[tuple[object, ...] | None], device: str, steps: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_die_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True  # on a GPU too, the same seed gives the same weights
    kinds = (Dataset, PenPixels, PenPixels)
    _Here.materials = Materials(
        *(
            part and kind(*_each(part, np.ndarray, torch.from_numpy))
            for kind, part in zip(kinds, arrays, strict=True)
        )
    )
    _Here.device, _Here.steps = device, steps


def _die_with_parent() -> None:
    # A parent that was killed cannot stop its workers, and they would wait for it for ever.
    connection.wait([parent_process().sentinel])
    os._exit(1)


def probe_job(job: Job) -> Probed:
    """Time a few training steps of `job` in this worker."""
    images, _, _ = _images_of(job)
    steps = job.recipe.epochs * ceil(len(images.labels) / job.recipe.batch_size)
    classes = _Here.materials.dataset.classes
    seconds = probe(job.model, job.recipe, images, classes=classes, device=_Here.device)
    return Probed(steps, seconds)


def run_job(job: Job, precision: Precision) -> Finished:
    """Train and measure one run in this worker. Raises whatever the run failed of."""
    _Here.steps.value = 0
    training, heldout, trained_on = _images_of(job)
    heldout = heldout.to(_Here.device)
    trained = train(
        job.model,
        job.recipe,
        job.seed,
        training,
        heldout,
        classes=_Here.materials.dataset.classes,
        device=_Here.device,
        precision=precision,
        on_steps=_count_steps,
    )
    figures, predictions = _measure(trained.model, job, heldout)
    in_shape = tuple(training.pixels.shape[1:])
    figures |= {
        "params": sum(parameter.numel() for parameter in trained.model.parameters()),
        "epochs": job.recipe.epochs,
        "train_seconds": round(sum(epoch.seconds for epoch in trained.epochs), 3),
        "ms_per_image": round(milliseconds_per_image(trained.model, heldout), 4),
        "peak_memory_mb": peak_memory_mb(),
        "activation_mb": _activation_mb(job),
        "receptive_field_px": anatomy.receptive_field_px(trained.model.to("cpu"), in_shape),
        "precision": precision,
        "trained_on": trained_on,
    }
    epochs = [_epoch_row(epoch) for epoch in trained.epochs]
    return Finished(figures, epochs, predictions, _weights(trained.model), in_shape)


def _epoch_row(epoch: Epoch) -> dict[str, object]:
    row = {name: round(value, 6) for name, value in asdict(epoch).items() if type(value) is float}
    norms = {layer: float(f"{norm:.4g}") for layer, norm in epoch.gradient_norms.items()}
    return row | {"epoch": epoch.epoch, "gradient_norms": json.dumps(norms)}


def _count_steps(steps: int) -> None:
    _Here.steps.value += steps


def _images_of(job: Job) -> tuple[Images, Images, str]:
    """Training images, held-out images, and in words what the training images are."""
    pixels, labels, *heldout = _Here.materials.dataset.split(job.protocol)
    trained_on = f"{len(labels)} training images of {job.dataset}"
    pen = _Here.materials.pen_training
    if job.recipe.pen_strokes:
        pixels, labels = torch.cat([pixels, pen.images]), torch.cat([labels, pen.labels])
        trained_on += (
            f" + {len(pen.labels)} drawings of the pen strokes of {len(pen.writers.unique())} "
            "writers (UCI 81)"
        )
    return Images.of(pixels, labels), Images.of(*heldout), trained_on


def _measure(
    model: nn.Module, job: Job, heldout: Images
) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Loss and accuracy on training images, held-out images and pen digits; the predictions."""
    training = Images.of(*_Here.materials.dataset.split(job.protocol)[:2])
    sets = {"train": training, "test": heldout}
    if _Here.materials.pen_heldout:
        pen = _Here.materials.pen_heldout
        sets["pen"] = Images.of(pen.images, pen.labels)
    figures, predictions = {}, {}
    for name, images in sets.items():
        evaluation = evaluate(model, images.to(_Here.device))
        figures[f"{name}_accuracy"] = round(evaluation.accuracy, 6)
        figures[f"{name}_loss"] = round(evaluation.loss, 6)
        predictions[name] = evaluation.predictions.numpy()
    del predictions["train"]  # 60,000 labels that nobody asks for
    return figures, predictions


def _weights(model: nn.Module) -> bytes:
    state = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    return safetensors.torch.save(state)


def _activation_mb(job: Job) -> float:
    """On a network of its own, since a training step changes by what batches are normalised.

    Of as many images for every network, and in fp32, whatever it was trained in.
    """
    dataset = _Here.materials.dataset
    model = build(job.model, dataset.in_shape, dataset.classes).to(_Here.device)
    return round(anatomy.activation_megabytes(model, dataset.in_shape, ACTIVATION_IMAGES), 3)
