"""What the records say about the lesson's changes: accuracy, accuracy under corruption, time."""

from dataclasses import dataclass

import pandas as pd

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Evidence, Gap
from mnistcmp.analysis.robustness_findings import corrupted_gap
from mnistcmp.catalogue.recipes import RECIPES, USUAL_RECIPE
from mnistcmp.records import with_comparable_times

# Title of the change -> the network without it and the network with it, from studies 6 and 7.
CHANGES = {
    "Six layers instead of two": ("depth_2", "depth_6"),
    "7×7 kernels instead of 3×3": ("kernel_3", "kernel_7"),
    "Shortcuts in six layers": ("depth_6", "resnet_6"),
}
COMPARED = {model for pair in CHANGES.values() for model in pair}


@dataclass(frozen=True)
class Comparison:
    """One change: the network `before` and the one `after` it, and what it changes.

    accuracies: of both on clean digits, means over the runs, in [0, 1]. corrupted_accuracies:
    means over corruptions and trained networks. clean, corrupted: the gaps between the two.
    seconds: the median training times.
    """

    title: str
    before: str
    after: str
    accuracies: tuple[float, float]
    corrupted_accuracies: tuple[float, float]
    clean: Gap
    corrupted: Gap
    seconds: tuple[float, float]

    @property
    def enough_runs(self) -> bool:
        """Whether the interval of the accuracy on clean digits is over enough trainings."""
        return self.clean.over_runs

    @property
    def slower(self) -> float:
        """The factor by which training takes longer."""
        return self.seconds[1] / self.seconds[0]


def recipe_with_enough_runs(runs: pd.DataFrame) -> str:
    """The usual recipe if every compared network has enough runs of it, otherwise one that has.

    The usual recipe if there is none.
    """
    counts = runs.groupby(["recipe", "model"]).size()
    for recipe in (USUAL_RECIPE, *RECIPES):
        if all(counts.get((recipe, model), 0) >= ENOUGH_RUNS for model in COMPARED):
            return recipe
    return USUAL_RECIPE


def compare(runs: pd.DataFrame, corrupted: pd.DataFrame) -> list[Comparison]:
    """The changes whose networks were trained and measured; both tables have one recipe.

    runs: the reported runs on MNIST. corrupted: the table `robustness_tables.corrupted`.
    """
    runs = with_comparable_times(runs)
    evidence = Evidence(runs)
    means = runs.groupby("model")["test_accuracy"].mean()
    seconds = runs.groupby("model")["train_seconds"].median().dropna()
    stressed = corrupted.groupby("model")["corrupted"].mean()
    found = []
    for title, pair in CHANGES.items():
        if not all(model in table.index for model in pair for table in (seconds, stressed)):
            continue
        before, after = pair
        rows = [corrupted[corrupted["model"] == model] for model in pair]
        found.append(
            Comparison(
                title,
                before,
                after,
                (float(means[before]), float(means[after])),
                (float(stressed[before]), float(stressed[after])),
                evidence.gap(before, after),
                corrupted_gap(*rows),
                (float(seconds[before]), float(seconds[after])),
            )
        )
    return found
