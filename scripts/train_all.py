"""Train the zoo: get the data, train every network with every recipe, keep weights and records.

    python scripts/train_all.py                        # every network, every recipe, seed 0
    python scripts/train_all.py --models cnn mlp --recipe tuned --seeds 5
    python scripts/train_all.py --seeds 3 --missing    # only what has no record yet
    python scripts/train_all.py --dataset my_images    # a folder of your own images

It may be stopped at any moment (Ctrl-C): the same command goes on where it stopped.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from rich import box
from rich.console import Console
from rich.table import Table

from mnistcmp import checkpoints, records
from mnistcmp.analysis import benchmark_tables
from mnistcmp.catalogue.datasets import downloadable, title
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.checkpoints import CheckpointError
from mnistcmp.data import pen_digits, sample_pack
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.download import DataUnavailable
from mnistcmp.data.load import home, load_dataset, short_name
from mnistcmp.models import MODELS
from mnistcmp.safe_files import DamagedFile
from mnistcmp.training import campaign, verify
from mnistcmp.training.jobs import Materials
from mnistcmp.training.progress import TerminalProgress

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE_COLUMNS = 190
PEN_FILE = "pendigits/pendigits-orig.tra"
PEN_HELP = (
    "the recipe 'drawn' also needs real pen strokes: get pendigits-orig.tra from the UCI Machine "
    "Learning Repository, data set 81 (https://archive.ics.uci.edu/dataset/81, CC BY 4.0), and "
    "put it at {path}"
)


def one_of(choices: Iterable[object], kind: str) -> Callable[[str], str]:
    """An argparse type that takes one of `choices` and otherwise names the nearest."""
    names = [str(choice) for choice in choices]

    def parse(text: str) -> str:
        if text in names:
            return text
        near = get_close_matches(text, names, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise argparse.ArgumentTypeError(
            f"there is no {kind} {text!r}; {hint}Choose from: {', '.join(names)}"
        )

    return parse


def at_least_one(text: str) -> int:
    """An argparse type: a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 upwards")
    return int(text)


def name_or_folder(text: str) -> str:
    """An argparse type: a data set's name or the path of a folder."""
    try:
        short_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line as a namespace; a wrong argument ends the program with what to do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--models",
        nargs="+",
        metavar="NAME",
        type=one_of(MODELS, "model"),
        help="train only these networks (--list shows their names)",
    )
    what.add_argument(
        "--study",
        metavar="N",
        type=one_of(STUDIES, "study"),
        help="train only the networks of this study: "
        + "; ".join(f"{study.number} = {study.title}" for study in STUDIES.values()),
    )
    add(
        "--recipe",
        default="all",
        type=one_of((*RECIPES, "all"), "recipe"),
        help="published = as in the source; tuned = our best in 5 epochs; drawn = tuned, with "
        "real pen strokes added; all = each of them (default)",
    )
    add(
        "--seeds",
        default=1,
        type=at_least_one,
        metavar="N",
        help="train each network N times, from the random seeds 0 to N-1 (default: 1)",
    )
    add("--epochs", type=at_least_one, metavar="N", help="go N times through the training images")
    add(
        "--protocol",
        default="final",
        type=one_of(("final", "validation"), "protocol"),
        help="final = train on all training images, measure on the test images (default); "
        "validation = hold out 5,000 training images (of fewer than 50,000, a tenth) and measure "
        "on those, to choose by",
    )
    add(
        "--dataset",
        default="mnist",
        type=name_or_folder,
        metavar="NAME|PATH",
        help=f"one of {', '.join(downloadable())} (default: mnist), or the path of a folder of "
        "images, PATH/train/CLASS/* and PATH/test/CLASS/*",
    )
    add(
        "--data",
        default=REPOSITORY / "data",
        type=Path,
        metavar="DIR",
        help="where the data sets are, or go when they are downloaded (default: data/)",
    )
    add(
        "--out",
        default=checkpoints.CHECKPOINTS,
        type=Path,
        metavar="DIR",
        help="where weights and records go (default: checkpoints/)",
    )
    add(
        "--workers",
        type=at_least_one,
        metavar="N",
        help="how many networks to train at a time (default: one on each processor core, "
        "or one on a GPU)",
    )
    add(
        "--device",
        type=one_of(("cpu", "cuda", "mps"), "device"),
        help="cpu, cuda (Nvidia) or mps (Apple); default: a GPU if torch finds one",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--missing", action="store_true", help="train only what has no finished record yet"
    )
    how.add_argument(
        "--fresh", action="store_true", help="start over instead of going on after an interruption"
    )
    add("--list", action="store_true", help="list the networks and studies, and train nothing")
    add(
        "--check",
        action="store_true",
        help="train nothing, but verify weights and records in --out, measuring the accuracies on "
        "--dataset again if it is there",
    )
    return parser.parse_args(arguments)


