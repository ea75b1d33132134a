"""One drawing, all networks: what each reads, and what they read together."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from mnistcmp.records import training_command

# Images at a time: one, and when the pen rests two, the same drawing in the other ways.
WARM_UP = (1, 1, 2, 2, 1)


@dataclass(frozen=True)
class Reading:
    """What every network makes of one image.

    models: their names. probabilities: float32 (models, 10), each row adding up to 1.
    """

    models: tuple[str, ...]
    probabilities: np.ndarray

    @property
    def digits(self) -> np.ndarray:
        """The digit that each network holds for the most probable, int (models,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidences(self) -> np.ndarray:
        """How probable each network holds its digit, in [0, 1], (models,)."""
        return self.probabilities.max(axis=1)

    @property
    def certainty(self) -> float:
        """How sure the networks are together, in [0, 1]: as `certainty`."""
        return float(certainty(self.probabilities[:, None])[0])


@dataclass(frozen=True)
class Consensus:
    """What the networks read together; `digit` is None where they are not sure."""

    digit: int | None
    agreeing: int
    disagreeing: tuple[str, ...]


def probabilities(images: np.ndarray, models: Mapping[str, nn.Module]) -> np.ndarray:
    """float32 (N, 28, 28) pixels in [0, 1], ink bright -> float32 (models, N, 10).

    Raises ValueError if there is no network to ask.
    """
    if not models:
        raise ValueError(f"no network to read with: run {training_command()}")
    batch = torch.tensor(images)[:, None]  # a copy: torch warns of arrays that are read-only
    with torch.inference_mode():
        logits = torch.stack([model(batch) for model in models.values()])
        return torch.softmax(logits, dim=2).numpy()


def frozen(network: nn.Module) -> nn.Module:
    """`network`, in evaluation mode, for reading float32 (N, 1, 28, 28) alone, and faster at it.

    With one image at a time, half of the time goes into calling the layers one by one. Here they
    are a single graph, which was run a few times already: torch plans in the first runs.
    """
    image = torch.zeros(1, 1, 28, 28)
    with warnings.catch_warnings(), torch.inference_mode():
        # torch.compile, which is to replace this, needs a C++ compiler where the app runs.
        warnings.simplefilter("ignore", FutureWarning)
        graph = torch.jit.freeze(torch.jit.trace(network, image, check_trace=False))
        for batch in WARM_UP:
            graph(image.expand(batch, -1, -1, -1))
    return graph


def certainty(probabilities: np.ndarray) -> np.ndarray:
    """(models, N, 10) -> (N,): how probable the networks together hold their favourite digit.

    It is high only where they are sure and of one mind: a single network is often sure of a
    scribble, but others are then sure of something else.
    """
    return probabilities.mean(axis=0).max(axis=1)


def read(images: np.ndarray, models: Mapping[str, nn.Module]) -> list[Reading]:
    """Let every network read each of the images; as `probabilities` takes and raises."""
    by_image = probabilities(images, models).swapaxes(0, 1)
    return [Reading(tuple(models), of_image) for of_image in by_image]


def consensus(reading: Reading, least_certainty: float) -> Consensus:
    """The digit that the networks together hold for the most probable, and who reads another.

    It is the digit of the highest mean probability, the one whose probability `certainty` is: where
    few networks are sure of one digit and more lean to another, that need not be the digit of most.
    """
    digit = int(reading.probabilities.mean(axis=0).argmax())
    disagreeing = tuple(
        model for model, read in zip(reading.models, reading.digits, strict=True) if read != digit
    )
    sure = reading.certainty >= least_certainty
    return Consensus(digit if sure else None, len(reading.models) - len(disagreeing), disagreeing)
