"""The records of the smallest nudges: one line for each set of weights.

`nudges.jsonl` has, for each network, how large a nudge each of the fixed test digits takes, and how
often a nudge that fools it fools each other network of its recipe. Lines are appended, never
rewritten; the newest of a network counts. Medians and intervals are computed when read.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypedDict

from mnistcmp import json_files, safe_files
from mnistcmp.json_files import Count, FileName, Measure, Sha256
from mnistcmp.records import RecordsError
from mnistcmp.safe_files import DamagedFile

MOST_BYTES = 50_000_000  # of nudges.jsonl; a network has about 4,000
COMMAND = "mnistcmp nudges"


class Transfer(TypedDict):
    """How often a nudge that fools one network fools another one, too."""

    fooled: Count
    fooled_doubled: Count  # by the same nudges, each pixel's change twice as large
    digits: Count  # those nudged, of which the other network reads the clean image correctly


class Entry(TypedDict):
    """One line of nudges.jsonl, without its checksum."""

    dataset: FileName
    model: FileName
    recipe: FileName
    seed: Count
    sha256: Sha256  # of the weights
    compared: Sha256  # of the weights of all networks of the recipe; nudge_measure.sha256_of_all
    device: str
    steps: Count  # of the search
    # Of each digit, the L2 norm of the smallest nudge found: 0 if it is misread without a nudge,
    # None if no nudge was found.
    norms: list[Measure | None]
    transfers: dict[FileName, Transfer]  # by the other network


class NudgeRecords:
    """The records of nudges in one folder, `OUT/results`."""

    def __init__(self, folder: Path | str) -> None:
        self.path = Path(folder) / "nudges.jsonl"

    def append(self, entry: Mapping[str, object]) -> None:
        """Record the nudges of one network.

        Raises ValueError if a value is not as Entry says, and OSError if writing fails; earlier
        records then stay.
        """
        line = json_files.line_of(entry)
        _entry(line)
        safe_files.append_line(self.path, line)

    def entries(self) -> list[Entry]:
        """The newest entry of each (data set, model, recipe, seed). Raises RecordsError."""
        return list(self._lines().entries.values())

    def problems(self) -> list[str]:
        """The damaged lines, which are left out: their numbers, the reasons and the remedy."""
        return [
            f"{self.path}, line {number}, is left out: {reason}. Restore the file from git, or "
            f"delete the line and run {COMMAND}"
            for number, reason in self._lines().damaged.items()
        ]

    def _lines(self) -> "_Lines":
        if not self.path.exists():
            return _read_lines(b"")
        try:
            return _read_lines(safe_files.read_bytes(self.path, MOST_BYTES))
        except DamagedFile as error:
            raise RecordsError(f"{error}: restore it from git, or move it away") from error


class _Lines(NamedTuple):
    """The content of nudges.jsonl."""

    entries: dict[tuple[str, str, str, int], Entry]
    damaged: dict[int, str]


@lru_cache(maxsize=2)
def _read_lines(content: bytes) -> _Lines:
    entries, damaged = {}, {}
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            entry = _entry(line)
        except ValueError as error:
            damaged[number] = str(error)
        else:
            entries[entry["dataset"], entry["model"], entry["recipe"], entry["seed"]] = entry
    return _Lines(entries, damaged)


def _entry(line: bytes) -> Entry:
    """The content of a line. Raises ValueError, with the reason, if it is damaged."""
    entry = json_files.read_line(line, Entry)
    for other, transfer in entry["transfers"].items():
        fooled = max(transfer["fooled"], transfer["fooled_doubled"])
        if not fooled <= transfer["digits"] <= len(entry["norms"]):
            raise ValueError(f"transfers.{other} has more digits fooled or nudged than there are")
    return entry
