"""The tables of one study: our figures and the published ones side by side, and robustness."""

import math

import pandas as pd
import streamlit as st

from mnistcmp.analysis import effects
from mnistcmp.analysis import robustness_tables as tables
from mnistcmp.analysis.study_tables import side_by_side, stated_accuracy
from mnistcmp.app.plain_text import code
from mnistcmp.app.studies.results import ROBUSTNESS_ON, Result
from mnistcmp.catalogue.corruptions import SIDES
from mnistcmp.catalogue.datasets import title
from mnistcmp.catalogue.studies import Study
from mnistcmp.records import ACTIVATION_IMAGES
from mnistcmp.records.robustness import COMMAND

PERCENT = ("%.2f", 100)
SECONDS = ("%.1f", 1)


def published_on(study: Study) -> str:
    """The name of the data set of the study's published figures."""
    return title(study.published_on) if study.published_on else "an unnamed data set"


def show(found: Result) -> None:
    """Show all figures of the study, also those under corruption, and offer them as CSV."""
    st.header("Table")
    study = found.study
    beside = side_by_side(study, found.table)
    stated = stated_accuracy(study, found.epochs)
    show_figures(study, beside, stated)
    if not math.isnan(stated):
        st.caption(
            f"“Epochs until {100 * stated:.0f} %” counts the epochs until a network first reaches "
            "this test accuracy, which is the final accuracy of the weakest run, rounded down."
        )
    downloads = {f"study-{study.number}-{found.dataset}": ("As CSV", beside.to_csv())}
    if not found.networks.empty:
        overview = tables.overview(found.stressed, found.levels)
        _robustness(overview)
        content = overview.to_csv(index=False)
        downloads[f"study-{study.number}-robustness"] = ("Under corruption, as CSV", content)
    elif found.dataset == ROBUSTNESS_ON:
        command = code(f"{COMMAND} --models {' '.join(study.models)}")
        st.caption(f"Robustness has not been measured yet. Measure it with {command}.")
    if found.effects:
        rows = effects.table(found.effects)
        st.caption(
            "The change in mean accuracy over all levels of a dial, in points, with 95 % intervals "
            "over the trained networks."
        )
        st.dataframe(_effects_side_by_side(rows))
        content = rows.to_csv(index=False)
        downloads[f"study-{study.number}-effects"] = ("Effects, as CSV", content)
    with st.container(horizontal=True):
        for name, (label, content) in downloads.items():
            st.download_button(label, content, f"{name}.csv", "text/csv", on_click="ignore")


def _robustness(table: pd.DataFrame) -> None:
    shown = {
        "network": table["model"],
        "trained networks": table["networks"],
        "images": table["images"],
        "clean, %": 100 * table["clean"],
        "under corruption, %": 100 * table["corrupted"],
    }
    for side in SIDES:
        if table[side.title].notna().any():
            shown[f"half lost: {side.title.lower()}"] = table[side.title].map(
                side.label, na_action="ignore"
            )
    st.dataframe(
        pd.DataFrame(shown),
        hide_index=True,
        placeholder="–",
        column_config={
            "network": st.column_config.TextColumn(pinned=True),
            "clean, %": st.column_config.NumberColumn(format="%.2f"),
            "under corruption, %": st.column_config.NumberColumn(format="%.2f"),
        },
    )


def _effects_side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """The gaps as text: one row per dial; one column per part, recipe and pair of networks.

    For training there is only the mean over the networks.
    """
    rows = rows[(rows["networks"] == effects.MEAN) == (rows["recipe"] == "")]
    half = (rows["high"] - rows["low"]) / 2
    texts = [f"{gap:+.1f} ± {side:.1f}" for gap, side in zip(rows["effect"], half, strict=True)]
    headings = [
        f"{row.part} ({row.recipe}): {row.networks}" if row.recipe else row.part
        for row in rows.itertuples()
    ]
    table = rows.assign(gap=texts, heading=headings)
    wide = table.pivot(index="dial", columns="heading", values="gap")
    return wide.loc[table["dial"].unique(), list(dict.fromkeys(headings))]


