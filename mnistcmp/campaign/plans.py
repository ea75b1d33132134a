"""Which runs to train, which of them are recorded, and which campaigns were interrupted."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal, TypedDict
from uuid import uuid4

from mnistcmp.campaign.jobs import Job
from mnistcmp.catalogue.recipes import recipe_for, recipes_of
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.checkpoints import SHIPPED_SEED
from mnistcmp.json_files import read_json
from mnistcmp.records import KEY, Records, in_order
from mnistcmp.safe_files import DamagedFile, write_whole


def plan(
    models: Iterable[str],
    recipes: Iterable[str],
    seeds: Iterable[int],
    *,
    dataset: str = "mnist",
    protocol: str = "final",
    epochs: int | None = None,
    mirror: bool = False,
) -> list[Job]:
    """Every combination for which a recipe exists; `epochs` overrides the recipes.

    The robustness of runs on MNIST is measured: in full for the seed that is shipped, and for every
    seed of a network in a study that is `stressed`; otherwise on a sample of the test images.
    With `mirror`, images of the user's own folder are mirrored. Raises as `recipe_for` does.
    """
    jobs = []
    for seed, name, model in product(seeds, recipes, models):
        if name in recipes_of(model):
            recipe = recipe_for(name, model, dataset, mirror=mirror)
            if epochs is not None:
                recipe = replace(recipe, epochs=epochs)
            reported = (dataset, protocol) == ("mnist", "final")
            robustness = _robustness(model, seed) if reported else None
            jobs.append(Job(dataset, model, recipe, seed, protocol, robustness))
    return jobs


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of a campaign, `number` from 1: every `count`-th run."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, jobs: list[Job]) -> list[Job]:
        """Its runs. Raises ValueError, with the remedy, if there are none."""
        part = jobs[self.number - 1 :: self.count]
        if not part:
            raise ValueError(
                f"the shard {self} has no runs, because there are only {len(jobs)} in all: divide "
                f"them into at most {len(jobs)} shards"
            )
        return part


def _robustness(model: str, seed: int) -> Literal["full", "sample"]:
    """How the robustness of a run on MNIST is measured."""
    studies = [study for study in STUDIES.values() if model in study.models]
    in_full = seed == SHIPPED_SEED or any(study.stressed for study in studies)
    return "full" if in_full else "sample"


def key_of(job: Job) -> tuple[str, str, str, int, str]:
    """(data set, model, recipe, seed, protocol), which identifies a run in the records."""
    return job.dataset, job.model, job.recipe.name, job.seed, job.protocol


def recorded(records: Records, campaign: str | None = None) -> set[tuple[str, str, str, int, str]]:
    """The finished runs: (data set, model, recipe, seed, protocol).

    These are the runs whose newest row is `ok`, in one campaign or in all (None).
    """
    runs = records.runs()
    if campaign is not None:
        runs = runs[runs["campaign"] == campaign]
    last = in_order(runs).drop_duplicates([*KEY, "protocol"], keep="last")
    done = last[last["status"] == "ok"]
    return set(done[[*KEY, "protocol"]].itertuples(index=False, name=None))


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
