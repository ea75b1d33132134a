"""Computed sentences about one study: which network is best, which changes improve accuracy,
whether gradients vanish, and where our results contradict the published ones.
"""

import itertools
import math
from collections.abc import Iterable

import pandas as pd

from mnistcmp.analysis.claims import HOW, factors, receptive_fields
from mnistcmp.analysis.comparisons import (
    Change,
    Evidence,
    Gap,
    accuracies_comparable,
    changes,
    comparable,
)
from mnistcmp.analysis.study_tables import published
from mnistcmp.analysis.text import (
    Finding,
    Verdict,
    in_words,
    listed,
    named,
    percent,
    points,
    times,
)
from mnistcmp.catalogue.datasets import DIGITS, find
from mnistcmp.catalogue.studies import Study

VANISHED = 0.01  # below this share of the last layer's gradient norm


def conclude(
    study: Study, dataset: str, measures: pd.DataFrame, evidence: Evidence
) -> list[Finding]:
    """All findings; `measures` as in study_tables.py, with at least one network.

    The first is `best`.
    """
    steps = changes(study, dataset, measures, evidence)
    ours = [best(dataset, measures, evidence), *paid(dataset, steps)]
    gradients = [one for one in vanishing(measures) if study.show_gradients or is_vanishing(one)]
    weighed = gains(steps)
    if accuracies_comparable(study, dataset):
        weighed = [*goal(study, measures), *order(study, measures, evidence), *weighed]
    if comparable(study, dataset):
        weighed += factors(study, measures)
    return [*ours, *gradients, *weighed, *receptive_fields(study, measures)]


def overall(
    study: Study, dataset: str, measures: pd.DataFrame, evidence: Evidence
) -> Verdict | None:
    """Whether our accuracies confirm the published ones: the verdict on the study's card.

    Of the ranking and the gain of each change, those count that are not too close to tell: if all
    of them agree, or all contradict, that is the verdict; otherwise it is IN_PART. None if the
    source publishes no accuracy that is comparable with ours.
    """
    weighed = gains(changes(study, dataset, measures, evidence))
    if accuracies_comparable(study, dataset):
        weighed += order(study, measures, evidence)
    if not weighed:
        return None
    told = {one.verdict for one in weighed} - {Verdict.UNCLEAR}
    if not told:
        return Verdict.UNCLEAR
    return told.pop() if len(told) == 1 else Verdict.IN_PART


def images(dataset: str) -> str:
    """What the test images of a data set are called in sentences."""
    return "clean digits" if find(dataset).class_names == DIGITS else "the test images"


def best(dataset: str, measures: pd.DataFrame, evidence: Evidence) -> Finding:
    """Which network has the highest accuracy, and whether its lead is significant."""
    ranked = measures["test_accuracy"].sort_values(ascending=False)
    first, *others = ranked.index
    each = "; ".join(f"{named(model)} {percent(ranked[model])} %" for model in ranked.index)
    if not others:
        return Finding(f"So far only {named(first)} has been trained.", figures=each)
    gaps = {model: evidence.gap(model, first) for model in others}
    grounds = "; ".join(dict.fromkeys(gaps[model].grounds for model in others))
    level = [model for model in others if not gaps[model].sure]
    figures = f"{each} ({grounds})"
    if not level:
        lead = f"{points(gaps[others[0]].share).lstrip('+')} points ahead of {named(others[0])}"
        costs = _costs(measures.loc[first] / measures.loc[others[0]])
        text = f"{named(first)} **is the most accurate** on {images(dataset)}, {lead}{costs}."
    elif len(level) == len(others):
        who = "Both" if len(level) == 1 else f"All {in_words(len(ranked))}"
        text = f"{who} networks are **too close to be told apart** on {images(dataset)}."
    else:
        leading = listed(map(named, (first, *level)))
        text = (
            f"{leading} are the most accurate on {images(dataset)} and **too close to be told "
            "apart**."
        )
    return Finding(text, figures=figures)


def _costs(factors: pd.Series) -> str:
    """What the best network costs, relative to the second; "" if the two are alike."""
    costs = {"parameters": factors["params"], "training time": factors["epoch_seconds"]}
    words = [
        f"{factor:.2g} times its {what}"
        for what, factor in costs.items()
        if abs(math.log(factor)) > math.log(1.05)  # False for NaN
    ]
    return f", with {listed(words)}" if words else ""


