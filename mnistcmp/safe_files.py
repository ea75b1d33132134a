"""Files that are written completely or not at all."""

import contextlib
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np


class DamagedFile(Exception):
    """A file is missing or damaged; the message begins with its path."""


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, without unpickling. Raises DamagedFile."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except FileNotFoundError as error:
        raise DamagedFile(f"{path} is missing") from error
    # Depending on where a wrong byte is in the archive, it raises any of these.
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DamagedFile(f"{path} is damaged ({error})") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file completely or not at all; `path` is never a partly written file.

    Raises OSError, with the path and the remedy, if it cannot be written (for example, because the
    disk is full); a former file of that name is then unchanged.
    """
    # The process id keeps apart processes that write the same file at once.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave an empty file of that name
        part.replace(path)
    except OSError as error:
        reason = f"{error.strerror}; free some space or choose another folder"
        raise OSError(error.errno, reason, str(path)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def check_writable(folder: Path) -> None:
    """Raise OSError, with the path and the remedy, if no file can be written to `folder`.

    If there is no such folder yet, the nearest of its parents that exists counts; none is made.
    """
    existing = folder
    try:
        while not existing.exists():
            existing = existing.parent
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        reason = f"{error.strerror}; make this folder writable or choose another one"
        raise OSError(error.errno, reason, str(existing)) from error
