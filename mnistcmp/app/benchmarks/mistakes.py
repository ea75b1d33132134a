"""Of the Benchmarks page: which test images are misread, by whom, and whether that is chance."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Evidence, Gap
from mnistcmp.analysis.statistics import confusion, paired
from mnistcmp.analysis.text import points
from mnistcmp.app import cached_records
from mnistcmp.app.benchmarks import charts
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.data.sample_pack import Samples, SamplesError

GALLERY = 40
MOST_NAMED = 3  # in a caption as narrow as its picture


def show(runs: pd.DataFrame, highlight: str | None) -> None:
    """Whether two networks differ, what one reads as what, and what most networks misread."""
    try:
        pack = cached_records.sample_pack(runs["dataset"].iloc[0])
    except SamplesError as error:
        st.warning(str(error))
        return
    read, problems = cached_records.readings(runs, len(pack.labels))
    for problem in problems:
        st.warning(problem)
    read = {model: read[model] for model in MODELS if model in read}
    if read:
        _really_different(Evidence(runs, read, pack.labels))
        _mistakes(read, pack, highlight)


def _really_different(evidence: Evidence) -> None:
    """Any two networks, tested."""
    st.header("Are two networks really different?")
    st.caption(
        f"By their runs where there are {ENOUGH_RUNS} of each (Welch's t); else by the run with "
        "seed 0: of the test images, those count that one reads right and the other wrong (as in "
        "McNemar's test)."
    )
    models = list(evidence.read)
    left, right = st.columns(2)
    first = left.selectbox("One network", models, index=0, key="first")
    second = right.selectbox("Another", models, index=len(models) - 1, key="second")
    if first == second:
        st.info("Choose two different networks.")
        return
    result = paired(evidence.read[first], evidence.read[second], evidence.labels)
    st.markdown(
        f"Of the test images, {result.only_first} are read right by {first} alone and "
        f"{result.only_second} by {second} alone (seed 0). "
        f"{_verdict(first, second, evidence.gap(first, second))}"
    )


def _verdict(first: str, second: str, gap: Gap) -> str:
    better, sign = (second, 1) if gap.share >= 0 else (first, -1)
    ends = sorted((sign * gap.low, sign * gap.high))
    by = (
        f"{points(sign * gap.share)} points for {better}, 95 % interval {points(ends[0])} to "
        f"{points(ends[1])}, by {gap.grounds}"
    )
    if not gap.sure:
        return f"**That may well be chance**: {by}."
    if gap.over_runs:
        return f"**{better} is really better**: {by}."
    return f"**This run of {better} is really better**; with other seeds it may differ: {by}."


def _mistakes(read: Mapping[str, np.ndarray], pack: Samples, highlight: str | None) -> None:
    st.header("Mistakes")
    models = list(read)
    model = st.selectbox(
        "Network",
        models,
        index=models.index(highlight) if highlight in models else 0,
        key=f"mistakes_of_{highlight}",
    )
    predicted = read[model]
    matrix = confusion(predicted, pack.labels)
    left, right = st.columns(2)
    with left:
        st.caption("How often which digit was read as which other. Click a cell to see the images.")
        cell = _confusion_chart(matrix)
    with right:
        shares = 100 * matrix.diagonal() / matrix.sum(axis=1)
        lowest = float(np.floor(shares.min()))
        st.caption(f"How many of each digit are read right, in percent. Bars begin at {lowest:g}.")
        st.dataframe(
            pd.DataFrame({"digit": range(10), "read right": shares}),
            hide_index=True,
            column_config={
                "read right": st.column_config.ProgressColumn(
                    format="%.1f %%", min_value=lowest, max_value=100.0
                )
            },
        )
    if cell:
        was, read_as = cell["digit"], cell["read as"]
        chosen = np.flatnonzero((pack.labels == was) & (predicted == read_as))
        st.markdown(f"**{len(chosen)} times {model} read a {was} as a {read_as}:**")
        _gallery(pack, chosen, lambda number: f"no. {number}")
    _hardest(read, pack)


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


def _hardest(read: Mapping[str, np.ndarray], pack: Samples) -> None:
    st.subheader("The hardest digits")
    st.caption("What networks of this recipe misread most often (seed 0), and who reads it right.")
    models, read_as = np.array(list(read)), np.stack(list(read.values()))
    right = read_as == pack.labels
    hardest = np.argsort(right.sum(axis=0), kind="stable")[:GALLERY]

    def who(number: int) -> str:
        wrong = read_as[~right[:, number], number]
        told = models[right[:, number]]
        told = ", ".join(told) if len(told) <= MOST_NAMED else f"{len(told)} of {len(models)}"
        mostly = f", read as {np.bincount(wrong).argmax()}" if len(wrong) else ""
        return f"a {pack.labels[number]}{mostly}. Right: {told or 'nobody'}"

    _gallery(pack, hardest, who)


def _gallery(pack: Samples, numbers: np.ndarray, caption: Callable[[int], str]) -> None:
    shown = [number for number in numbers[:GALLERY] if pack.image(number) is not None]
    st.image(
        [255 - pack.image(number) for number in shown],
        caption=[caption(number) for number in shown],
        width=84,
    )
