"""One training run: a model, a recipe, a seed and data -> a trained network and its epochs."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcmp import machine
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.models import Normalise, build
from mnistcmp.training.augment import add_noise_or_lower_contrast, augment
from mnistcmp.training.evaluate import Images, as_input, evaluate

Precision = Literal["fp32", "bf16"]

CHUNK_BATCHES = 64  # converted and augmented at once: few calls, but little memory
COUNTED_IMAGES = 500  # images per call when grey levels are counted
GRADIENT_SAMPLES = 8  # steps per epoch at which the gradient norms are recorded
TRIAL_STEPS, TRIAL_SECONDS = 8, 0.4  # of one timing trial, at most


@dataclass(frozen=True)
class Epoch:
    """The measurements of one epoch.

    `train_loss` and `train_accuracy` are measured on the training batches (augmented, with dropout,
    while the parameters change). `gradient_norms` are the mean L2 norms of the gradient of each
    layer's weight. `seconds` is training alone, without evaluation.
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
    """A trained network and its epochs."""

    model: nn.Sequential
    epochs: list[Epoch] = field(default_factory=list)


class Diverged(Exception):
    """The loss became infinite or NaN."""


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
    on_epoch: Callable[[nn.Module], None] = lambda model: None,
) -> Trained:
    """Train `name` from scratch and measure it on `heldout` after every epoch.

    The same arguments give bitwise identical weights on the same machine with the same number of
    threads. `on_steps` is called every few dozen steps with the number of new steps, `on_epoch`
    with the network before training and after every epoch.
    Raises Diverged if the loss or a gradient becomes infinite or NaN.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model, training = _prepare(name, recipe, training, device, classes)
    heldout = heldout.to(device)
    optimiser, schedule = _optimiser(model, recipe, len(training.labels))

    trained = Trained(model)
    on_epoch(model)
    for number in range(1, recipe.epochs + 1):
        started = time.perf_counter()
        batches = _batches(training, recipe, generator, on_steps)
        steps = math.ceil(len(training.labels) / recipe.batch_size)
        loss, accuracy, norms = _train_epoch(
            model, batches, steps, optimiser, schedule, autocast(device, precision)
        )
        seconds = time.perf_counter() - started  # reading the loss waited for the device
        held = evaluate(model, heldout)
        # Divergence in the very last step shows only in the held-out loss.
        gradients = {f"gradient of {layer}": norm for layer, norm in norms.items()}
        for what, value in {"training loss": loss, "held-out loss": held.loss, **gradients}.items():
            if not math.isfinite(value):
                raise Diverged(f"the {what} became {value} in epoch {number}")
        trained.epochs.append(
            Epoch(number, loss, accuracy, held.loss, held.accuracy, seconds, norms)
        )
        on_epoch(model)
    return trained


def probe(
    name: str, recipe: Recipe, training: Images, *, classes: int = 10, device: str = "cpu"
) -> dict[Precision, float]:
    """Seconds per training step in each precision: the faster of two short trials.

    The precisions take turns, so that a short load on the machine slows down both. bf16 is tried
    only on devices that compute in it, and a trial ends as soon as a step is slower than in fp32.
    """
    model, training = _prepare(name, recipe, training, device, classes)
    few = Images(*(part[: TRIAL_STEPS * recipe.batch_size] for part in training))
    optimiser, _ = _optimiser(model, recipe, len(few.labels))
    try_bf16 = machine.computes_in_bf16(device)
    fp32, bf16 = [], []
    for _ in range(3):
        fp32.append(_trial(model, few, recipe, optimiser, autocast(device, "fp32"), math.inf))
        if try_bf16:
            limit = min(fp32)
            bf16.append(_trial(model, few, recipe, optimiser, autocast(device, "bf16"), limit))
    seconds: dict[Precision, float] = {"fp32": min(fp32[1:])}  # the first one warms up
    return seconds | {"bf16": min(bf16[1:])} if try_bf16 else seconds


def _trial(
    model: nn.Module,
    images: Images,
    recipe: Recipe,
    optimiser: torch.optim.Optimizer,
    context: AbstractContextManager,
    limit_seconds: float,
) -> float:
    """Train on `images` -> seconds per step.

    It ends early after a step that takes more than `limit_seconds`, or after TRIAL_SECONDS.
    """
    steps = 0
    started = time.perf_counter()

    def while_fast(batches: Iterator[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
        nonlocal steps
        for batch in batches:
            before = time.perf_counter()
            yield batch  # the step is done when the next batch is asked for
            now, steps = time.perf_counter(), steps + 1
            if now - before > limit_seconds or now - started > TRIAL_SECONDS:
                return

    batches = while_fast(_batches(images, recipe, torch.Generator(), lambda steps: None))
    _train_epoch(model, batches, TRIAL_STEPS, optimiser, None, context)
    return (time.perf_counter() - started) / steps  # reading the loss waited for the device


def pixel_statistics(pixels: Tensor) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel of uint8 (N, C, H, W), scaled to [0, 1].

    A deviation is at least one grey level, because pixels are divided by it.
    """
    means, stds = [], []
    values = torch.arange(256, dtype=torch.double, device=pixels.device) / 255
    for channel in pixels.unbind(dim=1):
        # In parts, because counting takes eight bytes per pixel.
        parts = channel.split(COUNTED_IMAGES)
        counts = torch.zeros_like(values)
        for part in parts:
            counts += torch.bincount(part.flatten(), minlength=256)
        mean = (counts * values).sum() / counts.sum()
        variance = (counts * (values - mean) ** 2).sum() / counts.sum()
        means.append(mean.item())
        stds.append(max(variance.sqrt().item(), 1 / 255))
    return means, stds


