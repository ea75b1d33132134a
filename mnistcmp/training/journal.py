"""Which campaigns were interrupted: one small file each."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict
from uuid import uuid4

from mnistcmp.json_files import read_json
from mnistcmp.safe_files import DamagedFile, write_whole
from mnistcmp.training.jobs import Job


class Unfinished(TypedDict):
    """The content of a journal's file."""

    campaign: str


class Journal:
    """A file that marks a campaign as unfinished; it is deleted when the campaign is finished.

    Its name is a hash of the campaign's plan, so only the same command continues the campaign.
    """

    def __init__(self, folder: Path, jobs: Iterable[Job], *, missing: bool) -> None:
        plan = json.dumps([missing, *(asdict(job) for job in jobs)], sort_keys=True)
        name = hashlib.sha256(plan.encode()).hexdigest()[:16]
        self._path = folder / "unfinished" / f"{name}.json"

    def campaign(self) -> str | None:
        """The id of the unfinished campaign; None if there is none.

        Raises ValueError if the file is damaged.
        """
        if not self._path.exists():
            return None
        try:
            return read_json(self._path, Unfinished)["campaign"]
        except DamagedFile as error:
            raise ValueError(f"{error}: delete it, or start again with --fresh") from error

    def begin(self) -> str:
        """Mark a new campaign as unfinished -> its id."""
        campaign = uuid4().hex[:12]
        write_whole(self._path, json.dumps({"campaign": campaign}).encode())
        return campaign

    def end(self) -> None:
        """Mark the campaign as finished."""
        self._path.unlink(missing_ok=True)
