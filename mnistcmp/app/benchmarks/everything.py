"""Part of the Benchmarks page: all figures beside the published ones, files, and their origin."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pandas as pd
import streamlit as st

from mnistcmp.analysis.statistics import half_interval
from mnistcmp.app.benchmarks import robustness
from mnistcmp.app.benchmarks.section import NUMBER, Shown, table
from mnistcmp.catalogue.studies import STUDIES, Published
from mnistcmp.records import RecordsError

FORMATS = {
    "%.2f": ("accuracy, %", "± (95 %)", "SD", "published, %", "training accuracy, %"),
    "%.4f": ("test loss",),
    "%.1f": ("training time, s",),
    "%.3f": ("ms per image",),
    "localized": ("parameters",),
}


@st.fragment
def show(shown: Shown) -> None:
    """The section."""
    rows = beside_published(shown.summary)
    st.caption(
        "Means over the runs; times are medians, because other work can slow down a run. SD: "
        "standard deviation over the runs. A network in two studies has two rows."
    )
    formats = {name: NUMBER(format=form) for form, names in FORMATS.items() for name in names}
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="–",
        column_config={"network": st.column_config.TextColumn(pinned=True), **formats},
    )
    _downloads(shown, rows)
    table(
        "origin",
        lambda: _origin(shown.runs),
        {"total seconds": NUMBER(format="%.0f")},
        label="Where this was trained",
    )


def beside_published(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per study and network, ours beside the published figures; no empty columns."""
    ours = {row["model"]: row for row in summary.to_dict("records")}
    rows = [
        _row(study.title, ours[model], study.figures(model, "mnist"))
        for study in STUDIES.values()
        for model in sorted(set(study.models) & set(ours), key=lambda name: ours[name]["params"])
    ]
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def _row(study: str, ours: Mapping[str, Any], published: Published) -> dict[str, object]:
    return {
        "network": ours["model"],
        "study": study,
        "parameters": ours["params"],
        "accuracy, %": 100 * ours["test_accuracy"],
        "± (95 %)": 100 * half_interval(ours["test_accuracy_sd"], ours["seeds"]),
        "SD": 100 * ours["test_accuracy_sd"],
        "runs": ours["seeds"],
        "published, %": None if published.test_accuracy is None else 100 * published.test_accuracy,
        "test loss": ours["test_loss"],
        "published loss": published.test_loss,
        "training accuracy, %": 100 * ours["train_accuracy"],
        "training time, s": ours["train_seconds"],
        "published, s": published.train_seconds,
        "ms per image": ours["ms_per_image"],
        "published, ms": published.ms_per_image,
    }


def _downloads(shown: Shown, rows: pd.DataFrame) -> None:
    files: robustness.Downloads = {
        f"beside-published-{shown.recipe}": ("This table", lambda: rows),
        "benchmark": ("All measures", lambda: shown.summary),
    }
    with suppress(RecordsError):  # the section on robustness says so
        files |= robustness.downloads(shown.recipe)
    st.markdown("**As CSV files**")
    with st.container(horizontal=True):
        for name, (label, make) in files.items():
            st.download_button(
                label, _csv(make), f"mnistcmp-{name}.csv", "text/csv", on_click="ignore"
            )


def _csv(make: Callable[[], pd.DataFrame]) -> Callable[[], str]:
    """The content of a file that is made only when it is asked for."""
    return lambda: make().to_csv(index=False)


def _origin(runs: pd.DataFrame) -> pd.DataFrame:
    """The machines, versions and data of the runs."""
    groups = runs.groupby(["machine", "versions", "device", "precision", "workers", "trained_on"])
    found = groups.agg(
        runs=("run", "size"),
        networks=("model", "nunique"),
        seconds=("train_seconds", "sum"),
        last=("finished", lambda times: times.max()[:10]),  # the day of an ISO time
    )
    names = {"workers": "runs in parallel", "trained_on": "trained on", "seconds": "total seconds"}
    return found.reset_index().rename(columns=names)
