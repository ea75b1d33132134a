"""What one part of a network, or a way of training, changes: for a study whose steps isolate parts.

An effect is a difference in mean accuracy over the levels of one side of a dial. It is measured
several times, on networks that differ in their other parts, and counts only if all these agree.
`means` is the table `robustness_tables.ladder_means`.
"""

from collections import defaultdict
from dataclasses import dataclass

import pandas as pd

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Gap
from mnistcmp.analysis.statistics import half_interval_of_contrast
from mnistcmp.analysis.text import Finding, listed, named
from mnistcmp.catalogue.corruptions import SIDES, Side
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import Study

BEFORE, AFTER = "tuned", "hardened"  # the two recipes whose difference is the effect of training
MEAN = "mean"  # of the gaps of one effect
MOST_NAMED = 5  # dials in one sentence
WORTH_NAMING = 0.05  # smaller effects are left out, however certain

Cell = tuple[str, str]  # a model and a recipe


@dataclass(frozen=True)
class Effect:
    """The effect of `part` on the mean accuracy over the levels of one side of a dial.

    pairs: the gap between two networks that differ in this part alone, by what they have in common.
    mean: the mean of these gaps, with its own interval.
    recipe: that of the networks; "" for the effect of training.
    """

    part: str
    side: Side
    pairs: dict[str, Gap]
    mean: Gap
    recipe: str = ""

    @property
    def consistent(self) -> bool:
        """Whether every gap is significant, and all have the same sign."""
        gaps = [*self.pairs.values(), self.mean]
        return all(gap.sure for gap in gaps) and len({gap.share > 0 for gap in gaps}) == 1

    @property
    def worth_naming(self) -> bool:
        """Whether it is consistent and large enough."""
        return self.consistent and abs(self.mean.share) >= WORTH_NAMING

    @property
    def no_help(self) -> bool:
        """Whether a gain that is worth naming can be ruled out, for all networks."""
        gaps = [*self.pairs.values(), self.mean]
        return self.mean.high < WORTH_NAMING and all(gap.share < WORTH_NAMING for gap in gaps)


def effects(study: Study, means: pd.DataFrame) -> list[Effect]:
    """The effects of each part that the study isolates, with both recipes, and of training.

    On each side of each dial on which the networks were measured with enough seeds.
    """
    parts = dict.fromkeys(step.part for step in study.changes if step.part)
    found = []
    for part in parts:
        for recipe in (BEFORE, AFTER):
            pairs = {
                f"{step.before} → {step.after}": ((step.before, recipe), (step.after, recipe))
                for step in study.changes
                if step.part == part
            }
            found += _effects(part, pairs, means, recipe)
    pairs = {model: ((model, BEFORE), (model, AFTER)) for model in study.models}
    return [*found, *_effects(RECIPES[AFTER].adds, pairs, means)]


def _effects(
    part: str, pairs: dict[str, tuple[Cell, Cell]], means: pd.DataFrame, recipe: str = ""
) -> list[Effect]:
    """An effect for each side on which all networks of the pairs were measured often enough."""
    found = []
    for side in SIDES:
        values = means[side.title].dropna()
        counts = values.groupby(["model", "recipe"]).size().to_dict()
        if all(counts.get(cell, 0) >= ENOUGH_RUNS for pair in pairs.values() for cell in pair):
            gaps = {name: _gap([pair], values) for name, pair in pairs.items()}
            mean = _gap(list(pairs.values()), values)
            found.append(Effect(part, side, gaps, mean, recipe))
    return found


def _gap(pairs: list[tuple[Cell, Cell]], values: pd.Series) -> Gap:
    """The mean of the differences, after minus before, over the pairs."""
    weights: defaultdict[Cell, float] = defaultdict(float)
    for before, after in pairs:
        weights[after] += 1 / len(pairs)
        weights[before] -= 1 / len(pairs)
    terms = [(weight, values.loc[cell].to_numpy()) for cell, weight in weights.items()]
    share = sum(weight * cell.mean() for weight, cell in terms)
    seeds = min(len(cell) for _, cell in terms)
    half = half_interval_of_contrast(terms)
    return Gap(float(share), half, f"{seeds} trained networks each", over_runs=True)


def seen(side: Side) -> bool:
    """Whether the training images of AFTER show the changes of this dial."""
    return AFTER in side.dial.seen_by


def table(found: list[Effect]) -> pd.DataFrame:
    """One row for each gap of each effect.

    Columns: `part`, `recipe`, `dial`, `networks`; `effect` in points with its 95 % interval, `low`
    to `high`; `consistent`, whether the gaps of the effect agree. `networks` is what the gap is
    between; MEAN for the mean of an effect's gaps.
    """
    rows = [
        {
            "part": effect.part,
            "recipe": effect.recipe,
            "dial": effect.side.title,
            "networks": networks,
            "effect": 100 * gap.share,
            "low": 100 * gap.low,
            "high": 100 * gap.high,
            "consistent": effect.consistent,
        }
        for effect in found
        for networks, gap in (*effect.pairs.items(), (MEAN, effect.mean))
    ]
    return pd.DataFrame(rows)


