"""One run: a model, a recipe, a seed and data -> weights and a record of how they came about."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcmp.catalogue.settings import Recipe
from mnistcmp.models import build
from mnistcmp.training.augment import augment
from mnistcmp.training.evaluate import Images, as_input, evaluate

Precision = Literal["fp32", "bf16"]

CHUNK_BATCHES = 64  # batches that are converted and augmented at a time: few calls, little memory
COUNTED_IMAGES = 500  # at a time, when grey levels are counted
GRADIENT_SAMPLES = 8  # steps of an epoch at which the gradient norms are read


@dataclass(frozen=True)
class Epoch:
    """What one epoch did.

    `train_loss` and `train_accuracy` are of the batches as they were trained on (augmented, with
    dropout, while the weights changed); `gradient_norms` is the mean 2-norm of the gradient of
    each layer's weight; `seconds` is training alone.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    heldout_loss: float
    heldout_accuracy: float
    seconds: float
    gradient_norms: dict[str, float]


@dataclass
class Trained:
    """A trained network and the epochs that led to it."""

    model: nn.Sequential
    epochs: list[Epoch] = field(default_factory=list)


class Diverged(Exception):
    """A loss was not a finite number."""


def train(
    name: str,
    recipe: Recipe,
    seed: int,
    training: Images,
    heldout: Images,
    *,
    classes: int = 10,
    device: str = "cpu",
    precision: Precision = "fp32",
    on_steps: Callable[[int], None] = lambda steps: None,
) -> Trained:
    """Train `name` from scratch and measure it on `heldout` after every epoch.

    The same arguments give bitwise the same weights on the same machine and number of threads.
    `on_steps` is told how many steps were done, every few dozen steps.
    Raises Diverged if the loss becomes infinite or NaN.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model, training = _prepare(name, recipe, training, device, classes)
    heldout = heldout.to(device)
    optimiser, schedule = _optimiser(model, recipe, len(training.labels))

    trained = Trained(model)
    for number in range(1, recipe.epochs + 1):
        started = time.perf_counter()
        batches = _batches(training, recipe, generator, on_steps)
        steps = math.ceil(len(training.labels) / recipe.batch_size)
        loss, accuracy, norms = _train_epoch(
            model, batches, steps, optimiser, schedule, autocast(device, precision)
        )
        seconds = time.perf_counter() - started  # reading the loss has waited for the device
        held = evaluate(model, heldout)
        # Weights that blew up in the last step show in the held-out loss alone.
        for images, value in (("training", loss), ("held-out", held.loss)):
            if not math.isfinite(value):
                raise Diverged(f"the {images} loss became {value} in epoch {number}")
        trained.epochs.append(
            Epoch(number, loss, accuracy, held.loss, held.accuracy, seconds, norms)
        )
    return trained


def probe(
    name: str, recipe: Recipe, training: Images, *, classes: int = 10, device: str = "cpu"
) -> dict[Precision, float]:
    """Seconds a training step takes in each precision, the faster of two short trials each.

    The trials take turns, so that a machine that is busy for a moment slows down both.
    """
    steps = 8
    model, training = _prepare(name, recipe, training, device, classes)
    few = Images(*(part[: steps * recipe.batch_size] for part in training))
    optimiser, _ = _optimiser(model, recipe, len(few.labels))
    seconds: dict[Precision, float] = {}
    # Apple's GPUs gain nothing from bf16, and not all of them know it.
    precisions: tuple[Precision, ...] = ("fp32",) if device == "mps" else ("fp32", "bf16")
    for trial in range(3):
        for precision in precisions:
            started = time.perf_counter()
            batches = _batches(few, recipe, torch.Generator(), lambda steps: None)
            _train_epoch(model, batches, steps, optimiser, None, autocast(device, precision))
            taken = (time.perf_counter() - started) / steps
            if trial:  # the first one warms up
                seconds[precision] = min(taken, seconds.get(precision, taken))
    return seconds


def pixel_statistics(pixels: Tensor) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel, on the scale [0, 1], of uint8 (N, C, H, W).

    No deviation is smaller than a step from one grey to the next, because it will be divided by.
    """
    means, stds = [], []
    values = torch.arange(256, dtype=torch.double, device=pixels.device) / 255
    for channel in pixels.unbind(dim=1):
        # In parts, because counting takes eight bytes for each pixel.
        parts = channel.split(COUNTED_IMAGES)
        counts = sum(torch.bincount(part.flatten(), minlength=256) for part in parts).double()
        mean = (counts * values).sum() / counts.sum()
        variance = (counts * (values - mean) ** 2).sum() / counts.sum()
        means.append(mean.item())
        stds.append(max(variance.sqrt().item(), 1 / 255))
    return means, stds


