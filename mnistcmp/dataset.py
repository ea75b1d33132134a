"""What every data set becomes: tensors in memory, whatever files they came from."""

from typing import NamedTuple

import torch

from mnistcmp.catalogue.datasets import DIGITS


class Dataset(NamedTuple):
    """One data set in memory: images uint8 in [0, 255], labels int64, places in `class_names`.

    Images are (N, H, W) in the MNIST family and (N, C, H, W) elsewhere.
    """

    train_images: torch.Tensor
    train_labels: torch.Tensor  # (N,)
    test_images: torch.Tensor
    test_labels: torch.Tensor  # (N,)
    class_names: tuple[str, ...] = DIGITS

    @property
    def in_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        *channels, height, width = self.train_images.shape[1:]
        return (*channels, height, width) if channels else (1, height, width)

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)