def _prepare(
    name: str, recipe: Recipe, training: Images, device: str, classes: int
) -> tuple[nn.Sequential, Images]:
    """The untrained model, with the recipe's normalisation, and the images, both on `device`."""
    model = build(name, training.in_shape, classes)
    if recipe.normalise:
        normalise = model.get_submodule("normalise")
        assert isinstance(normalise, Normalise)  # `build` makes it
        normalise.set(*pixel_statistics(training.pixels))
    return model.to(device).to(memory_format=torch.channels_last), training.to(device)


def _optimiser(
    model: nn.Module, recipe: Recipe, count: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
    optimiser = torch.optim.Adam(
        model.parameters(),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        decoupled_weight_decay=True,  # as in AdamW
        fused=True,
    )
    if recipe.schedule == "constant":
        return optimiser, None
    steps = recipe.epochs * math.ceil(count / recipe.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=recipe.learning_rate,
        total_steps=max(5, steps),  # with four, the warm-up is one step, and torch divides by 0
        pct_start=0.25,
        div_factor=25,
        final_div_factor=1e3,
        cycle_momentum=False,
    )
    return optimiser, schedule


def autocast(device: str, precision: Precision) -> AbstractContextManager:
    """The context in which the forward pass runs in `precision`."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)


def _batches(
    training: Images,
    recipe: Recipe,
    generator: torch.Generator,
    on_steps: Callable[[int], None],
) -> Iterator[tuple[Tensor, Tensor]]:
    """The shuffled (pixels, labels) batches of one epoch; the last one may be smaller."""
    order = torch.randperm(len(training.labels), generator=generator)
    for index in order.to(training.labels.device).split(CHUNK_BATCHES * recipe.batch_size):
        pixels = as_input(training.pixels[index])
        if recipe.augmentation:
            pixels = augment(pixels, recipe.augmentation, generator)
        if recipe.noise_and_contrast:
            pixels = add_noise_or_lower_contrast(pixels, recipe.noise_and_contrast, generator)
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
    """Train for one epoch -> mean loss, accuracy, mean gradient norm per layer."""
    model.train()
    weights = {
        name.removesuffix(".weight"): parameter
        for name, parameter in model.named_parameters()
        if parameter.ndim in (2, 4)  # of linear and convolutional layers
    }
    sampled_steps = set(range(steps - 1, -1, -max(1, steps // GRADIENT_SAMPLES)))
    device = next(model.parameters()).device
    # Summed on the device: reading a number would wait for the device at every step.
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
            gradients = [w.grad for w in weights.values() if w.grad is not None]  # all have one
            norms += torch.stack(torch._foreach_norm(gradients))
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
