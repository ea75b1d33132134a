"""Data sets -> tensors in memory, by a name or as a folder of images, and one fixed split."""

import difflib
from pathlib import Path

import torch

from mnistcmp import cifar, folders, mnist
from mnistcmp.catalogue.datasets import downloadable, find, title
from mnistcmp.dataset import Dataset

HELDOUT_IMAGES = 5_000
SPLIT_SEED = 0


def load(dataset: str, root: Path | str) -> Dataset:
    """A data set of the catalogue, or a folder of images.

    The files of the former are fetched to `root` where they are missing; every one is verified on
    every load, and a damaged one is fetched again. The layout of a folder is that of folders.py;
    what was decoded is kept in `root/decoded`.
    Raises ValueError if there is no such data set or the folder is not as it should be,
    DataUnavailable if no source has the missing files, OSError if one cannot be written (a full
    disk).
    """
    name, root = short_name(dataset), Path(root)
    if dataset in downloadable():
        return mnist.load(name, root) if find(name).format == "idx" else cifar.load(root)
    return folders.load(Path(dataset), name, root / "decoded")


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
    return Path(root) / cifar.FOLDER


def split(dataset: Dataset, protocol: str) -> tuple[torch.Tensor, ...]:
    """(train_images, train_labels, heldout_images, heldout_labels) of `protocol`.

    "validation": 55,000 training images and the 5,000 others of the training set, for every choice;
    of a small training set, a tenth is held out.
    "final": all training images and the test set, for what is reported.
    The same images on every call. Raises ValueError on any other protocol.
    """
    if protocol == "final":
        return dataset[:4]
    if protocol != "validation":
        raise ValueError(f"unknown protocol {protocol!r}: choose 'validation' or 'final'")
    # Drawn at random, because MNIST's order is not: nearest-mean accuracy is 79-82 % on every block
    # of 5,000 images but the last, which is easier (86 %).
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    order = torch.randperm(len(dataset.train_images), generator=generator)
    count = max(1, min(HELDOUT_IMAGES, len(order) // 10))
    heldout, train = order[:count], order[count:]
    images, labels = dataset.train_images, dataset.train_labels
    return images[train], labels[train], images[heldout], labels[heldout]
