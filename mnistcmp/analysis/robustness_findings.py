"""Computed sentences about robustness: what clean accuracy says about it, and each study's steps.

Tables as in robustness_tables.py, for one data set.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Gap
from mnistcmp.analysis.statistics import (
    Correlation,
    half_interval_of_gap,
    half_interval_of_shares,
    rank_correlation,
)
from mnistcmp.analysis.text import Finding, counted, listed, named, points
from mnistcmp.catalogue.corruptions import CORRUPTIONS, SIDES, Side
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import Step, Study

FEW_NETWORKS = 10  # with fewer, a rank correlation says nothing
MOST_DIALS = 3  # named for one step


def clean_and_corrupted(rows: pd.DataFrame) -> list[Finding]:
    """What clean accuracy says about accuracy under corruption.

    `rows` are those of the table `corrupted` with one recipe. Of few networks, nothing is said.
    """
    if rows["model"].nunique() < FEW_NETWORKS:
        return []
    return [Finding(f"**{verdict(correlation(rows))}.**"), *_spread(rows)]


def correlations(rows: pd.DataFrame) -> pd.DataFrame:
    """The rank correlation of clean accuracy and accuracy under corruption, by recipe and for all.

    Columns: `recipe`, `networks` (trained ones), `correlation`, `low`, `high`. Recipes with few
    networks are left out. `rows` as `corrupted` returns.
    """
    groups = [(recipe, rows[rows["recipe"] == recipe]) for recipe in RECIPES] + [("all", rows)]
    found = [
        (name, len(some), correlation(some))
        for name, some in groups
        if some["model"].nunique() >= FEW_NETWORKS
    ]
    return pd.DataFrame(
        [(name, count, each.value, each.low, each.high) for name, count, each in found],
        columns=["recipe", "networks", "correlation", "low", "high"],
    )


def correlation(rows: pd.DataFrame) -> Correlation:
    """The rank correlation of clean accuracy and accuracy under corruption.

    The recipes of one network are not independent: its interval is over the networks.
    """
    columns = (rows[name].to_numpy() for name in ("clean", "corrupted", "model"))
    return rank_correlation(*columns)


def verdict(found: Correlation) -> str:
    """How much one order says about the other, as far as the interval allows."""
    if found.low > 0.7:
        return "Networks that are better on clean digits are better on corrupted ones, too"
    if found.low > -0.5 and found.high < 0.5:
        return "Accuracy on clean digits says little about accuracy on corrupted ones"
    if found.low > 0:
        return "Networks that are better on clean digits tend to be better on corrupted ones"
    if found.high < 0:
        return "Networks that are better on clean digits are worse on corrupted ones"
    return "Whether accuracy on clean digits says anything about corrupted ones cannot be told"


def _spread(rows: pd.DataFrame) -> list[Finding]:
    """That the better half on clean digits lies further apart under corruption, if it does."""
    best = rows[rows["clean"] >= rows["clean"].median()]
    apart = {name: best[name].max() - best[name].min() for name in ("clean", "corrupted")}
    if apart["corrupted"] <= apart["clean"]:
        return []
    worst, first = (best.loc[best["corrupted"].agg(which)] for which in ("idxmin", "idxmax"))
    return [
        Finding(
            "**Corruption shows differences that clean digits hide**: the better half of the "
            f"networks lies within {100 * apart['clean']:.1f} points on clean digits, but of the "
            f"corrupted ones {named(worst['model'])} reads {100 * worst['corrupted']:.0f} % and "
            f"{named(first['model'])} {100 * first['corrupted']:.0f} %."
        )
    ]


@dataclass(frozen=True)
class StressedStep:
    """One step of a study: the gain in mean accuracy under corruption, and the dials that differ.

    `later` and `earlier` name the sides of dials on which the network after the step loses half of
    the digits clearly later, or clearly earlier, than the one before it, in words.
    """

    step: Step
    gain: Gap
    later: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


def stressed_steps(
    study: Study, networks: pd.DataFrame, levels: pd.DataFrame
) -> list[StressedStep]:
    """The study's steps for which both networks were measured.

    `networks` is the table `corrupted`, `levels` the table `half_lost_levels`, of one recipe.
    """
    found = []
    for step in study.changes:
        before, after = (
            networks[networks["model"] == model] for model in (step.before, step.after)
        )
        if before.empty or after.empty:
            continue
        later, earlier = _dials_that_differ(step, levels)
        found.append(StressedStep(step, corrupted_gap(before, after), later, earlier))
    return found


def corrupted_gap(before: pd.DataFrame, after: pd.DataFrame) -> Gap:
    """The gap in mean accuracy under corruption between two networks, rows of `corrupted` each.

    With enough seeds of both, its interval is Welch's. With fewer, the gap is that of the networks
    with the lowest seeds, and its interval covers the choice of the test images alone.
    """
    first, second = (rows["corrupted"].to_numpy(float) for rows in (before, after))
    if min(len(first), len(second)) >= ENOUGH_RUNS:
        half = half_interval_of_gap(first, second)
        grounds = counted(len(first), len(second), "trained network")
        return Gap(float(second.mean() - first.mean()), half, grounds, over_runs=True)
    one, other = (rows.sort_values("seed").iloc[0] for rows in (before, after))
    images = int(min(one["images"], other["images"]))
    half = half_interval_of_shares(one["corrupted"], other["corrupted"], images)
    grounds = f"one trained network each, {images:,} images"
    return Gap(float(other["corrupted"] - one["corrupted"]), half, grounds)


def _dials_that_differ(step: Step, levels: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(later, earlier): the sides whose intervals do not overlap, the largest change first."""
    by_side = levels.sort_values("seed").drop_duplicates(["model", "side"]).set_index("side")
    before, after = (by_side[by_side["model"] == model] for model in (step.before, step.after))
    later: list[tuple[float, str]] = []
    earlier: list[tuple[float, str]] = []
    for side in SIDES:
        if side.title in before.index and side.title in after.index:
            one, other = before.loc[side.title], after.loc[side.title]
            change = other["share"] - one["share"]
            if _apart(side, one, other):
                found = later if change > 0 else earlier
                found.append((abs(change), _moved(side, one, other)))
    return _texts(later), _texts(earlier)


