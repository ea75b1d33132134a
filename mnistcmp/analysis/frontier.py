"""What more parameters or more seconds buy."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def frontier(costs: Sequence[float], accuracies: Sequence[float]) -> np.ndarray:
    """Which points no other beats at the same or less cost: bool (n,)."""
    costs, accuracies = np.asarray(costs), np.asarray(accuracies)
    at_most, better = costs[None] <= costs[:, None], accuracies[None] > accuracies[:, None]
    cheaper, as_good = costs[None] < costs[:, None], accuracies[None] >= accuracies[:, None]
    return ~((at_most & better) | (cheaper & as_good)).any(axis=1)


def tenfolds(summary: pd.DataFrame, cost: str) -> pd.DataFrame:
    """What each further tenfold of a cost buys, from the cheapest model on.

    One row for each budget: `at_most`, the cheapest model's cost times 1, 10, 100 … up to the first
    that affords every model; `model`, the most accurate within it; its `accuracy` in percent; and
    `points`, how many percentage points that is above the former row (NaN in the first).
    """
    rows = []
    budget = summary[cost].min()
    while not rows or rows[-1]["at_most"] < summary[cost].max():
        affordable = summary[summary[cost] <= budget]
        best = affordable.loc[affordable["test_accuracy"].idxmax()]
        rows.append(
            {
                "at_most": budget,
                "model": best["model"],
                "accuracy": 100 * best["test_accuracy"],
            }
        )
        budget *= 10
    table = pd.DataFrame(rows)
    return table.assign(points=table["accuracy"].diff())
