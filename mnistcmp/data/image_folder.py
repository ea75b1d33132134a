"""A folder of images, FOLDER/train/CLASS/* and FOLDER/test/CLASS/*, -> tensors in memory.

Files of other kinds (labels.txt, Thumbs.db, hidden files) are skipped and named.
Decoding tens of thousands of files is slow, so the pixels are cached in one file. Its name contains
a digest of the image files' names, sizes and modification times.
"""

import glob
import hashlib
import io
import os
import warnings
from pathlib import Path
from typing import NamedTuple

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
MOST_PIXELS = 4_000_000  # of one image: decoding takes up to 25 bytes for each
DECODING = b"transparency on white"  # to be changed with the decoding: old caches are then not used
DIGEST_LETTERS = 16
NAMES_SHOWN = 10

# Class -> its image files in one part, both sorted by name.
Listing = dict[str, list[Path]]


def load(folder: Path, name: str, cache: Path) -> Dataset:
    """The images of a folder: (N, 3, H, W), or (N, 1, H, W) if all are greyscale.

    Classes are train's subfolders in alphabetical order. Transparent images are put on white. The
    decoded pixels are kept in `cache` under `name`.
    Raises ValueError, with the path and the remedy, if the folder has another layout or its images
    cannot be used; OSError if a folder cannot be read or the cache cannot be written.
    """
    skipped: list[str] = []
    train, test = (_listing(folder / part, skipped) for part in PARTS)
    if skipped:
        count, names = len(skipped), _some(sorted(set(skipped)))
        say(f"Skipping {count} files in {folder} that are no images: {names}")
    _check_classes(folder, train, test)
    files = [file for part in (train, test) for of_class in part.values() for file in of_class]
    train_labels, test_labels = _labels(train), _labels(test)
    counts = [len(train_labels), len(test_labels)]
    path = cache / f"{name}-{_digest(folder, files)}.npz"
    pixels = _read(path)
    if pixels is None:
        pixels = _decode(files, name)
        for part, images in zip(PARTS, np.split(pixels, counts[:1]), strict=True):
            _check_shades(folder / part, images)
        _write(path, name, pixels)
    train_images, test_images = torch.from_numpy(pixels).split(counts)
    return Dataset(train_images, train_labels, test_images, test_labels, tuple(train))


def _listing(part: Path, skipped: list[str]) -> Listing:
    """The classes of one part; the names of files that are no images are added to `skipped`."""
    if not part.is_dir():
        raise ValueError(f"there is no folder {part}: {_layout(part.parent)}")
    folders = [entry for entry in _sorted(part) if entry.is_dir() and not _is_hidden(entry)]
    outside = [entry for entry in _images(part, skipped) if entry not in folders]
    if outside:
        raise ValueError(f"{outside[0]} is in no class folder: {_layout(part.parent)}")
    listing = {}
    for folder in folders:
        others = len(skipped)
        listing[folder.name] = _images(folder, skipped)
        if not listing[folder.name]:
            found = f" ({_some(skipped[others:])} is no image)" if skipped[others:] else ""
            raise ValueError(
                f"{folder} holds no images{found}: put some there, or delete the class from "
                f"{' and '.join(PARTS)}"
            )
    return listing


def _images(folder: Path, skipped: list[str]) -> list[Path]:
    """What may be an image, by its name, and subfolders, which are refused later."""
    found = []
    for entry in _sorted(folder):
        known = entry.suffix.lower() in Image.registered_extensions()
        if not _is_hidden(entry) and (known or entry.is_dir()):
            found.append(entry)
        elif not entry.is_dir():
            skipped.append(entry.name)
    return found


