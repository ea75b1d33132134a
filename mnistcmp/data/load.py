"""A name or a folder of images -> tensors in memory."""

import difflib
from pathlib import Path

from mnistcmp.catalogue.datasets import downloadable, find, title
from mnistcmp.data import cifar10, image_folder, mnist
from mnistcmp.data.dataset import Dataset


def load_dataset(dataset: str, root: Path | str) -> Dataset:
    """A data set of the catalogue, or a folder of images.

    The files of the former are fetched to `root` where they are missing; every one is verified on
    every load, and a damaged one is fetched again. image_folder.py describes the
    layout of a folder; what was decoded is kept in `root/decoded`.
    Raises ValueError if there is no such data set or the folder is not as it should be,
    DataUnavailable if no source has the missing files, OSError if one cannot be written (a full
    disk).
    """
    name, root = short_name(dataset), Path(root)
    if dataset in downloadable():
        return mnist.load(name, root) if find(name).format == "idx" else cifar10.load(root)
    return image_folder.load(Path(dataset), name, root / "decoded")


def short_name(dataset: str) -> str:
    """What records call `dataset`: its name in the catalogue, or the last part of a folder's path.

    Raises ValueError if it is neither a name nor a folder, or a folder called like a name.
    """
    names = downloadable()
    if dataset in names:
        return dataset
    if not Path(dataset).is_dir():
        close = difflib.get_close_matches(dataset, names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"unknown data set {dataset!r}: choose one of {', '.join(names)}, or give the path of "
            f"a folder of images{hint}"
        )
    name = Path(dataset).resolve().name
    if name.lower() in names:
        raise ValueError(
            f"records could not tell the folder {dataset} from {title(name.lower())}: rename it, "
            f"or use --dataset {name.lower()}"
        )
    return name


def home(dataset: str, root: Path | str) -> Path:
    """The folder that holds the files of `dataset`, or will when they were downloaded."""
    if dataset not in downloadable():
        return Path(dataset)
    if find(dataset).format == "idx":
        return mnist.folder_of(dataset, Path(root))
    return Path(root) / cifar10.FOLDER