def show_figures(study: Study, figures: pd.DataFrame, stated_accuracy: float) -> None:
    """Show the rows of `study_tables.side_by_side` without the columns that would be empty.

    `stated_accuracy` is the accuracy that `epochs_until` refers to, NaN without epochs.
    """
    columns = {
        name: column
        for name, column in _columns(study, stated_accuracy).items()
        if name in figures and figures[name].notna().any()
    }
    for name in BESIDE:
        if f"published_{name}" not in columns:
            columns.pop(name, None)
    shown = {"network": figures.index}
    formats = {"network": st.column_config.TextColumn(pinned=True)}
    for name, (label, form, scale) in columns.items():
        shown[label] = figures[name] * scale
        formats[label] = st.column_config.NumberColumn(format=form)
    if figures["published_note"].notna().any():
        shown["published note"] = figures["published_note"].fillna("")
    st.dataframe(pd.DataFrame(shown), hide_index=True, column_config=formats, placeholder="–")


# These are shown only if there is a published figure to compare them with.
BESIDE = (
    "test_loss",
    "first_train_loss",
    "last_train_loss",
    "train_seconds",
    "first_gradient_norm",
    "last_gradient_norm",
)


def _columns(study: Study, stated_accuracy: float) -> dict[str, tuple[str, str, float]]:
    """Heading, number format and factor of each measure, in the order of the columns."""
    on = f"published on {published_on(study)}, %"
    until = "" if math.isnan(stated_accuracy) else f"epochs until {100 * stated_accuracy:.0f} %"
    return {
        "params": ("parameters", "localized", 1),
        "published_params": ("published parameters", "localized", 1),
        "convolutions": ("convolutions", "%d", 1),
        "test_accuracy": ("accuracy, %", *PERCENT),
        "test_accuracy_sd": ("± SD", *PERCENT),
        "runs": ("runs", "%d", 1),
        "published_test_accuracy": (on, *PERCENT),
        "published_mnist_accuracy": ("published on MNIST, %", *PERCENT),
        "published_repeated_accuracy": ("published, repeated, %", *PERCENT),
        "train_accuracy": ("training accuracy, %", *PERCENT),
        "published_train_accuracy": ("published training accuracy, %", *PERCENT),
        "test_loss": ("test loss", "%.4f", 1),
        "published_test_loss": ("published test loss", "%.2f", 1),
        "first_train_loss": ("training loss, first epoch", "%.3f", 1),
        "published_first_train_loss": ("published, first epoch", "%.2f", 1),
        "last_train_loss": ("training loss, last epoch", "%.3f", 1),
        "published_last_train_loss": ("published, last epoch", "%.2f", 1),
        "epoch_seconds": ("s per epoch", *SECONDS),
        "published_epoch_seconds": ("published, s per epoch", *SECONDS),
        "train_seconds": ("training time, s", *SECONDS),
        "published_train_seconds": ("published training time, s", *SECONDS),
        "activation_mb": (f"activations of {ACTIVATION_IMAGES} images, MB", "%.1f", 1),
        "receptive_field_px": ("receptive field, px", "%d", 1),
        "published_receptive_field_px": ("published, px", "%d", 1),
        "epochs_until": (until, "%.1f", 1),
        "published_epochs_to_converge": ("published epochs to converge", "%d", 1),
        "ms_per_image": ("ms per image", "%.3f", 1),
        "published_ms_per_image": ("published, ms", "%.2f", 1),
        "first_gradient_norm": ("gradient norm, first epoch", "%.1e", 1),
        "published_first_gradient_norm": ("published gradient norm, first epoch", "%.1e", 1),
        "last_gradient_norm": ("gradient norm, last epoch", "%.1e", 1),
        "published_last_gradient_norm": ("published gradient norm, last epoch", "%.1e", 1),
    }
