"""Computed sentences about one study: which network is best, which changes improve accuracy,
whether gradients vanish, and where our results contradict the published ones.
"""

import itertools
import math
from collections.abc import Iterable

import pandas as pd

from mnistcmp.analysis.claims import factors, receptive_fields
from mnistcmp.analysis.comparisons import (
    Change,
    Evidence,
    Gap,
    accuracies_comparable,
    changes,
    comparable,
)
from mnistcmp.analysis.study_tables import published
from mnistcmp.analysis.text import Finding, Verdict, listed, percent, points, times
from mnistcmp.catalogue.studies import Study

VANISHED = 0.01  # below this share of the last layer's gradient norm


def conclude(
    study: Study, dataset: str, measures: pd.DataFrame, evidence: Evidence
) -> list[Finding]:
    """All findings; `measures` as in study_tables.py, with at least one network."""
    steps = changes(study, dataset, measures, evidence)
    ours = [
        best(measures, evidence),
        *paid(steps),
        *vanishing(measures),
    ]
    weighed = gains(steps)
    if accuracies_comparable(study, dataset):
        weighed = [*goal(study, measures), *order(study, measures, evidence), *weighed]
    if comparable(study, dataset):
        weighed += factors(study, measures)
    return [*ours, *weighed, *receptive_fields(study, measures)]


def best(measures: pd.DataFrame, evidence: Evidence) -> Finding:
    """Which network has the highest accuracy, and whether its lead is significant."""
    ranked = measures["test_accuracy"].sort_values(ascending=False)
    first, *others = ranked.index
    if not others:
        return Finding(f"Only **{first}** has been trained so far: {percent(ranked[first])} %.")
    gaps = {model: evidence.gap(model, first) for model in others}
    level = [model for model in others if not gaps[model].sure]
    if level:
        tied = listed(f"{model} ({percent(ranked[model])} %)" for model in (first, *level))
        grounds = "; ".join(dict.fromkeys(gaps[model].grounds for model in level))
        return Finding(f"**No clear best network**: {tied} cannot be told apart ({grounds}).")
    gap = gaps[others[0]]
    return Finding(
        f"**{first} is the most accurate**: {percent(ranked[first])} %, {points(gap.share)} points "
        f"compared with {others[0]}, a significant difference ({gap.grounds})."
    )


def paid(steps: list[Change]) -> list[Finding]:
    """Which changes improve or reduce accuracy, with their cost, and which do neither clearly."""
    sure = [step for step in steps if step.gain.sure]
    judged = [step for step in steps if not math.isnan(step.gain.half)]
    groups = {
        "Higher accuracy": [_with_cost(step) for step in sure if step.gain.share > 0],
        "Lower accuracy": [_with_cost(step) for step in sure if step.gain.share < 0],
        "No significant difference": [_gained(step) for step in judged if step not in sure],
        "Too few runs to tell": [_gained(step) for step in steps if step not in judged],
    }
    return [
        Finding(f"**{title}**: {'; '.join(words)}.") for title, words in groups.items() if words
    ]


def goal(study: Study, measures: pd.DataFrame) -> list[Finding]:
    """Which networks reach the accuracy that the source asks for."""
    if study.goal is None:
        return []
    missed = measures.index[measures["test_accuracy"] < study.goal]
    asked = f"the {100 * study.goal:.0f} % that the source asks for"
    if missed.empty:
        return [Finding(f"**Goal**: all networks reach {asked}.")]
    return [Finding(f"**Goal**: below {asked}: {listed(missed)}.")]


def vanishing(measures: pd.DataFrame) -> list[Finding]:
    """Whether gradients vanish between the last layer and the first, and in which networks."""
    ratios = measures[["first_gradient_ratio", "last_gradient_ratio"]].dropna()
    if ratios.empty:
        return []
    least = ratios.min(axis=1)
    lost = least.index[least < VANISHED].tolist()
    each = listed(
        f"{model} (first epoch {times(first)}, last epoch {times(last)})"
        for model, first, last in ratios.loc[lost or [least.idxmin()]].itertuples()
    )
    found, how = (
        ("Vanishing gradients", "very small") if lost else ("No vanishing gradients", "smallest")
    )
    ratio = "the gradient norm of the first layer, relative to the last layer’s,"
    return [Finding(f"**{found}**: {ratio} is {how} in {each}.")]


def order(study: Study, measures: pd.DataFrame, evidence: Evidence) -> list[Finding]:
    """The ranking of the networks by accuracy, ours and the published one."""
    theirs = published(study)["test_accuracy"].dropna().sort_values(ascending=False)
    theirs = theirs[theirs.index.isin(measures.index)]
    if len(theirs) < 3:  # with two, the gain says the same
        return []
    ours = measures.loc[theirs.index, "test_accuracy"]
    swapped = [
        (better, worse)
        for better, worse in itertools.combinations(theirs.index, 2)
        if ours[better] < ours[worse]
    ]
    if not swapped:
        return [Finding(f"**Ranking**: {_chain(theirs.index)}.", Verdict.AGREES)]
    sure = any(evidence.gap(*pair).sure for pair in swapped)
    found = _chain(ours.sort_values(ascending=False).index)
    return [
        Finding(
            f"**Ranking**: ours {found}; published {_chain(theirs.index)}.",
            Verdict.CONTRADICTS if sure else Verdict.UNCLEAR,
        )
    ]


def gains(steps: list[Change]) -> list[Finding]:
    """Our gain from each change compared with the published gain, grouped by verdict."""
    by_verdict: dict[Verdict, list[str]] = {}
    for step in steps:
        if step.published is not None:
            by_verdict.setdefault(judge_gain(step.gain, step.published), []).append(
                _gained(step, f"published {points(step.published)}")
            )
    return [
        Finding(f"**Change in accuracy**: {'; '.join(words)}.", verdict)
        for verdict, words in by_verdict.items()
    ]


def judge_gain(gain: Gap, published_gain: float) -> Verdict:
    """Whether our gain confirms the published one; only a significant gain can tell."""
    if not gain.sure:
        return Verdict.UNCLEAR
    share = gain.share / published_gain
    if share < 0:
        return Verdict.CONTRADICTS
    return Verdict.AGREES if 0.5 <= share <= 2 else Verdict.IN_PART


def _gained(step: Change, *more: str) -> str:
    return f"{step.what} ({', '.join((f'{points(step.gain.share)} points', *more))})"


def _with_cost(step: Change) -> str:
    parameters, seconds = times(step.cost["params"]), times(step.cost["epoch_seconds"])
    return _gained(step, f"{parameters} parameters", f"{seconds} time per epoch")


def _chain(models: Iterable[str]) -> str:
    return " > ".join(models)
