"""The weights of small networks during training: before it and after each epoch.

The folder `epochs` in the folder of weights has a manifest and files as that one has; see
`checkpoints`. A file has all states of one run: each tensor of the network is stacked to
(epochs + 1, ...). Half precision is enough, because the app shows them and nothing is measured.
"""

from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from mnistcmp import checkpoints
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.checkpoints import HEADER_BYTES, SHIPPED_SEED, Checkpoint
from mnistcmp.records import default_folder

FOLDER = "epochs"
DATASET, RECIPE = "mnist", "tuned"
MOST_PARAMS = 100_000  # of a network: all files together have about 6 MB


def are_kept(dataset: str, model: str, recipe: str, seed: int) -> bool:
    """Whether the states of such a run are kept."""
    small = model in MODELS and MODELS[model].params < MOST_PARAMS
    return small and (dataset, recipe, seed) == (DATASET, RECIPE, SHIPPED_SEED)


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of a network's tensors at half precision; whole numbers stay as they are."""
    return {
        name: (values.half() if values.is_floating_point() else values).to("cpu", copy=True)
        for name, values in network.state_dict().items()
    }


def pack(states: Sequence[dict[str, Tensor]]) -> bytes:
    """The states of one run, the untrained one first, as the content of a file."""
    first = states[0]
    return safetensors.torch.save(
        {name: torch.stack([state[name] for state in states]).contiguous() for name in first}
    )


def folder_in(folder: Path | str | None = None) -> Path:
    """The folder of the states in a folder of weights; None means `records.default_folder()`."""
    return (default_folder() if folder is None else Path(folder)) / FOLDER


def load(entry: Checkpoint, folder: Path | str | None = None) -> list[nn.Module]:
    """The network before training and after each epoch, each in evaluation mode.

    Raises CheckpointError, with the file and the remedy, if the file is missing or damaged or does
    not fit the network.
    """
    count, where = entry.epochs + 1, folder_in(folder)
    most_bytes = count * (2 * entry.params + HEADER_BYTES)
    stacked = checkpoints.read_weights(entry, where, most_bytes)
    for name, values in stacked.items():
        if values.shape[:1] != (count,):
            reason = f"{name} has the shape {tuple(values.shape)} instead of {count} states"
            raise checkpoints.misfit(entry, where, reason)
    return [
        checkpoints.network_with(
            {name: values[at] for name, values in stacked.items()}, entry, where
        )
        for at in range(count)
    ]
