"""The section "Nudge it": the smallest change found that makes one network answer wrongly."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnistcmp.app import cached_networks, cached_records, palette, pictures, session
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS, families
from mnistcmp.records import RecordsError, default_folder

if TYPE_CHECKING:
    from torch import nn

ANY = "any"  # wrong answer
TARGETS = (ANY, *map(str, range(10)))
STARTER = "cnn"
SCALE, FIGURE_PX = 6, 176
LONGEST_QUOTE = 40  # characters of a value from a link that a message repeats


@dataclass(frozen=True)
class Nudge:
    """What was found for one digit and one network: see robustness.nudge.Nudges.

    pixels: float32 (28, 28) in [0, 1], the nudged digit. norm: of the change; 0 if none was needed,
    NaN if none was found. answer: of the network to the nudged digit.
    """

    pixels: np.ndarray
    norm: float
    answer: int


def show(pixels: np.ndarray, label: int, networks: Mapping[str, "nn.Module"], recipe: str) -> None:
    """Show the section for a digit, float32 (28, 28) in [0, 1], that is a `label`.

    `networks` are all networks of the recipe, by name; there is at least one.
    """
    st.header("Nudge it")
    st.caption(
        "A nudge is a change of the pixels that is just large enough to make a network answer "
        "wrongly. The search follows the gradient, which says how the answer depends on each "
        "pixel. It may miss a smaller change, so that the true limit may be lower. The size of a "
        "change is its L2 norm: the square root of the sum of all squared changes, where full ink "
        "is 1."
    )
    name, target = _choices(label, [model for model in MODELS if model in networks])
    if not pixels.any():
        st.info("The picture is blank: there is no digit to nudge.")
        return
    network, problem = cached_networks.network(name, recipe)
    if network is None:
        st.warning(plain(problem))
        return
    changed = cached_networks.weights_changed(default_folder(), recipe, "mnist")
    found = _nudge(name, recipe, changed, network, pixels, label, target)
    st.markdown(_headline(name, label, target, found))
    if not found.norm > 0:  # NaN, too
        return
    st.html(_figures(name, pixels, found))
    if others := {other: each for other, each in networks.items() if other != name}:
        st.html(_others(pixels, label, found, others))
    if usual := _usual(name, recipe):
        st.caption(usual)


def settings() -> dict[str, str]:
    """What the section's choices add to a link; nothing before the section was shown."""
    if session.BREAK_NUDGED not in st.session_state:
        return {}
    return {
        "nudge": st.session_state[session.BREAK_NUDGED],
        "answer": st.session_state[session.BREAK_TARGET],
    }


def take(given: Mapping[str, str]) -> Iterator[str]:
    """Take the section's choices from the parameters of a link -> what is wrong with them."""
    for name, key, choices in (
        ("nudge", session.BREAK_NUDGED, MODELS),
        ("answer", session.BREAK_TARGET, TARGETS),
    ):
        if name in given and given[name] not in choices:
            short = given[name][:LONGEST_QUOTE]
            yield f"“{short}” cannot be chosen for “{name}”: choose on the page"
        elif name in given:
            st.session_state[key] = given[name]


