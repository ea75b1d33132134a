"""The recorded benchmark of numbers meets its goals, and its numbers are made as it says."""

import json

import benchmark_numbers
import numpy as np
from benchmark_numbers import LONGEST_PX, NUMBERS, is_found, made_numbers, paint, place

from mnistcmp.data.unipen import PenDigit
from mnistcmp.records import default_folder


def one(writer: int = 1, height: float = 100) -> PenDigit:
    return PenDigit(1, writer, (np.array([[5, 0], [5, height]], np.float32),))


def columns(rgba: np.ndarray) -> np.ndarray:
    return np.flatnonzero((rgba[..., 0] < 128).any(axis=0))


def test_recorded_benchmark_meets_its_goals():
    record = json.loads((default_folder() / "results" / "benchmark_numbers.json").read_text())
    pen = record["single pen digits taken for several"]
    assert pen["of"] == 1249  # all of the held-out writers
    assert pen["count"] <= 0.005 * pen["of"]
    for count in (2, 3):
        spaces = record[f"numbers of {count} digits found"].values()
        assert sum(each["of"] for each in spaces) == NUMBERS
        assert sum(each["count"] for each in spaces) >= 0.97 * NUMBERS


def test_digits_stand_side_by_side_with_the_space_asked_for():
    placed = place([one(), one(height=60)], space=0.25, brush_px=20)
    first, second = (columns(paint(strokes, 20)) for strokes in placed)
    height = np.ptp(np.flatnonzero((paint(placed[0], 20)[..., 0] < 128).any(axis=1))) + 1
    assert abs(height - LONGEST_PX) <= 2
    assert abs(second[0] - first[-1] - 1 - 0.25 * height) <= 2
    assert abs((first[0] + second[-1]) / 2 - 139.5) <= 1  # in the middle


def test_number_is_of_one_writer_and_the_same_in_every_call(monkeypatch):
    monkeypatch.setattr(benchmark_numbers, "NUMBERS", 4)
    digits = [one(writer, height) for writer, height in ((1, 100), (2, 80))]
    first, second = (list(made_numbers(digits, 2, seed=3)) for _ in range(2))
    assert len(first) == 4
    for (space, alone), (again, _) in zip(first, second, strict=True):
        assert space == again
        heights = [np.ptp(np.flatnonzero((each[..., 0] < 128).any(axis=1))) for each in alone]
        assert heights[0] == heights[1]  # each writer's digits have one height


def test_number_is_found_only_if_every_digit_is_itself():
    placed = [paint(strokes, 20) for strokes in place([one(), one()], 0.3, 20)]
    assert is_found(placed)
    assert not is_found(placed[::-1])
    assert not is_found([np.minimum(*placed)[:, :200], placed[0][:, :200]])
