"""Join folders of weights and records, such as those that the shards of a campaign wrote.

Lines are only appended, and a run's weights and predictions are written before its line, so an
interruption or an error costs nothing that was there, and the same merge continues.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from mnistcmp import checkpoints
from mnistcmp.campaign.orders import save_samples
from mnistcmp.campaign.recording import only_writer
from mnistcmp.checkpoints import SHIPPED_SEED, Checkpoint, CheckpointError, read_manifest
from mnistcmp.data import sample_pack
from mnistcmp.data.load import load_dataset
from mnistcmp.data.sample_pack import Samples, SamplesError
from mnistcmp.inspection import snapshots
from mnistcmp.manifest import Facts
from mnistcmp.records import Records
from mnistcmp.records.robustness import RobustnessRecords
from mnistcmp.records.runs import Entry
from mnistcmp.safe_files import DamagedFile, check_appendable, check_writable

Key = tuple[str, str, str]


@dataclass
class Merged:
    """How many runs were added, how many were there already, and how many problems were named."""

    added: int = 0
    known: int = 0
    problems: int = 0


def merge(sources: Iterable[Path], out: Path, data: Path, say: Callable[[str], None]) -> Merged:
    """Take the runs of all `sources`, folders of weights and records, into the folder `out`.

    What is damaged, or contradicts `out`, is named with `say` and left out. `data` is the folder of
    the data sets, from which the sample pack of MNIST is made again. Raises ValueError if a source
    is none or has other test images, and as `Records`, `checkpoints.save` and `load_dataset` do.
    """
    sources = list(dict.fromkeys(sources))
    for source in sources:
        _refuse(source, out)
    for name in ("", "results", "results/predictions"):
        check_writable(out / name)
    with only_writer(out):
        packs = _packs([out, *sources])
        joint = _Joint(out)
        for path in (joint.records.path, joint.robustness.path):
            check_appendable(path)
        merged = Merged()
        for problem in (*joint.records.problems(), *joint.robustness.problems()):
            say(problem)
        for source in sources:
            for problem in joint.take(source, merged):
                merged.problems += 1
                say(problem)
        _write_samples(out, joint.records, packs, data, say)
        joint.records.write_tables()
        joint.robustness.write_table()
    return merged


class _Joint:
    """The folder that the runs of other folders are taken into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = Records(folder / "results")
        self.robustness = RobustnessRecords(self.records.folder)
        self._runs = dict(self.records.entries())
        self._measured = self.robustness.all_entries()
        self._newest: dict[Key, Entry] = {}
        for entry in self._runs.values():
            self._note(entry)

    def take(self, source: Path, merged: Merged) -> Iterator[str]:
        """Take all runs of a folder and count them in `merged` -> problems."""
        records = Records(source / "results")
        robustness = RobustnessRecords(records.folder)
        yield from records.problems()
        yield from robustness.problems()
        manifests = [
            {(each.run, each.key): each for each in read_manifest(folder)}
            for folder in _weight_folders(source)
        ]
        for run, entry in records.entries().items():
            known = self._runs.get(run)
            if known and known != entry:
                yield (
                    f"run {run} is recorded differently in {records.path} and "
                    f"{self.records.path}: nothing of it is taken. Delete its line where it is "
                    "wrong (git shows what changed), then merge again"
                )
                continue
            try:
                predictions = b"" if known else records.predictions_file(entry)
                leads = self._leads(entry)
                kept = [each.get((run, _key(entry))) for each in manifests if leads]
                saved = self._save(source, kept)
            except (DamagedFile, CheckpointError) as error:
                yield f"run {run} of {source} is left out: {error}"
                continue
            if known:
                merged.known += 1
            else:
                self.records.append_entry(entry, predictions)
                self._runs[run] = entry
                self._note(entry)
                merged.added += 1
            self._take_robustness(run, robustness)
            for folder, checkpoint in saved:
                checkpoints.drop_former(folder, checkpoint)

    def _note(self, entry: Entry) -> None:
        """Remember the entry if its weights are those to keep of its network."""
        if _is_shipped(entry) and self._leads(entry):
            self._newest[_key(entry)] = entry

    def _leads(self, entry: Entry) -> bool:
        """Whether no newer run of the same network is known whose weights are kept."""
        newest = self._newest.get(_key(entry))
        return _is_shipped(entry) and (
            newest is None or newest["run"]["finished"] <= entry["run"]["finished"]
        )

    def _save(self, source: Path, kept: list[Checkpoint | None]) -> list[tuple[Path, Checkpoint]]:
        """Save the weights and the states of a run -> the folder and the entry of each file.

        All files are read first, so that those of a run are taken together or not at all.
        """
        limits = (checkpoints.most_bytes_of, snapshots.most_bytes_of)
        read = []
        for entry, limit, there, here in zip(
            kept, limits, _weight_folders(source), _weight_folders(self.folder), strict=False
        ):
            if entry and entry not in read_manifest(here):
                read.append((here, entry, checkpoints.read_file(entry, there, limit(entry))))
        saved = []
        for here, entry, content in read:
            facts = cast(Facts, {name: getattr(entry, name) for name in Facts.__annotations__})
            saved.append((here, checkpoints.save(here, content, **facts)))
        return saved

    def _take_robustness(self, run: str, robustness: RobustnessRecords) -> None:
        for entry in robustness.all_entries():
            if entry["run"] == run and entry not in self._measured:
                self.robustness.append(entry)
                self._measured.append(entry)


def _weight_folders(folder: Path) -> tuple[Path, Path]:
    """The folders of the weights and of the states during training."""
    return folder, snapshots.folder_in(folder)


def _is_shipped(entry: Entry) -> bool:
    """Whether the weights of such a run are kept."""
    run = entry["run"]
    return (run["seed"], run["protocol"], run["status"]) == (SHIPPED_SEED, "final", "ok")


def _key(entry: Entry) -> Key:
    run = entry["run"]
    return run["dataset"], run["model"], run["recipe"]


def _refuse(source: Path, out: Path) -> None:
    if source.resolve() == out.resolve():
        raise ValueError(f"{source} cannot be merged into itself: name another folder")
    if not Records(source / "results").path.exists():
        raise ValueError(
            f"{source} has no records of runs: name a folder that was given to "
            "`mnistcmp train --checkpoints`"
        )


def _packs(folders: list[Path]) -> dict[str, Samples]:
    """The sample pack of each data set. Raises ValueError if two have other test images."""
    packs: dict[str, tuple[Path, Samples]] = {}
    for folder in folders:
        records = Records(folder / "results")
        for name in dict.fromkeys(entry["run"]["dataset"] for entry in records.entries().values()):
            try:
                pack = sample_pack.load(sample_pack.path(folder, name))
            except SamplesError:
                continue  # the campaign was interrupted before it was written
            first, other = packs.setdefault(name, (folder, pack))
            if not np.array_equal(pack.labels, other.labels):
                raise ValueError(
                    f"{first} and {folder} have other test images of {name!r}: their runs cannot "
                    "be compared, and nothing was merged"
                )
    return {name: pack for name, (_, pack) in packs.items()}


def _write_samples(
    out: Path, records: Records, packs: dict[str, Samples], data: Path, say: Callable[[str], None]
) -> None:
    for name, pack in packs.items():
        if name == "mnist":
            save_samples(out, records, load_dataset(name, data), name, say)
        else:  # of other data sets, it has only the labels
            sample_pack.save(sample_pack.path(out, name), pack)
