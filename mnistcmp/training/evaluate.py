"""Measure a network's accuracy, loss and latency."""

import time
from statistics import median
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcmp.models.shapes import ImageShape

EVALUATION_BATCH = 500
LATENCY_IMAGES = 300


class Images(NamedTuple):
    """Pixels, uint8 (N, C, H, W), and labels, int64 (N,)."""

    pixels: Tensor
    labels: Tensor

    @classmethod
    def of(cls, pixels: Tensor, labels: Tensor) -> "Images":
        """From pixels with or without a channel dimension: (N, H, W) -> (N, 1, H, W)."""
        return cls(pixels if pixels.ndim == 4 else pixels.unsqueeze(1), labels)

    @property
    def in_shape(self) -> ImageShape:
        """Channels, height and width of one image."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width

    def to(self, device: str) -> "Images":
        """The same images on another device."""
        return Images(self.pixels.to(device), self.labels.to(device))


class Evaluation(NamedTuple):
    """Mean loss per image, accuracy in [0, 1], and the predicted labels, uint8 (N,)."""

    loss: float
    accuracy: float
    predictions: Tensor


def evaluate(model: nn.Module, images: Images) -> Evaluation:
    """Measure `model` in evaluation mode and fp32 on images that are on its device."""
    model.eval()
    # Summed in place: small tensors kept between the large ones of each batch would fragment the
    # heap, and the process would grow by gigabytes.
    predictions = torch.empty_like(images.labels, dtype=torch.uint8)
    loss = torch.zeros((), device=images.labels.device)
    with torch.inference_mode():
        for pixels, labels, predicted in zip(
            *(part.split(EVALUATION_BATCH) for part in (*images, predictions)), strict=True
        ):
            logits = model(as_input(pixels))
            loss += F.cross_entropy(logits, labels, reduction="sum")
            predicted.copy_(logits.argmax(dim=1))
    count = len(images.labels)
    return Evaluation(
        loss=loss.item() / count,
        accuracy=(predictions == images.labels).sum().item() / count,
        predictions=predictions.cpu(),
    )


def as_input(pixels: Tensor) -> Tensor:
    """uint8 (N, C, H, W) -> float pixels in [0, 1], in the memory format for fast convolutions."""
    return pixels.to(torch.float32, memory_format=torch.channels_last).div_(255)


def milliseconds_per_image(model: nn.Module, images: Images) -> float:
    """Median latency of `model` for a single image; the images are on its device."""
    model.eval()
    times = []
    with torch.inference_mode():
        for pixels in as_input(images.pixels[:LATENCY_IMAGES]).split(1):
            started = time.perf_counter()
            model(pixels).argmax().item()  # .item() waits for the device
            times.append(time.perf_counter() - started)
    return 1000 * median(times)