def _choices(label: int, names: Sequence[str]) -> tuple[str, int | None]:
    """Ask for a network and a wrong answer -> the network, and the answer, None if any will do."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    if st.session_state.get(session.BREAK_NUDGED) not in names:
        st.session_state[session.BREAK_NUDGED] = STARTER if STARTER in names else names[0]
    name = row.selectbox(
        "Network to mislead",
        names,
        format_func=lambda name: MODELS[name].title,
        key=session.BREAK_NUDGED,
        width=240,
        persist_state="session",
    )
    if st.session_state.get(session.BREAK_TARGET) in (None, str(label)):  # right for this digit
        st.session_state[session.BREAK_TARGET] = ANY
    target = row.selectbox(
        "Wrong answer",
        [target for target in TARGETS if target != str(label)],
        key=session.BREAK_TARGET,
        width=140,
        persist_state="session",
    )
    return name, None if target == ANY else int(target)


# Streamlit does not hash arguments that begin with "_".
@st.cache_data(max_entries=200, show_spinner="Searching for the smallest change …")
def _nudge(
    name: str,
    recipe: str,
    changed: tuple[int, int],
    _network: "nn.Module",
    pixels: np.ndarray,
    label: int,
    target: int | None,
) -> Nudge:
    import torch

    from mnistcmp.robustness.nudge import smallest_nudges

    found = smallest_nudges(
        _network,
        torch.tensor(pixels)[None, None],
        torch.tensor([label]),
        None if target is None else torch.tensor([target]),
    )
    return Nudge(found.images[0, 0].numpy(), float(found.norms[0]), int(found.answers[0]))


def _headline(name: str, label: int, target: int | None, found: Nudge) -> str:
    """What was found, in words."""
    title = MODELS[name].title
    if found.norm == 0:
        return f"**{title}** reads this {label} as {found.answer} without any change."
    if np.isnan(found.norm):
        wanted = "wrongly" if target is None else f"{target}"
        return (
            f"No change was found that makes **{title}** answer {wanted}. There may be one: the "
            "search follows the gradient, which leads nowhere here."
        )
    return (
        f"**{title}** reads this {label} as **{found.answer}** after a change of size "
        f"**{found.norm:.2f}**. It is as large as if {found.norm**2:.1f} pixels, of "
        f"{found.pixels.size}, had turned from paper to full ink, but it is spread over many "
        "pixels."
    )


def _usual(name: str, recipe: str) -> str:
    """How large the change is for test digits; empty if this was not measured."""
    try:
        medians = cached_records.nudge_medians()
    except RecordsError as error:
        return plain(error)
    rows = medians.query(
        "dataset == 'mnist' and model == @name and recipe == @recipe and seed == 0"
    )
    for row in rows.dropna().itertuples():
        return (
            f"For comparison: of {row.n} test digits, half need a change of less than "
            f"{row.median_norm:.2f} until “{MODELS[name].title}” misreads them. The 95 % interval "
            f"of this median is {row.low:.2f} to {row.high:.2f}."
        )
    return ""


def _figures(name: str, pixels: np.ndarray, found: Nudge) -> str:
    """The digit, the change and the result side by side, with the scale of the change."""
    title = MODELS[name].title
    change = found.pixels - pixels
    most = float(np.abs(change).max())
    parts = [
        (pictures.grey(pixels), "the digit", "the digit before the change"),
        (
            pictures.diverging(change, most),
            "the change, enlarged",
            f"the change that misleads {title}",
        ),
        (
            pictures.grey(found.pixels),
            f"{title} reads {found.answer}",
            f"the changed digit, which {title} reads as {found.answer}",
        ),
    ]
    figures = [
        pictures.figure(picture, SCALE, caption, alt, FIGURE_PX) for picture, caption, alt in parts
    ]
    scale = pictures.legend(f"{most:.2f} less ink", f"{most:.2f} more ink")
    return pictures.row(figures) + scale


def _others(
    pixels: np.ndarray, label: int, found: Nudge, networks: Mapping[str, "nn.Module"]
) -> str:
    """Which other networks the change misleads, as it is and twice as large."""
    from mnistcmp.inference import read

    doubled = np.clip(2 * found.pixels - pixels, 0, 1)
    clean, *changed = read(np.stack([pixels, found.pixels, doubled]), networks)
    right = [
        model for model, digit in zip(clean.models, clean.digits, strict=True) if digit == label
    ]
    once, twice = (
        {
            model: digit
            for model, digit in zip(reading.models, reading.digits.tolist(), strict=True)
            if model in right and digit != label
        }
        for reading in changed
    )
    return (
        f"<p>{len(right)} other networks read the unchanged digit as {label}. This change misleads "
        f"<b>{len(once) or 'none'}</b> of them.</p>{_by_family(once)}"
        f"<p>Twice as large, it misleads <b>{len(twice) or 'none'}</b> of them.</p>"
        f"{_by_family(twice)}"
    )


def _by_family(answers: Mapping[str, int]) -> str:
    """The networks and their answers, a line for each family."""
    marks = palette.family_marks()
    lines = []
    for family, members in families().items():
        names = [
            f"“{MODELS[model].title}” reads {answers[model]}"
            for model in members
            if model in answers
        ]
        if names:
            mark = f'<span style="color:{marks[family].colour}">{marks[family].character}</span>'
            lines.append(f"<li>{mark} <b>{FAMILY_TITLES[family]}</b>: {', '.join(names)}</li>")
    style = "list-style:none;padding-left:0;margin:0.25rem 0"
    return f'<ul style="{style}">{"".join(lines)}</ul>'
