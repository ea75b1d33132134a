"""How much accuracy more parameters or more training time add."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

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
