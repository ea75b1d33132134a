"""How much accuracy more parameters or more training time add."""

from collections.abc import Sequence
from itertools import pairwise, takewhile

import numpy as np
import pandas as pd

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Evidence
from mnistcmp.analysis.text import Finding, named

MOST_BUDGETS = 12


def frontier(costs: Sequence[float], accuracies: Sequence[float]) -> np.ndarray:
    """Which points are on the Pareto frontier: bool (n,).

    A point is on it if no other is more accurate at the same or a lower cost, or at least as
    accurate at a lower cost.
    """
    cost, accuracy = np.asarray(costs), np.asarray(accuracies)
    at_most, better = cost[None] <= cost[:, None], accuracy[None] > accuracy[:, None]
    cheaper, as_good = cost[None] < cost[:, None], accuracy[None] >= accuracy[:, None]
    beaten = (at_most & better) | (cheaper & as_good)
    return ~np.any(beaten, axis=1)


def tenfolds(summary: pd.DataFrame, cost: str) -> pd.DataFrame:
    """How much accuracy each further factor of 10 in cost adds, starting at the cheapest model.

    One row per budget: `at_most`, the cheapest model's cost times 1, 10, 100 …, up to the first
    budget that includes every model, and at most `MOST_BUDGETS`; `model`, the most accurate one
    within the budget; its `accuracy` in percent; and `points`, the gain over the previous row in
    percentage points (NaN in the first row). A model without a positive cost is left out.
    """
    summary = summary[summary[cost] > 0]
    lowest, highest = summary[cost].min(), summary[cost].max()
    rows: list[tuple[float, str, float]] = []
    for budget in (lowest * 10**power for power in range(MOST_BUDGETS)):
        affordable = summary[summary[cost] <= budget]
        if affordable.empty or (rows and rows[-1][0] >= highest):
            break
        best = affordable.loc[affordable["test_accuracy"].idxmax()]
        rows.append((budget, best["model"], 100 * best["test_accuracy"]))
    table = pd.DataFrame(rows, columns=["at_most", "model", "accuracy"])
    return table.assign(points=table["accuracy"].diff())


def what_tenfolds_add(
    runs: pd.DataFrame, summary: pd.DataFrame, cost: str, of: str
) -> Finding | None:
    """What each further factor of 10 in a cost adds to accuracy; None if nothing is certain.

    `summary` is `records.summarise` of the runs; `of` names the cost. Only networks with enough
    runs count, and only factors of 10 that the networks span entirely. The sentence ends before the
    first gain that may be due to chance.
    """
    rows = summary[summary["seeds"] >= ENOUGH_RUNS]
    steps = tenfolds(rows, cost)
    best = steps.loc[steps["at_most"] <= rows[cost].max(), "model"]
    gaps = [Evidence(runs).gap(before, after) for before, after in pairwise(best)]
    gains = [100 * gap.share for gap in takewhile(lambda gap: gap.sure, gaps)]
    if not gains:
        return None
    first, *others = (f"{gain:.2f}" for gain in gains)
    if others:
        less = all(later < earlier for earlier, later in pairwise(gains))
        claim = f"Each further factor of 10 in {of} adds {'less' if less else 'accuracy'}"
        text = f"**{claim}**: first {first} points, then {', then '.join(others)}."
    else:
        text = f"**The first factor of 10 in {of} adds {first} points of accuracy.**"
    if len(gains) < len(gaps):
        text += " What a further one adds may be due to chance."
    return Finding(text)


def farthest_below(runs: pd.DataFrame, summary: pd.DataFrame, cost: str, of: str) -> Finding | None:
    """The network that lies farthest below the frontier; None if that is not certain of any.

    Each network with enough runs is compared with the most accurate one of at most its cost.
    Arguments as for `what_tenfolds_add`.
    """
    rows = summary[(summary["seeds"] >= ENOUGH_RUNS) & (summary[cost] > 0)].set_index("model")
    best = {
        model: rows.loc[rows[cost] <= spent, "test_accuracy"].idxmax()
        for model, spent in rows[cost].items()
    }
    distance = rows["test_accuracy"][best.values()].to_numpy() - rows["test_accuracy"]
    for model in distance.sort_values(ascending=False, kind="stable").index:
        gap = Evidence(runs).gap(model, best[model])
        if gap.sure:
            return Finding(
                f"**Farthest below the line is {named(model)}**: {named(best[model])}, with no "
                f"more {of}, is {100 * gap.share:.2f} points more accurate."
            )
    return None
