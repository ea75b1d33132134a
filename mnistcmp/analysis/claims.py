"""What a source says of costs, gaps, gradients and receptive fields, weighed against ours."""

import itertools
import math

import pandas as pd

from mnistcmp.analysis.study_tables import published
from mnistcmp.analysis.text import Finding, Verdict, listed, times
from mnistcmp.catalogue.studies import Claim, Study

# Of a published figure, which of our measures answers it. Machines differ, so that the figures are
# compared as factors of the network's before the change. Whose gradient was published, is not said:
# where one vanishes, it is the first layer's.
OURS = {
    "epoch_seconds": "epoch_seconds",
    "train_seconds": "epoch_seconds",
    "gap": "gap",
    "first_gradient_norm": "first_gradient_norm",
    "last_gradient_norm": "last_gradient_norm",
}
IN_WORDS = {
    "epoch_seconds": "Seconds per epoch",
    "gap": "Training less test accuracy",
    "first_gradient_norm": "First layer’s gradient, first epoch",
    "last_gradient_norm": "First layer’s gradient, last epoch",
    "params": "Parameters",
    "epochs_until": "Epochs until the stated accuracy",
    "activation_mb": "Activation memory",
}


def claims(study: Study) -> list[Claim]:
    """The factors that the study's source states, or prints both figures of."""
    figures = published(study)
    derived = [
        Claim(
            step.before,
            step.after,
            ours,
            figures.loc[step.after, theirs] / figures.loc[step.before, theirs],
        )
        for step, (theirs, ours) in itertools.product(study.changes, OURS.items())
    ]
    told = [claim for claim in derived if claim.factor > 0 and _is_effect(claim.factor)]
    return [*told, *study.claims]


def _is_effect(factor: float) -> bool:
    """Whether it is more than a source that prints about the same twice would claim."""
    return abs(math.log(factor)) > math.log(1.05)


def factors(study: Study, measures: pd.DataFrame) -> list[Finding]:
    """Every claim of which both networks were trained, by measure and verdict."""
    told: dict[tuple[str, Verdict], list[str]] = {}
    for claim in claims(study):
        if not {claim.before, claim.after} <= set(measures.index):
            continue
        after, before = measures.loc[[claim.after, claim.before], claim.measure]
        ours = after / before
        if ours > 0:  # else it was not measured, or a gap has changed its sign
            verdict = judge(ours, claim.factor)
            if claim.measure == "epochs_until" and abs(after - before) <= 1:
                verdict = Verdict.UNCLEAR  # within what whole epochs can tell
            published_factor = f"(published {times(claim.factor)})"
            told.setdefault((claim.measure, verdict), []).append(
                f"{claim.after} {times(ours)} {claim.before} {published_factor}"
            )
    return [
        Finding(f"**{IN_WORDS[measure]}**: {'; '.join(words)}.", verdict)
        for (measure, verdict), words in told.items()
    ]


def judge(ours: float, published_factor: float) -> Verdict:
    """Whether our factor bears out the published one, both above 0 and the published one not 1.

    By the share of the published effect that is there, on a log scale. Two factors that are less
    than a fifth apart never contradict each other: a busy machine may make as much.
    """
    here, there = math.log(ours), math.log(published_factor)
    share = here / there
    if abs(here - there) <= math.log(1.2):
        return Verdict.AGREES if share >= 0.5 else Verdict.UNCLEAR
    if share < 0.25:
        return Verdict.CONTRADICTS
    return Verdict.AGREES if 0.5 <= share <= 2 else Verdict.IN_PART


def receptive_fields(study: Study, measures: pd.DataFrame) -> list[Finding]:
    """How far the last convolution sees, beside the published side."""
    theirs = published(study)["receptive_field_px"]
    fields = measures[["receptive_field_px"]].assign(published=theirs).dropna().astype(int)
    same = fields["receptive_field_px"] == fields["published"]
    found = []
    if same.any():
        each = listed(f"{model} {ours} px" for model, ours, _ in fields[same].itertuples())
        found.append(Finding(f"**Receptive field**: {each}.", Verdict.AGREES))
    if not same.all():
        each = listed(
            f"{model} sees {ours} px, not {published}"
            for model, ours, published in fields[~same].itertuples()
        )
        rule = "two k×k convolutions with one pooling between them see 3·k - 1"
        found.append(Finding(f"**Receptive field**: {each}: {rule}.", Verdict.CONTRADICTS))
    return found
