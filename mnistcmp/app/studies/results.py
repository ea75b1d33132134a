"""What was measured of a study: the records, tables and findings that the Studies page shows."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import streamlit as st

from mnistcmp.analysis import effects, findings
from mnistcmp.analysis import robustness_tables as tables
from mnistcmp.analysis.comparisons import Change, Evidence, changes
from mnistcmp.analysis.robustness_findings import (
    StressedStep,
    parting,
    say_steps,
    stressed_steps,
    widest,
)
from mnistcmp.analysis.study_tables import measures
from mnistcmp.analysis.text import Finding, one_sentence
from mnistcmp.app import cached_records
from mnistcmp.catalogue.datasets import DATASETS
from mnistcmp.catalogue.recipes import RECIPES, USUAL_RECIPE, recipes_of
from mnistcmp.catalogue.studies import STUDIES, Study
from mnistcmp.data.sample_pack import SamplesError
from mnistcmp.records import RecordsError
from mnistcmp.records.robustness import COLUMNS

ROBUSTNESS_ON = "mnist"  # the data set on which robustness is measured

half_lost_levels = st.cache_data(tables.half_lost_levels)
_ladder_means = st.cache_data(tables.ladder_means)


@st.cache_data
def _effects(number: int, robustness: pd.DataFrame) -> list[effects.Effect]:
    """The effects in one study; they do not depend on the recipe that is shown."""
    return effects.effects(STUDIES[number], _ladder_means(robustness))


@dataclass(frozen=True)
class Result:
    """The measurements of one study's networks with one data set and recipe.

    runs, epochs: the reported ones.
    table: `study_tables.measures` of them, with at least one network.
    robustness: the records of robustness with any recipe; empty on other data sets than MNIST.
    """

    study: Study
    dataset: str
    recipe: str
    runs: pd.DataFrame
    epochs: pd.DataFrame
    table: pd.DataFrame
    evidence: Evidence
    robustness: pd.DataFrame

    @cached_property
    def steps(self) -> list[Change]:
        """The gain and cost of each change."""
        return changes(self.study, self.dataset, self.table, self.evidence)

    @cached_property
    def stressed(self) -> pd.DataFrame:
        """The records of robustness of this recipe."""
        return self.robustness[self.robustness["recipe"] == self.recipe]

    @cached_property
    def networks(self) -> pd.DataFrame:
        """Accuracy under corruption of each trained network, `robustness_tables.corrupted`."""
        return tables.corrupted(self.stressed)

    @cached_property
    def levels(self) -> pd.DataFrame:
        """Where each trained network has lost half of the digits."""
        return half_lost_levels(self.stressed)

    @cached_property
    def stressed_steps(self) -> list[StressedStep]:
        """The gain of each change under corruption."""
        return stressed_steps(self.study, self.networks, self.levels)

    @cached_property
    def effects(self) -> list[effects.Effect]:
        """The effects of isolated parts and of training, if the study asks for them."""
        if not self.study.stressed or self.robustness.empty:
            return []
        return _effects(self.study.number, self.robustness)

    @cached_property
    def findings(self) -> list[Finding]:
        """Everything that the study's figures say, also compared with the published ones."""
        return findings.conclude(self.study, self.dataset, self.table, self.evidence)

    @cached_property
    def best(self) -> Finding:
        """Which network is the most accurate."""
        return findings.best(self.dataset, self.table, self.evidence)

    @cached_property
    def main_findings(self) -> list[Finding]:
        """Those that answer the study's question."""
        if self.effects:
            return effects.conclusion(self.effects, _ladder_means(self.robustness))
        apart = parting(self.networks)
        return [self.best, *([apart] if apart else [])]

    @property
    def answer(self) -> str:
        """The main findings in one sentence of plain text."""
        return one_sentence(self.main_findings).replace(" %", "\N{NO-BREAK SPACE}%")

    @cached_property
    def other_findings(self) -> list[Finding]:
        """The findings on our own figures that are not among the main ones."""
        apart = widest(tables.by_corruption(self.stressed))
        others = [
            *self.findings,
            *([apart] if apart else []),
            *say_steps(self.stressed_steps),
            *effects.say(self.effects),
        ]
        return [one for one in others if one.verdict is None and one not in self.main_findings]


def result(study: Study, dataset: str, recipe: str) -> Result:
    """The measurements of one study; its networks have at least one run of this kind."""
    runs = runs_of(study)
    runs = runs[(runs["dataset"] == dataset) & (runs["recipe"] == recipe)]
    epochs = cached_records.reported_epochs()
    epochs = epochs[epochs["run"].isin(runs["run"])]
    return Result(
        study,
        dataset,
        recipe,
        runs,
        epochs,
        measures(study, runs, epochs),
        _evidence(dataset, runs),
        _robustness(study, dataset),
    )


def runs_of(study: Study) -> pd.DataFrame:
    """The reported runs of the study's networks. Raises RecordsError if they cannot be read."""
    runs = cached_records.reported_runs()
    return runs[runs["model"].isin(study.models)]


def recipes(study: Study, runs: pd.DataFrame) -> list[str]:
    """The recipes of these runs, without those that apply to only one of the study's networks."""
    trained = set(runs["recipe"])
    return [recipe for recipe in RECIPES if recipe in trained and len(taking(study, recipe)) > 1]


def taking(study: Study, recipe: str) -> list[str]:
    """The study's networks to which a recipe applies."""
    return [model for model in study.models if recipe in recipes_of(model)]


def default_dataset(study: Study, runs: pd.DataFrame) -> str | None:
    """The data set that is shown first; None if none has runs."""
    return next(iter(datasets(study, runs)), None)


def datasets(study: Study, runs: pd.DataFrame) -> list[str]:
    """The data sets with runs, the study's own first.

    Another one counts if two of the study's networks were trained on it: a single one may belong to
    another study. A user's own folder counts with one.
    """
    networks = runs.groupby("dataset", sort=False)["model"].nunique()
    others = DATASETS.keys() - study.datasets
    trained = [name for name, count in networks.items() if count > 1 or name not in others]
    own = [dataset for dataset in study.datasets if dataset in trained]
    return list(dict.fromkeys((*own, *trained)))


def preferred(recipe: str, available: Collection[str]) -> str:
    """`recipe` if it is available, else the usual one or the first."""
    return next(each for each in (recipe, USUAL_RECIPE, *available) if each in available)


def _evidence(dataset: str, runs: pd.DataFrame) -> Evidence:
    try:
        labels = cached_records.sample_pack(dataset).labels
    except SamplesError:
        return Evidence(runs)
    # A network without predictions can still be judged by its runs.
    read, _ = cached_records.readings(runs, len(labels))
    return Evidence(runs, read, labels)


def _robustness(study: Study, dataset: str) -> pd.DataFrame:
    """The records of the study's networks; none if they cannot be read."""
    try:
        records = cached_records.robustness()
    except RecordsError:
        return pd.DataFrame(columns=list(COLUMNS))
    if dataset != ROBUSTNESS_ON:
        return records.iloc[:0]
    return records[records["model"].isin(list(study.models))]
