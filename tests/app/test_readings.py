"""The component of the readings: the data that the browser gets, and what it may send back."""

import numpy as np
import pytest

from mnistcmp.app.draw.readings import component, data
from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS
from mnistcmp.inference import Consensus, Reading, consensus

NAMES = ("fcn", "mlp", "tiny_cnn", "kernel_7", "kernel_3")


def reading(*digits: int, sure: float = 0.91) -> Reading:
    """One network per digit, with confidence `sure`; the other nine digits share the rest."""
    probabilities = np.full((len(digits), 10), (1 - sure) / 9, np.float32)
    probabilities[np.arange(len(digits)), digits] = sure
    return Reading(NAMES[: len(digits)], probabilities)


def digit(read: Reading, order: str = data.BY_FAMILY) -> dict:
    return data.digit(read, consensus(read, 0.0), order)


def names(groups: list[dict]) -> dict[str, list[str]]:
    return {group["name"]: [row["name"] for row in group["rows"]] for group in groups}


def test_each_row_has_digit_confidence_disagreement_and_probabilities():
    (group,) = digit(reading(3, 3, 8), order="size")["groups"]
    first, _, last = group["rows"]
    assert first == {
        "name": "fcn",
        "title": MODELS["fcn"].title,
        "reads": "3",
        "sure": 91,
        "cells": [10, 10, 10, 910, *[10] * 6],
        "off": False,
    }
    assert (last["reads"], last["off"], last["cells"][8]) == ("8", True, 910)


def test_other_orders_are_plain_rows_in_the_order_of_the_reading():
    assert names(digit(reading(3, 3, 8, 3, 3), order="accuracy")["groups"]) == {"": list(NAMES)}


def test_families_and_networks_that_disagree_come_first():
    groups = digit(reading(3, 3, 3, 3, 8))["groups"]
    assert names(groups) == {
        "kernels": ["kernel_3", "kernel_7"],
        "perceptrons": ["mlp", "fcn"],
        "convnets": ["tiny_cnn"],
    }
    assert [group["agree"] for group in groups] == [False, True, True]
    assert [group["note"] for group in groups] == ["1 of 2 disagree", "all 2", "all 1"]
    assert groups[0]["title"] == FAMILY_TITLES["kernels"]


def test_family_that_agrees_has_its_mean_as_summary():
    one, other = reading(3, sure=0.8).probabilities, reading(3, sure=0.6).probabilities
    both = Reading(("fcn", "mlp"), np.concatenate([one, other]))
    (family,) = digit(both)["groups"]
    assert (family["summary"]["reads"], family["summary"]["sure"]) == ("3", 70)
    assert family["summary"]["cells"][3] == 700


def test_verdict_says_how_many_agree_and_names_the_few_that_do_not():
    assert digit(reading(3, 3, 3))["words"] == "All 3 networks read 3."
    words = digit(reading(3, 3, 3, 8, 3))["words"]
    assert words == "4 of 5 networks read 3; “Kernel 7×7” disagrees."
    words = digit(reading(3, 3, 3, 8, 9))["words"]
    assert words == "3 of 5 networks read 3; “Kernel 7×7” and “Kernel 3×3” disagree."


def test_of_many_that_disagree_the_verdict_says_what_they_read():
    read = Reading(NAMES, np.eye(10, dtype=np.float32)[[3, 8, 8, 8, 9]])
    said = data.in_words(read, Consensus(3, 1, NAMES[1:]))
    assert said == "1 of 5 networks read 3; of the others, 3 read 8 and 1 reads 9."
    read = Reading(NAMES, np.eye(10, dtype=np.float32)[[3, 8, 8, 8, 8]])
    said = data.in_words(read, Consensus(3, 1, NAMES[1:]))
    assert said == "1 of 5 networks read 3; the other 4 read 8."


def test_drawing_that_is_no_digit_has_a_question_mark_and_the_certainty():
    read = reading(3, 8, sure=0.5)
    unsure = data.digit(read, consensus(read, 0.9), data.BY_FAMILY)
    assert unsure["reads"] == "?"
    assert "Not sure" in unsure["words"] and f"{100 * read.certainty:.0f} %" in unsure["words"]


def test_every_network_appears_once_with_its_title():
    read = Reading(tuple(MODELS), np.eye(10, dtype=np.float32)[np.arange(len(MODELS)) % 10])
    rows = [row for group in digit(read)["groups"] for row in group["rows"]]
    assert sorted(row["name"] for row in rows) == sorted(MODELS)
    assert {row["name"]: row["title"] for row in rows} == {n: s.title for n, s in MODELS.items()}


@pytest.mark.parametrize(
    "sent",
    [None, 7, "break", [], {}, {"page": 7}, {"page": ["break"]}, {"page": "studies"}]
    + [{"page": "inside", "network": network} for network in (None, 3, [], "x")]
    + [{"page": "benchmarks", "network": {"mlp": 1}}],
)
def test_malformed_wish_is_refused(sent):
    assert component.checked(sent) is None


def test_wish_names_a_page_and_a_network():
    assert component.checked({"page": "inside", "network": "mlp"}) == ("inside", "mlp")
    assert component.checked({"page": "break", "network": [1]}) == ("break", None)
