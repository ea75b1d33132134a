"""What one change of a network buys: the steps of each study, and how sure each gain is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mnistcmp.analysis.statistics import half_interval_of_gap, paired
from mnistcmp.catalogue.studies import Study

ENOUGH_RUNS = 3  # of each network, for an interval over runs; with two it says next to nothing


@dataclass(frozen=True)
class Gap:
    """How much better a second network reads than a first, in shares of the test images.

    `share` is between their means over runs, `half` half its 95 % interval, NaN where nothing says
    how sure the gap is. `grounds` says in words what that was judged by, `over_runs` whether runs
    with several seeds were: else the gap is one between trained networks, not architectures.
    """

    share: float
    half: float
    grounds: str
    over_runs: bool = False

    @property
    def low(self) -> float:
        """Where the interval begins."""
        return self.share - self.half

    @property
    def high(self) -> float:
        """Where the interval ends."""
        return self.share + self.half

    @property
    def sure(self) -> bool:
        """Whether it is more than chance: the interval does not hold 0."""
        return abs(self.share) > self.half


@dataclass(frozen=True)
class Change:
    """A step of a study: `gain` is ours, `published` that of the source, in shares (None: none).

    `cost` tells how many times as large each measure is after the change.
    """

    before: str
    after: str
    what: str
    gain: Gap
    published: float | None
    cost: Mapping[str, float]


@dataclass(frozen=True)
class Evidence:
    """All by which two networks can be told apart.

    `runs` are the rows of the records of one data set and recipe; `read` has what each model's run
    with seed 0 read on the test images, `labels` what they are, both (N,).
    """

    runs: pd.DataFrame
    read: Mapping[str, np.ndarray] = field(default_factory=dict)
    labels: np.ndarray | None = None

    def gap(self, before: str, after: str) -> Gap:
        """The gap between the means over runs: how much better `after` reads than `before`.

        Its interval is Welch's where there are enough runs. With fewer, it is McNemar's, of what
        the runs with seed 0 read on the same images.
        """
        first, second = (
            self.runs.loc[self.runs["model"] == model, "test_accuracy"].to_numpy(float)
            for model in (before, after)
        )
        share = float(second.mean() - first.mean())
        runs = f"{len(first)} and {len(second)} runs"
        if min(len(first), len(second)) >= ENOUGH_RUNS:
            return Gap(share, half_interval_of_gap(first, second), runs, over_runs=True)
        if self.labels is None or not {before, after} <= self.read.keys():
            return Gap(share, math.nan, f"{runs}, too few to tell")
        half = paired(self.read[after], self.read[before], self.labels).half_interval()
        return Gap(share, half, f"{runs}; seed 0 on the same {len(self.labels):,} images")


def changes(study: Study, dataset: str, measures: pd.DataFrame, evidence: Evidence) -> list[Change]:
    """The study's steps between networks that were both trained.

    `measures` is the table of `study_tables.measures`.
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


def published_gain(study: Study, dataset: str, before: str, after: str) -> float | None:
    """The published gain that ours on this data set may be held against; None if there is none.

    Of both figures on the same data set: this one, or one that the source does not name.
    """
    first, second = study.models[before], study.models[after]
    pairs = []
    if dataset == "mnist":
        pairs.append((first.mnist_accuracy, second.mnist_accuracy))
    if accuracies_comparable(study, dataset):
        pairs.append((first.test_accuracy, second.test_accuracy))
    return next((pair[1] - pair[0] for pair in pairs if None not in pair), None)


def comparable(study: Study, dataset: str) -> bool:
    """Whether the study's figures may be weighed against ours of this data set.

    They are of this data set; or its source names none, and it is one of those that we take.
    """
    return study.published_for(dataset) or (not study.published_on and dataset in study.datasets)


def accuracies_comparable(study: Study, dataset: str) -> bool:
    """The same for `Published.test_accuracy`."""
    # A source with figures of MNIST beside those has these of another data set.
    figures = study.models.values()
    elsewhere = dataset == "mnist" and any(published.mnist_accuracy for published in figures)
    return comparable(study, dataset) and not elsewhere
