"""The command `mnistcmp`: open the app, train, measure, check or list."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from mnistcmp.analysis import benchmark_tables, nudge_tables
from mnistcmp.catalogue.datasets import downloadable, title
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.nudge_records import NudgeRecords
from mnistcmp.records import (
    FOLDER_VARIABLE,
    RecordsError,
    default_folder,
    home,
    newest,
    summarise,
)

TABLE_COLUMNS = 190


def main(arguments: list[str] | None = None) -> int:
    """Run a command line -> its exit status."""
    return prepare(arguments)()


def prepare(arguments: list[str] | None = None) -> Callable[[], int]:
    """Read a command line, and import what it needs -> the work, which returns the exit status."""
    parser = _parser()
    options, others = parser.parse_known_args(arguments)
    if options.command == "app":
        return partial(_app, options, others)
    if others:
        parser.error(f"unknown arguments: {' '.join(others)}")
    if options.command == "list" or (options.command == "train" and options.list):
        return _list
    # Imported only for these commands, because they import torch, which takes seconds.
    from mnistcmp.robustness import nudge_measure  # noqa: F401
    from mnistcmp.training import campaign, progress, verify  # noqa: F401

    if options.command == "nudges":
        return partial(_ended, _nudges, options)
    checks = options.command == "check" or options.check
    return partial(_ended, _check if checks else _train, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mnistcmp", description="See what a neural network's architecture buys."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    command = commands.add_parser(
        "app",
        help="open the app in a browser",
        description="Open the app in a browser. Further options go to Streamlit, for example "
        "--server.port 8502.",
    )
    _add_folder(command, "--checkpoints")

    command = commands.add_parser(
        "train",
        help="train networks",
        description="Train networks, and keep their weights and records. You can stop it at any "
        "time (Ctrl-C): the same command continues where it stopped.",
    )
    _add_training(command)

    command = commands.add_parser(
        "check",
        help="verify weights and records",
        description="Verify weights and records, and measure the accuracies again if the data set "
        "is available.",
    )
    _add_folder(command, "--checkpoints")
    _add_dataset(command)

    command = commands.add_parser(
        "nudges",
        help="measure the smallest nudges",
        description="Measure, for each trained network, the smallest change of a digit's pixels "
        "that makes it answer wrongly, and which other networks this change misleads, too. You can "
        "stop it at any time (Ctrl-C): the same command continues where it stopped.",
    )
    _add_recipe(command)
    _add_folder(command, "--checkpoints")
    _add_data(command)
    _add_machine(command)

    commands.add_parser(
        "list", help="list networks and studies", description="List the networks by study."
    )
    return parser


def _app(options: argparse.Namespace, others: list[str]) -> int:
    """Run Streamlit with the app -> its exit status."""
    page = home() / "streamlit_app.py"
    if not page.exists():  # installed: the page is in the package
        page = Path(__file__).parent / "app" / "main.py"
    command = [sys.executable, "-m", "streamlit", "run", str(page), *others]
    environment = os.environ | {FOLDER_VARIABLE: str(options.folder.resolve())}
    with subprocess.Popen(command, env=environment) as streamlit:
        try:
            return streamlit.wait()
        except KeyboardInterrupt:  # Streamlit receives it too, and stops
            return streamlit.wait()


def _list() -> int:
    """Print every study with its networks -> exit status 0."""
    console = Console()
    for study in STUDIES.values():
        table = Table(
            "model", "parameters", "what it is", title=f"Study {study.number}: {study.title}"
        )
        table.columns[1].justify = "right"
        for name in study.models:
            table.add_row(name, f"{MODELS[name].params:,}", MODELS[name].caption)
        console.print(table)
    return 0


def _ended(work: Callable[[argparse.Namespace, Console], int], options: argparse.Namespace) -> int:
    """Do the work and print problems -> the exit status: 1 if there were any."""
    from mnistcmp.checkpoints import CheckpointError
    from mnistcmp.data.download import DataUnavailable

    status = 1
    try:
        return 1 if work(options, Console()) else 0
    except KeyboardInterrupt:
        problem = "Stopped. All finished runs are recorded; run the same command to continue."
        status = 128 + signal.SIGINT  # the usual one after Ctrl-C
    except (ValueError, DataUnavailable, RecordsError, CheckpointError) as error:
        problem = str(error)
    except OSError as error:
        problem = (
            f"{error}. Everything recorded so far is complete; fix this, then run the same command "
            "to continue."
        )
    _say(Console(stderr=True), problem)
    return status


def _say(console: Console, text: str) -> None:
    """Print one line unchanged; a path in it may contain brackets and is not wrapped."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _check(options: argparse.Namespace, console: Console) -> int:
    """Verify weights and records -> the number of problems."""
    from mnistcmp.data.load import short_name
    from mnistcmp.training import verify

    with console.status("Verifying weights and records …"):
        problems, measured = verify.check(options.folder, options.dataset, options.data)
    for problem in problems:
        _say(console, problem)
    name = title(short_name(options.dataset))
    how = f"accuracies on {name} were measured again"
    if not measured:
        how = f"no accuracies were measured again, because {options.data} has no {name}"
    _say(console, f"{len(problems)} problems in {options.folder}; {how}.")
    return len(problems)


