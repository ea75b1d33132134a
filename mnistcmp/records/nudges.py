"""The records of the smallest nudges: one line for each set of weights.

`nudges.jsonl` has, for each network, how large a nudge each of the fixed test digits takes, and how
often a nudge that fools it fools each other network of its recipe. Lines are appended, never
rewritten; the newest of a network counts. Medians and intervals are computed when read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from mnistcmp import json_files
from mnistcmp.json_files import Count, FileName, Measure, Sha256
from mnistcmp.records.lines import LinesFile

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
        self._file = LinesFile(self.path, MOST_BYTES, _entry)

    def append(self, entry: Mapping[str, object]) -> None:
        """Record the nudges of one network.

        Raises ValueError if a value is not as Entry says, and OSError if writing fails; earlier
        records then stay.
        """
        self._file.append(entry)

    def entries(self) -> list[Entry]:
        """The newest entry of each (data set, model, recipe, seed). Raises RecordsError."""
        newest = {
            (entry["dataset"], entry["model"], entry["recipe"], entry["seed"]): entry
            for entry in self._file.read().entries.values()
        }
        return list(newest.values())

    def problems(self) -> list[str]:
        """The damaged lines, which are left out: their numbers, the reasons and the remedy."""
        return self._file.problems(self._file.read().damaged, f" and run {COMMAND}")


def _entry(line: bytes) -> Entry:
    """The content of a line. Raises ValueError, with the reason, if it is damaged."""
    entry = json_files.read_line(line, Entry)
    for other, transfer in entry["transfers"].items():
        fooled = max(transfer["fooled"], transfer["fooled_doubled"])
        if not fooled <= transfer["digits"] <= len(entry["norms"]):
            raise ValueError(f"transfers.{other} has more digits fooled or nudged than there are")
    return entry
