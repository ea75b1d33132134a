"""Part of the Benchmarks page: misread test images, and whether two networks really differ."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Evidence, Gap
from mnistcmp.analysis.statistics import confusion, paired
from mnistcmp.analysis.text import points
from mnistcmp.app import cached_records
from mnistcmp.app.benchmarks import charts
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.data.sample_pack import Samples, SamplesError

GALLERY = 40
MOST_NAMED = 3  # more names do not fit below a picture


def show(runs: pd.DataFrame, highlight: str | None) -> None:
    """Compare two networks; show one network's confusion matrix and the hardest images."""
    try:
        pack = cached_records.sample_pack(runs["dataset"].iloc[0])
    except SamplesError as error:
        st.warning(plain(error))
        return
    read, problems = cached_records.readings(runs, len(pack.labels))
    for problem in problems:
        st.warning(plain(problem))
    read = {model: read[model] for model in MODELS if model in read}
    if read:
        _really_different(Evidence(runs, read, pack.labels), pack.labels)
        _mistakes(read, pack, highlight)


def _really_different(evidence: Evidence, labels: np.ndarray) -> None:
    """Test any two networks."""
    st.header("Are two networks really different?")
    st.caption(
        f"With at least {ENOUGH_RUNS} runs of each network, this compares the runs (Welch's "
        "t-test). With fewer, it compares the runs with seed 0 by the test images that only one of "
        "them classifies correctly (as in McNemar's test)."
    )
    models = list(evidence.read)
    left, right = st.columns(2)
    first = left.selectbox("One network", models, index=0, key="first")
    second = right.selectbox("Another", models, index=len(models) - 1, key="second")
    if first == second:
        st.info("Choose two different networks.")
        return
    result = paired(evidence.read[first], evidence.read[second], labels)
    st.markdown(
        f"Test images classified correctly by only one of the two (seed 0): {result.only_first} "
        f"by {first}, {result.only_second} by {second}. "
        f"{_verdict(first, second, evidence.gap(first, second))}"
    )


def _verdict(first: str, second: str, gap: Gap) -> str:
    better, sign = (second, 1) if gap.share >= 0 else (first, -1)
    ends = sorted((sign * gap.low, sign * gap.high))
    basis = (
        f"{points(sign * gap.share)} points for {better}, 95 % interval {points(ends[0])} to "
        f"{points(ends[1])}, from {gap.grounds}"
    )
    if not gap.sure:
        return f"**The difference may be due to chance**: {basis}."
    if gap.over_runs:
        return f"**{better} is significantly better**: {basis}."
    return f"**This run of {better} is significantly better**; other seeds may differ: {basis}."


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
        st.caption("Confusion matrix of the misread images. Click a cell to see its images.")
        cell = _confusion_chart(matrix)
    with right:
        shares = 100 * matrix.diagonal() / matrix.sum(axis=1)
        lowest = float(np.floor(shares.min()))
        st.caption(f"Accuracy for each digit, in percent. Bars start at {lowest:g}.")
        st.dataframe(
            pd.DataFrame({"digit": range(10), "accuracy": shares}),
            hide_index=True,
            column_config={
                "accuracy": st.column_config.ProgressColumn(
                    format="%.1f %%", min_value=lowest, max_value=100.0
                )
            },
        )
    if cell:
        was, read_as = cell["digit"], cell["read as"]
        chosen = np.flatnonzero((pack.labels == was) & (predicted == read_as))
        st.markdown(f"**Images of {was} that {model} misread as {read_as}: {len(chosen)}**")
        _gallery(pack, chosen, lambda number: f"no. {number}")
    _hardest(read, pack)


def _confusion_chart(matrix: np.ndarray) -> dict[str, int] | None:
    """Show the chart -> the cell that was clicked, if any."""
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
    st.caption("The test images that most networks of this recipe misread (seed 0).")
    models, read_as = np.array(list(read)), np.stack(list(read.values()))
    right = read_as == pack.labels
    hardest = np.argsort(right.sum(axis=0), kind="stable")[:GALLERY]

    def caption(number: int) -> str:
        wrong = read_as[~right[:, number], number]
        named = models[right[:, number]]
        correct = ", ".join(named) if len(named) <= MOST_NAMED else f"{len(named)} of {len(models)}"
        mostly = f", read as {np.bincount(wrong).argmax()}" if len(wrong) else ""
        return f"{pack.labels[number]}{mostly}. Correct: {correct or 'none'}"

    _gallery(pack, hardest, caption)


def _gallery(pack: Samples, numbers: np.ndarray, caption: Callable[[int], str]) -> None:
    images = {number: pack.image(number) for number in numbers[:GALLERY]}
    shown = {number: image for number, image in images.items() if image is not None}
    st.image(
        [255 - image for image in shown.values()],
        caption=[caption(number) for number in shown],
        width=84,
    )
