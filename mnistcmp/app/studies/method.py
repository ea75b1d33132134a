"""How one study was done: source, data, seeds, training, commands and rules."""

import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import ENOUGH_RUNS
from mnistcmp.app.plain_text import code, plain
from mnistcmp.app.studies.results import ROBUSTNESS_ON, Result
from mnistcmp.app.studies.table import published_on
from mnistcmp.catalogue.corruptions import CORRUPTIONS
from mnistcmp.catalogue.datasets import argument, title
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.records import training_command
from mnistcmp.records.robustness import COMMAND


def show(found: Result, compared: tuple[str, str] | None) -> None:
    """Show the fold; `compared` is the data set and recipe of the comparison with the source."""
    with st.expander("How it was done"):
        parts = {
            "Source": _source(found),
            "Data": _data(found),
            "Seeds": _seeds(found),
            "Training": _training(found),
            "Intervals": _intervals(),
            "Under corruption": _corruption(found),
            "Comparison with the source": _comparison(found, compared),
            "Commands": _commands(found),
        }
        st.markdown("\n".join(f"- **{name}.** {text}" for name, text in parts.items() if text))


def _source(found: Result) -> str:
    text = f"{found.study.source}."
    if found.study.table:
        place = f"docs/PUBLISHED.md#{found.study.table}"
        text += (
            f" What it states is in {code(place)}; its figures are on {published_on(found.study)}."
        )
    return text


def _data(found: Result) -> str:
    text = f"{plain(title(found.dataset))}"
    if found.evidence.labels is not None:
        text += f", {len(found.evidence.labels):,} test images"
    return f"{text}. No test image was used in training or to choose a setting."


def _seeds(found: Result) -> str:
    each = _range(found.table["runs"])
    return f"Each network was trained {each} times, each time from other random numbers."


def _range(counts: pd.Series) -> str:
    """The lowest and the highest count: "3 to 5", or "3" if they are the same."""
    return " to ".join(map(str, sorted({counts.min(), counts.max()})))


def _training(found: Result) -> str:
    recipe = RECIPES[found.recipe]
    return (
        f"Recipe {recipe.name}: trained {recipe.description}; {_range(found.runs['epochs'])} "
        "epochs, of which the last counts. Times are medians over the runs, because other work "
        "can slow one down."
    )


def _intervals() -> str:
    return (
        "The 95 % interval of a network is that of its mean over the runs, and of a gain that of "
        f"Welch’s t-test. With fewer than {ENOUGH_RUNS} runs, a network has none, and that of a "
        "gain covers the choice of the test images alone: McNemar’s test on clean images."
    )


def _corruption(found: Result) -> str:
    if found.networks.empty:
        return ""
    counts, images = found.networks.groupby("model").size(), found.networks["images"].min()
    return (
        f"The mean over {len(CORRUPTIONS)} corruptions after MNIST-C (Mu and Gilmer, 2019), "
        f"in our own implementation, on {images:,} test digits each; trained networks of each "
        f"kind: {_range(counts)}. “Half lost” in the table is the level of a dial at which a "
        "network reads only half as many digits as without the change, for one trained network "
        "each."
    )


def _comparison(found: Result, compared: tuple[str, str] | None) -> str:
    if not found.study.has_figures:
        return ""
    rule = (
        "Always on the data set that the source names, or our copy of it (if it names none, on the "
        "study’s first), and with the source’s own recipe if it describes one (if not, with the "
        "first of ours, which adds nothing to the training images). The verdict on the card "
        "counts the ranking by accuracy and each gain in accuracy: “in part” means that some "
        "agree and others do not, or that a gain is less than half or more than twice the "
        "published one; what is too close to tell does not count."
    )
    if compared is None:
        return f"{rule} There are no such runs yet."
    dataset, recipe = compared
    return f"{rule} Here: {plain(title(dataset))}, recipe {recipe}."


def _commands(found: Result) -> str:
    where = f"--study {found.study.number} --dataset {argument(found.dataset)}"
    commands = [training_command(where, f"--recipe {found.recipe}")]
    if found.dataset == ROBUSTNESS_ON:
        commands.append(f"{COMMAND} --models {' '.join(found.study.models)}")
    return " and ".join(map(code, commands))
