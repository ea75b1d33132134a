"""Of the Benchmarks page: which test images are misread, by whom, and whether that is chance."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.app import cached, charts
from mnistcmp.compare import confusion, paired
from mnistcmp.samples import Samples, SamplesError

GALLERY = 40
MOST_NAMED = 3  # in a caption as narrow as its picture


def really_different(runs: pd.DataFrame) -> None:
    """Any two networks on the same images, tested."""
    st.header("Are two networks really different?")
    st.caption(
        "Both read the same test images, so only those count that one reads right and the other "
        "wrong (McNemar's exact test on the run with seed 0)."
    )
    models = list(dict.fromkeys(runs["model"]))
    left, right = st.columns(2)
    first = left.selectbox("One network", models, index=0, key="first")
    second = right.selectbox("Another", models, index=len(models) - 1, key="second")
    pack = _pack(runs)
    if pack is None:
        return
    if first == second:
        st.info("Choose two different networks.")
        return
    result = paired(_read_by(runs, first), _read_by(runs, second), pack.labels)
    st.markdown(_verdict(first, second, result.only_first, result.only_second, result.p_value))


def _verdict(first: str, second: str, only_first: int, only_second: int, p_value: float) -> str:
    better = first if only_first > only_second else second
    counts = (
        f"Of the test images, {only_first} are read right by {first} alone and {only_second} by "
        f"{second} alone."
    )
    chance = f"p = {p_value:.2g}" if p_value >= 1e-4 else "p < 0.0001"
    if p_value < 0.05:
        return f"{counts} **{better} is really better**: chance alone rarely does that ({chance})."
    return f"{counts} **That may well be chance** ({chance}): these runs show no difference."


def show(runs: pd.DataFrame, highlight: str | None) -> None:
    """What one network reads as what, and what most networks misread."""
    st.header("Mistakes")
    pack = _pack(runs)
    if pack is None:
        return
    models = list(dict.fromkeys(runs["model"]))
    model = st.selectbox(
        "Network",
        models,
        index=models.index(highlight) if highlight in models else 0,
        key=f"mistakes_of_{highlight}",
    )
    predicted = _read_by(runs, model)
    matrix = confusion(predicted, pack.labels)
    left, right = st.columns(2)
    with left:
        st.caption("How often which digit was read as which other. Click a cell to see the images.")
        cell = _confusion_chart(matrix)
    with right:
        st.caption("How many of each digit are read right, in percent.")
        shares = 100 * matrix.diagonal() / matrix.sum(axis=1)
        st.dataframe(
            pd.DataFrame({"digit": range(10), "read right": shares}),
            hide_index=True,
            column_config={
                "read right": st.column_config.ProgressColumn(
                    format="%.1f %%", min_value=float(np.floor(shares.min())), max_value=100.0
                )
            },
        )
    if cell:
        was, read_as = cell["digit"], cell["read as"]
        chosen = np.flatnonzero((pack.labels == was) & (predicted == read_as))
        st.markdown(f"**{len(chosen)} times {model} read a {was} as a {read_as}:**")
        _gallery(pack, chosen, lambda number: f"no. {number}")
    _hardest(runs, pack)


def _confusion_chart(matrix: np.ndarray) -> dict[str, int] | None:
    """Show the chart -> the cell that was clicked."""
    rows = pd.DataFrame(
        [(was, read_as, int(n)) for (was, read_as), n in np.ndenumerate(matrix)],
        columns=["digit", "read as", "images"],
    )
    event = st.altair_chart(
        charts.confusions(rows), key="confusion", on_select="rerun", selection_mode="cell"
    )
    points = event["selection"]["cell"]
    return points[0] if points else None


def _hardest(runs: pd.DataFrame, pack: Samples) -> None:
    st.subheader("The hardest digits")
    st.caption("What most networks of this recipe misread (seed 0), and who reads it right.")
    models = list(dict.fromkeys(runs["model"]))
    read = np.stack([_read_by(runs, model) for model in models])
    wrong = (read != pack.labels).sum(axis=0)
    hardest = np.argsort(-wrong, kind="stable")[:GALLERY]

    def who(number: int) -> str:
        right = [
            model
            for model, row in zip(models, read, strict=True)
            if row[number] == pack.labels[number]
        ]
        reads = np.bincount(read[:, number], minlength=10).argmax()
        told = ", ".join(right) if len(right) <= MOST_NAMED else f"{len(right)} of {len(models)}"
        return f"a {pack.labels[number]}, read as {reads}. Right: {told or 'nobody'}"

    _gallery(pack, hardest, who)


def _gallery(pack: Samples, numbers: np.ndarray, caption: Callable[[int], str]) -> None:
    shown = [number for number in numbers[:GALLERY] if pack.image(number) is not None]
    st.image(
        [255 - pack.image(number) for number in shown],
        caption=[caption(number) for number in shown],
        width=84,
    )


def _pack(runs: pd.DataFrame) -> Samples | None:
    """The pack of test images; a note on the page where there is none."""
    try:
        return cached.sample_pack(runs["dataset"].iloc[0])
    except SamplesError as error:
        st.warning(str(error))
        return None


def _read_by(runs: pd.DataFrame, model: str) -> np.ndarray:
    (run,) = runs[(runs["model"] == model) & (runs["seed"] == 0)]["run"]
    return cached.predictions(run)
