"""The Benchmarks page: the results of all recorded runs. It needs no torch and no data set."""

import pandas as pd
import streamlit as st

from mnistcmp.analysis.frontier import tenfolds
from mnistcmp.analysis.statistics import half_interval
from mnistcmp.app import cached_records, palette, session
from mnistcmp.app.benchmarks import charts, mistakes, pen_digits, robustness
from mnistcmp.app.charts import COSTS
from mnistcmp.app.plain_text import code, plain
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES, Study
from mnistcmp.records import default_folder, summarise, training_command

COST_NAMES = {
    "params": "parameters",
    "train_seconds": "training time",
    "ms_per_image": "time per image",
}


def page() -> None:
    """Show the page."""
    st.title("Benchmarks")
    st.caption(
        "How accurate each network is on digits that it has never seen, and at what cost. All "
        "figures come from recorded training runs."
    )
    cached_records.warn_of_damaged_lines()
    runs = cached_records.reported_runs()
    runs = of_all_recipes = runs[runs["dataset"] == "mnist"]
    if runs.empty:
        st.info(
            f"There are no training runs on MNIST in {code(default_folder())}. Train the networks "
            f"with {code(training_command())}."
        )
        return
    recipe, highlight = _choices(runs)
    runs = runs[runs["recipe"] == recipe]
    summary = summarise(runs)
    _tables(summary)
    _scatter(summary, highlight)
    _enough(summary)
    robustness.show(recipe, highlight)
    _losses_and_curves(runs, summary, highlight)
    mistakes.show(runs, highlight)
    pen_digits.one_recipe(runs, summary, highlight)
    pen_digits.side_by_side(summarise(of_all_recipes), highlight)
    _provenance(runs)


def _choices(runs: pd.DataFrame) -> tuple[str, str | None]:
    left, right = st.columns(2)
    recorded = [recipe for recipe in RECIPES if recipe in set(runs["recipe"])]
    recipe = left.segmented_control(
        "Recipe",
        recorded,
        default=_usual(recorded),
        required=True,
        key="recipe",
        help=_recipe_help(recorded),
    )
    models = [model for model in MODELS if model in set(runs["model"])]
    highlight = right.selectbox(
        "Highlight",
        models,
        index=None,
        key=session.HIGHLIGHT,
        placeholder="one network in all charts",
    )
    return recipe, highlight


def _usual(recipes: list[str]) -> str:
    """The recipe that is shown first: `tuned`, if it has records."""
    return "tuned" if "tuned" in recipes else recipes[0]


def _recipe_help(recipes: list[str]) -> str:
    return "  \n".join(f"**{recipe}**: {RECIPES[recipe].description}" for recipe in recipes)


def _tables(summary: pd.DataFrame) -> None:
    st.header("The networks by study")
    st.caption("Means over the runs. Times are medians, because other work can slow down a run.")
    studies = _studies_of(summary)
    for study, tab in zip(studies, st.tabs([study.title for study in studies]), strict=True):
        rows = summary[summary["model"].isin(list(study.models))]
        with tab:
            here = "" if study.published_for("mnist") else " The results here are on MNIST."
            st.markdown(f"**{study.question}** Source: {study.source}.{here}")
            _table(study, rows)
    st.download_button(
        "All rows as CSV",
        summary.to_csv(index=False),
        "mnistcmp-benchmark.csv",
        "text/csv",
        on_click="ignore",
    )


def _studies_of(rows: pd.DataFrame) -> list[Study]:
    """The studies with at least one network in the rows."""
    return [study for study in STUDIES.values() if rows["model"].isin(list(study.models)).any()]


def _table(study: Study, rows: pd.DataFrame) -> None:
    rows = rows.sort_values("params")
    published = [study.figures(model, "mnist") for model in rows["model"]]
    half = [
        100 * half_interval(*row)
        for row in zip(rows["test_accuracy_sd"], rows["seeds"], strict=True)
    ]
    st.dataframe(
        pd.DataFrame(
            {
                "network": rows["model"],
                "parameters": rows["params"],
                "accuracy, %": 100 * rows["test_accuracy"],
                "± (95 %)": half,
                "SD": 100 * rows["test_accuracy_sd"],
                "runs": rows["seeds"],
                "published, %": [_percent(figures.test_accuracy) for figures in published],
                "test loss": rows["test_loss"],
                "published loss": [figures.test_loss for figures in published],
                "training accuracy, %": 100 * rows["train_accuracy"],
                "training time, s": rows["train_seconds"],
                "published, s": [figures.train_seconds for figures in published],
                "ms per image": rows["ms_per_image"],
                "published, ms": [figures.ms_per_image for figures in published],
            }
        ).dropna(axis="columns", how="all"),
        hide_index=True,
        placeholder="–",
        column_config={
            "network": st.column_config.TextColumn(pinned=True),
            "parameters": st.column_config.NumberColumn(format="localized"),
            **{
                name: st.column_config.NumberColumn(format="%.2f")
                for name in (
                    "accuracy, %",
                    "± (95 %)",
                    "SD",
                    "published, %",
                    "training accuracy, %",
                )
            },
            "test loss": st.column_config.NumberColumn(format="%.4f"),
            "training time, s": st.column_config.NumberColumn(format="%.1f"),
            "ms per image": st.column_config.NumberColumn(format="%.3f"),
        },
    )


