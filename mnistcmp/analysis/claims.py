"""What a source states about costs, gaps, gradients and receptive fields, compared with ours."""

import itertools
import math

import pandas as pd

from mnistcmp.analysis.study_tables import published
from mnistcmp.analysis.text import Finding, Verdict, listed, named, times
from mnistcmp.catalogue.studies import Claim, Study

# Published figure -> our measure to compare it with. Machines differ, so the comparison is between
# factors: the network after the change relative to the one before it. The sources do not say which
# layer's gradient they give; we take the first layer's, where gradients vanish.
OURS = {
    "epoch_seconds": "epoch_seconds",
    "train_seconds": "epoch_seconds",
    "gap": "gap",
    "first_gradient_norm": "first_gradient_norm",
    "last_gradient_norm": "last_gradient_norm",
}
IN_WORDS = {
    "epoch_seconds": "training time per epoch",
    "gap": "the gap between training and test accuracy",
    "first_gradient_norm": "the first layer’s gradient in the first epoch",
    "last_gradient_norm": "the first layer’s gradient in the last epoch",
    "params": "the number of parameters",
    "epochs_until": "epochs to reach the same accuracy",
    "activation_mb": "activation memory",
}
# How our change compares with the published one.
HOW = {
    Verdict.AGREES: "is as published",
    Verdict.IN_PART: "is in the published direction, but of another size",
    Verdict.CONTRADICTS: "is not as published",
    Verdict.UNCLEAR: "is too uncertain to compare with the published one",
}


def claims(study: Study) -> list[Claim]:
    """The factors that the study's source states, or for which it gives both figures."""
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
    effects = [claim for claim in derived if claim.factor > 0 and _is_effect(claim.factor)]
    return [*effects, *study.claims]


def _is_effect(factor: float) -> bool:
    """Whether the two figures differ by more than a twentieth, so that the factor is a claim."""
    return abs(math.log(factor)) > math.log(1.05)


def factors(study: Study, measures: pd.DataFrame) -> list[Finding]:
    """Every claim for which both networks were trained, grouped by measure and verdict."""
    grouped: dict[tuple[str, Verdict], dict[str, str]] = {}
    for claim in claims(study):
        if not {claim.before, claim.after} <= set(measures.index):
            continue
        after, before = measures.loc[[claim.after, claim.before], claim.measure]
        ours = after / before if before else math.nan
        if ours > 0:  # otherwise it was not measured, or a gap is 0 or changed its sign
            verdict = judge(ours, claim.factor)
            if claim.measure == "epochs_until" and abs(after - before) <= 1:
                verdict = Verdict.UNCLEAR  # epochs are counted in whole numbers
            step = f"from {named(claim.before)} to {named(claim.after)}"
            factors = f"{times(ours)}, published {times(claim.factor)}"
            grouped.setdefault((claim.measure, verdict), {})[step] = factors
    return [
        Finding(
            f"The change in **{IN_WORDS[measure]}** {listed(steps)} {HOW[verdict]}.",
            verdict,
            "; ".join(f"{step}: {factors}" for step, factors in steps.items()),
        )
        for (measure, verdict), steps in grouped.items()
    ]


def judge(ours: float, published_factor: float) -> Verdict:
    """Whether our factor confirms the published one, which must not be 1; both are above 0.

    The verdict depends on our effect as a share of the published one, on a log scale. Two factors
    that differ by less than a fifth never contradict each other: other work on the machine can
    cause as much.
    """
    log_ours, log_published = math.log(ours), math.log(published_factor)
    share = log_ours / log_published
    if abs(log_ours - log_published) <= math.log(1.2):
        return Verdict.AGREES if share >= 0.5 else Verdict.UNCLEAR
    if share < 0.25:
        return Verdict.CONTRADICTS
    return Verdict.AGREES if 0.5 <= share <= 2 else Verdict.IN_PART


def receptive_fields(study: Study, measures: pd.DataFrame) -> list[Finding]:
    """The receptive field of the last convolution, compared with the published one."""
    theirs = published(study)["receptive_field_px"]
    fields = measures[["receptive_field_px"]].assign(published=theirs).dropna().astype(int)
    same = fields["receptive_field_px"] == fields["published"]
    rule = (
        ", because for two k×k convolutions with a pooling layer between them it is 3·k − 1 px a "
        "side"
    )
    cases = ((Verdict.AGREES, fields[same], ""), (Verdict.CONTRADICTS, fields[~same], rule))
    return [
        Finding(
            f"The **receptive field** of {listed(map(named, rows.index))} {HOW[verdict]}{reason}.",
            verdict,
            "; ".join(
                f"{named(model)} {ours} px, published {side} px"
                for model, ours, side in rows.itertuples()
            ),
        )
        for verdict, rows, reason in cases
        if not rows.empty
    ]
