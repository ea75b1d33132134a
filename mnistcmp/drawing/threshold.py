"""From which certainty on a reading counts, and how often that is right: threshold.json."""

from pathlib import Path
from typing import TypedDict

from mnistcmp.json_files import Count, Share, read_json

REMEDY = "restore it from git, or run `python scripts/find_threshold.py`"


class Validation(TypedDict):
    """The effect on the images that the threshold was chosen on."""

    digits: Count
    digits_rejected: Share
    nondigits: Count
    nondigits_accepted: Share


class Rates(TypedDict):
    """How often "not sure" is right and wrong with the shipped networks of one recipe."""

    networks: Count
    test_digits: Count
    test_digits_rejected: Share
    pen_digits: Count
    pen_digits_rejected: Share
    nondigits: Count
    nondigits_accepted: Share
    nondigits_accepted_by_kind: dict[str, Share]


class Threshold(TypedDict):
    """The content of threshold.json; `shipped` holds the rates of each recipe."""

    least_certainty: Share
    recipe: str
    networks: Count
    validation: Validation
    shipped: dict[str, Rates]


def read(results: Path) -> Threshold | None:
    """The result of scripts/find_threshold.py in this folder; None if there is none.

    Raises DamagedFile if the file is not as expected.
    """
    path = results / "threshold.json"
    return read_json(path, Threshold) if path.exists() else None