def _scatter(summary: pd.DataFrame, highlight: str | None) -> None:
    st.header("Accuracy and cost")
    st.caption(
        "Higher is better, further left is cheaper. At the same cost, no network is better than "
        "those on the dashed line. Vertical lines are 95 % intervals over the runs. Click a "
        "network to highlight it on the whole page."
    )
    cost = st.segmented_control(
        "Cost", list(COSTS), default="params", required=True, format_func=COST_NAMES.__getitem__
    )
    st.html(palette.family_legend(summary["model"]))
    st.altair_chart(
        charts.accuracy_against(cost, summary, highlight),
        key=session.SCATTER,
        on_select=_take_highlight,
        selection_mode=charts.SELECTED,
    )


def _take_highlight() -> None:
    points = st.session_state[session.SCATTER]["selection"][charts.SELECTED]
    st.session_state[session.HIGHLIGHT] = points[0]["model"] if points else None


def _enough(summary: pd.DataFrame) -> None:
    st.header("When is enough enough?")
    st.caption(
        "The best network for at most 10 times, 100 times … the cost of the cheapest one, and how "
        "many percentage points of accuracy each further factor of 10 adds."
    )
    columns = st.columns(2)
    for column, cost in zip(columns, ("params", "train_seconds"), strict=True):
        rows = tenfolds(summary, cost)
        if rows.empty:
            continue
        column.subheader(COST_NAMES[cost].capitalize())
        first, *further = rows.itertuples()
        steps = ", then ".join(f"**{row.points:.2f}** ({plain(row.model)})" for row in further)
        column.markdown(
            f"{plain(first.model)}, the cheapest, has an accuracy of {first.accuracy:.2f} %. "
            + (f"Points gained per factor of 10: {steps}." if further else "")
        )
        column.dataframe(
            rows,
            hide_index=True,
            placeholder="–",
            column_config={
                "at_most": st.column_config.NumberColumn(
                    "parameters, at most" if cost == "params" else "seconds, at most",
                    format="localized" if cost == "params" else "%.0f",
                ),
                "model": "best network",
                "accuracy": st.column_config.NumberColumn("accuracy, %", format="%.2f"),
                "points": st.column_config.NumberColumn("points gained", format="%.2f"),
            },
        )


def _losses_and_curves(runs: pd.DataFrame, summary: pd.DataFrame, highlight: str | None) -> None:
    st.header("Learning curves")
    study = st.selectbox(
        "Study", _studies_of(runs), format_func=lambda study: study.title, key="curves_of"
    )
    st.caption(
        "Means over the runs. Dashed lines: training images, measured during training, with the "
        "recipe's augmentation, if any. Their accuracy may therefore be below the test accuracy."
    )
    epochs = cached_records.reported_epochs()
    epochs = epochs[epochs["run"].isin(runs[runs["model"].isin(list(study.models))]["run"])]
    st.html(palette.network_legend(study.models))
    left, right = st.columns(2)
    left.altair_chart(charts.curves(epochs, "accuracy", highlight))
    right.altair_chart(charts.curves(epochs, "loss", highlight))
    st.subheader("Test loss of all networks")
    st.caption("A low loss means that a network is both correct and confident. Shorter is better.")
    st.html(palette.family_legend(summary["model"]))
    st.altair_chart(charts.losses(summary, highlight))


def _provenance(runs: pd.DataFrame) -> None:
    st.header("Where this was trained")
    st.caption("The machines, versions and data of the runs on this page.")
    groups = runs.groupby(["machine", "versions", "device", "precision", "workers", "trained_on"])
    st.dataframe(
        groups.agg(
            runs=("run", "size"),
            networks=("model", "nunique"),
            seconds=("train_seconds", "sum"),
            last=("finished", lambda times: times.max()[:10]),  # the day of an ISO time
        ).reset_index(),
        hide_index=True,
        column_config={
            "workers": st.column_config.NumberColumn("runs in parallel"),
            "trained_on": "trained on",
            "seconds": st.column_config.NumberColumn("total seconds", format="%.0f"),
        },
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


page()
