"""The benchmark as tables of text: our figures beside the published ones."""

from collections.abc import Callable
from typing import TypedDict

import pandas as pd

from mnistcmp.analysis.text import NOTHING, percent
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES, Published, published_figures, study_of


class SummaryRow(TypedDict):
    """The part of a row of `records.summarise` that the table shows."""

    dataset: str
    model: str
    recipe: str
    seeds: int
    params: int
    test_accuracy: float
    test_accuracy_sd: float
    pen_accuracy: float
    pen_accuracy_sd: float
    test_loss: float
    train_seconds: float
    ms_per_image: float


def table(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of `records.summarise` as text, sorted by study, model and recipe.

    Accuracies are in percent; ours are mean ± standard deviation over the seeds.
    """
    rows = sorted(
        summary.to_dict("records"),
        key=lambda row: (
            study_of(row["model"]).number,
            list(MODELS).index(row["model"]),
            list(RECIPES).index(row["recipe"]),
        ),
    )
    return pd.DataFrame([_texts(row) for row in rows], columns=list(_COLUMNS))


def overview(summary: pd.DataFrame) -> pd.DataFrame:
    """One row of text per model on MNIST, with the recipes side by side."""
    summary = summary[summary["dataset"] == "mnist"]
    by_model = {model: rows.set_index("recipe") for model, rows in summary.groupby("model")}
    rows = []
    for study in STUDIES.values():
        for model in study.models:
            if study_of(model) != study or model not in by_model:
                continue
            of_recipe = by_model[model].reindex(list(RECIPES))
            accuracies = [
                _accuracy(row["test_accuracy"], row["test_accuracy_sd"])
                for _, row in of_recipe.iterrows()
            ]
            tuned, drawn = of_recipe.loc["tuned"], of_recipe.loc["drawn"]
            rows.append(
                {
                    "study": str(study.number),
                    "model": model,
                    "parameters": f"{MODELS[model].params:,}",
                    "reported by source": percent(published_figures(model, "mnist").test_accuracy),
                    **dict(zip(RECIPES, accuracies, strict=True)),
                    "pen digits, tuned": _accuracy(tuned["pen_accuracy"], tuned["pen_accuracy_sd"]),
                    "pen digits, drawn": _accuracy(drawn["pen_accuracy"], drawn["pen_accuracy_sd"]),
                    "training time (tuned), s": _number(tuned["train_seconds"], 0),
                    "ms per image": _number(tuned["ms_per_image"], 2),
                }
            )
    return pd.DataFrame(rows)


def elsewhere(summary: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """One row of text per model on another data set, with the recipe `tuned`."""
    summary = summary[(summary["dataset"] == dataset) & (summary["recipe"] == "tuned")]
    by_model = {row["model"]: row for row in summary.to_dict("records")}
    rows = [
        {
            "study": str(study.number),
            "model": model,
            "parameters": f"{row['params']:,}",
            "reported by source": percent(published_figures(model, dataset).test_accuracy),
            "test accuracy": _accuracy(row["test_accuracy"], row["test_accuracy_sd"]),
            "training accuracy": percent(row["train_accuracy"]),
            "training, s per epoch": _number(row["train_seconds"] / row["epochs"], 0),
            "runs": str(row["seeds"]),
        }
        for study in STUDIES.values()
        if dataset in study.datasets
        for model in study.models
        if (row := by_model.get(model))
    ]
    return pd.DataFrame(rows)


def markdown(texts: pd.DataFrame) -> str:
    """A table of text in Markdown; all columns but the first two are right-aligned."""
    lines = [list(texts.columns), ["---"] * 2 + ["---:"] * (len(texts.columns) - 2)]
    lines += texts.values.tolist()
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _texts(row: SummaryRow) -> list[str]:
    published = published_figures(row["model"], row["dataset"])
    return [make(row, published) for make in _COLUMNS.values()]


def _accuracy(mean: float, deviation: float) -> str:
    return percent(mean) if pd.isna(deviation) else f"{percent(mean)} ± {percent(deviation)}"


def _number(value: float | None, digits: int) -> str:
    return NOTHING if pd.isna(value) else f"{value:,.{digits}f}"


_COLUMNS: dict[str, Callable[[SummaryRow, Published], str]] = {
    "model": lambda row, _: row["model"],
    "recipe": lambda row, _: row["recipe"],
    "parameters": lambda row, _: f"{row['params']:,}",
    "seeds": lambda row, _: str(row["seeds"]),
    "test accuracy, %": lambda row, _: _accuracy(row["test_accuracy"], row["test_accuracy_sd"]),
    "published, %": lambda _, published: percent(published.test_accuracy),
    "pen digits, %": lambda row, _: _accuracy(row["pen_accuracy"], row["pen_accuracy_sd"]),
    "test loss": lambda row, _: _number(row["test_loss"], 4),
    "published loss": lambda _, published: _number(published.test_loss, 2),
    "training time, s": lambda row, _: _number(row["train_seconds"], 1),
    "published, s": lambda _, published: _number(published.train_seconds, 1),
    "ms per image": lambda row, _: _number(row["ms_per_image"], 3),
    "published, ms": lambda _, published: _number(published.ms_per_image, 2),
}
