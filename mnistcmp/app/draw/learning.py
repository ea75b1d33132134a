"""Watch it learn: small networks read the drawing before training and after each epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from mnistcmp.app import cached_networks, cached_records, session
from mnistcmp.app.in_browser.part import browser_part
from mnistcmp.app.palette import family_marks
from mnistcmp.app.plain_text import code, plain
from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS, families
from mnistcmp.records import RecordsError, default_folder, training_command

if TYPE_CHECKING:
    from torch import nn

FOLDER = Path(__file__).parent
UNKNOWN = "–"  # where nothing was recorded

Json = dict[str, Any]
# For each network, the share of the test images that it read after each epoch.
Accuracies = Mapping[str, Mapping[int, float]]


@st.fragment
def show(pixels: np.ndarray, digit: int | None) -> None:
    """Show how reading float32 (28, 28) pixels was learned; nothing is computed while it is closed.

    digit: what all networks together read, or None if they are not sure.
    """
    section = st.expander("Watch it learn", key=session.LEARNING, on_change="rerun")
    if section.open:
        with section:
            _show(pixels, digit)


def _show(pixels: np.ndarray, digit: int | None) -> None:
    from mnistcmp.inspection.snapshots import RECIPE

    networks, problems = cached_networks.during_training()
    for problem in problems:
        st.warning(plain(problem))
    if not networks:
        st.info(
            f"{code(default_folder())} has no weights from before the end of a training. Keep them "
            f"with {code(training_command('--recipe', RECIPE))}."
        )
        return
    st.caption(
        f"{len(networks)} small networks, trained with the recipe “{RECIPE}”, read your drawing "
        "with the weights that they had before training and after each epoch. In an epoch, a "
        "network sees every training image once."
    )
    read = probabilities(pixels, networks)
    data = as_data(tuple(networks), read, _accuracies(networks, RECIPE), digit)
    browser_part("mnistcmp_learning", FOLDER, "learning")(key=session.LEARNING_EPOCHS, data=data)


def probabilities(pixels: np.ndarray, networks: Mapping[str, Sequence["nn.Module"]]) -> np.ndarray:
    """float32 (28, 28) pixels in [0, 1] -> float32 (networks, epochs + 1, 10).

    A network that was trained for fewer epochs than others stays as it was after its last one.
    """
    from mnistcmp import inference

    count = max(map(len, networks.values()))
    states = {
        f"{name} {at}": states[min(at, len(states) - 1)]
        for name, states in networks.items()
        for at in range(count)
    }
    return inference.probabilities(pixels[None], states).reshape(len(networks), count, 10)


def _accuracies(networks: Mapping[str, object], recipe: str) -> Accuracies:
    """What is on record; a warning if the records cannot be read."""
    try:
        epochs = cached_records.reported_epochs()
    except RecordsError as error:
        st.warning(plain(error))
        return {}
    kept = epochs[(epochs["dataset"] == "mnist") & (epochs["recipe"] == recipe)]
    kept = kept[(kept["seed"] == 0) & kept["model"].isin(list(networks))]
    return {
        str(model): dict(zip(of_run["epoch"], of_run["heldout_accuracy"], strict=True))
        for model, of_run in kept.groupby("model")
    }


def as_data(
    names: Sequence[str], probabilities: np.ndarray, accuracies: Accuracies, digit: int | None
) -> Json:
    """Everything that the browser shows of all epochs.

    names: of the networks. probabilities: (networks, epochs + 1, 10).
    """
    # Without a digit that all are sure of, the one that these networks end with.
    shown = int(probabilities[:, -1].mean(axis=0).argmax()) if digit is None else digit
    answers = probabilities.argmax(axis=2)
    count = answers.shape[1]
    rows = {
        name: _row(name, probabilities[number], accuracies.get(name, {}), shown)
        for number, name in enumerate(names)
    }
    return {
        "title": "Epochs of training",
        "play": "Play",
        "pause": "Pause",
        "digit": shown,
        "headline": headline(names, answers, shown),
        "labels": [_label(at) for at in range(count)],
        "scale": [str(at) for at in range(count)],
        "states": [_how_many(answers[:, at] == shown, shown) for at in range(count)],
        "heads": ["Network", "Reads", f"Probability of {shown}", "Test accuracy"],
        "families": [
            _family(family, [rows[name] for name in members if name in rows])
            for family, members in families().items()
            if rows.keys() & set(members)
        ],
    }


def _family(family: str, rows: list[Json]) -> Json:
    mark = family_marks()[family]
    return {
        "title": FAMILY_TITLES[family],
        "colour": mark.colour,
        "character": mark.character,
        "rows": rows,
    }


def _row(name: str, probabilities: np.ndarray, accuracies: Mapping[int, float], shown: int) -> Json:
    """One network: at each epoch what it reads, how sure (%), and its test accuracy."""
    chances = np.rint(100 * probabilities[:, shown]).astype(int).tolist()
    course = (f"{chance} % {_label(at).lower()}" for at, chance in enumerate(chances))
    return {
        "name": name,
        "title": MODELS[name].title,
        "answers": probabilities.argmax(axis=1).tolist(),
        "sure": np.rint(100 * probabilities.max(axis=1)).astype(int).tolist(),
        "chances": chances,
        "course": f"Probability of {shown}: {', '.join(course)}",
        "accuracies": [
            f"{100 * accuracies[at]:.1f} %" if at in accuracies else UNKNOWN
            for at in range(len(chances))
        ],
    }


def _label(at: int) -> str:
    return f"After epoch {at}" if at else "Before training"


def _how_many(right: np.ndarray, shown: int) -> str:
    """bool (networks,) -> "9 of 11 networks read 7"."""
    count = np.count_nonzero(right)
    return f"{count} of {len(right)} networks {'reads' if count == 1 else 'read'} {shown}"


def headline(names: Sequence[str], answers: np.ndarray, shown: int) -> str:
    """When the networks learned to read the drawing as `shown`, in a sentence or two.

    answers: int (networks, epochs + 1), with at least one epoch.
    """
    right = answers[:, 1:] == shown
    if right.all():
        return f"All {len(names)} networks read {shown} from the first epoch on."
    text = f"{_how_many(right[:, 0], shown)} after the first epoch"
    changes = answers[:, 2:] != answers[:, 1:-1]
    if not changes.any():
        return f"{text}; later epochs change nothing."
    epoch = np.flatnonzero(changes.any(axis=0))[-1] + 2
    changed = np.flatnonzero(changes[:, epoch - 2])
    text += f", {np.count_nonzero(right[:, -1])} after the last. "
    if len(changed) > 1:
        return (
            f"{text}The last to change their minds were {len(changed)} networks in epoch {epoch}."
        )
    before, after = answers[changed[0], epoch - 1 : epoch + 1]
    title = MODELS[names[changed[0]]].title
    return (
        f"{text}“{title}” was the last to change its mind: from {before} to {after} in epoch "
        f"{epoch}."
    )
