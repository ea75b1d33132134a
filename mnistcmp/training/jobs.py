"""What one worker process does: it trains and measures a run, and packs what came of it."""

import json
from dataclasses import asdict, dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch
from torch import nn

from mnistcmp.catalogue.settings import Recipe
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.pen_digits import PenPixels
from mnistcmp.inspection import structure
from mnistcmp.models import build
from mnistcmp.records import ACTIVATION_IMAGES
from mnistcmp.training.evaluate import Images, evaluate, milliseconds_per_image
from mnistcmp.training.loop import Epoch, Precision, probe, train
from mnistcmp.training.machine import peak_memory_mb


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


class _Here:
    """What this worker process has; set once, by `prepare`."""

    materials: Materials
    device: str
    steps: object


def prepare(materials: Materials, device: str, steps: object) -> None:
    """Give this process its data, its device and the shared counter of its steps."""
    _Here.materials, _Here.device, _Here.steps = materials, device, steps


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
        "receptive_field_px": structure.receptive_field_px(trained.model.to("cpu"), in_shape),
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
    return round(structure.activation_megabytes(model, dataset.in_shape, ACTIVATION_IMAGES), 3)
