"""Downloading one file, with a progress bar and a timeout."""

import hashlib
import urllib.request
from http.client import HTTPException

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

TIMEOUT_SECONDS = 10  # to connect, and for every read
CHUNK_BYTES = 1 << 16

console = Console(stderr=True)


class DataUnavailable(Exception):
    """No source has all files; the message lists what was tried and what the user can do."""


class SourceFailed(Exception):
    """One source failed; the next one is tried."""


def download(url: str) -> bytes:
    """The content at `url`, with a progress bar on stderr. Raises SourceFailed if that fails."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    data = bytearray()
    try:
        with (
            urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response,
            Progress(*columns, TransferSpeedColumn(), console=console) as progress,
        ):
            task = progress.add_task(url.rsplit("/", 1)[-1], total=response.length)
            while chunk := response.read(CHUNK_BYTES):
                data += chunk
                progress.advance(task, len(chunk))
    except (OSError, HTTPException) as error:  # urllib's errors and timeouts are OSErrors
        raise SourceFailed(str(error) or type(error).__name__) from error
    return bytes(data)


def md5(data: bytes) -> str:
    """The checksum that the sources publish for their files."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def say(message: str) -> None:
    """Print one line to stderr."""
    # soft_wrap keeps a path on one line. Without markup, its brackets are printed as they are.
    console.print(message, soft_wrap=True, markup=False, highlight=False)
