"""A file with one record a line, each with a checksum; a damaged line is left out and named."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from mnistcmp import json_files, safe_files
from mnistcmp.safe_files import DamagedFile

Entry = TypeVar("Entry")


class RecordsError(Exception):
    """The records cannot be read, or are those of an earlier version."""


class Lines(NamedTuple, Generic[Entry]):
    """The content of a file, by the number of the line, from 1: its records, and what is damaged.

    damaged: the reason why a line is not believed.
    """

    entries: dict[int, Entry]
    damaged: dict[int, str]


class LinesFile(Generic[Entry]):
    """A file of records that are read by `parse`, which raises ValueError if a line is damaged."""

    def __init__(self, path: Path, most_bytes: int, parse: Callable[[bytes], Entry]) -> None:
        self.path, self._most_bytes, self._parse = path, most_bytes, parse

    def append(self, entry: object) -> None:
        """Add a line.

        Raises ValueError if `parse` refuses it, and OSError if writing fails; earlier lines then
        stay.
        """
        line = json_files.line_of(entry)
        self._parse(line)
        safe_files.append_line(self.path, line)

    def read(self) -> Lines[Entry]:
        """All lines; none if there is no such file. Raises RecordsError if it cannot be read."""
        try:
            found = self.path.exists()
            content = safe_files.read_bytes(self.path, self._most_bytes) if found else b""
        except DamagedFile as error:
            raise RecordsError(f"{error}: restore it from git, or move it away") from error
        return _lines_of(content, self._parse)

    def problems(self, damaged: dict[int, str], remedy: str) -> list[str]:
        """A sentence for each damaged line: its number, the reason and the remedy."""
        return [
            f"{self.path}, line {number}, is left out: {reason}. Restore the file from git, or "
            f"delete the line{remedy}"
            for number, reason in damaged.items()
        ]


@lru_cache(maxsize=6)  # two folders with three files each
def _lines_of(content: bytes, parse: Callable[[bytes], Any]) -> Lines[Any]:
    entries, damaged = {}, {}
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            entries[number] = parse(line)
        except ValueError as error:
            damaged[number] = str(error)
    return Lines(entries, damaged)
