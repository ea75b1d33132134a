"""A small pack of test images, so that the app can show digits without the data set.

It holds all labels of the test set, every test image that at least one reported run misread, and a
few that all runs read correctly. For data sets other than MNIST it holds only the labels, which the
app compares with the predictions.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistcmp.records import training_command
from mnistcmp.safe_files import DamagedFile, read_arrays, write_whole

EASY_A_CLASS = 4
HARD_A_CLASS = 6


class SamplesError(Exception):
    """The pack is missing or damaged."""


@dataclass(frozen=True)
class Samples:
    """The pack.

    labels: uint8 (N,), of all N test images. index: int64 (n,), the numbers of the test images in
    the pack, ascending. images: uint8 (n, 28, 28), those images. misread: uint16 (n,), how many of
    the `runs` reported runs misread each.
    """

    labels: np.ndarray
    index: np.ndarray
    images: np.ndarray
    misread: np.ndarray
    runs: int

    def image(self, number: int) -> np.ndarray | None:
        """The test image `number`, uint8 (28, 28); None if it is not in the pack."""
        place = np.searchsorted(self.index, number)
        if place == len(self.index) or self.index[place] != number:
            return None
        return self.images[place]

    def easy(self, digit: int) -> list[int]:
        """Positions in the pack of the digit's images that every run read correctly."""
        return np.flatnonzero((self._labels_held == digit) & (self.misread == 0)).tolist()

    def hard(self, digit: int) -> list[int]:
        """Positions in the pack of the digit's most often misread images, the worst first."""
        places = np.flatnonzero((self._labels_held == digit) & (self.misread > 0))
        worst_first = np.argsort(-self.misread[places].astype(int), kind="stable")
        return places[worst_first][:HARD_A_CLASS].tolist()

    @property
    def _labels_held(self) -> np.ndarray:
        return self.labels[self.index]


def pick(images: np.ndarray, labels: np.ndarray, predictions: Iterable[np.ndarray]) -> Samples:
    """Choose the pack from uint8 test images (N, 28, 28), labels (N,) and each run's predictions.

    Raises ValueError if there are no predictions.
    """
    rows = list(predictions)
    if not rows:
        raise ValueError(f"no run has predictions: run {training_command()}")
    misread = (np.stack(rows) != labels).sum(axis=0)
    easy = [
        np.flatnonzero((labels == digit) & (misread == 0))[:EASY_A_CLASS] for digit in range(10)
    ]
    index = np.union1d(np.flatnonzero(misread), np.concatenate(easy))
    return Samples(
        labels.astype(np.uint8),
        index,
        images[index],
        misread[index].astype(np.uint16),
        len(rows),
    )


def labels_only(labels: np.ndarray) -> Samples:
    """A pack with all labels (N,) and no images, for data sets whose images the app never shows."""
    nothing = np.zeros((0, 28, 28), np.uint8)
    return Samples(labels.astype(np.uint8), np.zeros(0, int), nothing, np.zeros(0, np.uint16), 0)


def path(folder: Path, dataset: str) -> Path:
    """The path of a data set's pack in a folder of weights and records."""
    return folder / dataset / "samples.npz"


def save(path: Path, samples: Samples) -> None:
    """Write the pack, completely or not at all. Raises OSError if that fails."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **vars(samples))
    write_whole(path, buffer.getvalue())


def load(path: Path) -> Samples:
    """Read the pack. Raises SamplesError, with the remedy, if it is missing or damaged."""
    try:
        arrays = read_arrays(path)
        runs = int(arrays.pop("runs"))
        return Samples(**arrays, runs=runs)
    except (DamagedFile, TypeError, KeyError) as error:
        problem = str(error) if isinstance(error, DamagedFile) else f"{path} is damaged ({error})"
        raise SamplesError(f"{problem}: make it with {training_command('--missing')}") from error
