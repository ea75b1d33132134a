"""Trained weights on disk: saved completely, and loaded only if intact.

The weights are written first, then the manifest (manifest.py), then the record of the run; only
then is the old file deleted. A weight file is believed only if it is a regular file within the
folder, not larger than the network needs, and has the manifest's sha256.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Unpack

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from mnistcmp.catalogue.datasets import argument
from mnistcmp.catalogue.recipes import recipes_of
from mnistcmp.json_files import check
from mnistcmp.manifest import Checkpoint, CheckpointError, Entry, Facts, read_manifest
from mnistcmp.models import MODELS, build
from mnistcmp.records import default_folder, training_command
from mnistcmp.safe_files import DamagedFile, read_bytes, write_whole

SHIPPED_SEED = 0  # only its weights are kept: chosen in advance, not the best
HEADER_BYTES = 1_000_000  # more than the names of all layers need


def save(folder: Path | str, weights: bytes, **facts: Unpack[Facts]) -> Checkpoint:
    """Write safetensors `weights` below `folder` and add them to its manifest.

    A former checkpoint of the same data set, model and recipe is replaced in the manifest;
    `drop_former` deletes its file. Raises OSError if writing fails (for example, because the disk
    is full); the manifest then still names the former checkpoint. Raises ValueError if a fact is
    not as Facts says.
    """
    folder = Path(folder)
    sha256 = hashlib.sha256(weights).hexdigest()
    name = f"{facts['dataset']}/{facts['recipe']}/{facts['model']}-{sha256[:8]}.safetensors"
    checkpoint = Checkpoint(file=name, sha256=sha256, **facts)
    check(asdict(checkpoint) | {"in_shape": list(checkpoint.in_shape)}, Entry)
    path = folder / name
    write_whole(path, weights)
    entries = {entry.key: entry for entry in read_manifest(folder)} | {checkpoint.key: checkpoint}
    _write_manifest(folder, sorted(entries.values(), key=lambda entry: entry.key))
    return checkpoint


def drop_former(folder: Path | str, checkpoint: Checkpoint) -> None:
    """Delete the weight files that the newly saved `checkpoint` replaces."""
    path = Path(folder) / checkpoint.file
    for old in path.parent.glob(f"{checkpoint.model}-????????.safetensors"):
        if old != path:
            old.unlink()


def load(
    name: str,
    recipe: str = "drawn",
    dataset: str = "mnist",
    folder: Path | str | None = None,
) -> nn.Module:
    """The trained network `name`, in evaluation mode: (N, 1, 28, 28) pixels in [0, 1] -> logits.

    `folder` has the weights; None means `records.default_folder()`.
    Raises CheckpointError, with the file and the remedy, if the checkpoint is missing or damaged or
    does not fit the model, or if the model has no such recipe.
    """
    for checkpoint in read_manifest(folder):
        if checkpoint.key == (dataset, name, recipe):
            return load_checkpoint(checkpoint, folder)
    if name in MODELS and recipe not in recipes_of(name):
        raise CheckpointError(
            f"{name} is not trained with the recipe {recipe!r}: choose from "
            f"{', '.join(recipes_of(name))}"
        )
    raise CheckpointError(
        f"{_folder(folder)} has no checkpoint of {name!r} with the recipe {recipe!r} on "
        f"{dataset!r}: make it with {_command(name, recipe, dataset)}"
    )


def load_all(
    recipe: str = "drawn", dataset: str = "mnist", folder: Path | str | None = None
) -> dict[str, nn.Module]:
    """All trained networks of one recipe and data set, by name; see `load`."""
    return {
        checkpoint.model: load_checkpoint(checkpoint, folder)
        for checkpoint in read_manifest(folder)
        if (checkpoint.dataset, checkpoint.recipe) == (dataset, recipe)
    }


def load_checkpoint(checkpoint: Checkpoint, folder: Path | str | None = None) -> nn.Module:
    """The network of one entry of the manifest in `folder`; see `load`."""
    weights = read_weights(checkpoint, folder, most_bytes_of(checkpoint))
    return network_with(weights, checkpoint, folder)


def most_bytes_of(checkpoint: Checkpoint) -> int:
    """More bytes than the weights of an entry can have."""
    return 4 * checkpoint.params + HEADER_BYTES


def read_weights(
    checkpoint: Checkpoint, folder: Path | str | None, most_bytes: int
) -> dict[str, Tensor]:
    """The tensors in the file of an entry, by name.

    Raises CheckpointError if the file is missing, too large, or not the one that was recorded.
    """
    content = read_file(checkpoint, folder, most_bytes)
    try:
        return safetensors.torch.load(content)
    except (RuntimeError, SafetensorError) as error:
        raise misfit(checkpoint, folder, error) from error


def read_file(checkpoint: Checkpoint, folder: Path | str | None, most_bytes: int) -> bytes:
    """The content of the file of an entry; raises as `read_weights`."""
    path = _folder(folder) / checkpoint.file
    try:
        content = read_bytes(path, most_bytes, within=_folder(folder))
    except DamagedFile as error:
        raise CheckpointError(f"{error}: {remedy(checkpoint)}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != checkpoint.sha256:
        raise CheckpointError(
            f"{path} is damaged: its sha256 is {sha256[:12]}…, "
            f"the manifest says {checkpoint.sha256[:12]}…; {remedy(checkpoint)}"
        )
    return content


def network_with(
    weights: Mapping[str, Tensor], checkpoint: Checkpoint, folder: Path | str | None
) -> nn.Module:
    """The network of an entry with these weights, in evaluation mode.

    Raises CheckpointError if they do not fit or are not finite.
    """
    try:
        with torch.device("meta"):  # without values: wrong facts could make it a huge network
            model = build(checkpoint.model, checkpoint.in_shape, checkpoint.classes)
        kinds = {name: values.dtype for name, values in model.state_dict().items()}
        # Into memory of their own: the file's is not aligned. `to_empty`, the usual way, would
        # import sympy for it, which takes half a second and 40 MB.
        own = {
            name: values.to(kinds.get(name, values.dtype), copy=True)
            for name, values in weights.items()
        }
        model.load_state_dict(own, assign=True)
    except (ValueError, RuntimeError) as error:
        raise misfit(checkpoint, folder, error) from error
    for name, values in model.state_dict().items():
        if not np.isfinite(values.numpy()).all():
            path = _folder(folder) / checkpoint.file
            raise CheckpointError(
                f"{path} has values in {name} that are not finite: {remedy(checkpoint)}"
            )
    # As in training; convolutions are a third faster with this memory format.
    return model.eval().to(memory_format=torch.channels_last)


def misfit(
    checkpoint: Checkpoint, folder: Path | str | None, reason: Exception | str
) -> CheckpointError:
    """The error for a file whose content does not fit the network of its entry."""
    return CheckpointError(
        f"{_folder(folder) / checkpoint.file} does not fit the current architecture of "
        f"{checkpoint.model!r} ({reason}); {remedy(checkpoint)}"
    )


def remedy(checkpoint: Checkpoint) -> str:
    """What to do if a file of these weights is missing or damaged."""
    command = _command(checkpoint.model, checkpoint.recipe, checkpoint.dataset)
    return f"restore the file from git, or train it again with {command}"


def _folder(folder: Path | str | None) -> Path:
    return default_folder() if folder is None else Path(folder)


def _write_manifest(folder: Path, checkpoints: list[Checkpoint]) -> None:
    text = json.dumps({"checkpoints": [asdict(entry) for entry in checkpoints]}, indent=1)
    write_whole(folder / "manifest.json", (text + "\n").encode())


def _command(model: str, recipe: str, dataset: str) -> str:
    where = argument(dataset)
    return training_command(f"--models {model} --recipe {recipe} --dataset {where}")