def _sorted(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _some(names: list[str]) -> str:
    """The names, or the first of many."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


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
            raise ValueError(
                f"{folder / incomplete} lacks classes that {folder / complete} has: "
                f"{_some(names)}; both need the same"
            )


def _digest(folder: Path, files: list[Path]) -> str:
    """A digest that identifies these files without reading them."""
    digest = hashlib.sha256(DECODING)
    for file in files:
        facts = file.lstat()  # a link to a missing file is named when it is decoded
        if file.exists():
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


class _First(NamedTuple):
    """The first image, whose size all others must have."""

    file: Path
    size: tuple[int, int]

    def unlike(self, size: tuple[int, int]) -> ValueError:
        """The error for an image of another size."""
        sizes = "it has {}×{} px, {} has {}×{} px".format(*size, self.file, *self.size)
        return ValueError(f"{sizes}: make all images the same size")


def _decode(files: list[Path], name: str) -> np.ndarray:
    """The pixels of all files, uint8 (N, 3, H, W), or (N, 1, H, W) if all are greyscale."""
    title = TextColumn("{task.description}", markup=False)  # a name may contain brackets
    columns = (title, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    first: _First | None = None
    pixels = np.empty(0, np.uint8)
    problems = []
    with (
        Progress(*columns, console=console) as progress,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for number, file in enumerate(progress.track(files, description=f"decoding {name}")):
            try:
                image = _image(file, first)
            except Exception as error:  # Pillow raises many kinds of errors for damaged files
                problems.append(f"{file} ({getattr(error, 'strerror', None) or error})")
                continue
            if first is None:
                first = _First(file, image.size)
                _check_memory(file, image, len(files))
                pixels = np.empty((len(files), 3, image.height, image.width), np.uint8)
            pixels[number] = np.asarray(image).transpose(2, 0, 1)
    _refuse(problems, len(files))
    grey = (pixels[:, :1] == pixels[:, 1:]).all()
    return pixels[:, :1].copy() if grey else pixels


def _refuse(problems: list[str], count: int) -> None:
    """Raise ValueError with all problems of `count` images, the first ones by name."""
    if problems:
        more = len(problems) - NAMES_SHOWN
        raise ValueError(
            f"{len(problems)} of {count:,} images cannot be used, replace or delete them:\n  "
            + "\n  ".join(problems[:NAMES_SHOWN])
            + (f"\n  and {more:,} more" if more > 0 else "")
        )


def _image(file: Path, first: _First | None) -> Image.Image:
    """The image in RGB, upright, on white. Raises ValueError, or as Pillow does.

    Images that are much larger than the first one are not decoded.
    """
    if not file.exists():
        raise ValueError("it is a link to a file that is missing")
    if not file.is_file():
        raise ValueError("it is not a file")
    with Image.open(file) as opened:
        if getattr(opened, "is_animated", False):
            frames = opened.n_frames  # type: ignore[attr-defined]  # animated formats have it
            raise ValueError(f"it is an animation of {frames} images")
        if opened.mode.startswith(("I", "F")):  # Pillow would clip the values at 255
            raise ValueError("it has more than 8 bits per pixel")
        if opened.width * opened.height > MOST_PIXELS:
            limit = f"more than {MOST_PIXELS:,}: make it smaller"
            raise ValueError(f"it has {opened.width}×{opened.height} px, {limit}")
        # Before decoding: whether it is on its side may only be known afterwards.
        if first and sorted(opened.size) != sorted(first.size):
            raise first.unlike(opened.size)
        image = ImageOps.exif_transpose(opened)
        if first and image.size != first.size:
            raise first.unlike(image.size)
        if image.has_transparency_data:
            paper = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(paper, image.convert("RGBA"))
        return image.convert("RGB")


def _check_shades(part: Path, pixels: np.ndarray) -> None:
    low, high = pixels.min(axis=(0, 2, 3)), pixels.max(axis=(0, 2, 3))
    if (low == high).all():
        raise ValueError(
            f"all images in {part} are of one shade ({', '.join(map(str, low))} of 255), so there "
            "is nothing to tell them apart: make sure that their ink differs from white, on which "
            "transparent images are put"
        )


def _check_memory(file: Path, image: Image.Image, count: int) -> None:
    total_bytes = count * 3 * image.width * image.height
    if total_bytes > MOST_BYTES:
        raise ValueError(
            f"{count:,} images of {image.width}×{image.height} px ({file}) would take "
            f"{total_bytes / 2**30:.1f} GiB of memory, the limit is {MOST_BYTES >> 30} GiB: make "
            "them smaller"
        )
