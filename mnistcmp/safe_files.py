"""Files that are written completely or not at all, and read only if they are regular files."""

import contextlib
import csv
import hashlib
import io
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np


class DamagedFile(Exception):
    """A file is missing or damaged; the message begins with its path."""


def read_bytes(path: Path, most_bytes: int, within: Path | None = None) -> bytes:
    """The content of a regular file.

    Raises DamagedFile, also if the file is larger than `most_bytes`, or if a link leads to a place
    that is not in the folder `within`.
    """
    size = _size(path)
    if within and not path.resolve().is_relative_to(within.resolve()):
        raise DamagedFile(f"{path} cannot be read (it is a link to a place outside {within})")
    if size > most_bytes:
        raise DamagedFile(f"{path} is damaged (it has {size:,} bytes, more than {most_bytes:,})")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DamagedFile(f"{path} cannot be read ({error.strerror})") from error


def read_arrays(path: Path, sha256: str | None = None) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, without unpickling.

    Raises DamagedFile, also if the file has another sha256 than the given one.
    """
    _size(path)
    try:
        with path.open("rb") as file:
            if sha256 and hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise DamagedFile(f"{path} is damaged (its sha256 is not the recorded one)")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
    # Depending on where a wrong byte is in the archive, it raises any of these.
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        MemoryError,
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


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a table with a header; as `write_whole`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())


def append_line(path: Path, line: bytes) -> None:
    """Append a line in one write and flush it to disk; on an error, remove what was written.

    Raises OSError if that fails. An incomplete last line, left by a power cut, stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Unbuffered: a buffer that met a full disk would write its rest when the file is closed.
    with path.open("a+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        is_complete = file.read(1) in (b"", b"\n")
        content = memoryview((b"" if is_complete else b"\n") + line + b"\n")
        try:
            while content:
                content = content[file.write(content) :]
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), end)
            raise


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


def check_appendable(path: Path) -> None:
    """Raise OSError, with the path and the remedy, if nothing can be appended to an existing file.

    What is no regular file is left alone: opening a pipe may never end.
    """
    try:
        if path.is_file():
            path.open("ab").close()
    except OSError as error:
        reason = f"{error.strerror}; make this file writable or choose another folder"
        raise OSError(error.errno, reason, str(path)) from error


def _size(path: Path) -> int:
    """The bytes of a regular file: reading a pipe or a device may never end."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise DamagedFile(f"{path} is missing") from error
    except OSError as error:
        raise DamagedFile(f"{path} cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(status.st_mode):
        raise DamagedFile(f"{path} cannot be read (it is not a regular file)")
    return status.st_size
