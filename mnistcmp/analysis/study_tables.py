"""The records of one study as tables, with one row per network, epoch or layer.

`runs` and `epochs` are rows of `records.Records` for one data set and one recipe. Models that are
not in the study are ignored.
"""

import math
from dataclasses import asdict

import pandas as pd

from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import Study
from mnistcmp.records import TIMES, with_comparable_times

_MEANS = [
    "test_accuracy",
    "train_accuracy",
    "test_loss",
    "activation_mb",
    "receptive_field_px",
]


def measures(study: Study, runs: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """The measurements of each trained model of the study, by model, in the study's order.

    Means over the runs, but medians for times. Also: `runs`, `test_accuracy_sd` (n - 1), `gap`
    (training minus test accuracy), `convolutions`, `epochs_until` (the stated accuracy), `first_`
    and `last_train_loss`, `first_` and `last_gradient_norm` (of the first layer, in the first and
    last epoch), `first_` and `last_gradient_ratio` (that norm divided by the last layer's). NaN
    means not measured.
    """
    runs = with_comparable_times(runs)
    runs = runs.assign(epoch_seconds=runs["train_seconds"] / runs["epochs"])
    groups = runs.groupby("model")
    table = groups[_MEANS].mean().join(groups[[*TIMES, "epoch_seconds"]].median())
    table["runs"], table["params"] = groups.size(), groups["params"].last()
    table["test_accuracy_sd"] = groups["test_accuracy"].std()
    table["gap"] = table["train_accuracy"] - table["test_accuracy"]
    table["convolutions"] = _convolutions(study)
    epochs = epochs[epochs["run"].isin(runs["run"])]
    table["epochs_until"] = epochs_until(epochs, stated_accuracy(study, epochs))
    for moment, rows in _ends(epochs).items():
        table[f"{moment}_train_loss"] = rows.groupby("model")["train_loss"].mean()
        norms = gradients(rows).groupby("model")["norm"]  # in the order of the layers
        table[f"{moment}_gradient_norm"] = norms.first()
        # If units are dead, even the last layer may have a gradient of 0; 0 / 0 counts as 0.
        ratio = norms.first() / norms.last()
        table[f"{moment}_gradient_ratio"] = ratio.where(norms.last() > 0, 0)
    return table.loc[[model for model in study.models if model in table.index]]


def published(study: Study) -> pd.DataFrame:
    """The fields of `studies.Published` by model; NaN means not published.

    Also `gap` and `convolutions`, as in `measures`.
    """
    rows = {model: asdict(figures) for model, figures in study.models.items()}
    table = pd.DataFrame.from_dict(rows, orient="index")
    note = table.pop("note").replace("", None)
    table = table.astype(float)
    return table.assign(
        note=note,
        gap=table["train_accuracy"] - table["test_accuracy"],
        convolutions=_convolutions(study),
    )


def side_by_side(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Our figures, from `measures`, and the published ones, as `published_…`, for every model."""
    theirs = published(study).add_prefix("published_")
    return theirs.join(table)[[*table.columns, *theirs.columns]].rename_axis("model")


def stated_accuracy(study: Study, epochs: pd.DataFrame) -> float:
    """The lowest last-epoch accuracy of the study's runs, rounded down to a whole percent.

    In [0, 1]; NaN without epochs. Every run reaches it, so the epochs that it takes can be counted.
    """
    accuracies = _ends(epochs[epochs["model"].isin(study.models)])["last"]["heldout_accuracy"]
    return math.nan if accuracies.empty else math.floor(100 * accuracies.min() + 1e-9) / 100


def epochs_until(epochs: pd.DataFrame, accuracy: float) -> pd.Series:
    """How many epochs each model takes to first reach this accuracy on the test images.

    By model: the mean over the runs that reach it.
    """
    reached = epochs[epochs["heldout_accuracy"] >= accuracy]
    return reached.groupby(["model", "run"])["epoch"].min().groupby("model").mean()


def curves(epochs: pd.DataFrame, measure: str) -> pd.DataFrame:
    """`accuracy` or `loss` over the runs, by `model`, `images` (training or test) and `epoch`.

    Columns: `mean`, `low` and `high` (the lowest and the highest run), `runs` (their number).
    """
    columns = {f"train_{measure}": "training", f"heldout_{measure}": "test"}
    rows = epochs.rename(columns=columns).melt(
        ["model", "epoch"], list(columns.values()), var_name="images"
    )
    groups = rows.groupby(["model", "images", "epoch"], sort=False)["value"]
    return groups.agg(mean="mean", low="min", high="max", runs="size").reset_index()


def gradient_flow(epochs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The table `gradients` for the runs' `first` epochs and for their `last` epochs."""
    return {moment: gradients(rows) for moment, rows in _ends(epochs).items()}


def gradients(epochs: pd.DataFrame) -> pd.DataFrame:
    """The gradient norm of each layer: columns `model`, `place`, `layer` and `norm`.

    `norm` is the mean over the rows of `epochs`; `place` counts the layers from the input.
    Shortcuts are left out because they are parallel to other layers.
    """
    rows = [
        (row.model, place, layer.removeprefix("network."), norm)
        for row in epochs.itertuples()
        for place, (layer, norm) in enumerate(_in_line(row.gradient_norms), start=1)
    ]
    table = pd.DataFrame(rows, columns=["model", "place", "layer", "norm"])
    return table.groupby(["model", "place", "layer"], sort=False)["norm"].mean().reset_index()


def _convolutions(study: Study) -> pd.Series:
    """How many convolutions each of the study's networks has; NaN if its entry does not say."""
    return pd.Series({model: MODELS[model].convolutions for model in study.models}, dtype=float)


def _in_line(norms: dict[str, float]) -> list[tuple[str, float]]:
    return [(layer, norm) for layer, norm in norms.items() if not layer.endswith(".shortcut")]


def _ends(epochs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of every run's `first` epoch and of every run's `last` epoch."""
    of_run = epochs.groupby("run")["epoch"]
    return {
        "first": epochs[epochs["epoch"] == of_run.transform("min")],
        "last": epochs[epochs["epoch"] == of_run.transform("max")],
    }
