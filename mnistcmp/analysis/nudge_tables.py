"""The records of the smallest nudges as tables: how large they are, and whom else they fool."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from mnistcmp.analysis.text import Finding
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.nudge_records import Entry


def sizes(entries: Iterable[Entry]) -> pd.DataFrame:
    """One row per network, the most easily fooled first.

    Columns: `model`, `family`, `median` (L2 norm of the smallest nudge found, over the digits that
    the network reads correctly), `low` and `high` (the middle half of these norms), `digits` (their
    number), `not_found` (digits for which no nudge was found; they count as infinitely large).
    """
    rows = []
    for entry in entries:
        norms = [math.inf if norm is None else norm for norm in entry["norms"] if norm != 0]
        if norms:
            low, median, high = np.percentile(norms, [25, 50, 75], method="nearest")
            rows.append(
                {
                    "model": entry["model"],
                    "family": MODELS[entry["model"]].family,
                    "median": median,
                    "low": low,
                    "high": high,
                    "digits": len(norms),
                    "not_found": norms.count(math.inf),
                }
            )
    columns = ["model", "family", "median", "low", "high", "digits", "not_found"]
    return pd.DataFrame(rows, columns=columns).sort_values("median", kind="stable")


def transfer(entries: Iterable[Entry]) -> pd.DataFrame:
    """How often a nudge that fools one network (row) fools another (column), in [0, 1].

    NaN on the diagonal, where it is 1 by definition, and where it was not measured. In the order of
    the catalogue.
    """
    by_model = {entry["model"]: entry["transfers"] for entry in entries}
    models = [model for model in MODELS if model in by_model]
    shares = {
        of: {
            to: counts["fooled"] / counts["digits"]
            for to, counts in by_model[of].items()
            if to in by_model and to != of and counts["digits"]
        }
        for of in models
    }
    return pd.DataFrame.from_dict(shares, orient="index", dtype=float).reindex(
        models, columns=models
    )


def alike_together(transfers: pd.DataFrame) -> list[str]:
    """An order of the networks in which those that the same nudges fool stand together.

    It is that of the Fiedler vector: the eigenvector for the second smallest eigenvalue of the
    Laplacian of the matrix, which is made symmetric.
    Source: Atkins, Boman and Hendrickson, "A spectral algorithm for seriation and the consecutive
    ones problem", SIAM J. Comput. 28, 1998.
    """
    if len(transfers) < 3:
        return transfers.index.tolist()
    shares = transfers.fillna(0).to_numpy()
    alike = (shares + shares.T) / 2
    _, vectors = np.linalg.eigh(np.diag(alike.sum(axis=0)) - alike)
    place = vectors[:, 1]
    # The sign of an eigenvector is arbitrary: let the first network of the table come early.
    return transfers.index[np.argsort(place if place[0] < 0 else -place, kind="stable")].tolist()


def say_transfer(transfers: pd.DataFrame) -> list[Finding]:
    """How often nudges fool other networks: on average, within a family and between families."""
    pairs = transfers.stack().rename_axis(["of", "to"]).rename("share").reset_index()
    if pairs.empty:
        return []
    same = pairs["of"].map(_family) == pairs["to"].map(_family)
    found = [
        Finding(
            f"**A nudge that fools one network fools another** in {_mean(pairs)} of the cases, on "
            f"average over {len(pairs):,} pairs of networks."
        )
    ]
    if same.any() and not same.all():
        found.append(
            Finding(
                f"**Within a family** the share is {_mean(pairs[same])}, between families "
                f"{_mean(pairs[~same])}."
            )
        )
    highest, lowest = (pairs.loc[pairs["share"].agg(which)] for which in ("idxmax", "idxmin"))
    return [
        *found,
        Finding(
            f"**Most often**: what fools {highest['of']} fools {highest['to']} "
            f"({100 * highest['share']:.0f} %). **Least often**: what fools {lowest['of']} fools "
            f"{lowest['to']} ({100 * lowest['share']:.0f} %)."
        ),
    ]


def _family(model: str) -> str:
    return MODELS[model].family


def _mean(pairs: pd.DataFrame) -> str:
    return f"{100 * pairs['share'].mean():.0f} %"
