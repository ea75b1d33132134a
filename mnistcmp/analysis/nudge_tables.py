"""The records of the smallest nudges as tables: how long they are, and how far they carry over."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mnistcmp.analysis.statistics import median_interval
from mnistcmp.nudge_records import Entry

NETWORK = ["dataset", "model", "recipe", "seed"]
MEDIAN_COLUMNS = [*NETWORK, "median_norm", "low", "high", "n", "not_found", "misread"]
TRANSFER_COLUMNS = ["dataset", "recipe", "model", "other", "fooled", "n"]


def medians(entries: Iterable[Entry]) -> pd.DataFrame:
    """One row per network: the median norm of its smallest nudges, with its 95 % interval.

    Columns: `dataset`, `model`, `recipe`, `seed`; `median_norm`, `low`, `high` (L2); `n`, the
    digits that were nudged; `not_found`, those of them for which no nudge was found; `misread`, the
    digits that the network misreads without a nudge, which are left out of `n`. A nudge that was
    not found counts as longer than all others; NaN stands for a norm that is therefore unknown.
    """
    return pd.DataFrame([_median(entry) for entry in entries], columns=MEDIAN_COLUMNS)


def transfers(entries: Iterable[Entry]) -> pd.DataFrame:
    """One row per pair of networks: how often a nudge that fools `model` fools `other`, too.

    Columns: `dataset`, `recipe`, `model`, `other`, `fooled`, `n` (the nudged digits that `other`
    reads correctly without the nudge), `share` (NaN if n is 0).
    """
    rows = [
        {name: entry[name] for name in ("dataset", "recipe", "model")}
        | {"other": other, "fooled": found["fooled"], "n": found["digits"]}
        for entry in entries
        for other, found in entry["transfers"].items()
    ]
    table = pd.DataFrame(rows, columns=TRANSFER_COLUMNS)
    return table.assign(share=table["fooled"] / table["n"].where(table["n"] > 0))


def _median(entry: Entry) -> dict[str, object]:
    norms = np.array([np.inf if norm is None else norm for norm in entry["norms"]], float)
    nudged = norms[norms > 0]
    figures = [np.median(nudged) if len(nudged) else np.nan, *median_interval(nudged)]
    middle, low, high = (float(each) if np.isfinite(each) else np.nan for each in figures)
    return {name: entry[name] for name in NETWORK} | {  # type: ignore[literal-required]
        "median_norm": middle,
        "low": low,
        "high": high,
        "n": len(nudged),
        "not_found": int(np.isinf(nudged).sum()),
        "misread": len(norms) - len(nudged),
    }