def _nudges(options: argparse.Namespace, console: Console) -> int:
    """Measure and record the smallest nudges of the networks that lack them -> exit status 0."""
    import torch

    from mnistcmp.robustness import nudge_measure
    from mnistcmp.training import machine

    device = machine.choose_device(options.device)
    workers = options.workers or (torch.get_num_threads() if device == "cpu" else 1)
    for problem in NudgeRecords(options.folder / "results").problems():
        _say(console, problem)
    networks = nudge_measure.unmeasured(options.folder, _recipes(options))
    entries = nudge_measure.measure_all(
        networks, options.folder, options.data, workers=workers, device=device
    )
    for number, entry in enumerate(entries, start=1):
        (row,) = nudge_tables.medians([entry]).itertuples()
        _say(
            console,
            f"{number}/{len(networks)}  {row.model}, {row.recipe}: median norm of the smallest "
            f"nudge {row.median_norm:.2f} ({row.n} digits)",
        )
    _say(console, f"The nudges of all networks in {options.folder} are recorded.")
    return 0


def _recipes(options: argparse.Namespace) -> tuple[str, ...]:
    return tuple(RECIPES) if options.recipe == "all" else (options.recipe,)


def _train(options: argparse.Namespace, console: Console) -> int:
    """Train as the options say -> the number of failed runs."""
    from mnistcmp.training import campaign
    from mnistcmp.training.progress import TerminalProgress

    models = STUDIES[int(options.study)].models if options.study else MODELS
    outcome = campaign.train(
        campaign.Order(
            models=tuple(dict.fromkeys(options.models or models)),
            recipes=_recipes(options),
            data=options.data,
            out=options.folder,
            seeds=options.seeds,
            dataset=options.dataset,
            protocol=options.protocol,
            epochs=options.epochs,
            mirror=options.mirror,
            workers=options.workers,
            device=options.device,
            missing=options.missing,
            fresh=options.fresh,
        ),
        say=partial(_say, console),
        show=partial(TerminalProgress, console),
    )
    _print_table(console, outcome.runs, options.protocol)
    if outcome.failed:
        console.print(f"{outcome.failed} runs failed: train them again with --missing.")
    return outcome.failed


