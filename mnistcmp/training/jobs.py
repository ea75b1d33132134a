"""The work of one worker process: train and measure a run, and return the results."""

import json
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from mnistcmp import checkpoints
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.checkpoints import Checkpoint
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.pen_digits import PenPixels
from mnistcmp.inspection import snapshots, structure
from mnistcmp.machine import peak_memory_mb
from mnistcmp.models import build
from mnistcmp.models.shapes import ImageShape
from mnistcmp.records import ACTIVATION_IMAGES, RunRow
from mnistcmp.robustness.measure import measure, prepare_images
from mnistcmp.robustness.stressed_images import Stress, StressedImages
from mnistcmp.robustness_records import Measured
from mnistcmp.training.evaluate import Images, evaluate, milliseconds_per_image
from mnistcmp.training.loop import Epoch, Precision, probe, train


@dataclass(frozen=True)
class Job:
    """One planned run, and how its network's robustness is measured: not at all, if None."""

    dataset: str
    model: str
    recipe: Recipe
    seed: int
    protocol: str = "final"
    robustness: Literal["full", "sample"] | None = None

    def __str__(self) -> str:
        return f"{self.model}, {self.recipe.name}, seed {self.seed}"


class Materials(NamedTuple):
    """All data of a campaign; the pen digits are None if their file is missing."""

    dataset: Dataset
    pen_training: PenPixels | None = None
    pen_heldout: PenPixels | None = None


class Finished(NamedTuple):
    """The results of a run: columns of its rows, its predictions, and its weights (safetensors).

    `states` are the weights before training and after each epoch, if they are to be kept.
    `robustness` is None if the job does not ask for it, or the reason why measuring it failed.
    """

    run: RunRow
    epochs: list[dict[str, object]]
    predictions: dict[str, np.ndarray]
    weights: bytes
    in_shape: ImageShape
    robustness: Measured | str | None
    states: bytes | None


class Probed(NamedTuple):
    """The number of training steps of a job, and the seconds per step in each precision."""

    steps: int
    seconds: dict[Precision, float]


class Counter(Protocol):
    """An integer that other processes may read."""

    value: int


class _Here:
    """The data, device and step counter of this worker process; set once, by `prepare`.

    `folder` is for files that all workers share.
    """

    materials: Materials
    device: str
    steps: Counter
    folder: Path


def prepare(materials: Materials, device: str, steps: Counter, folder: Path) -> None:
    """Set the data, the device, the shared step counter and the shared folder of this process."""
    _Here.materials, _Here.device, _Here.steps = materials, device, steps
    _Here.folder = folder


def probe_job(job: Job) -> Probed:
    """Time a few training steps of `job` in this worker."""
    images, _, _ = _images_of(job)
    steps = job.recipe.epochs * ceil(len(images.labels) / job.recipe.batch_size)
    classes = _Here.materials.dataset.classes
    seconds = probe(job.model, job.recipe, images, classes=classes, device=_Here.device)
    return Probed(steps, seconds)


def run_job(job: Job, precision: Precision) -> Finished:
    """Train and measure one run in this worker. Raises the error of a failed run."""
    _Here.steps.value = 0
    training, heldout, trained_on = _images_of(job)
    heldout = heldout.to(_Here.device)
    keep = job.protocol == "final" and snapshots.are_kept(
        job.dataset, job.model, job.recipe.name, job.seed
    )
    states: list[dict[str, Tensor]] = []
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
        on_epoch=lambda model: states.append(snapshots.state_of(model)) if keep else None,
    )
    figures, predictions = _measure(trained.model, job, heldout)
    in_shape = training.in_shape
    figures |= {
        "params": sum(parameter.numel() for parameter in trained.model.parameters()),
        "epochs": job.recipe.epochs,
        "train_seconds": round(sum(epoch.seconds for epoch in trained.epochs), 3),
        "ms_per_image": round(milliseconds_per_image(trained.model, heldout), 4),
        "peak_memory_mb": peak_memory_mb(),
        "activation_mb": _activation_mb(job),
        "receptive_field_px": structure.receptive_field_px(trained.model.to("cpu"), in_shape),
        "precision": precision,
        "trained_on": trained_on,
    }
    epochs = [_epoch_row(epoch) for epoch in trained.epochs]
    robustness = _robustness(trained.model, job)
    weights = _weights(trained.model)
    packed = snapshots.pack(states) if keep else None
    return Finished(figures, epochs, predictions, weights, in_shape, robustness, packed)


