"""What a dial does to the networks, in sentences."""

from collections import Counter

import numpy as np

from mnistcmp.analysis.text import listed
from mnistcmp.app.break_it.outcomes import NO_MAJORITY, Outcome, Sweep, rest, sides
from mnistcmp.catalogue.corruptions import Dial
from mnistcmp.catalogue.networks import MODELS

MOST_NAMES = 3  # that a sentence lists; of more networks, it names NAMES
NAMES = 2
MOST_WRONG_DIGITS = 3


def headline(sweep: Sweep, ordered: list[Outcome], label: int) -> str:
    """Who breaks first and who holds out longest, in one line.

    `ordered`: the networks' outcomes in the order in which they are shown.
    """
    title = f"{sweep.dial.title} {sweep.direction}".strip()
    known = [each for each in ordered if each.knows]
    unknown = [each for each in ordered if not each.knows]
    if not known:
        return f"{title}: no network reads this digit as {a(label)}, even unchanged."
    text = f"{title}: {_first_and_last(sweep.dial, known)}."
    if unknown:
        text += f" {_named(unknown)} {_verb(unknown, 'misread')} it unchanged."
    return text


def state(sweep: Sweep, label: int, at: int) -> str:
    """How many networks read what at one position of the slider."""
    dial = sweep.dial
    level = "Unchanged" if at == rest(dial) else f"At {dial.label(dial.positions[at])}"
    counts = Counter(sweep.answers[:, at].tolist())
    right = counts.pop(label, 0)
    unclear = counts.pop(NO_MAJORITY, 0)
    others = [
        f"{count} {'reads' if count == 1 else 'read'} {digit}"
        for digit, count in counts.most_common(MOST_WRONG_DIGITS)
    ]
    if more := sum(count for _, count in counts.most_common()[MOST_WRONG_DIGITS:]):
        others.append(f"{more} {'reads' if more == 1 else 'read'} other digits")
    if unclear:
        others.append(f"{unclear} without a majority (–)")
    text = f"{level}: {right} of {len(sweep.models)} networks read {label}"
    return f"{text}; of the others, {', '.join(others)}." if others else f"{text}."


def where_it_breaks(dial: Dial, outcome: Outcome) -> str:
    """Where one network breaks: "breaks at 3 px"."""
    if not outcome.knows:
        return "misreads the unchanged digit"
    if outcome.survives:
        return "does not break"
    places = [_place(dial, at) for at in outcome.breaks if at is not None]
    return f"breaks at {listed(places)}"


def a(digit: int) -> str:
    """The digit with its article: "a 7", "an 8"."""
    return f"an {digit}" if digit == 8 else f"a {digit}"


def _first_and_last(dial: Dial, known: list[Outcome]) -> str:
    if all(each.survives for each in known):
        return (
            f"no network breaks; {_all(known)} still {_verb(known, 'read')} it {_held(dial, known)}"
        )
    steps = {each.model: _steps(dial, each) for each in known}
    fewest = min(steps.values())
    first = [each for each in known if steps[each.model] == fewest]
    most = max(each.held for each in known)
    last = [each for each in known if each.held == most]
    # For a dial with two sides, the nearer break counts.
    near = {at for each in first for at in each.breaks if at is not None}
    near = {at for at in near if abs(at - rest(dial)) == fewest}
    where = " or ".join(_place(dial, at) for at in sorted(near))
    if len(first) == len(known):
        return f"{_all(first)} {_verb(first, 'break')} at {where}"
    text = f"{_named(first)} {_verb(first, 'break')} first, at {where}"
    if {each.model for each in last} <= {each.model for each in first}:
        return text
    return f"{text}; {_named(last)} still {_verb(last, 'read')} it {_held(dial, last)}"


def _steps(dial: Dial, outcome: Outcome) -> float:
    """How many positions from rest the network breaks, on the nearer side."""
    distances = [abs(at - rest(dial)) for at in outcome.breaks if at is not None]
    return min(distances, default=np.inf)


def _held(dial: Dial, group: list[Outcome]) -> str:
    """Up to where networks that hold out equally long are right."""
    ends = {tuple(_last_right(dial, each)) for each in group}
    if len(ends) > 1:
        return f"at {group[0].held} of {len(dial.ladder)} levels"
    labels = [dial.label(dial.positions[at]) for at in ends.pop()]
    return f"from {labels[0]} to {labels[1]}" if len(labels) == 2 else f"at {labels[0]}"


def _last_right(dial: Dial, outcome: Outcome) -> list[int]:
    """On each side, the last position before the network breaks."""
    return [
        side[-1] if at is None else side[max(0, side.index(at) - 1)]
        for side, at in zip(sides(dial), outcome.breaks, strict=True)
    ]


def _place(dial: Dial, at: int) -> str:
    """A level, with the word for its side if the dial has two."""
    word = dial.lower if at < rest(dial) else dial.upper
    label = dial.label(dial.positions[at])
    return f"{label} ({word})" if word and at != rest(dial) else label


def _named(group: list[Outcome]) -> str:
    # In quotation marks, because some titles contain a comma.
    names = [f"“{MODELS[each.model].title}”" for each in group]
    if len(names) <= MOST_NAMES:
        return listed(names)
    return f"{len(names)} networks, among them {listed(names[:NAMES])},"


def _all(group: list[Outcome]) -> str:
    return _named(group) if len(group) <= MOST_NAMES else f"all {len(group)} networks"


def _verb(group: list[Outcome], verb: str) -> str:
    return f"{verb}s" if len(group) == 1 else verb
