"""The records of the smallest nudges as tables: how long they are, and how far they carry over."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mnistcmp.analysis.statistics import median_interval
from mnistcmp.analysis.text import Finding
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.nudge_records import Entry

NETWORK = ["dataset", "model", "recipe", "seed"]
MEDIAN_COLUMNS = [*NETWORK, "median_norm", "low", "high", "n", "not_found", "misread"]
TRANSFER_COLUMNS = ["dataset", "recipe", "model", "other", "n", "fooled", "fooled_doubled"]


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

    Columns: `dataset`, `recipe`, `model`, `other`; `n`, the nudged digits that `other` reads
    correctly without the nudge; `fooled`, how many of them it misreads with the nudge, and `share`
    of n (NaN if n is 0); `fooled_doubled` and `share_doubled`, the same if each pixel's change is
    twice as large.
    """
    rows = [
        {name: entry[name] for name in ("dataset", "recipe", "model")}
        | {"other": other, "n": found["digits"]}
        | {name: found[name] for name in ("fooled", "fooled_doubled")}
        for entry in entries
        for other, found in entry["transfers"].items()
    ]
    table = pd.DataFrame(rows, columns=TRANSFER_COLUMNS)
    count = table["n"].where(table["n"] > 0)
    return table.assign(
        share=table["fooled"] / count, share_doubled=table["fooled_doubled"] / count
    )


def matrix(pairs: pd.DataFrame) -> pd.DataFrame:
    """The shares of `transfers` for one recipe: how often what fools the row fools the column.

    In the order of the catalogue. NaN on the diagonal, where the share is 1 by definition, and
    where it was not measured.
    """
    shares = pairs.pivot(index="model", columns="other", values="share")
    models = [model for model in MODELS if model in shares.index]
    return shares.reindex(index=models, columns=models)


def alike_together(shares: pd.DataFrame) -> list[str]:
    """An order of the networks in which those that the same nudges fool stand together.

    It is that of the Fiedler vector: the eigenvector for the second smallest eigenvalue of the
    Laplacian of the matrix, which is made symmetric.
    Source: Atkins, Boman and Hendrickson, "A spectral algorithm for seriation and the consecutive
    ones problem", SIAM J. Comput. 28, 1998.
    """
    if len(shares) < 3:
        return shares.index.tolist()
    alike = shares.fillna(0).to_numpy()
    alike = (alike + alike.T) / 2
    _, vectors = np.linalg.eigh(np.diag(alike.sum(axis=0)) - alike)
    place = vectors[:, 1]
    # The sign of an eigenvector is arbitrary: let the first network of the table come early.
    return shares.index[np.argsort(place if place[0] < 0 else -place, kind="stable")].tolist()


def say_transfers(shares: pd.DataFrame) -> list[Finding]:
    """How often nudges fool other networks: on average, within a family and between families."""
    pairs = shares.stack().dropna().rename_axis(["of", "to"]).rename("share").reset_index()
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


def _mean(pairs: pd.DataFrame) -> str:
    return f"{100 * pairs['share'].mean():.0f} %"


def _family(model: str) -> str:
    return MODELS[model].family


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
