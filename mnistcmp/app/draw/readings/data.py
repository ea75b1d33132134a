"""What the component of the readings gets: one dict, and all its sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcmp.app.palette import family_marks
from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS, families

if TYPE_CHECKING:
    from mnistcmp.inference import Consensus, Reading

BY_FAMILY = "family"
NOT_SURE = "?"
MOST_NAMED = 3  # networks that disagree; of more, only their number is said

Json = dict[str, Any]


def digit(reading: "Reading", together: "Consensus", order: str) -> Json:
    """One digit as JSON: what it is read as, in words, and the networks' rows in groups.

    `order`: by family, or else one group with the networks in the order of `reading`.
    """
    rows = _rows(reading, together)
    groups = _families(reading, rows) if order == BY_FAMILY else [_group("", rows)]
    return {
        "reads": NOT_SURE if together.digit is None else str(together.digit),
        "words": in_words(reading, together),
        "groups": groups,
    }


def held(shares: Mapping[str, float]) -> list[Json]:
    """How long each network holds out, in [0, 1], as groups of bars, the longest first."""
    found = []
    for family, members in families().items():
        names = sorted((name for name in members if name in shares), key=lambda name: -shares[name])
        if names:
            rows = [_named(name) | {"share": round(100 * shares[name])} for name in names]
            mean = fmean(shares[name] for name in names)
            group = _group(family, rows) | {"summary": {"share": round(100 * mean)}, "note": ""}
            found.append((mean, group))
    return [group for _, group in sorted(found, key=lambda each: -each[0])]


def in_words(reading: "Reading", together: "Consensus") -> str:
    """How certain the networks are together, in a sentence or two."""
    count = len(reading.models)
    if together.digit is None:
        return (
            f"Not sure whether this is a digit: the highest average probability over {count} "
            f"networks is only {100 * reading.certainty:.0f} %."
        )
    if not together.disagreeing:
        return f"All {count} networks read {together.digit}."
    return (
        f"{together.agreeing} of {count} networks read {together.digit}; "
        f"{_others(reading, together)}."
    )


def _others(reading: "Reading", together: "Consensus") -> str:
    """The networks that disagree, by name if they are few."""
    if len(together.disagreeing) <= MOST_NAMED:
        names = [f"“{MODELS[name].title}”" for name in together.disagreeing]
        return f"{enumeration(names)} {'disagrees' if len(names) == 1 else 'disagree'}"
    digits = Counter(int(read) for read in reading.digits if read != together.digit)
    if len(digits) == 1:
        return f"the other {digits.total()} read {next(iter(digits))}"
    read = [
        f"{count} {'reads' if count == 1 else 'read'} {digit}"
        for digit, count in digits.most_common()
    ]
    return f"of the others, {enumeration(read)}"


def enumeration(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"; there is at least one part."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _rows(reading: "Reading", together: "Consensus") -> list[Json]:
    common = int(reading.probabilities.mean(axis=0).argmax())
    return [
        _named(name) | cells | {"off": cells["reads"] != str(common)}
        for name, cells in zip(reading.models, _cells(reading.probabilities), strict=True)
    ]


def _named(name: str) -> Json:
    return {"name": name, "title": MODELS[name].title}


def _cells(probabilities: np.ndarray) -> list[Json]:
    """Float (N, 10) -> for each row its most probable digit, how sure it is in percent, and the
    ten probabilities in per mille."""
    return [
        {"reads": str(digit), "sure": sure, "cells": cells}
        for digit, sure, cells in zip(
            probabilities.argmax(axis=1).tolist(),
            np.rint(100 * probabilities.max(axis=1)).astype(int).tolist(),
            np.rint(1000 * probabilities).astype(int).tolist(),
            strict=True,
        )
    ]


def _families(reading: "Reading", rows: list[Json]) -> list[Json]:
    """A group for each family: those with disagreement first, in them those who disagree first."""
    by_name = {row["name"]: (row, number) for number, row in enumerate(rows)}
    groups = []
    for family, members in families().items():
        found = [by_name[name] for name in members if name in by_name]
        if not found:
            continue
        mean = reading.probabilities[[number for _, number in found]].mean(axis=0, keepdims=True)
        family_rows = sorted((row for row, _ in found), key=lambda row: not row["off"])
        off, count = sum(row["off"] for row in family_rows), len(family_rows)
        said = {"agree": not off, "note": f"{off} of {count} disagree" if off else f"all {count}"}
        groups.append(_group(family, family_rows) | {"summary": _cells(mean)[0]} | said)
    return sorted(groups, key=lambda group: group["agree"])


def _group(family: str, rows: list[Json]) -> Json:
    """Rows under the heading of a family; without a heading if `family` is ""."""
    if not family:
        return {"name": "", "rows": rows}
    mark = family_marks()[family]
    return {
        "name": family,
        "title": FAMILY_TITLES[family],
        "colour": mark.colour,
        "character": mark.character,
        "rows": rows,
    }