def measure_job(checkpoint: Checkpoint, folder: Path) -> Measured:
    """Measure the robustness of weights in `folder` in full. Raises as `load_checkpoint` does."""
    network = checkpoints.load_checkpoint(checkpoint, folder)
    return measure(network.to(_Here.device), _stressed_images(), full=True)


def stress_job(stress: Stress) -> None:
    """Make the images that `measure_job` needs under one stress, for all workers."""
    prepare_images(_stressed_images(), stress)


def _stressed_images() -> StressedImages:
    dataset = _Here.materials.dataset
    return StressedImages(_Here.folder, dataset.test_images, dataset.test_labels)


def _robustness(model: nn.Module, job: Job) -> Measured | str | None:
    """The robustness of a trained network, or why it was not measured: the run counts anyway."""
    if job.robustness is None:
        return None
    try:
        full = job.robustness == "full"
        return measure(model.to(_Here.device), _stressed_images(), full=full)
    except Exception as error:  # whatever it is, it must not cost the run
        return f"{type(error).__name__}: {error}"


def _epoch_row(epoch: Epoch) -> dict[str, object]:
    row = {name: round(value, 6) for name, value in asdict(epoch).items() if type(value) is float}
    norms = {layer: float(f"{norm:.4g}") for layer, norm in epoch.gradient_norms.items()}
    return row | {"epoch": epoch.epoch, "gradient_norms": json.dumps(norms)}


def _count_steps(steps: int) -> None:
    _Here.steps.value += steps


def _images_of(job: Job) -> tuple[Images, Images, str]:
    """Training images, held-out images, and a description of the training images."""
    pixels, labels, heldout_pixels, heldout_labels = _Here.materials.dataset.split(job.protocol)
    trained_on = f"{len(labels)} training images of {job.dataset}"
    if job.recipe.pen_strokes:
        pen = _Here.materials.pen_training
        assert pen is not None  # campaigns without pen digits have no such recipe
        pixels, labels = torch.cat([pixels, pen.images]), torch.cat([labels, pen.labels])
        trained_on += (
            f" + {len(pen.labels)} drawings of the pen strokes of {len(pen.writers.unique())} "
            "writers (UCI 81)"
        )
    heldout = Images.of(heldout_pixels, heldout_labels)
    return Images.of(pixels, labels), heldout, trained_on


def _measure(model: nn.Module, job: Job, heldout: Images) -> tuple[RunRow, dict[str, np.ndarray]]:
    """Loss and accuracy on training images, held-out images and pen digits; the predictions.

    The predictions for the training images are left out, because nothing needs them.
    """
    training = Images.of(*_Here.materials.dataset.split(job.protocol)[:2])
    train = evaluate(model, training.to(_Here.device))
    test = evaluate(model, heldout)
    figures: RunRow = {
        "train_accuracy": round(train.accuracy, 6),
        "train_loss": round(train.loss, 6),
        "test_accuracy": round(test.accuracy, 6),
        "test_loss": round(test.loss, 6),
    }
    predictions = {"test": test.predictions.numpy()}
    if pen_heldout := _Here.materials.pen_heldout:
        pen_images = Images.of(pen_heldout.images, pen_heldout.labels)
        pen = evaluate(model, pen_images.to(_Here.device))
        figures |= {"pen_accuracy": round(pen.accuracy, 6), "pen_loss": round(pen.loss, 6)}
        predictions["pen"] = pen.predictions.numpy()
    return figures, predictions


def _weights(model: nn.Module) -> bytes:
    state = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    return safetensors.torch.save(state)


def _activation_mb(job: Job) -> float:
    """The activation memory of a training step in fp32, with the same batch size for all networks.

    It is measured on a new network, because the step changes the statistics of batch normalisation.
    """
    dataset = _Here.materials.dataset
    model = build(job.model, dataset.in_shape, dataset.classes).to(_Here.device)
    return round(structure.activation_megabytes(model, dataset.in_shape, ACTIVATION_IMAGES), 3)