def _prepare(
    name: str, recipe: Recipe, training: Images, device: str, classes: int
) -> tuple[nn.Sequential, Images]:
    """The untrained model, normalising as the recipe says, and the images, both on `device`."""
    model = build(name, tuple(training.pixels.shape[1:]), classes)
    if recipe.normalise:
        model.normalise.set(*pixel_statistics(training.pixels))
    return model.to(device, memory_format=torch.channels_last), training.to(device)


def _optimiser(
    model: nn.Module, recipe: Recipe, count: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
    optimiser = torch.optim.Adam(
        model.parameters(),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        decoupled_weight_decay=True,  # as AdamW
        fused=True,
    )
    if recipe.schedule == "constant":
        return optimiser, None
    steps = recipe.epochs * math.ceil(count / recipe.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=recipe.learning_rate,
        total_steps=max(5, steps),  # a rise that is over in the first of four divides by 0
        pct_start=0.25,
        div_factor=25,
        final_div_factor=1e3,
        cycle_momentum=False,
    )
    return optimiser, schedule


def autocast(device: str, precision: Precision) -> AbstractContextManager:
    """The context in which the forward pass runs in that precision."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)


def _batches(
    training: Images,
    recipe: Recipe,
    generator: torch.Generator,
    on_steps: Callable[[int], None],
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of shuffled (pixels, labels) batches; the last one may be smaller."""
    order = torch.randperm(len(training.labels), generator=generator)
    for index in order.to(training.labels.device).split(CHUNK_BATCHES * recipe.batch_size):
        pixels = as_input(training.pixels[index])
        if recipe.augmentation:
            pixels = augment(pixels, recipe.augmentation, generator)
        labels = training.labels[index]
        yield from zip(
            pixels.split(recipe.batch_size), labels.split(recipe.batch_size), strict=True
        )
        on_steps(math.ceil(len(index) / recipe.batch_size))


def _train_epoch(
    model: nn.Module,
    batches: Iterator[tuple[Tensor, Tensor]],
    steps: int,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler | None,
    context: AbstractContextManager,
) -> tuple[float, float, dict[str, float]]:
    """Take every step of an epoch -> mean loss, accuracy, mean gradient norm per layer."""
    model.train()
    weights = {
        name.removesuffix(".weight"): parameter
        for name, parameter in model.named_parameters()
        if parameter.ndim in (2, 4)  # of linear layers and of convolutions
    }
    sampled_steps = set(range(steps - 1, -1, -max(1, steps // GRADIENT_SAMPLES)))
    device = next(model.parameters()).device
    # Summed on the device and in place: reading a number would wait for the device at every step.
    loss_sum = torch.zeros((), device=device)
    correct = torch.zeros((), dtype=torch.long, device=device)
    norms, count = torch.zeros(len(weights), device=device), 0
    for step, (pixels, labels) in enumerate(batches):
        with context:
            logits = model(pixels)
            loss = F.cross_entropy(logits, labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if step in sampled_steps:
            norms += torch.stack(torch._foreach_norm([w.grad for w in weights.values()]))
        optimiser.step()
        if schedule:
            schedule.step()
        loss_sum += loss.detach() * len(labels)
        correct += (logits.detach().argmax(dim=1) == labels).sum()
        count += len(labels)
    mean_norms = (norms / len(sampled_steps)).tolist()
    return (
        loss_sum.item() / count,
        correct.item() / count,
        dict(zip(weights, mean_norms, strict=True)),
    )
