"""CIFAR-10 as torchvision reads it: every file's md5 is checked before it is unpickled.

The download is our own, because torchvision's waits for a silent host for ever.
"""

from pathlib import Path

import torch

from mnistcmp.data.dataset import Dataset
from mnistcmp.data.download import DataUnavailable, SourceFailed, download, md5, say
from mnistcmp.safe_files import write_whole

FOLDER = "cifar-10-batches-py"  # where torchvision keeps its files


def load(root: Path) -> Dataset:
    """CIFAR-10; its images are (N, 3, 32, 32).

    What is missing or damaged below `root` is fetched first. Raises DataUnavailable if it cannot be
    had, OSError if it cannot be written.
    """
    # Here, because the import takes seconds.
    from torchvision.datasets.utils import extract_archive

    try:
        return _read(root)
    except RuntimeError:  # what torchvision raises where a file is missing or damaged
        extract_archive(str(_archive(root)), str(root))
    return _read(root)


def _read(root: Path) -> Dataset:
    from torchvision.datasets import CIFAR10

    train, test = (CIFAR10(root, train=part) for part in (True, False))
    tensors = []
    for part in (train, test):
        images = torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous()
        tensors += [images, torch.tensor(part.targets)]
    return Dataset(*tensors, tuple(train.classes))


def _archive(root: Path) -> Path:
    """The archive that holds all files, whole; fetched if it is not there."""
    from torchvision.datasets import CIFAR10

    path, checksum = root / CIFAR10.filename, CIFAR10.tgz_md5
    there = path.exists()
    if there and md5(path.read_bytes()) == checksum:
        return path
    problem = f"{path} is damaged (its md5 is not {checksum})" if there else f"{path} is missing"
    say(f"{problem}: fetching it from {CIFAR10.url}")
    try:
        content = download(CIFAR10.url)
        if md5(content) != checksum:
            raise SourceFailed(f"{path.name} arrived damaged ({len(content)} bytes)")
    except SourceFailed as reason:
        raise DataUnavailable(
            f"no source has CIFAR-10. Tried:\n  {problem}\n  {CIFAR10.url}: {reason}\n"
            f"Put {path.name} (md5 {checksum}) into {root} by hand, or use a copy as a folder of "
            "images: --dataset PATH, with PATH/train/CLASS/* and PATH/test/CLASS/*"
        ) from reason
    write_whole(path, content)
    return path
