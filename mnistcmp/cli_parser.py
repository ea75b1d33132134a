"""The arguments of the command `mnistcmp`."""

import argparse
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path

from mnistcmp.catalogue.datasets import downloadable
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES, USUAL_RECIPE
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.records import FOLDER_VARIABLE, default_folder, home


def command_parser() -> argparse.ArgumentParser:
    """The parser of all commands; errors name the value and what is accepted."""
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
        "merge",
        help="join the weights and records of several folders",
        description="Take the runs, weights and records of robustness of other folders into one. "
        "What is damaged or contradicts a run that is already there is named and left out. The "
        "other folders are only read. You can stop it at any time: the same command continues.",
    )
    command.add_argument("sources", nargs="+", type=Path, metavar="DIR", help="the other folders")
    _add_folder(command, "--checkpoints", "--out")
    _add_data(command)

    command = commands.add_parser(
        "robustness",
        help="measure networks on changed images",
        description="Measure the accuracy of the trained MNIST networks on test images that are "
        "shifted, noisy, blurred or changed in other ways, and record it. Weights that have such a "
        "record are not measured again. You can stop it at any time (Ctrl-C): the same command "
        "continues where it stopped.",
    )
    _add_measuring(command)

    command = commands.add_parser(
        "nudges",
        help="measure the smallest change that misleads each network",
        description="Find the smallest change of a digit's pixels that makes a network answer "
        "wrongly, for each trained MNIST network and 200 test digits, and count how many of these "
        "changes mislead each other network. You can stop it at any time (Ctrl-C): the same "
        "command continues where it stopped.",
    )
    _add_recipe(command)
    _add_folder(command, "--checkpoints")
    _add_data(command)
    _add_machine(command, "measure N networks at the same time")

    command = commands.add_parser(
        "export",
        help="write a trained network as an ONNX file",
        description="Write a trained network as an ONNX file, for other tools. It takes plain "
        "pixels in [0, 1], because normalisation is part of the network.",
    )
    _add_export(command)

    commands.add_parser(
        "list", help="list networks and studies", description="List the networks by study."
    )
    return parser


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group()
    _add_models(what, "train only these networks (--list shows their names)")
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
    _add_machine(parser, "train N networks at the same time")
    add(
        "--cluster",
        type=_cluster,
        metavar="ADDRESS",
        help="train on the workers of the Dask scheduler at this address, such as "
        "tcp://HOST:8786, or of one that is started here (local); see docs/CLUSTER.md",
    )
    add(
        "--shard",
        type=_shard,
        metavar="K/N",
        help="train only every Nth run, beginning with the Kth, for N machines that share the "
        "work; afterwards, `mnistcmp merge` joins their folders",
    )
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


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    _add_models(parser, "measure only these networks (`mnistcmp list` shows their names)")
    _add_recipe(parser)
    _add_folder(parser, "--checkpoints")
    _add_data(parser)
    _add_machine(parser, "measure N networks at the same time")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NAME", type=_one_of(MODELS, "model"))
    parser.add_argument("--onnx", required=True, type=Path, metavar="FILE", help="FILE.onnx")
    parser.add_argument(
        "--recipe",
        default=USUAL_RECIPE,
        type=_one_of(RECIPES, "recipe"),
        help=f"the recipe that it was trained with (default: {USUAL_RECIPE})",
    )
    parser.add_argument(
        "--dataset",
        default="mnist",
        metavar="NAME",
        help="the data set that it was trained on (default: mnist)",
    )
    _add_folder(parser, "--checkpoints")


def _add_models(parser: argparse._ActionsContainer, text: str) -> None:
    parser.add_argument(
        "--models", nargs="+", metavar="NAME", type=_one_of(MODELS, "model"), help=text
    )


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recipe",
        default="all",
        type=_one_of((*RECIPES, "all"), "recipe"),
        help="; ".join(f"{spec.name} = {spec.description}" for spec in RECIPES.values())
        + "; all = each of them (default)",
    )


def _add_machine(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument(
        "--workers",
        type=_at_least_one,
        metavar="N",
        help=f"{text} (default: one per processor core, at most 8 on an Nvidia GPU, one on mps)",
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


def _cluster(text: str) -> str:
    """An argparse type: the address of a scheduler."""
    if text != "local" and not re.fullmatch(r"([a-z]+://)?[^\s/:]+:\d{1,5}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not the address of a scheduler, such as tcp://HOST:8786, nor local"
        )
    return text


def _shard(text: str) -> tuple[int, int]:
    """An argparse type: K/N with 1 ≤ K ≤ N."""
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a part K/N with K from 1 to N, such as 2/8 for the second of eight"
        )
    return int(number), int(count)


def _name_or_folder(text: str) -> str:
    """An argparse type: the name of a data set or the path of a folder."""
    from mnistcmp.data.load import short_name

    try:
        short_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