def paid(dataset: str, steps: list[Change]) -> list[Finding]:
    """Which changes improve or reduce accuracy, with their cost, and which do neither clearly."""
    sure = [step for step in steps if step.gain.sure]
    judged = [step for step in steps if not math.isnan(step.gain.half)]
    accuracy = f"accuracy on {images(dataset)}"
    groups = {
        f"The {accuracy} **rises** with": [step for step in sure if step.gain.share > 0],
        f"The {accuracy} **falls** with": [step for step in sure if step.gain.share < 0],
        f"**No clear change** in {accuracy} comes with": [
            step for step in judged if step not in sure
        ],
        "There are **too few runs** to judge": [step for step in steps if step not in judged],
    }
    return [
        Finding(f"{text} {_whats(steps)}.", figures="; ".join(map(_with_cost, steps)))
        for text, steps in groups.items()
        if steps
    ]


def goal(study: Study, measures: pd.DataFrame) -> list[Finding]:
    """Which networks reach the accuracy that the source asks for."""
    if study.goal is None:
        return []
    missed = measures.index[measures["test_accuracy"] < study.goal]
    asked = f"the {100 * study.goal:.0f} % that the source asks for"
    if missed.empty:
        return [Finding(f"**All networks reach** {asked}.")]
    return [Finding(f"**Not all reach** {asked}: below it are {listed(map(named, missed))}.")]


def vanishing(measures: pd.DataFrame) -> list[Finding]:
    """Whether gradients vanish between the last layer and the first, and in which networks."""
    ratios = measures[["first_gradient_ratio", "last_gradient_ratio"]].dropna()
    if ratios.empty:
        return []
    least = ratios.min(axis=1)
    lost = least.index[least < VANISHED].tolist()
    each = "; ".join(
        f"{named(model)} {times(first)} in the first epoch, {times(last)} in the last"
        for model, first, last in ratios.loc[lost or [least.idxmin()]].itertuples()
    )
    figures = f"Gradient norm of the first layer, relative to the last: {each}"
    less = "less than a hundredth of that of the last layer"
    if lost:
        text = f"{VANISHING} in {listed(map(named, lost))}: in the first layer it is {less}."
    else:
        text = f"**The gradient does not vanish**: in no network’s first layer is it {less}."
    return [Finding(text, figures=figures)]


VANISHING = "**The gradient vanishes**"


def is_vanishing(finding: Finding) -> bool:
    """Whether `vanishing` found a network whose gradients vanish."""
    return finding.text.startswith(VANISHING)


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
        return [_ranking(Verdict.AGREES, theirs.index, theirs.index)]
    sure = any(evidence.gap(*pair).sure for pair in swapped)
    found = ours.sort_values(ascending=False).index
    return [_ranking(Verdict.CONTRADICTS if sure else Verdict.UNCLEAR, found, theirs.index)]


def _ranking(verdict: Verdict, ours: Iterable[str], theirs: Iterable[str]) -> Finding:
    first, second = (" > ".join(map(named, order)) for order in (ours, theirs))
    figures = f"Ours: {first}. Published: {second}"
    return Finding(f"The **ranking by accuracy** {HOW[verdict]}.", verdict, figures)


def gains(steps: list[Change]) -> list[Finding]:
    """Our gain from each change compared with the published gain, grouped by verdict."""
    by_verdict: dict[Verdict, list[Change]] = {}
    for step in steps:
        if step.published is not None:
            by_verdict.setdefault(judge_gain(step.gain, step.published), []).append(step)
    return [
        Finding(
            f"The change in **accuracy** with {_whats(steps)} {HOW[verdict]}.",
            verdict,
            "; ".join(
                f"{_gained(step)}, published {points(step.published or 0)}" for step in steps
            ),
        )
        for verdict, steps in by_verdict.items()
    ]


def judge_gain(gain: Gap, published_gain: float) -> Verdict:
    """Whether our gain confirms the published one; only a significant gain can tell."""
    if not gain.sure:
        return Verdict.UNCLEAR
    share = gain.share / published_gain
    if share < 0:
        return Verdict.CONTRADICTS
    return Verdict.AGREES if 0.5 <= share <= 2 else Verdict.IN_PART


def _whats(steps: list[Change]) -> str:
    return listed(step.what for step in steps)


def _gained(step: Change) -> str:
    return f"{step.what}: {points(step.gain.share)} points"


def _with_cost(step: Change) -> str:
    parameters, seconds = times(step.cost["params"]), times(step.cost["epoch_seconds"])
    return f"{_gained(step)}, {parameters} parameters, {seconds} time per epoch"