def _apart(side: Side, one: pd.Series, other: pd.Series) -> bool:
    """Whether the two intervals do not overlap; a side that was never lost ends at its last level.

    Each interval is one of 95 %, so that this happens by chance in far less than 5 % of the cases.
    """
    (low_1, high_1), (low_2, high_2) = (_range(side, row) for row in (one, other))
    return high_1 < low_2 or high_2 < low_1


def _range(side: Side, row: pd.Series) -> tuple[float, float]:
    """The interval of a half-lost level as shares of the side's range."""
    if row["never"]:
        return 1.0, math.inf
    high = 1.0 if math.isnan(row["high"]) else side.share(row["high"])
    return side.share(row["low"]), high


def _moved(side: Side, one: pd.Series, other: pd.Series) -> str:
    levels = (math.inf if row["never"] else row["level"] for row in (one, other))
    return f"{side.title.lower()} ({' → '.join(map(side.label, levels))})"


def _texts(changes: Iterable[tuple[float, str]]) -> tuple[str, ...]:
    return tuple(text for _, text in sorted(changes, reverse=True))


def parting(networks: pd.DataFrame) -> Finding | None:
    """How far the networks lie apart under corruption; `networks` is the table `corrupted`.

    None for a single network.
    """
    means = networks.groupby("model")["corrupted"].mean().sort_values(ascending=False)
    if len(means) < 2:
        return None
    first, last = means.index[0], means.index[-1]
    gap = corrupted_gap(*(networks[networks["model"] == model] for model in (last, first)))
    each = "; ".join(f"{named(model)} {100 * mean:.1f} %" for model, mean in means.items())
    if gap.sure:
        text = (
            f"Under corruption, {named(first)} **still reads {100 * means[first]:.0f} %** and "
            f"{named(last)} {100 * means[last]:.0f} %."
        )
    else:
        text = "Under corruption, **no network is clearly ahead**."
    return Finding(text, figures=f"{each} ({gap.grounds})")


def widest(accuracies: pd.DataFrame) -> Finding | None:
    """The corruption under which the networks lie farthest apart.

    `accuracies` is the table `by_corruption`. None for a single network.
    """
    means = accuracies.groupby("model").mean()
    if len(means) < 2:
        return None
    name = str((means.max() - means.min()).idxmax())
    of_it = means[name]
    first, last = of_it.idxmax(), of_it.idxmin()
    where = f"“{CORRUPTIONS[name].title.lower()}”"
    return Finding(
        f"**The networks part most** under {where}, where {named(first)} reads "
        f"{100 * of_it[first]:.0f} % and {named(last)} {100 * of_it[last]:.0f} %."
    )


def say_steps(steps: list[StressedStep]) -> list[Finding]:
    """Which changes help under corruption, which harm, and which do neither clearly."""
    sure = [each for each in steps if each.gain.sure]
    groups = {
        "The accuracy under corruption **rises** with": [e for e in sure if e.gain.share > 0],
        "The accuracy under corruption **falls** with": [e for e in sure if e.gain.share < 0],
        "**No clear change** under corruption comes with": [e for e in steps if e not in sure],
    }
    return [
        Finding(
            f"{text} {listed(each.step.what for each in some)}.",
            figures="; ".join(map(_figures, some)),
        )
        for text, some in groups.items()
        if some
    ]


def _figures(each: StressedStep) -> str:
    gain = each.gain
    parts = [
        f"{each.step.what}: {points(gain.share)} points, 95 % interval {points(gain.low)} to "
        f"{points(gain.high)} ({gain.grounds})"
    ]
    for word, dials in (("later", each.later), ("earlier", each.earlier)):
        if dials:
            more = f" and {len(dials) - MOST_DIALS} more" * (len(dials) > MOST_DIALS)
            parts.append(f"half are lost {word} under {', '.join(dials[:MOST_DIALS])}{more}")
    return ", ".join(parts)
