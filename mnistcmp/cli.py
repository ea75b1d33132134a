"""The command `mnistcmp`: open the app, train, check, merge, measure, export or list."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from mnistcmp.analysis import benchmark_tables, nudge_tables
from mnistcmp.catalogue.datasets import title
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.cli_parser import command_parser
from mnistcmp.records import FOLDER_VARIABLE, RecordsError, home, newest, summarise
from mnistcmp.records.nudges import NudgeRecords

TABLE_COLUMNS = 190


def main(arguments: list[str] | None = None) -> int:
    """Run a command line -> its exit status."""
    return prepare(arguments)()


def prepare(arguments: list[str] | None = None) -> Callable[[], int]:
    """Read a command line, and import what it needs -> the work, which returns the exit status."""
    parser = command_parser()
    options, others = parser.parse_known_args(arguments)
    if options.command == "app":
        return partial(_app, options, others)
    if others:
        parser.error(f"unknown arguments: {' '.join(others)}")
    if options.command == "list" or (options.command == "train" and options.list):
        return _list
    # Imported only for these commands, because they import torch, which takes seconds.
    from mnistcmp import export  # noqa: F401
    from mnistcmp.campaign import measure_checkpoints, merge, orders, progress, verify  # noqa: F401
    from mnistcmp.robustness import nudge_measure  # noqa: F401

    return partial(_ended, _work_of(options), options)


def _work_of(options: argparse.Namespace) -> Callable[[argparse.Namespace, Console], int]:
    if options.command == "train" and options.check:
        return _check
    return {
        "train": _train,
        "check": _check,
        "merge": _merge,
        "robustness": _robustness,
        "nudges": _nudges,
        "export": _export,
    }[options.command]


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
    from mnistcmp.export import ExportError

    status = 1
    try:
        return 1 if work(options, Console()) else 0
    except KeyboardInterrupt:
        problem = "Stopped. All finished runs are recorded; run the same command to continue."
        status = 128 + signal.SIGINT  # the usual one after Ctrl-C
    except (ValueError, DataUnavailable, RecordsError, CheckpointError, ExportError) as error:
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
    from mnistcmp.campaign import verify
    from mnistcmp.data.load import short_name

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


def _train(options: argparse.Namespace, console: Console) -> int:
    """Train as the options say -> the number of failed runs."""
    from mnistcmp.campaign import orders
    from mnistcmp.campaign.plans import Shard
    from mnistcmp.campaign.progress import TerminalProgress

    models = STUDIES[int(options.study)].models if options.study else MODELS
    outcome = orders.train(
        orders.Order(
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
            cluster=options.cluster,
            shard=Shard(*options.shard) if options.shard else None,
        ),
        say=partial(_say, console),
        show=partial(TerminalProgress, console),
    )
    _print_table(console, outcome.runs, options.protocol)
    if outcome.failed:
        console.print(f"{outcome.failed} runs failed: train them again with --missing.")
    return outcome.failed


def _merge(options: argparse.Namespace, console: Console) -> int:
    """Join folders of weights and records -> the number of problems."""
    from mnistcmp.campaign import merge

    merged = merge.merge(options.sources, options.folder, options.data, partial(_say, console))
    _say(
        console,
        f"{merged.added} runs were added to {options.folder}, {merged.known} were there already; "
        f"{merged.problems} problems.",
    )
    return merged.problems


def _recipes(options: argparse.Namespace) -> tuple[str, ...]:
    return tuple(RECIPES) if options.recipe == "all" else (options.recipe,)


def _robustness(options: argparse.Namespace, console: Console) -> int:
    """Measure the networks that have no record yet -> the number of failures."""
    from mnistcmp.campaign import measure_checkpoints
    from mnistcmp.campaign.progress import MeasuringProgress

    failed = measure_checkpoints.measure_missing(
        measure_checkpoints.Order(
            models=tuple(options.models or MODELS),
            recipes=_recipes(options),
            data=options.data,
            folder=options.folder,
            workers=options.workers,
            device=options.device,
        ),
        say=partial(_say, console),
        show=partial(MeasuringProgress, console),
    )
    if failed:
        _say(console, f"{failed} networks were not measured: run the same command to try again.")
    return failed


def _nudges(options: argparse.Namespace, console: Console) -> int:
    """Find the smallest nudges of the networks that have no record of them -> 0 failures."""
    from mnistcmp import machine
    from mnistcmp.robustness import nudge_measure

    device = machine.choose_device(options.device)
    workers = options.workers or machine.usual_workers(device)
    for problem in NudgeRecords(options.folder / "results").problems():
        _say(console, problem)
    networks = nudge_measure.unmeasured(options.folder, _recipes(options))
    entries = nudge_measure.measure_all(
        networks, options.folder, options.data, workers=workers, device=device
    )
    for number, entry in enumerate(entries, start=1):
        (row,) = nudge_tables.medians([entry]).itertuples()
        found = f"median norm {row.median_norm:.2f}, {row.n} digits"
        _say(console, f"{number}/{len(networks)}  {row.model}, {row.recipe}: {found}")
    _say(console, f"The smallest nudges of all networks in {options.folder} are recorded.")
    return 0


def _export(options: argparse.Namespace, console: Console) -> int:
    """Write a network as ONNX -> 0 problems."""
    from mnistcmp.export import OPSET, export_onnx

    with console.status(f"Exporting {options.model} …"):
        checkpoint = export_onnx(
            options.model,
            options.onnx,
            recipe=options.recipe,
            dataset=options.dataset,
            folder=options.folder,
        )
    _say(
        console,
        f"{options.onnx}: {checkpoint.model}, recipe {checkpoint.recipe}, ONNX opset {OPSET}. "
        f"Input: float32 (batch, {', '.join(map(str, checkpoint.in_shape))}), pixels in [0, 1], "
        f"ink bright. Output: {checkpoint.classes} logits per image.",
    )
    return 0


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
