"""One drawing, all networks: what each reads, and what they read together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


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
        """How probable the networks together hold their favourite digit, in [0, 1].

        It is high only where they are sure and of one mind: a single network is often sure of a
        scribble, but others are then sure of something else.
        """
        return float(self.probabilities.mean(axis=0).max())


@dataclass(frozen=True)
class Consensus:
    """What the networks read together; `digit` is None where they are not sure."""

    digit: int | None
    agreeing: int
    dissenters: tuple[str, ...]


def read(pixels: np.ndarray, models: Mapping[str, nn.Module]) -> Reading:
    """Let every network read float32 (28, 28) pixels in [0, 1], ink bright.

    Raises ValueError if there is no network to ask.
    """
    if not models:
        raise ValueError("no network to read with: run python scripts/train_all.py")
    image = torch.from_numpy(pixels)[None, None]
    with torch.inference_mode():
        logits = torch.cat([model(image) for model in models.values()])
        return Reading(tuple(models), torch.softmax(logits, dim=1).numpy())


def consensus(reading: Reading, least_certainty: float) -> Consensus:
    """The digit of most networks, and who reads another; of equal numbers, the surer side wins."""
    votes = np.bincount(reading.digits, minlength=10) + reading.probabilities.mean(axis=0) / 2
    digit = int(votes.argmax())
    dissenters = tuple(
        model for model, read in zip(reading.models, reading.digits, strict=True) if read != digit
    )
    sure = reading.certainty >= least_certainty
    return Consensus(digit if sure else None, len(reading.models) - len(dissenters), dissenters)
