"""The test images under every corruption and dial, made once for all networks and processes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS
from mnistcmp.records.robustness import CLEAN
from mnistcmp.robustness.corruptions import corrupt
from mnistcmp.robustness.dials import apply

PART_IMAGES = 1_000  # images in one file
ORDER_SEED = 0


class Stress(NamedTuple):
    """What is done to images: nothing, a corruption, or a dial at one level."""

    kind: str = CLEAN
    level: float | None = None

    def __str__(self) -> str:
        return self.kind if self.level is None else f"{self.kind} {self.level:g}"

    def __call__(self, images: Tensor) -> Tensor:
        """float32 (N, 1, 28, 28) in [0, 1] -> the same."""
        if self.level is not None:
            return apply(images, self.kind, self.level)
        return images if self.kind == CLEAN else corrupt(images, self.kind)


def all_stresses() -> list[Stress]:
    """Every corruption, and every dial at each level of its ladder."""
    levels = [Stress(dial.name, level) for dial in DIALS.values() for level in dial.ladder]
    return [*map(Stress, CORRUPTIONS), *levels]


class StressedImages:
    """Test images in a fixed random order, in parts of `PART_IMAGES`, under any stress.

    A part is computed when it is first asked for and then kept in `folder`, as float32, because
    rounded to 256 grey levels it would not be the picture that the app shows. All processes that
    name the same folder share it: 1 GB if everything is measured on MNIST. Whoever made the folder
    deletes it.
    """

    def __init__(self, folder: Path, images: Tensor, labels: Tensor) -> None:
        """images: uint8 (N, 28, 28); labels: int64 (N,), here in the order of the parts."""
        # The same order everywhere: the first images are the same random sample for all networks.
        generator = torch.Generator().manual_seed(ORDER_SEED)
        order = torch.randperm(len(labels), generator=generator)
        self._folder, self._images = folder, images[order]
        self.labels = labels[order]

    def part(self, stress: Stress, number: int) -> Tensor:
        """float32 (N, 1, 28, 28) in [0, 1]: the images from `number` × `PART_IMAGES`.

        Raises OSError, with the path and the remedy, if the file cannot be written.
        """
        start = number * PART_IMAGES
        clean = self._images[start : start + PART_IMAGES].unsqueeze(1) / 255
        if stress.kind == CLEAN:
            return clean
        path = self._folder / f"{stress}_{number}.npy"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                _save(path, stress(clean))
        return torch.from_numpy(np.load(path, allow_pickle=False))


def _save(path: Path, images: Tensor) -> None:
    """Write the file completely or not at all: the process may be ended at any time."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            np.save(file, images.numpy(), allow_pickle=False)
        part.replace(path)
    except OSError as error:
        reason = f"{error.strerror}; free some space, or name another folder with TMPDIR"
        raise OSError(error.errno, reason, str(path)) from error
