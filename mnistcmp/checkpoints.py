"""Trained weights on disk: saved so that they are whole, and loaded only if they are.

`checkpoints/manifest.json` names every weight file with its sha256 and how it came about. A file's
name carries the beginning of its hash, so that new weights never overwrite old ones: they are
written first, then the manifest that names them, then the record of their run, and only then the
old file goes.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from mnistcmp.catalogue.datasets import argument
from mnistcmp.models import build
from mnistcmp.records import default_folder, training_command
from mnistcmp.safe_files import write_whole

SHIPPED_SEED = 0  # whose weights are kept: fixed beforehand, never the best


class CheckpointError(Exception):
    """A checkpoint is missing, damaged, or not that of the model it should be."""


@dataclass(frozen=True)
class Checkpoint:
    """What the manifest says of one weight file; `file` is relative to the manifest's folder."""

    dataset: str
    model: str
    recipe: str
    seed: int
    run: str
    file: str
    sha256: str
    params: int
    in_shape: tuple[int, int, int]
    classes: int
    epochs: int
    test_accuracy: float
    test_loss: float
    trained_on: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is one checkpoint for."""
        return self.dataset, self.model, self.recipe


def save(folder: Path | str, weights: bytes, **facts: object) -> Checkpoint:
    """Write safetensors `weights` below `folder` and put them into its manifest.

    `facts` are the fields of Checkpoint but for `file` and `sha256`. The former checkpoint of the
    same data set, model and recipe is replaced, and its file left to `drop_former`. Raises OSError
    if the disk is full, say: the former checkpoint is then still the one that the manifest names.
    """
    folder = Path(folder)
    sha256 = hashlib.sha256(weights).hexdigest()
    name = f"{facts['dataset']}/{facts['recipe']}/{facts['model']}-{sha256[:8]}.safetensors"
    checkpoint = Checkpoint(file=name, sha256=sha256, **facts)
    path = folder / name
    write_whole(path, weights)
    entries = {entry.key: entry for entry in read_manifest(folder)} | {checkpoint.key: checkpoint}
    _write_manifest(folder, sorted(entries.values(), key=lambda entry: entry.key))
    return checkpoint


def drop_former(folder: Path | str, checkpoint: Checkpoint) -> None:
    """Delete the weight files that `checkpoint`, just saved, has replaced."""
    path = Path(folder) / checkpoint.file
    for old in path.parent.glob(f"{checkpoint.model}-????????.safetensors"):
        if old != path:
            old.unlink()


def read_manifest(folder: Path | str | None = None) -> list[Checkpoint]:
    """All checkpoints that the folder's manifest names; none if there is no manifest.

    Raises CheckpointError if the manifest cannot be understood.
    """
    path = _folder(folder) / "manifest.json"
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text())["checkpoints"]
        return [Checkpoint(**entry | {"in_shape": tuple(entry["in_shape"])}) for entry in entries]
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}): restore it from git, or delete it and run "
            f"{training_command()}"
        ) from error


def load(
    name: str,
    recipe: str = "drawn",
    dataset: str = "mnist",
    folder: Path | str | None = None,
) -> nn.Module:
    """The trained network `name`, in evaluation mode: (N, 1, 28, 28) pixels in [0, 1] -> logits.

    `folder` is that of the weights; None stands for `records.default_folder()`.

    Raises CheckpointError, naming the file and the remedy, if there is no such checkpoint, or if
    its hash, its architecture or a shape does not fit.
    """
    for checkpoint in read_manifest(folder):
        if checkpoint.key == (dataset, name, recipe):
            return load_checkpoint(checkpoint, folder)
    raise CheckpointError(
        f"{_folder(folder)} has no checkpoint of {name!r} with the recipe {recipe!r} on "
        f"{dataset!r}: make it with {_command(name, recipe, dataset)}"
    )


def load_all(
    recipe: str = "drawn", dataset: str = "mnist", folder: Path | str | None = None
) -> dict[str, nn.Module]:
    """Every trained network of one recipe and data set, by name; as `load` gives and raises."""
    return {
        checkpoint.model: load_checkpoint(checkpoint, folder)
        for checkpoint in read_manifest(folder)
        if (checkpoint.dataset, checkpoint.recipe) == (dataset, recipe)
    }


def load_checkpoint(checkpoint: Checkpoint, folder: Path | str | None = None) -> nn.Module:
    """The network of one entry of the manifest in `folder`; as `load` gives and raises."""
    path = _folder(folder) / checkpoint.file
    remedy = (
        "restore the file from git, or train it again with "
        f"{_command(checkpoint.model, checkpoint.recipe, checkpoint.dataset)}"
    )
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    sha256 = hashlib.sha256(weights).hexdigest()
    if sha256 != checkpoint.sha256:
        raise CheckpointError(
            f"{path} is damaged: its sha256 is {sha256[:12]}…, "
            f"the manifest says {checkpoint.sha256[:12]}…; {remedy}"
        )
    try:
        model = build(checkpoint.model, checkpoint.in_shape, checkpoint.classes)
        model.load_state_dict(safetensors.torch.load(weights))
    except (ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} does not fit the architecture {checkpoint.model!r} as it is now "
            f"({error}); {remedy}"
        ) from error
    # As in training; convolutions read an image a third faster in this order of memory.
    return model.eval().to(memory_format=torch.channels_last)


def _folder(folder: Path | str | None) -> Path:
    return default_folder() if folder is None else Path(folder)


def _write_manifest(folder: Path, checkpoints: list[Checkpoint]) -> None:
    text = json.dumps({"checkpoints": [asdict(entry) for entry in checkpoints]}, indent=1)
    write_whole(folder / "manifest.json", (text + "\n").encode())


def _command(model: str, recipe: str, dataset: str) -> str:
    where = argument(dataset)
    return training_command(f"--models {model} --recipe {recipe} --dataset {where}")
