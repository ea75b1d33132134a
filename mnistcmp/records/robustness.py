"""The records of robustness: one line for each set of weights, appended and never rewritten.

`robustness.jsonl` has each line with a checksum; a damaged line is left out and named.
`robustness.csv` is written from it for people and other programs, and never read. Which level loses
half of the digits is computed from the ladders when it is read: see robustness/breaking_points.py.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypedDict

import pandas as pd

from mnistcmp import json_files, safe_files
from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS, find_corruption, find_dial
from mnistcmp.json_files import Count, FileName, Sha256, Share, between
from mnistcmp.records.lines import LinesFile
from mnistcmp.records.runs import KEY


class Measured(TypedDict):
    """The accuracy of one network under each corruption and at each level of the dials."""

    images: Annotated[int, between(1, 10**12)]  # test images for `clean` and `corruptions`
    clean: Share
    corruptions: dict[str, Share]
    ladder_images: Count  # test images for `ladders`; 0 if there are none
    ladders: dict[str, list[tuple[float, Share]]]  # dial -> (level, accuracy), ascending, with rest


class Entry(Measured):
    """One line of robustness.jsonl, without its checksum."""

    dataset: FileName
    model: FileName
    recipe: FileName
    seed: Count
    sha256: Sha256  # of the weights' file
    run: FileName  # the run in runs.jsonl that trained them
    finished: str  # UTC
    machine: str
    versions: str
    device: str


CLEAN = "clean"
COLUMNS = (*KEY, "kind", "level", "accuracy", "n")
COMMAND = "mnistcmp robustness"
MOST_BYTES = 200_000_000  # of robustness.jsonl; a set of weights has about 5,000


class RobustnessRecords:
    """The records of robustness in one folder, `OUT/results`."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "robustness.jsonl"
        self._file = LinesFile(self.path, MOST_BYTES, _entry)

    def append(self, entry: Mapping[str, object]) -> None:
        """Record one set of weights.

        Raises ValueError if a value is not as Entry says, and OSError if writing fails; earlier
        records then stay.
        """
        self._file.append(entry)

    def entries(self) -> list[Entry]:
        """The newest line for each (dataset, model, recipe, seed), in the order of measuring."""
        newest: dict[tuple[str, str, str, int], Entry] = {}
        for entry in sorted(self.all_entries(), key=lambda entry: entry["finished"]):
            key = entry["dataset"], entry["model"], entry["recipe"], entry["seed"]
            newest.pop(key, None)
            newest[key] = entry
        return list(newest.values())

    def all_entries(self) -> list[Entry]:
        """All lines, in the order of recording."""
        return list(self._file.read().entries.values())

    def is_complete(self, sha256: str) -> bool:
        """Whether the weights with this sha256 were measured in full, as the catalogue is now."""
        levels = {name: list(dial.positions) for name, dial in DIALS.items()}
        return any(
            entry["sha256"] == sha256
            and entry["corruptions"].keys() == CORRUPTIONS.keys()
            and {name: [at for at, _ in of] for name, of in entry["ladders"].items()} == levels
            for entry in self.all_entries()
        )

    def table(self) -> pd.DataFrame:
        """One row for each accuracy in `entries()`; its columns are `COLUMNS`.

        kind: `clean`, a corruption, or a dial; a shift is to the right. level: that of the dial,
        otherwise NaN. accuracy: in [0, 1], on `n` test images.
        """
        table = pd.DataFrame(self._rows(), columns=list(COLUMNS))
        return table.astype({"seed": int, "level": float, "accuracy": float, "n": int})

    def problems(self) -> list[str]:
        """The damaged lines, which are left out: their numbers, the reasons and the remedy."""
        return self._file.problems(
            self._file.read().damaged,
            f"; {COMMAND} measures again the weights that are still there",
        )

    def write_table(self) -> None:
        """Write robustness.csv. Raises OSError if that fails."""
        safe_files.write_csv(self.folder / "robustness.csv", COLUMNS, self._rows())

    def _rows(self) -> Iterator[dict[str, object]]:
        for entry in self.entries():
            key = {name: entry[name] for name in KEY}  # type: ignore[literal-required]
            on_all = {CLEAN: entry["clean"]} | entry["corruptions"]
            for kind, accuracy in on_all.items():
                yield key | {"kind": kind, "accuracy": accuracy, "n": entry["images"]}
            for kind, ladder in entry["ladders"].items():
                for level, accuracy in ladder:
                    reading = {"level": level, "accuracy": accuracy, "n": entry["ladder_images"]}
                    yield key | {"kind": kind} | reading


def _entry(line: bytes) -> Entry:
    """The content of a line. Raises ValueError, with the reason, if it is damaged."""
    entry = json_files.read_line(line, Entry)
    for name in entry["corruptions"]:
        find_corruption(name)
    if entry["ladders"] and not entry["ladder_images"]:
        raise ValueError("its ladders are of no images")
    for name, ladder in entry["ladders"].items():
        dial = find_dial(name)
        for level, _ in ladder:
            dial.check(level)
    return entry
