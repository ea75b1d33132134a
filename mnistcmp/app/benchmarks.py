"""The Benchmarks page: what the records of all runs say. It needs neither torch nor a data set."""

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.app import cached, charts
from mnistcmp.app.colours import FAMILY_OF
from mnistcmp.compare import confusion, half_interval, paired, tenfolds
from mnistcmp.results import summarise
from mnistcmp.samples import Samples, SamplesError
from mnistcmp.studies import HELD_OUT_WRITERS, STUDIES, study_of

RECIPES = {
    "tuned": "our own recipe, 5 epochs",
    "published": "exactly as the source says",
    "drawn": "tuned, with real pen strokes added to the training images",
}
COST_NAMES = {"params": "parameters", "train_seconds": "training time", "ms_per_image": "speed"}
GALLERY = 40


def page() -> None:
    """Everything from top to bottom."""
    st.title("Benchmarks")
    st.caption(
        "What each network costs and how well it reads digits that it has never seen: every figure "
        "comes from the records of real training runs."
    )
    runs = cached.reported_runs()
    if runs.empty:
        st.info("Nothing has been trained yet. Run `python scripts/train_all.py`.")
        return
    recipe, highlight = _choices(runs)
    runs = runs[runs["recipe"] == recipe]
    summary = summarise(runs)
    _tables(summary)
    _scatter(summary, highlight)
    _enough(summary)
    _losses_and_curves(runs, summary, highlight)
    _really_different(runs)
    _mistakes(runs, highlight)
    _pen(runs, summary, highlight)
    _provenance(runs)


def _choices(runs: pd.DataFrame) -> tuple[str, str | None]:
    left, right = st.columns(2)
    there = [recipe for recipe in RECIPES if recipe in set(runs["recipe"])]
    recipe = left.segmented_control(
        "Recipe", there, default=there[0], required=True, key="recipe", help=_recipe_help(there)
    )
    models = [model for model in FAMILY_OF if model in set(runs["model"])]
    highlight = right.selectbox(
        "Highlight", models, index=None, key="highlight", placeholder="a network, in every chart"
    )
    return recipe, highlight


def _recipe_help(recipes: list[str]) -> str:
    return "  \n".join(f"**{recipe}**: {RECIPES[recipe]}" for recipe in recipes)


def _tables(summary: pd.DataFrame) -> None:
    st.header("The networks, study by study")
    for study, tab in zip(
        STUDIES.values(), st.tabs([study.title for study in STUDIES.values()]), strict=True
    ):
        rows = summary[summary["model"].isin(list(study.models))]
        with tab:
            st.markdown(f"**{study.question}** Source: {study.source}.")
            _table(rows)
    st.download_button(
        "All rows as CSV",
        summary.to_csv(index=False),
        "mnistcmp-benchmark.csv",
        "text/csv",
        on_click="ignore",
    )


def _table(rows: pd.DataFrame) -> None:
    rows = rows.sort_values("params")
    published = [study_of(model).models[model] for model in rows["model"]]
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
                "sd": 100 * rows["test_accuracy_sd"],
                "runs": rows["seeds"],
                "published, %": [_percent(figures.test_accuracy) for figures in published],
                "loss": rows["test_loss"],
                "published loss": [figures.test_loss for figures in published],
                "training images, %": 100 * rows["train_accuracy"],
                "training, s": rows["train_seconds"],
                "published, s": [figures.train_seconds for figures in published],
                "ms per image": rows["ms_per_image"],
                "published, ms": [figures.ms_per_image for figures in published],
            }
        ).dropna(axis="columns", how="all"),
        hide_index=True,
        column_config={
            "network": st.column_config.TextColumn(pinned=True),
            "parameters": st.column_config.NumberColumn(format="localized"),
            **{
                name: st.column_config.NumberColumn(format="%.2f")
                for name in ("accuracy, %", "± (95 %)", "sd", "published, %", "training images, %")
            },
            "loss": st.column_config.NumberColumn(format="%.4f"),
            "training, s": st.column_config.NumberColumn(format="%.1f"),
            "ms per image": st.column_config.NumberColumn(format="%.3f"),
        },
    )


