"""The recorded benchmark of photos meets its goals, and has every kind."""

import json

from benchmark_photos import CASES
from photo_cases import KINDS

from mnistcmp.records import default_folder


def test_recorded_benchmark_of_photos_meets_its_goals():
    record = json.loads((default_folder() / "results" / "benchmark_photos.json").read_text())
    kinds = record["kinds"]
    assert list(kinds) == list(KINDS)
    assert sum(counts["photos"] for counts in kinds.values()) == record["photos"] == CASES
    assert sum(counts["right"] for counts in kinds.values()) == record["right"]
    assert record["right"] >= 0.97 * CASES
    for kind, counts in kinds.items():
        assert counts["right"] >= 0.95 * counts["photos"], kind
        assert counts["surely_wrong"] == 0, kind
