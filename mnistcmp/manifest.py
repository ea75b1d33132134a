"""The manifest of trained weights: `checkpoints/manifest.json`, checked before it is believed.

It lists every weight file with its sha256 and its training run. The start of the hash is part of
the file name, so new weights never overwrite old ones. Reading it needs no torch.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypedDict

from mnistcmp.json_files import (
    Count,
    FileName,
    Measure,
    Rule,
    Sha256,
    Share,
    between,
    read_json,
)
from mnistcmp.records import default_folder, training_command
from mnistcmp.safe_files import DamagedFile

MOST_CLASSES = 256  # predictions are recorded as uint8
MOST_SIDE_PX = 1024
MOST_PARAMS = 10**9


class CheckpointError(Exception):
    """A checkpoint is missing, damaged, or of another model."""


def _is_image_shape(sides: list[int]) -> bool:
    return all(1 <= side <= MOST_SIDE_PX for side in sides)


def _is_within(file: str) -> bool:
    return all(part.strip(".") and not set(part) & set("\\\0") for part in file.split("/"))


class Facts(TypedDict):
    """The fields of Checkpoint except `file` and `sha256`."""

    dataset: FileName
    model: FileName
    recipe: FileName
    seed: Count
    run: FileName
    params: Annotated[int, between(0, MOST_PARAMS)]
    in_shape: Annotated[tuple[int, int, int], Rule("sides of 1 to 1,024", _is_image_shape)]
    classes: Annotated[int, between(1, MOST_CLASSES)]
    epochs: Count
    test_accuracy: Share
    test_loss: Measure
    trained_on: str


class Entry(Facts):
    """An entry of the manifest."""

    file: Annotated[str, Rule("a path within the folder", _is_within)]
    sha256: Sha256


class Manifest(TypedDict):
    """The content of manifest.json."""

    checkpoints: list[Entry]


@dataclass(frozen=True)
class Checkpoint:
    """The manifest's entry for one weight file; `file` is relative to the manifest's folder."""

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
        """(data set, model, recipe), unique in a manifest."""
        return self.dataset, self.model, self.recipe


def read_manifest(folder: Path | str | None = None) -> list[Checkpoint]:
    """All checkpoints in the folder's manifest; empty if there is no manifest.

    Raises CheckpointError if the manifest is damaged.
    """
    path = (default_folder() if folder is None else Path(folder)) / "manifest.json"
    if not path.exists():
        return []
    try:
        entries = read_json(path, Manifest)["checkpoints"]
    except DamagedFile as error:
        raise CheckpointError(
            f"{error}: restore it from git, or delete it and run {training_command()}"
        ) from error
    return [_from_json(entry) for entry in entries]


def _from_json(entry: Entry) -> Checkpoint:
    channels, height, width = entry["in_shape"]  # a list in JSON
    return replace(Checkpoint(**entry), in_shape=(channels, height, width))
