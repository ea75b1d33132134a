"""The table of one study: our figures and the published ones side by side."""

import math

import pandas as pd
import streamlit as st

from mnistcmp.catalogue.datasets import title
from mnistcmp.catalogue.studies import Study
from mnistcmp.records import ACTIVATION_IMAGES

PERCENT = ("%.2f", 100)
SECONDS = ("%.1f", 1)


def published_on(study: Study) -> str:
    """The name of the data set of the study's published figures."""
    return title(study.published_on) if study.published_on else "an unnamed data set"


def show_table(study: Study, figures: pd.DataFrame, stated_accuracy: float) -> None:
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
