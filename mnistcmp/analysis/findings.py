"""What the records of one study say, in sentences that are computed: what is best, what paid, what
becomes of the gradients, and where ours contradicts what was published.
"""

import itertools
import math
from collections.abc import Iterable

import pandas as pd

from mnistcmp.analysis.claims import factors, receptive_fields
from mnistcmp.analysis.comparisons import (
    Change,
    Evidence,
    accuracies_comparable,
    changes,
    comparable,
)
from mnistcmp.analysis.study_tables import published
from mnistcmp.analysis.text import Finding, Verdict, listed, percent, points, times
from mnistcmp.catalogue.studies import Study

VANISHED = 0.01  # of the last layer's gradient norm


def conclude(
    study: Study, dataset: str, measures: pd.DataFrame, evidence: Evidence
) -> list[Finding]:
    """Everything that can be said; `measures` as in study_tables.py, of at least one network."""
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
    """Which network reads best, and whether that is more than chance."""
    ranked = measures["test_accuracy"].sort_values(ascending=False)
    first, *others = ranked.index
    if not others:
        return Finding(f"So far only **{first}** is trained: {percent(ranked[first])} %.")
    gaps = {model: evidence.gap(model, first) for model in others}
    level = [model for model in others if not gaps[model].sure]
    if level:
        tied = listed(f"{model} ({percent(ranked[model])} %)" for model in (first, *level))
        grounds = "; ".join(dict.fromkeys(gaps[model].grounds for model in level))
        return Finding(
            f"**Not clear which reads best**: {tied} lie too close to be told apart ({grounds})."
        )
    gap = gaps[others[0]]
    return Finding(
        f"**{first} reads best**: {percent(ranked[first])} %, {points(gap.share)} points against "
        f"{others[0]}, more than chance ({gap.grounds})."
    )


def paid(steps: list[Change]) -> list[Finding]:
    """What bought accuracy and what cost some, each with its price; and what is within chance."""
    sure = [step for step in steps if step.gain.sure]
    judged = [step for step in steps if not math.isnan(step.gain.half)]
    groups = {
        "What paid": [_with_price(step) for step in sure if step.gain.share > 0],
        "What made it worse": [_with_price(step) for step in sure if step.gain.share < 0],
        "Not clear, within chance": [_gained(step) for step in judged if step not in sure],
        "Too few runs to tell": [_gained(step) for step in steps if step not in judged],
    }
    return [
        Finding(f"**{title}**: {'; '.join(words)}.") for title, words in groups.items() if words
    ]


def goal(study: Study, measures: pd.DataFrame) -> list[Finding]:
    """Which networks reach what the source asks for."""
    if study.goal is None:
        return []
    missed = measures.index[measures["test_accuracy"] < study.goal]
    asked = f"the {100 * study.goal:.0f} % that the source asks for"
    if missed.empty:
        return [Finding(f"**Goal**: all reach {asked}.")]
    return [Finding(f"**Goal**: below {asked}: {listed(missed)}.")]


def vanishing(measures: pd.DataFrame) -> list[Finding]:
    """Whether gradients get lost between the last layer and the first, and where most."""
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
        ("Gradients vanish", "next to nothing") if lost else ("No gradient vanishes", "smallest")
    )
    text = f"**{found}**: beside the last layer’s, the first layer’s is {how} in {each}."
    return [Finding(text)]


def order(study: Study, measures: pd.DataFrame, evidence: Evidence) -> list[Finding]:
    """The networks by accuracy, as published and as we find them."""
    theirs = published(study)["test_accuracy"].dropna().sort_values(ascending=False)
    theirs = theirs[theirs.index.isin(measures.index)]
    if len(theirs) < 3:  # of two, the gain says it all
        return []
    ours = measures.loc[theirs.index, "test_accuracy"]
    swapped = [
        (better, worse)
        for better, worse in itertools.combinations(theirs.index, 2)
        if ours[better] < ours[worse]
    ]
    if not swapped:
        return [Finding(f"**Order**: {_chain(theirs.index)}.", Verdict.AGREES)]
    sure = any(evidence.gap(*pair).sure for pair in swapped)
    found = _chain(ours.sort_values(ascending=False).index)
    return [
        Finding(
            f"**Order**: ours {found}; published {_chain(theirs.index)}.",
            Verdict.CONTRADICTS if sure else Verdict.UNCLEAR,
        )
    ]


def gains(steps: list[Change]) -> list[Finding]:
    """What each change bought, beside what it bought the source, by verdict."""
    told: dict[Verdict, list[str]] = {}
    for step in steps:
        if step.published is not None:
            told.setdefault(judge_gain(step), []).append(
                f"{_gained(step)} (published {points(step.published)})"
            )
    return [Finding(f"**Gain**: {'; '.join(words)}.", verdict) for verdict, words in told.items()]


def judge_gain(step: Change) -> Verdict:
    """Only a gain that is more than chance bears the published one out, or does not."""
    if not step.gain.sure:
        return Verdict.UNCLEAR
    share = step.gain.share / step.published
    if share < 0:
        return Verdict.CONTRADICTS
    return Verdict.AGREES if 0.5 <= share <= 2 else Verdict.IN_PART


def _gained(step: Change) -> str:
    return f"{step.what} {points(step.gain.share)} points"


def _with_price(step: Change) -> str:
    price = f"{times(step.cost['params'])} parameters, {times(step.cost['epoch_seconds'])} seconds"
    return f"{_gained(step)} ({price})"


def _chain(models: Iterable[str]) -> str:
    return " > ".join(models)