def say(found: list[Effect]) -> list[Finding]:
    """A sentence for each part, with the recipe BEFORE, and one for training: what each changes."""
    groups: dict[str, list[Effect]] = {}
    for effect in found:
        if effect.recipe != AFTER:
            groups.setdefault(effect.part, []).append(effect)
    return [_what(part, each) for part, each in groups.items()]


def _what(part: str, found: list[Effect]) -> Finding:
    shown = [effect for effect in found if effect.worth_naming]
    groups = {
        "better": [effect for effect in shown if effect.mean.share > 0],
        "worse": [effect for effect in shown if effect.mean.share < 0],
    }
    texts = [
        f"{word} under {_largest({_dial(each): each for each in effects})}"
        for word, effects in groups.items()
        if effects
    ]
    found_what = "; ".join(texts) or (
        f"no effect of {100 * WORTH_NAMING:.0f} points or more on which all networks agree"
    )
    figures = "; ".join(_dial_and_size(each) for each in shown)
    return Finding(f"**{_capital(part)}**: {found_what}.", figures=figures)


def conclusion(found: list[Effect], means: pd.DataFrame) -> list[Finding]:
    """What only the architecture can give, and what only the training can; from `effects`."""
    training = [effect for effect in found if not effect.recipe]
    if not training:
        return [
            Finding(
                f"**Too few trained networks** to tell: this needs at least {ENOUGH_RUNS} seeds of "
                f"each network with the recipes {BEFORE} and {AFTER}."
            )
        ]
    by_architecture = {
        _architecture_alone(parts, effect): parts[0]
        for effect in training
        if effect.no_help and (parts := _lasting(found, effect.side))
    }
    by_training = {text: effect for effect in training if (text := _beyond_the_best(effect, means))}
    return [
        _only("only the architecture decides", by_architecture),
        _only("only training improves", by_training),
    ]


def _only(who: str, texts: dict[str, Effect]) -> Finding:
    """What is due to one cause alone; `texts` has the figures of each effect."""
    if not texts:
        return Finding(f"There is no change of the image for which **{who}** how it is read.")
    dials = {_dial(effect): effect for effect in texts.values()}
    text = f"Under {_largest(dials)}, **{who}** how well digits are read."
    return Finding(text, figures="; ".join(texts))


def _largest(texts: dict[str, Effect]) -> str:
    """The texts of the largest effects, at most MOST_NAMED, and how many more there are."""
    ordered = sorted(texts, key=lambda text: -abs(texts[text].mean.share))
    more = len(ordered) - MOST_NAMED
    return listed([*ordered[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])])


def _lasting(found: list[Effect], side: Side) -> list[Effect]:
    """The effects with BEFORE on this side that are there with AFTER as well, the largest first.

    Both must have the same sign.
    """
    here = [effect for effect in found if effect.side == side and effect.worth_naming]
    after = {each.part: each.mean.share > 0 for each in here if each.recipe == AFTER}
    lasting = [
        each
        for each in here
        if each.recipe == BEFORE and after.get(each.part) == (each.mean.share > 0)
    ]
    return sorted(lasting, key=lambda each: -abs(each.mean.share))


def _architecture_alone(parts: list[Effect], training: Effect) -> str:
    sizes = [f"{effect.part} {_size(effect.mean)}" for effect in parts]
    sizes.append(f"training {_size(training.mean)}")
    return f"{training.side.title.lower()} ({', '.join(sizes)})"


def _beyond_the_best(effect: Effect, means: pd.DataFrame) -> str:
    """What training adds to the network that is the best without it, in words; "" if nothing."""
    averages = means[effect.side.title].groupby(["model", "recipe"]).mean()
    best = max(effect.pairs, key=lambda model: averages[model, BEFORE])
    gain = effect.pairs[best]
    if not (effect.worth_naming and gain.sure and gain.share >= WORTH_NAMING):
        return ""
    return (
        f"{effect.side.title.lower()} ({_size(gain)} for {named(best)}, the best without it"
        f"{_unseen(effect)})"
    )


def _dial(effect: Effect) -> str:
    return f"“{effect.side.title.lower()}”"


def _dial_and_size(effect: Effect) -> str:
    return f"{effect.side.title.lower()} ({_size(effect.mean)}{_unseen(effect)})"


def _size(gap: Gap) -> str:
    return f"{100 * gap.share:+.1f} ± {100 * gap.half:.1f} points"


def _unseen(effect: Effect) -> str:
    """A note for an effect of training on a dial that its images do not show."""
    return "" if effect.recipe or seen(effect.side) else ", not seen in training"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
