"""Load a data set by name, or from a folder of images, into memory."""

import difflib
from pathlib import Path

from mnistcmp.catalogue.datasets import downloadable, find, title
from mnistcmp.data import cifar10, image_folder, mnist
from mnistcmp.data.dataset import Dataset
from mnistcmp.json_files import FileName, Unexpected, check


def load_dataset(dataset: str, root: Path | str) -> Dataset:
    """A data set of the catalogue, or a folder of images.

    Files of the catalogue's data sets are downloaded to `root` if missing. Every file is verified
    on every load, and downloaded again if damaged. image_folder.py describes the layout of a
    folder; its decoded pixels are kept in `root/decoded`.
    Raises ValueError if the data set is unknown or the folder cannot be used, DataUnavailable if no
    source has the missing files, OSError if a file cannot be written.
    """
    name, root = short_name(dataset), Path(root)
    if dataset in downloadable():
        return mnist.load(name, root) if find(name).format == "idx" else cifar10.load(root)
    return image_folder.load(Path(dataset), name, root / "decoded")


def short_name(dataset: str) -> str:
    """The data set's name in the records: its catalogue name, or the last part of a folder's path.

    Raises ValueError if it is neither a known name nor a folder, or a folder with a known name or
    one that the records cannot hold.
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
    try:
        check(name, FileName)
    except Unexpected as error:
        raise ValueError(
            f"the folder {dataset!r} cannot be recorded under its name {name!r}: rename it, "
            "without a backslash and with valid characters"
        ) from error
    if name.lower() in names:
        raise ValueError(
            f"in the records, the folder {dataset} would look like {title(name.lower())}: "
            f"rename it, or use --dataset {name.lower()}"
        )
    return name


def home(dataset: str, root: Path | str) -> Path:
    """The folder of the files of `dataset`, before and after they are downloaded."""
    if dataset not in downloadable():
        return Path(dataset)
    if find(dataset).format == "idx":
        return mnist.folder_of(dataset, Path(root))
    return Path(root) / cifar10.FOLDER
