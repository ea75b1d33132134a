"""Altair charts of misread images, and of the runs of two networks."""

import altair as alt
import pandas as pd

from mnistcmp.app.benchmarks.charts import (
    NAMES,
    NETWORK,
    TEXT,
    family_colour,
    from_zero,
    with_names,
)
from mnistcmp.app.charts import ACCURACY
from mnistcmp.app.palette import INK

VIRIDIS_MIDDLE = 0.43  # of its range; there, black and white text are equally readable


def confusions(matrix: pd.DataFrame) -> alt.LayerChart:
    """The confusion matrix; `matrix` has `digit`, `read as`, `images`.

    Only errors have a colour: the images that are read correctly would outshine them.
    """
    wrong = matrix[matrix["digit"] != matrix["read as"]]
    most = max(int(wrong["images"].max()), 1)
    is_wrong = "datum.digit != datum['read as'] && datum.images > 0"
    base = alt.Chart(matrix).encode(
        x=alt.X("read as:O", axis=alt.Axis(labelAngle=0, orient="top"), title="read as"),
        y=alt.Y("digit:O", title="true digit"),
    )
    cells = (
        base.transform_filter(is_wrong)
        .mark_rect()
        .encode(
            tooltip=["digit:O", "read as:O", "images:Q"],
            color=alt.Color(
                "images:Q", scale=alt.Scale(scheme="viridis", domain=[0, most]), legend=None
            ),
        )
        .add_params(alt.selection_point(name="cell", fields=["digit", "read as"], on="click"))
    )
    # White is readable on the darker part of the colours, black on the brighter one.
    colour = (
        alt.when(f"{is_wrong} && datum.images > {VIRIDIS_MIDDLE * most}")
        .then(alt.value("black"))
        .when(is_wrong)
        .then(alt.value("white"))
        .otherwise(alt.value(TEXT))
    )
    numbers = (
        base.transform_filter("datum.images > 0")
        .mark_text(fontSize=12)
        .encode(text="images:Q", color=colour)
    )
    worst = wrong.loc[wrong["images"].idxmax()]
    return (cells + numbers).properties(
        height=300,
        description=f"{wrong['images'].sum()} misread images; the most frequent error is "
        f"{worst['digit']} read as {worst['read as']}, {worst['images']} times.",
    )


def misread_by_digit(digits: pd.DataFrame) -> alt.LayerChart:
    """The share of each digit that is misread; `digits` has `digit`, `misread, %` and counts."""
    rows = digits.rename(columns={"misread, %": "percent"})
    base = alt.Chart(rows).encode(
        alt.X(
            "percent:Q",
            title="misread, %",
            axis=alt.Axis(orient="top"),
            scale=from_zero(rows["percent"]),
        ),
        alt.Y("digit:O", title=None),
        tooltip=["digit", "images", "misread", alt.Tooltip("percent", title="%", format=".2f")],
    )
    values = base.mark_text(align="left", dx=4, color=TEXT).encode(
        text=alt.Text("percent:Q", format=".1f")
    )
    worst = rows.loc[rows["percent"].idxmax()]
    return (base.mark_bar(color=INK) + values).properties(
        height=300,
        description=f"Misread images of each digit in percent; most of the {worst['digit']:.0f}, "
        f"{worst['percent']:.1f} %.",
    )


def runs_of_two(runs: pd.DataFrame) -> alt.Chart:
    """The test accuracy of each run of two networks, one mark a run."""
    rows = with_names(runs).assign(accuracy=100 * runs["test_accuracy"])
    means = rows.groupby("title")["accuracy"].mean()
    listed = "; ".join(f"{name} {mean:.2f}" for name, mean in means.items())
    return (
        alt.Chart(rows)
        .mark_tick(thickness=3, size=24)
        .encode(
            alt.X("accuracy:Q", title=ACCURACY, scale=alt.Scale(zero=False)),
            alt.Y("title:N", title=None, axis=NAMES, sort=means.index.tolist()),
            family_colour(),
            tooltip=[*NETWORK, "seed", alt.Tooltip("accuracy", title=ACCURACY, format=".2f")],
        )
        .properties(height=alt.Step(40), description=f"{ACCURACY}, of each run; means: {listed}.")
    )
