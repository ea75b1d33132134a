"""The chart of readings: the data that the browser gets."""

import numpy as np
import pytest

from mnistcmp.app.draw import readings_chart
from mnistcmp.inference import Consensus, Reading, consensus

MODELS = ("tiny_cnn", "mlp", "cnn")


def reading(*digits: int, sure: float = 0.91) -> Reading:
    """One network per digit, with confidence `sure`; the other nine digits share the rest."""
    probabilities = np.full((len(digits), 10), (1 - sure) / 9, np.float32)
    probabilities[np.arange(len(digits)), digits] = sure
    return Reading(MODELS[: len(digits)], probabilities)


def spec(read: Reading) -> dict:
    return readings_chart.spec(read, consensus(read, 0.0))


def test_chart_shows_digit_confidence_disagreement_and_probabilities_of_each_network():
    rows = spec(reading(3, 3, 8))["datasets"]["readings"].to_pandas()
    assert rows["model"].tolist() == list(MODELS)
    assert rows["reads"].tolist() == ["3", "3", "8"]
    assert rows["sure"].tolist() == ["91", "91", "91"]
    assert rows["disagrees"].tolist() == [False, False, True]
    assert rows[list("0123456789")].sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    assert rows.loc[2, "8"] == pytest.approx(0.91)


def test_only_the_data_differ_between_two_readings():
    first, second = spec(reading(3, 3, 8)), spec(reading(1, 2, 2, sure=0.5))
    assert not first.pop("datasets")["readings"].equals(second.pop("datasets")["readings"])
    assert first == second


def test_text_for_screen_readers_contains_all_readings():
    read = reading(3, 3, 8)
    words = readings_chart.in_words(read, consensus(read, 0.0))
    assert "Consensus: 3. tiny_cnn: 3 (91%), mlp: 3 (91%), cnn: 8 (91%)." in words
    unsure = readings_chart.in_words(read, Consensus(None, 0, ()))
    assert "Consensus: not sure." in unsure