def list_models(console: Console) -> None:
    """Print every study with its networks."""
    for study in STUDIES.values():
        table = Table(
            "model", "parameters", "what it is", title=f"Study {study.number}: {study.title}"
        )
        table.columns[1].justify = "right"
        for name in study.models:
            table.add_row(name, f"{MODELS[name].params:,}", MODELS[name].caption)
        console.print(table)


def check(options: argparse.Namespace, console: Console) -> int:
    """Verify the folder of weights and records -> the number of problems."""
    name = short_name(options.dataset)
    there = home(options.dataset, options.data).exists()
    dataset = load_dataset(options.dataset, options.data) if there else None
    with console.status("Verifying weights and records …"):
        problems = list(verify.problems(options.out, dataset, name))
    for problem in problems:
        console.print(problem, markup=False, highlight=False, soft_wrap=True)
    measured = f"accuracies on {title(name)} were measured again"
    if not dataset:
        measured = f"no accuracies were measured again, because {options.data} has no {title(name)}"
    summary = f"{len(problems)} problems in {options.out}; {measured}."
    console.print(summary, markup=False, highlight=False, soft_wrap=True)
    return len(problems)


def choose_device(wanted: str | None) -> str:
    """The device to train on. Raises ValueError if torch does not find the wanted one."""
    found = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted is None:
        return next(device for device, there in found.items() if there)
    if not found[wanted]:
        there = ", ".join(device for device in found if found[device])
        raise ValueError(f"torch finds no {wanted} device here; use --device {there}")
    return wanted


def load_materials(
    dataset: str, folder: Path, recipes: list[str], console: Console
) -> tuple[Materials, list[str]]:
    """All data the campaign needs, and the recipes that it suffices for.

    Raises ValueError if nothing is left to train.
    """
    images = load_dataset(dataset, folder)
    pen_file = folder / PEN_FILE
    if dataset != "mnist":
        reason = f"the recipe 'drawn' adds pen digits, which do not go with {dataset}"
    elif not pen_file.exists():
        reason = PEN_HELP.format(path=pen_file)
    else:
        with console.status("Replaying pen strokes on the canvas …"):
            return Materials(images, *pen_digits.load(pen_file)), recipes
    left = [recipe for recipe in recipes if recipe != "drawn"]
    if not left:
        raise ValueError(reason)
    if left != recipes:
        console.print(f"Without 'drawn': {reason}", markup=False, highlight=False, soft_wrap=True)
    return Materials(images), left


def print_table(console: Console, runs: pd.DataFrame, protocol: str) -> None:
    """Print the benchmark table, and below it the runs that failed."""
    texts = benchmark_tables.table(records.summarise(runs, protocol))
    measured_on = "test images" if protocol == "final" else "validation images"
    table = Table(title=f"Benchmark, measured on the {measured_on}", box=box.SIMPLE, padding=(0, 1))
    for number, column in enumerate(texts.columns):
        table.add_column(column, justify="right" if number > 1 else "left", no_wrap=number == 0)
    for row in texts.values.tolist():
        table.add_row(*row)
    # A narrow terminal wraps the lines; cut cells could not be read at all.
    console.width = max(console.width, TABLE_COLUMNS)
    console.print(table)
    newest = records.newest(runs, protocol)
    for failed in newest[newest["status"] != "ok"].itertuples():
        problem = f"{failed.model}, {failed.recipe}, seed {failed.seed}: {failed.status}"
        console.print(problem, markup=False, highlight=False, soft_wrap=True)


