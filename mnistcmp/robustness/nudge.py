"""The smallest nudge: the least change of the pixels that makes a network answer something else.

The search is the fast minimum-norm attack (FMN) with the L2 norm: it follows the gradient within a
ball around the image, which shrinks while the network is fooled and grows while it is not. Unlike
in the source, a step is a share of the radius, so that it suits nudges of any size. The search
starts at the nearest boundary that the network would have if it were linear, which is the first
step of DeepFool. At the end, a bisection towards the image removes what the nudge does not need.

What it finds is an upper bound: there may be a smaller nudge. It finds none where the gradient
vanishes, for example if the network answers the same to everything.
Sources: Pintor, Roli, Brendel, Biggio 2021, "Fast Minimum-norm Adversarial Attacks through Adaptive
Norm Constraints"; Moosavi-Dezfooli, Fawzi, Frossard 2016, "DeepFool".
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

STEPS = 100
FIRST_STEP, LAST_STEP = 1.0, 1e-3  # length of a step, as a share of the ball's radius
FIRST_RESIZING, LAST_RESIZING = 0.05, 1e-3  # how much the ball grows or shrinks in a step
HALVINGS = 10  # of the bisection: the nudge is longer than needed by at most 1/1024
TINY = 1e-12  # instead of 0 in a denominator


@dataclass(frozen=True)
class Nudges:
    """The smallest nudge found for each of N images.

    images: the nudged images, float32 (N, C, H, W) in [0, 1].
    norms: float32 (N,), the L2 norms of the changes: the root of the sum of the squared changes of
    all pixels. It is 0 if the goal was reached without a nudge, and NaN if no nudge was found; the
    image is then unchanged.
    answers: int64 (N,), the class that the network answers to the nudged image.
    """

    images: Tensor
    norms: Tensor
    answers: Tensor


@dataclass(frozen=True)
class _Goal:
    """To leave the class of each image, or to reach it if `is_target`; classes: int64 (N, 1)."""

    classes: Tensor
    is_target: bool

    def of(self, rows: Tensor) -> "_Goal":
        """The goal of some of the images."""
        return _Goal(self.classes[rows], self.is_target)

    def missing(self, logits: Tensor) -> Tensor:
        """How far the logits (N, C) are from the goal, (N,); it is reached below 0."""
        own = logits.gather(1, self.classes)[:, 0]
        others = logits.scatter(1, self.classes, -math.inf).max(dim=1).values
        return others - own if self.is_target else own - others


def smallest_nudges(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    steps: int = STEPS,
) -> Nudges:
    """The smallest change of each image that makes the network answer wrongly.

    `network` is in evaluation mode and is not changed: (N, C, H, W) -> logits (N, classes).
    `images` are float32 (N, C, H, W) in [0, 1]; `labels` and `targets` are int64 (N,). With
    `targets`, the answer must be the target of the image, and not just any wrong one.
    Raises ValueError if an image is not finite and in [0, 1], or a target is the image's label.
    """
    if not ((images >= 0) & (images <= 1)).all():
        raise ValueError("a pixel is outside [0, 1] or not a number: give images with pixels in it")
    if targets is not None and (targets == labels).any():
        raise ValueError("a target is the right answer: choose a wrong one")
    goal = _Goal((labels if targets is None else targets)[:, None], targets is not None)
    nudged, norms = images.clone(), torch.zeros(len(images), device=images.device)
    with torch.no_grad():
        rows = (goal.missing(network(images)) >= 0).nonzero()[:, 0]
    if len(rows):
        nudged[rows], norms[rows] = _search(network, images[rows], goal.of(rows), steps)
    with torch.no_grad():
        answers = network(nudged).argmax(dim=1)
    return Nudges(nudged, norms, answers)


def _search(network: nn.Module, images: Tensor, goal: _Goal, steps: int) -> tuple[Tensor, Tensor]:
    """The nearest images found that reach the goal, and their distances; NaN if there is none."""
    best, shortest = torch.zeros_like(images), torch.full_like(images[:, 0, 0, 0], math.inf)
    radius = shortest  # of the ball around each image
    changes = _within(images, _first_step(network, images, goal))
    for number in range(steps):
        missing, slopes = _missing_and_slopes(network, images + changes, goal)
        norms, steepness = _norms(changes), _norms(slopes)
        reached = missing < 0
        better = reached & (norms < shortest)
        best = torch.where(_for_pixels(better), changes, best)
        shortest = torch.where(better, norms, shortest)
        resizing = _between(FIRST_RESIZING, LAST_RESIZING, number / steps)
        # Until the goal was reached once: where it would be if the network were linear.
        known = torch.where(shortest < math.inf, radius, norms + missing / steepness)
        shrunk = torch.minimum((1 - resizing) * radius, shortest)
        radius = torch.where(reached, shrunk, (1 + resizing) * known)
        step = _between(FIRST_STEP, LAST_STEP, number / steps)
        changes = changes - _for_pixels(step * radius / steepness) * slopes
        changes = changes * _for_pixels((radius / _norms(changes)).clamp(max=1))
        changes = _within(images, changes)
    best = _shortened(network, images, best, goal)
    distances = _norms(best).masked_fill(shortest == math.inf, math.nan)
    return (images + best).clamp(0, 1), distances


def _first_step(network: nn.Module, images: Tensor, goal: _Goal) -> Tensor:
    """The change to the goal, or to its nearest class, if the network were linear."""
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        logits = network(images)
        sums = logits.sum(dim=0)  # each image's slopes depend only on its own logits
        slopes = [torch.autograd.grad(each, images, retain_graph=True)[0] for each in sums]
    logits, rows = logits.detach(), torch.arange(len(images), device=images.device)
    answers = logits.argmax(dim=1)
    towards = torch.stack(slopes, dim=1)  # (N, classes, C, H, W)
    towards = towards - towards[rows, answers][:, None]
    steepness = towards.flatten(2).norm(dim=2).clamp(min=TINY)
    gaps = logits[rows, answers][:, None] - logits
    distances = (gaps / steepness).scatter(1, answers[:, None], math.inf)
    classes = goal.classes[:, 0] if goal.is_target else distances.argmin(dim=1)
    return _for_pixels((gaps / steepness**2)[rows, classes]) * towards[rows, classes]


def _missing_and_slopes(network: nn.Module, images: Tensor, goal: _Goal) -> tuple[Tensor, Tensor]:
    """How far each image is from the goal, (N,), and the gradient of this, in the images' shape."""
    images = images.requires_grad_()
    with torch.enable_grad():
        missing = goal.missing(network(images))
        (slopes,) = torch.autograd.grad(missing.sum(), images)
    return missing.detach(), slopes


