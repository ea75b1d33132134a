"""All networks read a drawing: what each one predicts, and their consensus.

torch, which takes a second to import, is imported only when a network reads. A recorded reading can
be shown before that.
"""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistcmp.records import training_command

if TYPE_CHECKING:
    from torch import nn

# Larger parts are slower on one processor (4.1 ms an image with 64 of them, 3.8 with 16), and their
# activations take up to 100 MB.
IMAGES_AT_ONCE = 16


@dataclass(frozen=True)
class Reading:
    """Every network's prediction for one image.

    models: the networks' names. probabilities: float32 (models, 10), each row sums to 1.
    """

    models: tuple[str, ...]
    probabilities: np.ndarray

    @property
    def digits(self) -> np.ndarray:
        """Each network's most probable digit, int (models,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidences(self) -> np.ndarray:
        """Each network's probability for its digit, in [0, 1], (models,)."""
        return self.probabilities.max(axis=1)

    @property
    def certainty(self) -> float:
        """The networks' common certainty, in [0, 1]; see the function `certainty`."""
        return float(certainty(self.probabilities[:, None])[0])

    def of(self, models: Sequence[str]) -> "Reading":
        """The same reading with only these of its networks, in this order."""
        rows = [self.models.index(model) for model in models]
        return Reading(tuple(models), self.probabilities[rows])


@dataclass(frozen=True)
class Consensus:
    """The networks' common prediction; `digit` is None if they are not sure."""

    digit: int | None
    agreeing: int
    disagreeing: tuple[str, ...]


def probabilities(images: np.ndarray, models: Mapping[str, "nn.Module"]) -> np.ndarray:
    """float32 (N, 28, 28) pixels in [0, 1], ink bright -> float32 (models, N, 10).

    Raises ValueError if there are no networks.
    """
    if not models:
        raise ValueError(f"there is no network: run {training_command()}")

    import torch

    batch = torch.tensor(images)[:, None]  # a copy, because torch warns about read-only arrays
    with torch.inference_mode():
        logits = [
            torch.stack([model(part) for model in models.values()])
            for part in batch.split(IMAGES_AT_ONCE)
        ]
        return torch.softmax(torch.cat(logits, dim=1), dim=2).numpy()


def certainty(probabilities: np.ndarray) -> np.ndarray:
    """(models, N, 10) -> (N,): the highest mean probability of a digit over all networks.

    It is high only if the networks are sure and agree. For a scribble, a single network is often
    sure, but the others are then sure of another digit.
    """
    return probabilities.mean(axis=0).max(axis=1)


def read(images: np.ndarray, models: Mapping[str, "nn.Module"]) -> list[Reading]:
    """Each image's reading by all networks; takes and raises the same as `probabilities`.

    Several threads may call it: one reads, and then all that wait for the same networks are read at
    once.
    """
    by_image = _turns.read(images, models).swapaxes(0, 1)
    return [Reading(tuple(models), of_image) for of_image in by_image]


@dataclass(frozen=True, eq=False)
class _Request:
    """Images, the networks that are to read them, and their probabilities as soon as known."""

    images: np.ndarray
    networks: tuple["nn.Module", ...]
    answer: "Future[np.ndarray]"


class _Turns:
    """Lets one thread read at a time, for all that wait.

    Threads that read at the same time would hand Python's interpreter lock over at every layer:
    with 20 of them, a reading takes twice as much processor time. Eight images at once take a third
    of the time of eight readings.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self.waiting: list[_Request] = []

    def read(self, images: np.ndarray, models: Mapping[str, "nn.Module"]) -> np.ndarray:
        """`probabilities` of the images."""
        mine = _Request(images, tuple(models.values()), Future())
        self.waiting.append(mine)
        with self._turn:
            if not mine.answer.done():  # the thread before may have read them
                self._read_all_like(mine, models)
        return mine.answer.result()

    def _read_all_like(self, mine: _Request, models: Mapping[str, "nn.Module"]) -> None:
        together = [each for each in list(self.waiting) if each.networks == mine.networks]
        for each in together:
            self.waiting.remove(each)
        try:
            read = probabilities(np.concatenate([each.images for each in together]), models)
        except BaseException as error:  # whatever it is, the others must not wait for ever
            for each in together:
                each.answer.set_exception(error)
            return
        ends = np.cumsum([len(each.images) for each in together])
        for each, part in zip(together, np.split(read, ends[:-1], axis=1), strict=True):
            each.answer.set_result(part)


_turns = _Turns()


def consensus(reading: Reading, least_certainty: float) -> Consensus:
    """The digit with the highest mean probability, and the networks that read another digit.

    `digit` is None if the mean probability, which is the certainty, is below `least_certainty`. The
    digit need not be that of most networks: a few sure networks can outweigh many unsure ones.
    """
    digit = int(reading.probabilities.mean(axis=0).argmax())
    disagreeing = tuple(
        model for model, read in zip(reading.models, reading.digits, strict=True) if read != digit
    )
    sure = reading.certainty >= least_certainty
    return Consensus(digit if sure else None, len(reading.models) - len(disagreeing), disagreeing)
