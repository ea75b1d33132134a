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
    Verdict.AGREES: "our accuracies **agree** with the published ones",
    Verdict.IN_PART: "our accuracies **agree in part** with the published ones",
    Verdict.CONTRADICTS: "our accuracies **contradict** the published ones",
    Verdict.UNCLEAR: "our accuracies are **too close to tell** whether the source is right",
}
NOTHING_PUBLISHED = ":gray[–] **No published figures** to compare with"


def on_card(verdict: Verdict | None, recipe: str) -> str:
    """The verdict on a study as a line of Markdown; None if there is nothing to compare with.

    `recipe` is that of our networks in the comparison.
    """
    if verdict is None:
        return NOTHING_PUBLISHED
    return f"{MARKS[verdict]} With the recipe {recipe}, {_ON_CARDS[verdict]}"


def in_list(found: list[Finding]) -> str:
    """The findings with a verdict as a list in Markdown, what agrees first."""
    return "\n".join(
        f"- {mark} **{verdict.capitalize()}.** {one.text}"
        for verdict, mark in MARKS.items()
        for one in found
        if one.verdict == verdict
    )
