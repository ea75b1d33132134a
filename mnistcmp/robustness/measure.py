"""The accuracy of a network under every corruption, and along the ladder of every dial."""

from contextlib import AbstractContextManager

import torch
from torch import nn

from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS, Dial
from mnistcmp.records.robustness import Measured
from mnistcmp.robustness.stressed_images import PART_IMAGES, Stress, StressedImages

LADDER_IMAGES = 1_000
SAMPLE_IMAGES = 2_000  # for the corruptions, if a network is not measured in full
BATCH = 500


def measure(network: nn.Module, images: StressedImages, *, full: bool) -> Measured:
    """Measure a network, (N, 1, 28, 28) pixels in [0, 1] -> logits, on the device it is on.

    full: the corruptions on all images, and every dial at all its levels on `LADDER_IMAGES`.
    Otherwise: the corruptions on `SAMPLE_IMAGES`. The images are the first ones of `images`, so
    they are the same for all networks. Raises as `StressedImages.part` does.
    """
    count = len(images.labels) if full else min(SAMPLE_IMAGES, len(images.labels))
    on_ladders = min(LADDER_IMAGES, len(images.labels)) if full else 0
    return {
        "images": count,
        "clean": accuracy(network, images, Stress(), count),
        "corruptions": {
            name: accuracy(network, images, Stress(name), count) for name in CORRUPTIONS
        },
        "ladder_images": on_ladders,
        "ladders": _ladders(network, images, on_ladders) if full else {},
    }


def prepare_images(images: StressedImages, stress: Stress) -> None:
    """Make the parts of `images` that `measure` needs under `stress`, if it measures in full."""
    count = len(images.labels)
    if stress.level is not None:
        count = min(LADDER_IMAGES, count)
    for start in range(0, count, PART_IMAGES):
        images.part(stress, start // PART_IMAGES)


def _ladders(
    network: nn.Module, images: StressedImages, count: int
) -> dict[str, list[tuple[float, float]]]:
    at_rest = accuracy(network, images, Stress(), count)

    def at(dial: Dial, level: float) -> float:
        if level == dial.rest:
            return at_rest
        return accuracy(network, images, Stress(dial.name, level), count)

    return {
        name: [(float(level), at(dial, level)) for level in dial.positions]
        for name, dial in DIALS.items()
    }


def accuracy(network: nn.Module, images: StressedImages, stress: Stress, count: int) -> float:
    """The share of the first `count` images that the network reads correctly under `stress`.

    In evaluation mode and in fp32, rounded to six decimals.
    """
    network.eval()
    device = next(network.parameters()).device
    right = 0
    with torch.inference_mode(), _fp32():
        for start in range(0, count, PART_IMAGES):
            pixels = images.part(stress, start // PART_IMAGES)[: count - start]
            labels = images.labels[start : start + len(pixels)]
            for batch, expected in zip(pixels.split(BATCH), labels.split(BATCH), strict=True):
                logits = network(batch.to(device, memory_format=torch.channels_last))
                right += int((logits.argmax(dim=1).cpu() == expected).sum())
    return round(right / count, 6)


def _fp32() -> AbstractContextManager[None]:
    """Without it, a GPU may round the factors of convolutions to 10 bits (TF32)."""
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
