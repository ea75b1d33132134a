"""Data sets -> tensors in memory, by a name or as a folder of images, and one fixed split."""

import difflib
from pathlib import Path

import torch

from mnistcmp import cifar, folders, mnist
from mnistcmp.dataset import Dataset
from mnistcmp.titles import title

NAMES = (*mnist.DATASETS, "cifar10")

HELDOUT_IMAGES = 5_000
SPLIT_SEED = 0


def load(dataset: str, root: Path | str) -> Dataset:
    """One of NAMES, its files under `root` fetched first where needed, or a folder of images.

    Every file of NAMES is verified on every load; a damaged one is fetched again. The layout of a
    folder is that of folders.py; what was decoded is kept in `root/decoded`.
    Raises ValueError if there is no such data set or the folder is not as it should be,
    DataUnavailable if no source has the missing files, OSError if one cannot be written (a full
    disk).
    """
    name, root = short_name(dataset), Path(root)
    if dataset in mnist.DATASETS:
        return mnist.load(name, root)
    if dataset == "cifar10":
        return cifar.load(root)
    return folders.load(Path(dataset), name, root / "decoded")


def short_name(dataset: str) -> str:
    """What records call `dataset`: one of NAMES, or the last part of a folder's path.

    Raises ValueError if it is neither a name nor a folder, or a folder called like a name.
    """
    if dataset in NAMES:
        return dataset
    if not Path(dataset).is_dir():
        close = difflib.get_close_matches(dataset, NAMES, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"unknown data set {dataset!r}: choose one of {', '.join(NAMES)}, or give the path of "
            f"a folder of images{hint}"
        )
    name = Path(dataset).resolve().name
    if name.lower() in NAMES:
        raise ValueError(
            f"records could not tell the folder {dataset} from {title(name.lower())}: rename it, "
            f"or use --dataset {name.lower()}"
        )
    return name


def home(dataset: str, root: Path | str) -> Path:
    """The folder that holds the files of `dataset`, or will when they were downloaded."""
    if dataset in mnist.DATASETS:
        return mnist.folder_of(dataset, Path(root))
    return Path(root) / cifar.FOLDER if dataset == "cifar10" else Path(dataset)


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
