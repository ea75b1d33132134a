"""What every data set becomes: tensors in memory, and their one fixed split."""

from typing import NamedTuple

import torch

from mnistcmp.catalogue.datasets import DIGITS

HELDOUT_IMAGES = 5_000
SPLIT_SEED = 0


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

    def split(self, protocol: str) -> tuple[torch.Tensor, ...]:
        """(train_images, train_labels, heldout_images, heldout_labels) of `protocol`.

        "validation": 55,000 training images and the 5,000 others of the training set, for every
        choice; of a small training set, a tenth is held out.
        "final": all training images and the test set, for what is reported.
        The same images on every call. Raises ValueError on any other protocol.
        """
        if protocol == "final":
            return self[:4]
        if protocol != "validation":
            raise ValueError(f"unknown protocol {protocol!r}: choose 'validation' or 'final'")
        # At random, because MNIST's order is not: the accuracy of the nearest mean is 79 to 82 % on
        # every block of 5,000 images but the last, which is easier (86 %).
        generator = torch.Generator().manual_seed(SPLIT_SEED)
        order = torch.randperm(len(self.train_images), generator=generator)
        count = max(1, min(HELDOUT_IMAGES, len(order) // 10))
        heldout, train = order[:count], order[count:]
        images, labels = self.train_images, self.train_labels
        return images[train], labels[train], images[heldout], labels[heldout]
