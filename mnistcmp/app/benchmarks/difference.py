"""Part of the Benchmarks page: whether two networks really differ."""

import math

import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Evidence, Gap
from mnistcmp.analysis.statistics import paired
from mnistcmp.analysis.text import named, points
from mnistcmp.app import cached_records
from mnistcmp.app.benchmarks import charts
from mnistcmp.app.benchmarks.section import NUMBER, Shown, table, title
from mnistcmp.data.sample_pack import SamplesError

COLUMNS = {name: NUMBER(f"{name}, %", format="%.2f") for name in ("mean", "lowest", "highest")}


@st.fragment
def show(shown: Shown) -> None:
    """The section: any two networks compared; at first, the two most accurate ones."""
    best_first = shown.summary.sort_values("test_accuracy", ascending=False, kind="stable")
    start = [shown.models.index(model) for model in best_first["model"][:2]]
    left, right = st.columns(2)
    first = left.selectbox("One network", shown.models, start[0], title, key="first")
    second = right.selectbox("Another", shown.models, start[-1], title, key="second")
    if first == second:
        st.info("Choose two different networks.")
        return
    evidence = _evidence(shown)
    gap = evidence.gap(first, second)
    st.markdown(f"{verdict(first, second, gap)} {_by_images(first, second, evidence)}")
    runs = shown.runs[shown.runs["model"].isin([first, second])]
    st.altair_chart(charts.runs_of_two(runs))
    st.caption(
        f"Each mark is one run. Compared: {gap.grounds}. With at least {ENOUGH_RUNS} runs of each "
        "network, their accuracies are compared (Welch's t-test). With fewer, it is counted which "
        "test images only one of the two runs with seed 0 reads correctly (as in McNemar's test)."
    )
    table("two networks", lambda: _accuracies(runs), COLUMNS)


def _evidence(shown: Shown) -> Evidence:
    """The runs, and what the runs with seed 0 read, if that is on record."""
    try:
        labels = cached_records.sample_pack("mnist").labels
    except SamplesError:  # the section on mistakes says so
        return Evidence(shown.runs)
    return Evidence(shown.runs, cached_records.readings(shown.runs, len(labels))[0], labels)


def verdict(first: str, second: str, gap: Gap) -> str:
    """Whether one of the two networks is more accurate, and by how much."""
    (better, other), sign = ((second, first), 1) if gap.share >= 0 else ((first, second), -1)
    if math.isnan(gap.half):
        return "**There are too few runs to tell.**"
    low, high = sorted((sign * gap.low, sign * gap.high))
    by = f"{100 * abs(gap.share):.2f} points, 95 % interval {points(low)} to {points(high)}"
    if not gap.sure:
        return (
            f"**The difference may be due to chance**: {named(better)} is ahead of {named(other)} "
            f"by {by}."
        )
    if gap.over_runs:
        return f"**{named(better)} is more accurate than {named(other)}**, by {by}."
    return (
        f"**This run of {named(better)} is more accurate than this run of {named(other)}**, by "
        f"{by}; other seeds may differ."
    )


def _by_images(first: str, second: str, evidence: Evidence) -> str:
    """On how many test images only one of the runs with seed 0 is right."""
    if evidence.labels is None or not {first, second} <= evidence.read.keys():
        return ""
    only = paired(evidence.read[first], evidence.read[second], evidence.labels)
    return (
        f"Of {only.count:,} test images, {only.only_first} are read correctly by {named(first)} "
        f"alone, and {only.only_second} by {named(second)} alone, both with seed 0."
    )


def _accuracies(runs: pd.DataFrame) -> pd.DataFrame:
    groups = (100 * runs["test_accuracy"]).groupby(runs["model"])
    table = groups.agg(runs="size", mean="mean", lowest="min", highest="max")
    return table.rename_axis("network").reset_index()
