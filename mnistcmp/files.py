"""Files that are there whole or not at all."""

import contextlib
import os
from pathlib import Path


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
