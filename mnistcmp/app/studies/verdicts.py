"""How the Studies page shows whether our results confirm the published ones."""

from mnistcmp.analysis.text import Finding, Verdict

# Each has its own colour and its own shape, in Markdown; the words say the same.
MARKS = {
    Verdict.AGREES: ":green[●]",
    Verdict.IN_PART: ":orange[◐]",
    Verdict.CONTRADICTS: ":red[✖]",
    Verdict.UNCLEAR: ":gray[○]",
}
_ON_CARDS = {
    Verdict.AGREES: "Our accuracies **agree** with the published ones",
    Verdict.IN_PART: "Our accuracies **agree in part** with the published ones",
    Verdict.CONTRADICTS: "Our accuracies **contradict** the published ones",
    Verdict.UNCLEAR: "Our accuracies are **too close to tell** whether the source is right",
}
NOTHING_PUBLISHED = ":gray[–] **No published figures** to compare with"


def on_card(verdict: Verdict | None) -> str:
    """The verdict on a study as a line of Markdown; None if there is nothing to compare with."""
    return f"{MARKS[verdict]} {_ON_CARDS[verdict]}" if verdict else NOTHING_PUBLISHED


def in_list(found: list[Finding]) -> str:
    """The findings with a verdict as a list in Markdown, what agrees first."""
    return "\n".join(
        f"- {mark} {verdict.capitalize()}: {one.text}"
        for verdict, mark in MARKS.items()
        for one in found
        if one.verdict == verdict
    )
