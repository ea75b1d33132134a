"""The package in ten functions, for scripts: docs/API.md describes them.

Images are pixels in [0, 1] with bright ink, 28 × 28 for digits; networks give one logit per class.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mnistcmp import drawing, inference
from mnistcmp.analysis import statistics
from mnistcmp.catalogue.corruptions import SHIFT_DIRECTIONS, find_dial
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.checkpoints import load, load_all
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.load import load_dataset
from mnistcmp.drawing import canvas, photo
from mnistcmp.inference import Reading
from mnistcmp.models import Normalise, build
from mnistcmp.robustness import dials
from mnistcmp.robustness.breaking_points import breaking_level
from mnistcmp.training import evaluate as evaluation
from mnistcmp.training import loop
from mnistcmp.training.evaluate import Evaluation, Images

__all__ = [
    "break_digit",
    "build",
    "compare",
    "evaluate",
    "load",
    "load_all",
    "load_dataset",
    "read",
    "read_picture",
    "train",
]

RANDOM_SEEDS = 5  # pictures at each level of a dial that is random


class Difference(NamedTuple):
    """How much more accurate the first network is than the second, in percentage points.

    low, high: the ends of the 95 % interval. p_value: McNemar's exact test. images: their number.
    """

    points: float
    low: float
    high: float
    p_value: float
    images: int


def read_picture(file: Path | str) -> np.ndarray:
    """Read the digit in a photo, scan or drawing -> float32 (28, 28), prepared as MNIST was.

    The paper may be ruled, shaded or dark; the most prominent mark is taken for the digit.
    Raises PhotoError (a ValueError), with the reason, if there is no digit or the file is not a
    picture, and OSError if it cannot be read.

    >>> from mnistcmp import api
    >>> pixels = api.read_picture("examples/seven.png")
    >>> pixels.shape, pixels.dtype
    ((28, 28), dtype('float32'))
    """
    ink = photo.read(Path(file).read_bytes()).ink
    pixels = drawing.to_pixels(canvas.render([canvas.put(ink)]))
    assert pixels is not None  # `photo.read` refuses a blank picture
    return pixels


def read(pixels: np.ndarray, networks: Mapping[str, nn.Module]) -> Reading:
    """What each network reads in one image, float32 (28, 28): its digit and its probabilities.

    Raises ValueError if there are no networks or the image has another shape.

    >>> from mnistcmp import api
    >>> networks = {"mlp": api.load("mlp"), "cnn": api.load("cnn")}
    >>> reading = api.read(api.read_picture("examples/seven.png"), networks)
    >>> reading.models, reading.digits.tolist(), reading.probabilities.shape
    (('mlp', 'cnn'), [7, 7], (2, 10))
    """
    if pixels.shape != (28, 28):
        raise ValueError(f"the image has the shape {pixels.shape}, not (28, 28): see read_picture")
    (reading,) = inference.read(pixels.astype(np.float32)[None], networks)
    return reading


def train(
    network: nn.Module,
    dataset: Dataset,
    *,
    epochs: int = 5,
    learning_rate: float = 3e-3,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "cpu",
    on_epoch: Callable[[nn.Module], None] = lambda network: None,
) -> nn.Module:
    """Train a network of your own -> it, in evaluation mode, with its normalisation in front.

    network: float (N, C, H, W) -> logits (N, classes), from `build` or any module of torch. Adam,
    and a learning rate that rises to `learning_rate` and falls again (one cycle). `on_epoch` is
    called with the network before training and after each epoch.
    Raises Diverged if the loss becomes infinite or NaN: use a lower learning rate.

    >>> import torch
    >>> from mnistcmp import api
    >>> images, labels = torch.zeros(40, 28, 28, dtype=torch.uint8), torch.arange(40) % 10
    >>> toy = api.Dataset(images, labels, images, labels)
    >>> mine = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    >>> trained = api.train(mine, toy, epochs=1)
    >>> trained(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """
    torch.manual_seed(seed)  # of dropout
    if not isinstance(getattr(network, "normalise", None), Normalise):
        normalise = Normalise(dataset.in_shape[0])
        network = nn.Sequential(OrderedDict(normalise=normalise, network=network))
    assert isinstance(network, nn.Sequential)  # as `build` makes it
    recipe = Recipe("own", learning_rate, epochs, batch_size, "one_cycle", normalise=True)
    training, heldout = (Images.of(*part) for part in (dataset[:2], dataset[2:4]))
    trained = loop.fit(network, recipe, seed, training, heldout, device=device, on_epoch=on_epoch)
    return trained.model.eval()


def evaluate(network: nn.Module, images: Tensor, labels: Tensor) -> Evaluation:
    """Mean loss, accuracy in [0, 1] and predicted labels of a network, which is on the CPU.

    images: uint8 (N, H, W) or (N, C, H, W) in [0, 255]; labels: int64 (N,).

    >>> import torch
    >>> from mnistcmp import api
    >>> images, labels = torch.zeros(4, 28, 28, dtype=torch.uint8), torch.tensor([1, 1, 1, 1])
    >>> result = api.evaluate(api.load("cnn"), images, labels)
    >>> len(result.predictions), result.accuracy in (0, 1)
    (4, True)
    """
    return evaluation.evaluate(network, Images.of(images, labels))


def break_digit(
    network: nn.Module, pixels: np.ndarray, label: int, dial: str, *, direction: str = "right"
) -> list[float | None]:
    """Turn a dial until the network misreads a digit -> the first such level on each side.

    pixels: float32 (28, 28), which show the digit `label`. dial: turn, shift, size, slant, stroke,
    noise, salt_and_pepper, blur, contrast, exchange, square or coarse. Some dials, such as turn,
    have two sides, others one. A side is None if the network is right at all its levels. For a
    dial that is random, an answer counts if most of five pictures give it. `direction` is for
    shift: right, down, left or up.
    Raises ValueError for an unknown dial or direction.

    >>> from mnistcmp import api
    >>> pixels = api.read_picture("examples/seven.png")
    >>> (level,) = api.break_digit(api.load("mlp"), pixels, 7, "shift")
    >>> 0 < level < 14  # px to the right
    True
    """
    spec, image = find_dial(dial), torch.as_tensor(pixels)[None, None]
    if direction not in SHIFT_DIRECTIONS:
        raise ValueError(f"there is no direction {direction!r}: {', '.join(SHIFT_DIRECTIONS)}")
    seeds = range(RANDOM_SEEDS if spec.random else 1)
    breaks = []
    for side in spec.sides:
        levels = (spec.rest, *side)
        changed = [
            dials.apply(image, dial, level, seed=seed, direction=direction)
            for level in levels
            for seed in seeds
        ]
        with torch.inference_mode():
            answers = network(torch.cat(changed)).argmax(dim=1)
        breaks.append(breaking_level(levels, answers.numpy().reshape(len(levels), -1), label))
    return breaks


def compare(first: nn.Module, second: nn.Module, images: Tensor, labels: Tensor) -> Difference:
    """How much more accurate one network is than another on the same images, and how sure that is.

    images, labels: as for `evaluate`.

    >>> import torch
    >>> from mnistcmp import api
    >>> images, labels = torch.zeros(50, 28, 28, dtype=torch.uint8), torch.zeros(50).long()
    >>> api.compare(api.load("cnn"), api.load("cnn"), images, labels).points
    0.0
    """
    one, other = (evaluate(network, images, labels).predictions for network in (first, second))
    paired = statistics.paired(one.numpy(), other.numpy(), labels.numpy())
    points = 100 * (paired.only_first - paired.only_second) / paired.count
    half = 100 * paired.half_interval()
    return Difference(points, points - half, points + half, paired.p_value, paired.count)