def refuse_another_folder(out: Path, dataset: Dataset, name: str) -> None:
    """Raise ValueError if the records are of a folder of the same name with other test images."""
    try:
        labels = sample_pack.load(out / name / "samples.npz").labels
    except sample_pack.SamplesError:
        return  # nothing was trained yet, or nothing is left to compare with
    if not np.array_equal(labels, dataset.test_labels):
        raise ValueError(
            f"{out} has records of another folder called {name!r}, or of this one before its test "
            f"images changed ({len(labels)} of them then, {len(dataset.test_labels)} now): they "
            "cannot stand side by side. Rename the folder, or use another --out"
        )


def save_samples(
    out: Path, records: records.Records, dataset: Dataset, name: str, console: Console
) -> None:
    """Pack what the app needs of the test set: its labels, and of MNIST's images what it shows."""
    reported = records.newest(records.runs())
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
                problem = f"{error}: its network is left out of the samples until trained again"
                console.print(problem, markup=False, highlight=False, soft_wrap=True)
        pack = sample_pack.pick(dataset.test_images.numpy(), labels, predictions)
    else:
        pack = sample_pack.labels_only(labels)
    sample_pack.save(out / name / "samples.npz", pack)


def train(options: argparse.Namespace, console: Console) -> int:
    """Carry out the campaign that the command line asks for -> the number of failed runs."""
    device = choose_device(options.device)
    workers = options.workers or (torch.get_num_threads() if device == "cpu" else 1)
    recipes = list(RECIPES) if options.recipe == "all" else [options.recipe]
    of_study = STUDIES[int(options.study)].models if options.study else MODELS
    models = list(dict.fromkeys(options.models or of_study))
    dataset = short_name(options.dataset)
    materials, recipes = load_materials(options.dataset, options.data, recipes, console)
    refuse_another_folder(options.out, materials.dataset, dataset)
    jobs = campaign.plan(
        models,
        recipes,
        range(options.seeds),
        dataset=dataset,
        protocol=options.protocol,
        epochs=options.epochs,
    )
    if not jobs:
        raise ValueError(
            f"nothing to train: no source says how it trained {', '.join(models)}; use another "
            "--recipe than published"
        )
    records = records.Records(options.out / "results")
    journal = campaign.Journal(options.out, jobs, missing=options.missing)
    identity = None if options.fresh else journal.campaign()
    if options.missing:
        done = campaign.recorded(records)
    else:
        done = campaign.recorded(records, identity) if identity else set()
    left = [job for job in jobs if campaign.key_of(job) not in done]
    if len(left) < len(jobs):
        console.print(f"{len(jobs) - len(left)} of {len(jobs)} runs are done already.")
    identity = identity or journal.begin()
    rows = []
    if left:
        with TerminalProgress(console, len(left)) as progress:
            rows = campaign.run(
                left,
                materials,
                options.out,
                campaign=identity,
                workers=min(workers, len(left)),
                device=device,
                progress=progress,
            )
    save_samples(options.out, records, materials.dataset, dataset, console)
    journal.end()
    runs = records.runs()
    asked_for = runs["model"].isin(models) & (runs["dataset"] == dataset)
    print_table(console, runs[asked_for & runs["recipe"].isin(recipes)], options.protocol)
    return sum(row["status"] != "ok" for row in rows)


def main() -> int:
    """Run the program -> its exit status."""
    options = parse_arguments()
    console = Console()
    if options.list:
        list_models(console)
        return 0
    try:
        if options.check:
            return 1 if check(options, console) else 0
        options.out.mkdir(parents=True, exist_ok=True)
        with FileLock(options.out / ".lock", timeout=0):
            failed = train(options, console)
    except Timeout:
        problem = f"another train_all.py is writing to {options.out}: wait for it, or use --out"
    except KeyboardInterrupt:
        problem = "stopped; everything finished is recorded. The same command goes on from here."
    except (ValueError, DataUnavailable, records.RecordsError, CheckpointError) as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error}; what was recorded is whole. Mend this, and the same command goes on."
    else:
        if failed:
            console.print(f"{failed} runs failed: --missing trains them again.")
        return 1 if failed else 0
    Console(stderr=True).print(problem, markup=False, highlight=False, soft_wrap=True)
    return 1


def interrupt_once(*_: object) -> None:
    """Handle Ctrl-C: stop, and let nothing disturb the stopping, which takes a moment."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupt_once)
    sys.exit(main())
