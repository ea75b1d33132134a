"""One file from the network: shown while it comes, and given up where it does not."""

import hashlib
import urllib.request
from http.client import HTTPException

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

TIMEOUT_SECONDS = 10  # to connect, and for every read: a silent host must not hold up the next
CHUNK_BYTES = 1 << 16

console = Console(stderr=True)


class DataUnavailable(Exception):
    """No source delivered all files; the message lists what was tried and the remedy by hand."""


class SourceFailed(Exception):
    """One source cannot deliver; the next one is tried."""


def download(url: str) -> bytes:
    """What `url` holds, with a progress bar on stderr. Raises SourceFailed if it cannot be had."""
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
    except (OSError, HTTPException) as error:  # urllib's own errors and time-outs are OSErrors
        raise SourceFailed(str(error) or type(error).__name__) from error
    return bytes(data)


def md5(data: bytes) -> str:
    """The checksum by which the sources name their files."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def say(message: str) -> None:
    """One line on stderr."""
    # soft_wrap: a path stays one line; no markup: a path may hold brackets.
    console.print(message, soft_wrap=True, markup=False, highlight=False)
