"""CIFAR-10, read by torchvision, which checks every file's md5 before it unpickles the file.

The download is our own, because torchvision's has no timeout.
"""

from pathlib import Path

import torch

from mnistcmp.data.dataset import Dataset
from mnistcmp.data.download import DataUnavailable, SourceFailed, download, md5, say
from mnistcmp.safe_files import write_whole

FOLDER = "cifar-10-batches-py"  # where torchvision keeps its files


def load(root: Path) -> Dataset:
    """CIFAR-10; its images are (N, 3, 32, 32).

    Missing or damaged files below `root` are downloaded first. Raises DataUnavailable if that
    fails, OSError if they cannot be written.
    """
    # Imported here because it takes seconds.
    from torchvision.datasets.utils import extract_archive

    try:
        return _read(root)
    except RuntimeError:  # torchvision's error for a missing or damaged file
        extract_archive(str(_archive(root)), str(root))
    return _read(root)


def _read(root: Path) -> Dataset:
    from torchvision.datasets import CIFAR10

    train, test = (CIFAR10(root, train=part) for part in (True, False))
    train_images, test_images = (
        torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous() for part in (train, test)
    )
    train_labels, test_labels = (torch.tensor(part.targets) for part in (train, test))
    return Dataset(train_images, train_labels, test_images, test_labels, tuple(train.classes))


def _archive(root: Path) -> Path:
    """The path of the intact archive of all files; downloaded if missing or damaged."""
    from torchvision.datasets import CIFAR10

    path, checksum = root / CIFAR10.filename, CIFAR10.tgz_md5
    exists = path.exists()
    if exists and md5(path.read_bytes()) == checksum:
        return path
    problem = f"{path} is damaged (its md5 is not {checksum})" if exists else f"{path} is missing"
    say(f"{problem}: downloading it from {CIFAR10.url}")
    try:
        content = download(CIFAR10.url)
        if md5(content) != checksum:
            raise SourceFailed(f"{path.name} arrived damaged ({len(content)} bytes)")
    except SourceFailed as reason:
        raise DataUnavailable(
            f"CIFAR-10 could not be downloaded. Tried:\n  {problem}\n  {CIFAR10.url}: {reason}\n"
            f"Put {path.name} (md5 {checksum}) into {root} by hand, or use a copy as a folder of "
            "images: --dataset PATH, with PATH/train/CLASS/* and PATH/test/CLASS/*"
        ) from reason
    write_whole(path, content)
    return path