def _scatter(summary: pd.DataFrame, highlight: str | None) -> None:
    st.header("Accuracy and what it costs")
    st.caption(
        "Higher is better, further left is cheaper; no network beats those on the dashed line at "
        "the same cost. The strokes are 95 % intervals over the runs. Click a network to highlight "
        "it on the whole page."
    )
    cost = st.segmented_control(
        "Cost", list(charts.COSTS), default="params", required=True, format_func=COST_NAMES.get
    )
    st.altair_chart(
        charts.accuracy_against(cost, summary, highlight),
        key="scatter",
        on_select=_take_highlight,
        selection_mode=charts.SELECTED,
    )


def _take_highlight() -> None:
    points = st.session_state["scatter"]["selection"][charts.SELECTED]
    st.session_state["highlight"] = points[0]["model"] if points else None


def _enough(summary: pd.DataFrame) -> None:
    st.header("When is enough enough?")
    st.caption(
        "The best network that ten times, a hundred times … what the cheapest one costs can buy, "
        "and how many points of accuracy each further tenfold adds."
    )
    columns = st.columns(2)
    for column, cost in zip(columns, ("params", "train_seconds"), strict=True):
        rows = tenfolds(summary, cost)
        column.subheader(COST_NAMES[cost].capitalize())
        first, *further = rows.itertuples()
        steps = ", then ".join(f"**{row.points:.2f}** ({row.model})" for row in further)
        column.markdown(
            f"{first.model}, the cheapest, reads {first.accuracy:.2f} %. "
            + (f"Each further tenfold buys, in points: {steps}." if further else "")
        )
        column.dataframe(
            rows,
            hide_index=True,
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
    st.header("How they learn")
    study = st.selectbox(
        "Study", list(STUDIES.values()), format_func=lambda study: study.title, key="curves_of"
    )
    st.caption(
        "Means over the runs. The dashed lines are the training images as they were trained on: "
        "moved about, and read while the network was still changing; so they may lie below."
    )
    epochs = cached.reported_epochs()
    epochs = epochs[epochs["run"].isin(runs[runs["model"].isin(list(study.models))]["run"])]
    left, right = st.columns(2)
    left.altair_chart(charts.curves(epochs, "accuracy", highlight))
    right.altair_chart(charts.curves(epochs, "loss", highlight))
    st.subheader("Loss of every network")
    st.caption("A small loss means: right, and sure of it. Shorter is better.")
    st.altair_chart(charts.losses(summary, highlight))


def _really_different(runs: pd.DataFrame) -> None:
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


def _mistakes(runs: pd.DataFrame, highlight: str | None) -> None:
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
        return f"a {pack.labels[number]}, read as {reads}. Right: {', '.join(right) or 'nobody'}"

    _gallery(pack, hardest, who)


def _gallery(pack: Samples, numbers: np.ndarray, caption) -> None:
    shown = [number for number in numbers[:GALLERY] if pack.image(number) is not None]
    st.image(
        [255 - pack.image(number) for number in shown],
        caption=[caption(number) for number in shown],
        width=84,
    )


def _pen(runs: pd.DataFrame, summary: pd.DataFrame, highlight: str | None) -> None:
    rows = summary.dropna(subset=["pen_accuracy"])
    if rows.empty:
        return
    measured = runs[runs["model"].isin(rows["model"])]
    digits = len(cached.predictions(measured["run"].iloc[0], "pen"))
    st.header("Digits really drawn with a pen")
    st.caption(
        f"{digits:,} digits by {len(HELD_OUT_WRITERS)} writers, drawn with a pen on a tablet (UCI "
        "81) and replayed on this app's canvas; nothing by these writers was trained on. Dots: pen "
        "digits, with 95 % intervals over the digits; grey ticks: MNIST's test images."
    )
    st.altair_chart(charts.pen(rows, digits, highlight))


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


def _provenance(runs: pd.DataFrame) -> None:
    st.header("Where this was trained")
    st.caption("The machines, versions and data of the runs on this page.")
    groups = runs.groupby(["machine", "versions", "device", "precision", "workers", "trained_on"])
    st.dataframe(
        groups.agg(
            runs=("run", "size"),
            networks=("model", "nunique"),
            seconds=("train_seconds", "sum"),
            last=("finished", "max"),
        ).reset_index(),
        hide_index=True,
        column_config={
            "workers": st.column_config.NumberColumn("at a time"),
            "trained_on": "trained on",
            "seconds": st.column_config.NumberColumn("seconds in all", format="%.0f"),
        },
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


page()
