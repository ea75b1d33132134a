"""The effect of each change in a study, and how certain it is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mnistcmp.analysis.statistics import half_interval_of_gap, paired
from mnistcmp.analysis.text import counted
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import Study

ENOUGH_RUNS = 3  # per network; an interval over only two runs is too wide to be useful


@dataclass(frozen=True)
class Gap:
    """How much more accurate a second network is than a first, as a share of the test images.

    `share` is the difference of their mean accuracies over runs; `half` is half the width of its
    95 % interval, NaN if there is no basis for one. `grounds` describes that basis in words.
    `over_runs` tells whether the interval is over runs with several seeds; if not, the gap is
    between two trained networks and not between architectures.
    """

    share: float
    half: float
    grounds: str
    over_runs: bool = False

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.share - self.half

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.share + self.half

    @property
    def sure(self) -> bool:
        """Whether the gap is significant: its interval excludes 0."""
        return abs(self.share) > self.half


@dataclass(frozen=True)
class Change:
    """One step of a study.

    `gain` is our gain in accuracy and `published` the source's, as a share; None if it has none.
    `cost` is the factor by which each measure changes.
    """

    before: str
    after: str
    what: str
    gain: Gap
    published: float | None
    cost: Mapping[str, float]


@dataclass(frozen=True)
class Evidence:
    """The data by which two networks are compared.

    `runs` are the records of one data set and recipe. `read` has the labels that each model's run
    with seed 0 predicted on the test images, and `labels` the true ones, both (N,).
    """

    runs: pd.DataFrame
    read: Mapping[str, np.ndarray] = field(default_factory=dict)
    labels: np.ndarray | None = None

    def gap(self, before: str, after: str) -> Gap:
        """The gap between the mean accuracies over runs, positive if `after` is more accurate.

        With enough runs of both, its interval is Welch's. With fewer, it is the paired interval of
        McNemar's test, from the predictions of the runs with seed 0 on the same images.
        """
        first, second = (
            self.runs.loc[self.runs["model"] == model, "test_accuracy"].to_numpy(float)
            for model in (before, after)
        )
        share = float(second.mean() - first.mean())
        runs = counted(len(first), len(second), "run")
        if min(len(first), len(second)) >= ENOUGH_RUNS:
            return Gap(share, half_interval_of_gap(first, second), runs, over_runs=True)
        if self.labels is None or not {before, after} <= self.read.keys():
            return Gap(share, math.nan, f"{runs}, too few to tell")
        half = paired(self.read[after], self.read[before], self.labels).half_interval()
        return Gap(share, half, f"{runs}; seed 0 on the same {len(self.labels):,} images")


def changes(study: Study, dataset: str, measures: pd.DataFrame, evidence: Evidence) -> list[Change]:
    """The study's steps for which both networks were trained.

    `measures` is the table that `study_tables.measures` returns.
    """
    return [
        Change(
            step.before,
            step.after,
            step.what,
            evidence.gap(step.before, step.after),
            published_gain(study, dataset, step.before, step.after),
            (measures.loc[step.after] / measures.loc[step.before]).to_dict(),
        )
        for step in study.changes
        if {step.before, step.after} <= set(measures.index)
    ]


def setting(study: Study, runs: pd.DataFrame) -> tuple[str, str] | None:
    """The data set and recipe with which the study is compared with its source.

    `runs` are the records of its networks. The data set is the one that the source names, or our
    copy of it; if it names none, it is the study's first. The recipe is the first in the
    catalogue's order, which begins with the source's own, with which two of the networks were
    trained. None if there is no such recipe.
    """
    for dataset in study.datasets:
        if study.published_for(dataset) or not study.published_on:
            here = runs[runs["dataset"] == dataset]
            counts = here.groupby("recipe")["model"].nunique()
            recipes = [recipe for recipe in RECIPES if counts.get(recipe, 0) >= 2]
            return (dataset, recipes[0]) if recipes else None
    return None


def published_gain(study: Study, dataset: str, before: str, after: str) -> float | None:
    """The published gain that is comparable with ours on this data set; None if there is none.

    Both figures must be from the same data set: this one, or one that the source does not name.
    """
    first, second = study.models[before], study.models[after]
    pairs = []
    if dataset == "mnist":
        pairs.append((first.mnist_accuracy, second.mnist_accuracy))
    if accuracies_comparable(study, dataset):
        pairs.append((first.test_accuracy, second.test_accuracy))
    gains = (new - old for old, new in pairs if old is not None and new is not None)
    return next(gains, None)


def comparable(study: Study, dataset: str) -> bool:
    """Whether the study's figures may be compared with ours on this data set.

    They may if they are from this data set, or if the source names none and this is one of the
    data sets that we use for the study.
    """
    return study.published_for(dataset) or (not study.published_on and dataset in study.datasets)


def accuracies_comparable(study: Study, dataset: str) -> bool:
    """Whether `Published.test_accuracy` may be compared with our accuracy on this data set."""
    # If a source gives MNIST figures separately, its other figures are from another data set.
    figures = study.models.values()
    elsewhere = dataset == "mnist" and any(published.mnist_accuracy for published in figures)
    return comparable(study, dataset) and not elsewhere
