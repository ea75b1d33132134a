"""The benchmark as a table of texts: our figures, with the published ones beside them."""

import pandas as pd

from mnistcmp.analysis.text import NOTHING, percent
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES, published_figures, study_of


def table(summary: pd.DataFrame) -> pd.DataFrame:
    """`results.summarise`'s rows as texts, ordered by study, model and recipe.

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
    """One row of texts a model on MNIST, its recipes side by side: the README's table."""
    summary = summary[summary["dataset"] == "mnist"]
    by_model = {model: rows.set_index("recipe") for model, rows in summary.groupby("model")}
    rows = []
    for study in STUDIES.values():
        for model in study.models:
            if study_of(model) != study or model not in by_model:
                continue
            of_recipe = by_model[model].reindex(list(RECIPES))
            accuracies = [_accuracy(row, "test_accuracy") for _, row in of_recipe.iterrows()]
            tuned, drawn = of_recipe.loc["tuned"], of_recipe.loc["drawn"]
            rows.append(
                {
                    "study": str(study.number),
                    "model": model,
                    "parameters": f"{MODELS[model].params:,}",
                    "source": percent(published_figures(model, "mnist").test_accuracy),
                    **dict(zip(RECIPES, accuracies, strict=True)),
                    "pen digits, tuned": _accuracy(tuned, "pen_accuracy"),
                    "pen digits, drawn": _accuracy(drawn, "pen_accuracy"),
                    "training, s (tuned)": _number(tuned["train_seconds"], 0),
                    "ms an image": _number(tuned["ms_per_image"], 2),
                }
            )
    return pd.DataFrame(rows)


def elsewhere(summary: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """One row of texts a model on another data set, with the recipe `tuned`: the README's table."""
    summary = summary[(summary["dataset"] == dataset) & (summary["recipe"] == "tuned")]
    by_model = {row["model"]: row for row in summary.to_dict("records")}
    rows = [
        {
            "study": str(study.number),
            "model": model,
            "parameters": f"{row['params']:,}",
            "source": percent(published_figures(model, dataset).test_accuracy),
            "tuned": _accuracy(row, "test_accuracy"),
            "training images": percent(row["train_accuracy"]),
            "training, s an epoch": _number(row["train_seconds"] / row["epochs"], 0),
            "runs": str(row["seeds"]),
        }
        for study in STUDIES.values()
        if dataset in study.datasets
        for model in study.models
        if (row := by_model.get(model))
    ]
    return pd.DataFrame(rows)


def markdown(texts: pd.DataFrame) -> str:
    """A table of texts in Markdown; all but the two first columns are aligned to the right."""
    lines = [list(texts.columns), ["---"] * 2 + ["---:"] * (len(texts.columns) - 2)]
    lines += texts.values.tolist()
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _texts(row: dict[str, object]) -> list[str]:
    published = published_figures(row["model"], row["dataset"])
    return [make(row, published) for make in _COLUMNS.values()]


def _accuracy(row: dict[str, object], measure: str) -> str:
    mean, deviation = row[measure], row[f"{measure}_sd"]
    return percent(mean) if pd.isna(deviation) else f"{percent(mean)} ± {percent(deviation)}"


def _number(value: float | None, digits: int) -> str:
    return NOTHING if pd.isna(value) else f"{value:,.{digits}f}"


_COLUMNS = {
    "model": lambda row, _: row["model"],
    "recipe": lambda row, _: row["recipe"],
    "parameters": lambda row, _: f"{row['params']:,}",
    "seeds": lambda row, _: str(row["seeds"]),
    "test accuracy, %": lambda row, _: _accuracy(row, "test_accuracy"),
    "published, %": lambda _, published: percent(published.test_accuracy),
    "pen digits, %": lambda row, _: _accuracy(row, "pen_accuracy"),
    "test loss": lambda row, _: _number(row["test_loss"], 4),
    "published loss": lambda _, published: _number(published.test_loss, 2),
    "training, s": lambda row, _: _number(row["train_seconds"], 1),
    "published, s": lambda _, published: _number(published.train_seconds, 1),
    "ms an image": lambda row, _: _number(row["ms_per_image"], 3),
    "published, ms": lambda _, published: _number(published.ms_per_image, 2),
}
