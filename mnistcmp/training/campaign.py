"""A campaign of many runs: which runs to train, with how many workers, and how to resume.

Only this process writes records. A run is recorded when it is finished, its row last, so an
interruption costs only the active runs.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from mnistcmp import machine
from mnistcmp.catalogue.recipes import RECIPES, recipe_for, recipes_of
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.checkpoints import SHIPPED_SEED
from mnistcmp.data import pen_digits, sample_pack
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.load import load_dataset, short_name
from mnistcmp.data.sample_pack import SamplesError
from mnistcmp.inspection import snapshots
from mnistcmp.records import KEY, Records, RunRow, newest
from mnistcmp.robustness_records import RobustnessRecords
from mnistcmp.safe_files import DamagedFile, check_appendable, check_writable
from mnistcmp.training.jobs import Job, Materials
from mnistcmp.training.journal import Journal
from mnistcmp.training.recording import key_of
from mnistcmp.training.schedule import Progress, run

PEN_FILE = "pendigits/pendigits-orig.tra"
PEN_HELP = (
    "it also needs real pen strokes: get pendigits-orig.tra from the UCI Machine Learning "
    "Repository, data set 81 (https://archive.ics.uci.edu/dataset/81, CC BY 4.0), and put it at "
    "{path}"
)

STRESSED = (
    "Each network is also measured on changed test images as soon as it is trained. This takes "
    "longer for the first ones, because the images are then made, once for all networks."
)


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


def _robustness(model: str, seed: int) -> Literal["full", "sample"]:
    """How the robustness of a run on MNIST is measured."""
    studies = [study for study in STUDIES.values() if model in study.models]
    in_full = seed == SHIPPED_SEED or any(study.stressed for study in studies)
    return "full" if in_full else "sample"


@dataclass(frozen=True)
class Order:
    """The options of a campaign.

    dataset: a name in the catalogue, or the path of a folder of images.
    data: the folder of the data sets, to which they are downloaded.
    out: the folder of weights and records.
    epochs: overrides the recipes, unless None.
    mirror: whether images of the user's own folder may be mirrored.
    workers: None means one per core on the CPU, or one on a GPU.
    device: None means a GPU if torch finds one, otherwise the CPU.
    missing: train only runs without a finished record.
    fresh: start again, even if a campaign with these options was interrupted.
    """

    models: tuple[str, ...]
    recipes: tuple[str, ...]
    data: Path
    out: Path
    seeds: int = 1
    dataset: str = "mnist"
    protocol: str = "final"
    epochs: int | None = None
    mirror: bool = False
    workers: int | None = None
    device: str | None = None
    missing: bool = False
    fresh: bool = False


@dataclass(frozen=True)
class Outcome:
    """The number of failed runs of a campaign, and the records of the requested runs."""

    failed: int
    runs: pd.DataFrame


def train(
    order: Order,
    say: Callable[[str], None],
    show: Callable[[int], AbstractContextManager[Progress]],
) -> Outcome:
    """Carry out an order: train the runs that are not done, and record them in `order.out`.

    `say` prints a message; `show` makes the progress display for a number of runs. Only one
    campaign at a time can write to a folder. After an interruption, the same order continues.
    Raises ValueError, with the remedy, if the order cannot be carried out, RecordsError if the
    folder has records of an earlier version, and as `load_dataset`, `Records.append` and
    `checkpoints.save` do; OSError, before anything is trained, if a folder or file that will be
    needed cannot be written.
    """
    results = order.out / "results"
    for name in ("", "unfinished", snapshots.FOLDER, "results", "results/predictions"):
        check_writable(order.out / name)
    for recipe in order.recipes:
        check_writable(order.out / short_name(order.dataset) / recipe)
    check_appendable(Records(results).path)
    check_appendable(RobustnessRecords(results).path)
    with only_writer(order.out):
        return _train(order, say, show)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Make sure that no other training or measuring writes to `folder`, which is made if missing.

    Raises ValueError if another one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ValueError(
            f"another training is writing to {folder}: wait for it to finish, or use another "
            "folder (--checkpoints)"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _train(
    order: Order,
    say: Callable[[str], None],
    show: Callable[[int], AbstractContextManager[Progress]],
) -> Outcome:
    records = Records(order.out / "results")
    robustness = RobustnessRecords(records.folder)
    for problem in (*records.problems(), *robustness.problems()):
        say(problem)
    device = machine.choose_device(order.device)
    workers = order.workers or machine.usual_workers(device)
    dataset = short_name(order.dataset)
    materials, recipes = load_materials(order.dataset, order.data, order.recipes, say)
    _refuse_another_folder(order.out, materials.dataset, dataset)
    jobs = plan(
        order.models,
        recipes,
        range(order.seeds),
        dataset=dataset,
        protocol=order.protocol,
        epochs=order.epochs,
        mirror=order.mirror,
    )
    if not jobs:
        raise ValueError(
            f"nothing to train: there is no {' or '.join(recipes)} recipe for "
            f"{', '.join(order.models)}; choose another --recipe"
        )
    journal = Journal(order.out, jobs, missing=order.missing)
    identity = None if order.fresh else journal.campaign()
    if order.missing:
        done = recorded(records)
    else:
        done = recorded(records, identity) if identity else set()
    left = [job for job in jobs if key_of(job) not in done]
    if len(left) < len(jobs):
        say(f"{len(jobs) - len(left)} of {len(jobs)} runs are done already.")
    identity = identity or journal.begin()
    rows: list[RunRow] = []
    if any(job.robustness for job in left):
        say(STRESSED)
    if left:
        with show(len(left)) as progress:
            rows = run(
                left,
                materials,
                order.out,
                campaign=identity,
                workers=min(workers, len(left)),
                device=device,
                progress=progress,
            )
    _save_samples(order.out, records, materials.dataset, dataset, say)
    records.write_tables()
    robustness.write_table()
    journal.end()
    runs = records.runs()
    asked_for = runs["model"].isin(order.models) & runs["recipe"].isin(recipes)
    asked_for &= runs["dataset"] == dataset
    return Outcome(sum(row["status"] != "ok" for row in rows), runs[asked_for])


def load_materials(
    dataset: str, folder: Path, recipes: Iterable[str], say: Callable[[str], None]
) -> tuple[Materials, list[str]]:
    """All data of a campaign, and the recipes that can be trained with it.

    Raises ValueError if no recipe can be trained, and as `load_dataset` does.
    """
    recipes = list(recipes)
    images = load_dataset(dataset, folder)
    pen_file = folder / PEN_FILE
    if dataset != "mnist":
        reason = f"its pen digits cannot be used with {dataset}"
    elif not pen_file.exists():
        reason = PEN_HELP.format(path=pen_file)
    else:
        return Materials(images, *pen_digits.load_kept(pen_file)), recipes
    left = [recipe for recipe in recipes if not RECIPES[recipe].pen_strokes]
    without = ", ".join(recipe for recipe in recipes if recipe not in left)
    if not left:
        raise ValueError(f"the recipe {without} cannot be trained: {reason}")
    if without:
        say(f"Skipping the recipe {without}: {reason}")
    return Materials(images), left


def _refuse_another_folder(out: Path, dataset: Dataset, name: str) -> None:
    """Raise ValueError if `out` has records of a folder with this name but other test images."""
    try:
        labels = sample_pack.load(sample_pack.path(out, name)).labels
    except SamplesError:
        return  # nothing was trained yet, or there is nothing to compare with
    if not np.array_equal(labels, dataset.test_labels):
        raise ValueError(
            f"{out} has records of another folder called {name!r}, or of this one before its test "
            f"images changed ({len(labels)} then, {len(dataset.test_labels)} now): they "
            "cannot be compared. Rename the folder, or use another --out"
        )


def _save_samples(
    out: Path, records: Records, dataset: Dataset, name: str, say: Callable[[str], None]
) -> None:
    """Save the sample pack: the labels of the test set and, for MNIST, the images the app shows."""
    reported = newest(records.runs())
    reported = reported[(reported["status"] == "ok") & (reported["dataset"] == name)]
    if reported.empty:
        return
    labels = dataset.test_labels.numpy()
    if name == "mnist":
        predictions = []
        for run in reported["run"]:
            try:
                predictions.append(records.predictions(run)["test"])
            except DamagedFile as error:
                say(f"{error}: the sample pack leaves this run out until it is trained again")
        pack = sample_pack.pick(dataset.test_images.numpy(), labels, predictions)
    else:
        pack = sample_pack.labels_only(labels)
    sample_pack.save(sample_pack.path(out, name), pack)


def recorded(records: Records, campaign: str | None = None) -> set[tuple[str, str, str, int, str]]:
    """The finished runs: (data set, model, recipe, seed, protocol).

    These are the runs whose newest row is `ok`, in one campaign or in all (None).
    """
    runs = records.runs()
    if campaign is not None:
        runs = runs[runs["campaign"] == campaign]
    last = runs.drop_duplicates([*KEY, "protocol"], keep="last")
    done = last[last["status"] == "ok"]
    return set(done[[*KEY, "protocol"]].itertuples(index=False, name=None))