@torch.no_grad()
def _shortened(network: nn.Module, images: Tensor, changes: Tensor, goal: _Goal) -> Tensor:
    """The changes without what the goal does not need, found by bisection towards the images."""
    short, enough = torch.zeros_like(changes[:, 0, 0, 0]), torch.ones_like(changes[:, 0, 0, 0])
    for _ in range(HALVINGS):
        middle = (short + enough) / 2
        reached = goal.missing(network(images + _for_pixels(middle) * changes)) < 0
        short, enough = torch.where(reached, short, middle), torch.where(reached, middle, enough)
    return _for_pixels(enough) * changes


def _within(images: Tensor, changes: Tensor) -> Tensor:
    """The changes, cut off where the changed images would leave [0, 1]."""
    return (images + changes).clamp(0, 1) - images


def _norms(changes: Tensor) -> Tensor:
    """The L2 norm of each image's change, (N,), above 0 so that it can be a denominator."""
    return changes.flatten(1).norm(dim=1).clamp(min=TINY)


def _for_pixels(values: Tensor) -> Tensor:
    """One value per image, (N,), as a factor for all its pixels, (N, 1, 1, 1)."""
    return values[:, None, None, None]


def _between(first: float, last: float, share: float) -> float:
    """From `first` to `last` along half a cosine, as `share` goes from 0 to 1."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2
