"""Files that are there whole or not at all."""

import contextlib
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np


class DamagedFile(Exception):
    """A file is missing or not what it should be; the message begins with its path."""


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz by name; nothing is unpickled. Raises DamagedFile."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except FileNotFoundError as error:
        raise DamagedFile(f"{path} is missing") from error
    # A wrong byte may show in any of these, whatever part of the archive it is in.
    except (
        *(OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError),
        *(zipfile.BadZipFile, zlib.error),
    ) as error:
        raise DamagedFile(f"{path} is damaged ({error})") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write all of `path` or nothing: at no moment does a part of the file carry its name.

    Raises OSError, with the path and what to do, if it cannot be written (a full disk, say); what
    carried the name before is then still there.
    """
    # Each process writes a part of its own, because several may write the same file at once.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the name without the content
        part.replace(path)
    except OSError as error:
        reason = f"{error.strerror}; free some space or choose another folder"
        raise OSError(error.errno, reason, str(path)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
