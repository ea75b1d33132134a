"""Part of the Benchmarks page: accuracy and loss by epoch, and the final loss of all networks."""

import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import ENOUGH_RUNS
from mnistcmp.analysis.statistics import half_interval_of_gap
from mnistcmp.analysis.text import Finding, named
from mnistcmp.app import cached_records, palette
from mnistcmp.app.benchmarks import charts
from mnistcmp.app.benchmarks.section import NUMBER, Shown, chart, say, table, view
from mnistcmp.catalogue.studies import STUDIES

MEASURES = [
    "model",
    "epoch",
    *(f"{images}_{measure}" for images in ("train", "heldout") for measure in ("accuracy", "loss")),
]
CURVES = ["first epoch, %", "last epoch, %", "training images, %"]


@st.fragment
def show(shown: Shown) -> None:
    """The section: the curves of one study's networks, or the final loss of all."""
    view("learning", {"By epoch": _by_epoch, "Test loss at the end": _losses})(shown)


def _by_epoch(shown: Shown) -> None:
    studies = [study for study in STUDIES.values() if set(shown.models) & set(study.models)]
    study = st.selectbox("Study", studies, format_func=lambda each: each.title, key="curves_of")
    runs = shown.runs[shown.runs["model"].isin(list(study.models))]
    epochs = cached_records.reported_epochs()
    epochs = epochs.loc[epochs["run"].isin(runs["run"]), MEASURES]
    highlight = shown.highlight if shown.highlight in study.models else None
    say([quickest(epochs)])
    st.html(palette.network_legend(model for model in study.models if model in shown.models))
    for column, measure in zip(st.columns(2), ("accuracy", "loss"), strict=True):
        with column:
            chart(charts.curves, epochs, measure, highlight)
    st.caption(
        "Means over the runs. Dashed lines: training images, measured during training, with the "
        "recipe's augmentation, if any. Their accuracy may therefore be below the test accuracy."
    )
    formats = {name: NUMBER(format="%.2f") for name in CURVES}
    table("curves", lambda: _ends(epochs), formats)


def quickest(epochs: pd.DataFrame) -> Finding | None:
    """Which network is ahead after the first epoch; None if that may be due to chance."""
    first = epochs[epochs["epoch"] == 1].groupby("model")["heldout_accuracy"]
    accuracies = {model: rows.to_numpy() for model, rows in first if len(rows) >= ENOUGH_RUNS}
    if len(accuracies) < 2:
        return None
    *_, second, quick = sorted(accuracies, key=lambda model: accuracies[model].mean())
    ahead = accuracies[quick].mean() - accuracies[second].mean()
    if ahead <= half_interval_of_gap(accuracies[second], accuracies[quick]):
        return None
    return Finding(
        f"**{named(quick)} learns most in the first epoch**: after it, it reads "
        f"{100 * accuracies[quick].mean():.1f} % of the test digits, and the next network, "
        f"{named(second)}, {100 * accuracies[second].mean():.1f} %."
    )


def _ends(epochs: pd.DataFrame) -> pd.DataFrame:
    """The accuracy of each network after its first and its last epoch."""
    means = 100 * epochs.groupby(["model", "epoch"])[["heldout_accuracy", "train_accuracy"]].mean()
    by_model = means.reset_index("epoch").groupby("model")
    first, last = by_model.first(), by_model.last()
    columns = (first["heldout_accuracy"], last["heldout_accuracy"], last["train_accuracy"])
    table = pd.DataFrame(dict(zip(CURVES, columns, strict=True)))
    table.insert(0, "epochs", last["epoch"])
    return table.rename_axis("network").reset_index()


def _losses(shown: Shown) -> None:
    st.markdown(
        "A low loss means that a network is right and sure of it. Shorter bars are better. Means "
        "over the runs."
    )
    st.html(palette.family_legend(shown.models))
    chart(charts.losses, shown.summary, shown.highlight)
    table("losses", lambda: _loss_table(shown.summary), {"test loss": NUMBER(format="%.4f")})


def _loss_table(summary: pd.DataFrame) -> pd.DataFrame:
    columns = {"model": "network", "test_loss": "test loss", "seeds": "runs"}
    return summary[list(columns)].rename(columns=columns).sort_values("test loss")