def _print_table(console: Console, runs: pd.DataFrame, protocol: str) -> None:
    """Print the benchmark table, then the failed runs."""
    texts = benchmark_tables.table(summarise(runs, protocol))
    measured_on = "test images" if protocol == "final" else "validation images"
    table = Table(title=f"Benchmark, measured on the {measured_on}", box=box.SIMPLE, padding=(0, 1))
    for number, column in enumerate(texts.columns):
        table.add_column(column, justify="right" if number > 1 else "left", no_wrap=number == 0)
    for row in texts.values.tolist():
        table.add_row(*row)
    # A narrow terminal wraps long lines, which is easier to read than truncated cells.
    console.width = max(console.width, TABLE_COLUMNS)
    console.print(table)
    rows = newest(runs, protocol)
    for failed in rows[rows["status"] != "ok"].itertuples():
        _say(console, f"{failed.model}, {failed.recipe}, seed {failed.seed}: {failed.status}")


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--models",
        nargs="+",
        metavar="NAME",
        type=_one_of(MODELS, "model"),
        help="train only these networks (--list shows their names)",
    )
    what.add_argument(
        "--study",
        metavar="N",
        type=_one_of(STUDIES, "study"),
        help="train only the networks of this study: "
        + "; ".join(f"{study.number} = {study.title}" for study in STUDIES.values()),
    )
    _add_recipe(parser)
    add(
        "--seeds",
        default=1,
        type=_at_least_one,
        metavar="N",
        help="train each network N times, with random seeds 0 to N-1 (default: 1)",
    )
    add(
        "--epochs",
        type=_at_least_one,
        metavar="N",
        help="train for N epochs, whatever the recipe says",
    )
    add(
        "--protocol",
        default="final",
        type=_one_of(("final", "validation"), "protocol"),
        help="final = train on all training images, measure on the test images (default); "
        "validation = hold out 5,000 training images (a tenth, if there are fewer than 50,000) and "
        "measure on those, for comparing models or settings",
    )
    _add_dataset(parser)
    add(
        "--mirror",
        action="store_true",
        help="mirror half of the training images of your own folder: useful for photos, not "
        "for letters, digits and signs",
    )
    _add_folder(parser, "--out", "--checkpoints")
    _add_machine(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--missing", action="store_true", help="train only runs without a finished record"
    )
    how.add_argument(
        "--fresh", action="store_true", help="start again instead of continuing an interrupted run"
    )
    add("--list", action="store_true", help="list the networks and studies, and train nothing")
    add(
        "--check",
        action="store_true",
        help="train nothing; verify weights and records, and measure the accuracies on "
        "--dataset again if it is available",
    )


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recipe",
        default="all",
        type=_one_of((*RECIPES, "all"), "recipe"),
        help="; ".join(f"{spec.name} = {spec.description}" for spec in RECIPES.values())
        + "; all = each of them (default)",
    )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=_at_least_one,
        metavar="N",
        help="work on N networks at the same time (default: one per processor core, or one on a "
        "GPU)",
    )
    parser.add_argument(
        "--device",
        type=_one_of(("cpu", "cuda", "mps"), "device"),
        help="cpu, cuda (Nvidia) or mps (Apple); default: a GPU if torch finds one",
    )


def _add_folder(parser: argparse.ArgumentParser, *names: str) -> None:
    parser.add_argument(
        *names,
        dest="folder",
        default=default_folder(),
        type=Path,
        metavar="DIR",
        help=f"the folder of weights and records (default: {default_folder()}; set the "
        f"environment variable {FOLDER_VARIABLE} to change it)",
    )


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset",
        default="mnist",
        type=_name_or_folder,
        metavar="NAME|PATH",
        help=f"one of {', '.join(downloadable())} (default: mnist), or the path of a folder of "
        "images, PATH/train/CLASS/* and PATH/test/CLASS/*",
    )
    _add_data(parser)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        default=home() / "data",
        type=Path,
        metavar="DIR",
        help="the folder of the data sets, to which they are downloaded (default: data/)",
    )


def _one_of(choices: Iterable[object], kind: str) -> Callable[[str], str]:
    """An argparse type that accepts one of `choices`; its error suggests the nearest."""
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


def _at_least_one(text: str) -> int:
    """An argparse type: a positive integer."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _name_or_folder(text: str) -> str:
    """An argparse type: the name of a data set or the path of a folder."""
    from mnistcmp.data.load import short_name

    try:
        short_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
