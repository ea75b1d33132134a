"""The records of one study as tables: a row a network, an epoch or a layer.

`runs` and `epochs` are rows of `results.Records` of one data set and one recipe; of the other
models that they may hold, nothing comes out.
"""

import math
from dataclasses import asdict

import pandas as pd

from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import Study
from mnistcmp.records import TIMES

_MEANS = [
    "test_accuracy",
    "train_accuracy",
    "test_loss",
    "activation_mb",
    "receptive_field_px",
]


def measures(study: Study, runs: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """What was measured of each model of the study that was trained, by model in its order.

    Means over the runs, of times the medians, with `runs`, `test_accuracy_sd` (n - 1), `gap`
    (training images less test images), `convolutions`, `epochs_until` (the stated accuracy),
    `first_` and `last_train_loss`, `first_` and `last_gradient_norm` (of the first layer, in the
    first and the last epoch), `first_` and `last_gradient_ratio` (that over the last layer's). NaN:
    not measured.
    """
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
        # Where units are dead, even the last layer may get none: 0 / 0 is then none.
        ratio = norms.first() / norms.last()
        table[f"{moment}_gradient_ratio"] = ratio.where(norms.last() > 0, 0)
    return table.loc[[model for model in study.models if model in table.index]]


def published(study: Study) -> pd.DataFrame:
    """The published figures by model, as `studies.Published` has them; NaN: not published.

    With `gap` and `convolutions`, as in `measures`.
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
    """Ours from `measures` and the published figures, as `published_…`, of every model by model."""
    theirs = published(study).add_prefix("published_")
    return theirs.join(table)[[*table.columns, *theirs.columns]].rename_axis("model")


def stated_accuracy(study: Study, epochs: pd.DataFrame) -> float:
    """What even the study's weakest run reaches in its last epoch, down to a whole percent.

    In [0, 1]; NaN without epochs. So every network has reached it, and it can be told when.
    """
    accuracies = _ends(epochs[epochs["model"].isin(study.models)])["last"]["heldout_accuracy"]
    return math.nan if accuracies.empty else math.floor(100 * accuracies.min() + 1e-9) / 100


def epochs_until(epochs: pd.DataFrame, accuracy: float) -> pd.Series:
    """How many epochs each model takes until it first reads so many test images right.

    By model, the mean over the runs that reach it.
    """
    reached = epochs[epochs["heldout_accuracy"] >= accuracy]
    return reached.groupby(["model", "run"])["epoch"].min().groupby("model").mean()


def curves(epochs: pd.DataFrame, measure: str) -> pd.DataFrame:
    """`accuracy` or `loss` by `model`, `images` (training or test) and `epoch`, over the runs.

    Columns: `mean`, `low` and `high` (the lowest and the highest run), `runs`.
    """
    columns = {f"train_{measure}": "training", f"heldout_{measure}": "test"}
    rows = epochs.rename(columns=columns).melt(
        ["model", "epoch"], list(columns.values()), var_name="images"
    )
    groups = rows.groupby(["model", "images", "epoch"], sort=False)["value"]
    return groups.agg(mean="mean", low="min", high="max", runs="size").reset_index()


def gradient_flow(epochs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`gradients` of each run's `first` and of its `last` epoch."""
    return {moment: gradients(rows) for moment, rows in _ends(epochs).items()}


def gradients(epochs: pd.DataFrame) -> pd.DataFrame:
    """`norm` of each `layer`'s gradient by `model`, the mean over the rows of `epochs`.

    `place` counts the layers from the image on. Shortcuts are left out: they stand beside others.
    """
    rows = [
        (row.model, place, layer.removeprefix("network."), norm)
        for row in epochs.itertuples()
        for place, (layer, norm) in enumerate(_in_line(row.gradient_norms), start=1)
    ]
    table = pd.DataFrame(rows, columns=["model", "place", "layer", "norm"])
    return table.groupby(["model", "place", "layer"], sort=False)["norm"].mean().reset_index()


def _convolutions(study: Study) -> pd.Series:
    """How many convolutions each of the study's networks has, where that is of interest."""
    return pd.Series({model: MODELS[model].convolutions for model in study.models}, dtype=float)


def _in_line(norms: dict[str, float]) -> list[tuple[str, float]]:
    return [(layer, norm) for layer, norm in norms.items() if not layer.endswith(".shortcut")]


def _ends(epochs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each run's first and of its last epoch."""
    of_run = epochs.groupby("run")["epoch"]
    return {
        "first": epochs[epochs["epoch"] == of_run.transform("min")],
        "last": epochs[epochs["epoch"] == of_run.transform("max")],
    }
