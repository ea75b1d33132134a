"""A data set as tensors in memory, with one fixed split."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnistcmp.catalogue.datasets import DIGITS

HELDOUT_IMAGES = 5_000
SPLIT_SEED = 0


class Dataset(NamedTuple):
    """One data set in memory: images uint8 in [0, 255], labels int64, indices into `class_names`.

    Images are (N, H, W) in the MNIST family and (N, C, H, W) elsewhere.
    """

    train_images: Tensor
    train_labels: Tensor  # (N,)
    test_images: Tensor
    test_labels: Tensor  # (N,)
    class_names: tuple[str, ...] = DIGITS

    @property
    def in_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        *channels, height, width = self.train_images.shape[1:]
        return (channels[0] if channels else 1), height, width

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    def split(self, protocol: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(train_images, train_labels, heldout_images, heldout_labels) of `protocol`.

        "validation": 5,000 training images are held out (a tenth, if there are fewer than 50,000);
        used for every choice.
        "final": the test set is held out; used for all reported results.
        The split is the same on every call. Raises ValueError for any other protocol.
        """
        if protocol == "final":
            return self[:4]
        if protocol != "validation":
            raise ValueError(f"unknown protocol {protocol!r}: choose 'validation' or 'final'")
        # Shuffled, because MNIST's order is not random: a nearest-mean classifier reads 79 to 82 %
        # of each block of 5,000 images except the last, which is easier (86 %).
        generator = torch.Generator().manual_seed(SPLIT_SEED)
        order = torch.randperm(len(self.train_images), generator=generator)
        count = max(1, min(HELDOUT_IMAGES, len(order) // 10))
        heldout, train = order[:count], order[count:]
        images, labels = self.train_images, self.train_labels
        return images[train], labels[train], images[heldout], labels[heldout]
