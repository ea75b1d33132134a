"""A folder of images, FOLDER/train/CLASS/* and FOLDER/test/CLASS/*, -> tensors in memory.

Decoding tens of thousands of files is slow, so the pixels are cached in one file. Its name contains
a digest of the image files' names, sizes and modification times.
"""

import glob
import hashlib
import io
import os
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mnistcmp.data.dataset import Dataset
from mnistcmp.data.download import console, say
from mnistcmp.safe_files import DamagedFile, read_arrays, write_whole

PARTS = ("train", "test")
MOST_CLASSES = 256  # predictions are recorded as uint8
MOST_BYTES = 2 << 30  # of pixels, which every worker process holds in memory
DIGEST_LETTERS = 16
NAMES_SHOWN = 5

# Class -> its files in one part, both sorted by name.
Listing = dict[str, list[Path]]


def load(folder: Path, name: str, cache: Path) -> Dataset:
    """The images of a folder: (N, 3, H, W), or (N, 1, H, W) if all are greyscale.

    Classes are train's subfolders in alphabetical order. Hidden files are ignored, and transparency
    is dropped. The decoded pixels are kept in `cache` under `name`.
    Raises ValueError, with the path and the remedy, if the folder has another layout or an image
    cannot be used; OSError if a file cannot be read or written.
    """
    train, test = (_listing(folder / part) for part in PARTS)
    _check_classes(folder, train, test)
    files = [file for part in (train, test) for of_class in part.values() for file in of_class]
    path = cache / f"{name}-{_digest(folder, files)}.npz"
    pixels = _read(path)
    if pixels is None:
        pixels = _decode(files, name)
        _write(path, name, pixels)
    train_labels, test_labels = _labels(train), _labels(test)
    train_images, test_images = torch.from_numpy(pixels).split(
        [len(train_labels), len(test_labels)]
    )
    return Dataset(train_images, train_labels, test_images, test_labels, tuple(train))


def _listing(part: Path) -> Listing:
    if not part.is_dir():
        raise ValueError(f"there is no folder {part}: {_layout(part.parent)}")
    listing = {}
    for entry in _visible(part):
        if entry.is_dir():
            listing[entry.name] = _visible(entry)
        elif entry.suffix.lower() in Image.registered_extensions():
            raise ValueError(f"{entry} is in no class folder: {_layout(part.parent)}")
    for class_name, files in listing.items():
        if not files:
            raise ValueError(
                f"{part / class_name} holds no images: put some there, or delete the class "
                f"from {' and '.join(PARTS)}"
            )
    return listing


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _layout(folder: Path) -> str:
    return f"lay the images out as {folder}/train/CLASS/* and {folder}/test/CLASS/*"


def _check_classes(folder: Path, train: Listing, test: Listing) -> None:
    count = len(train)
    if not 2 <= count <= MOST_CLASSES:
        found = f"{folder / 'train'} has {count} subfolders, one per class"
        raise ValueError(f"{found}; 2 to {MOST_CLASSES} are needed: {_layout(folder)}")
    for complete, incomplete, names in (
        ("train", "test", sorted(train.keys() - test.keys())),
        ("test", "train", sorted(test.keys() - train.keys())),
    ):
        if names:
            more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
            raise ValueError(
                f"{folder / incomplete} lacks classes that {folder / complete} has: "
                f"{', '.join(names[:NAMES_SHOWN])}{more}; both need the same"
            )


def _digest(folder: Path, files: list[Path]) -> str:
    """A digest that identifies these files without reading them."""
    digest = hashlib.sha256()
    for file in files:
        facts = file.stat()
        name = os.fsencode(file.relative_to(folder).as_posix())
        digest.update(b"%s\0%d\0%d\0" % (name, facts.st_size, facts.st_mtime_ns))
    return digest.hexdigest()[:DIGEST_LETTERS]


def _labels(part: Listing) -> torch.Tensor:
    counts = torch.tensor([len(files) for files in part.values()])
    return torch.arange(len(part)).repeat_interleave(counts)


def _read(path: Path) -> np.ndarray | None:
    """The cached pixels; None if there are none or, with a message, if the cache is damaged."""
    if not path.exists():
        return None
    try:
        # An .npz is a zip archive, whose checksum detects a single wrong bit.
        return read_arrays(path)["pixels"]
    except (DamagedFile, KeyError) as error:
        say(f"{error}: decoding the images again")
        return None


def _write(path: Path, name: str, pixels: np.ndarray) -> None:
    """Cache the pixels, and delete those of the folder's former contents."""
    buffer = io.BytesIO()
    np.savez(buffer, pixels=pixels)
    write_whole(path, buffer.getvalue())
    for old in path.parent.glob(f"{glob.escape(name)}-{'?' * DIGEST_LETTERS}.npz"):
        if old != path:
            old.unlink()


def _decode(files: list[Path], name: str) -> np.ndarray:
    """The pixels of all files, uint8 (N, 3, H, W), or (N, 1, H, W) if all are greyscale."""
    title = TextColumn("{task.description}", markup=False)  # a name may contain brackets
    columns = (title, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    pixels: np.ndarray | None = None
    with (
        Progress(*columns, console=console) as progress,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for number, file in enumerate(progress.track(files, description=f"decoding {name}")):
            image = _image(file)
            if pixels is None:
                _check_memory(file, image, len(files))
                pixels = np.empty((len(files), 3, image.height, image.width), np.uint8)
            if pixels.shape[2:] != (image.height, image.width):
                raise ValueError(
                    f"{files[0]} has {pixels.shape[3]}×{pixels.shape[2]} px, {file} has "
                    f"{image.width}×{image.height} px: make all images the same size"
                )
            pixels[number] = np.asarray(image).transpose(2, 0, 1)
    assert pixels is not None  # every class has images
    grey = (pixels[:, :1] == pixels[:, 1:]).all()
    return pixels[:, :1].copy() if grey else pixels


def _image(file: Path) -> Image.Image:
    """The image in RGB, upright. Raises ValueError with the file and the remedy."""
    try:
        with Image.open(file) as image:
            if getattr(image, "is_animated", False):
                frames = image.n_frames  # type: ignore[attr-defined]  # animated formats have it
                raise ValueError(f"it is an animation of {frames} images")
            if image.mode.startswith(("I", "F")):  # Pillow would clip the values at 255
                raise ValueError("it has more than 8 bits per pixel")
            return ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:  # Pillow raises many kinds of errors for damaged files
        raise ValueError(
            f"{file} cannot be used as an image ({error}): replace or delete it"
        ) from error


def _check_memory(file: Path, image: Image.Image, count: int) -> None:
    total_bytes = count * 3 * image.width * image.height
    if total_bytes > MOST_BYTES:
        raise ValueError(
            f"{count:,} images of {image.width}×{image.height} px ({file}) would take "
            f"{total_bytes / 2**30:.1f} GiB of memory, the limit is {MOST_BYTES >> 30} GiB: make "
            "them smaller"
        )
