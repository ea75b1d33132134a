"""The records of the smallest nudges as tables: how long they are, and how far they carry over."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mnistcmp.analysis.statistics import median_interval
from mnistcmp.analysis.text import Finding, named
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.records.nudges import Entry

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
    """`share_doubled` of `transfers` for one recipe: the row's nudges, read by the column.

    Doubled, because a nudge that is just large enough for one network hardly ever fools another.
    In the order of the catalogue. NaN on the diagonal, where all are fooled by definition, and
    where it was not measured.
    """
    shares = pairs.pivot(index="model", columns="other", values="share_doubled")
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


def say_range(table: pd.DataFrame) -> Finding | None:
    """How much larger the nudges of the sturdiest network are than those of the frailest.

    `table` as `medians`. None if that may be due to chance.
    """
    known = table.dropna(subset=["median_norm", "low", "high"])
    if known.empty:
        return None
    most, least = (known.loc[known["median_norm"].agg(end)] for end in ("idxmax", "idxmin"))
    if most["low"] <= least["high"]:
        return None
    return Finding(
        f"**{named(most['model'])} takes nudges {most['median_norm'] / least['median_norm']:.1f} "
        f"times as large as {named(least['model'])}** before it answers something else, by the "
        "median over the digits."
    )


def say_transfers(pairs: pd.DataFrame) -> list[Finding]:
    """How often nudges fool other networks, as they are and doubled; `pairs` as `transfers`."""
    pairs = pairs.dropna(subset=["share", "share_doubled"]).reset_index(drop=True)
    if pairs.empty:
        return []
    same = pairs["model"].map(_family) == pairs["other"].map(_family)
    found = [
        Finding(
            "**The smallest nudge that fools one network** fools another in "
            f"{_mean(pairs, 'share')} of the cases; twice as large, in {_mean(pairs)}."
        )
    ]
    if same.any() and not same.all():
        found.append(
            Finding(
                f"**Within a family**, nudges twice as large fool the other network in "
                f"{_mean(pairs[same])} of the cases; between families, in {_mean(pairs[~same])}."
            )
        )
    most, least = (pairs.loc[pairs["share_doubled"].agg(end)] for end in ("idxmax", "idxmin"))
    return [
        *found,
        Finding(
            f"**Nudges of {named(most['model'])} fool {named(most['other'])} most often**, in "
            f"{100 * most['share_doubled']:.0f} % of the cases; those of {named(least['model'])} "
            f"fool {named(least['other'])} least often, in {100 * least['share_doubled']:.0f} %."
        ),
    ]


def _mean(pairs: pd.DataFrame, column: str = "share_doubled") -> str:
    return f"{100 * pairs[column].mean():.0f} %"


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
