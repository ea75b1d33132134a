"""Readings of several networks, and their consensus."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from mnistcmp import inference
from mnistcmp.inference import (
    IMAGES_AT_ONCE,
    Consensus,
    Reading,
    certainty,
    consensus,
    probabilities,
    read,
)
from mnistcmp.models import build
from tests.helpers import PATIENCE_SECONDS, until

LOGITS = {"low": [0.0] * 10, "three": [0, 0, 0, 5, 0, 0, 0, 0, 0, 0], "high": [1000.0] + [0.0] * 9}


class Fixed(nn.Module):
    """Returns the same logits for every image."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = torch.tensor(logits, dtype=torch.float32)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        assert batch.shape[1:] == (1, 28, 28)
        assert batch.dtype == torch.float32
        return self.logits.expand(len(batch), 10)


class Rows(nn.Module):
    """Returns the ink in each of the first ten rows as logits, which differ for every image."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.scale * batch[:, 0, :10].sum(dim=2)


def images(count: int) -> np.ndarray:
    return np.random.default_rng(4).random((count, 28, 28), dtype=np.float32)


def reading(*rows: dict[int, float]) -> Reading:
    """A reading by networks a, b, c, ...: for each one, digits and their probabilities."""
    table = np.zeros((len(rows), 10), np.float32)
    for values, row in zip(table, rows, strict=True):
        for digit, probability in row.items():
            values[digit] = probability
    assert np.allclose(table.sum(axis=1), 1)
    return Reading(tuple("abcdefgh"[: len(rows)]), table)


def test_probabilities_are_the_softmax_of_the_logits():
    models = {name: Fixed(logits) for name, logits in LOGITS.items()}
    got = probabilities(images(4), models)
    assert got.shape == (3, 4, 10)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.sum(axis=2), 1, atol=1e-6)
    np.testing.assert_allclose(got[0], 0.1, atol=1e-6)
    np.testing.assert_allclose(got[1, :, 3], np.exp(5) / (np.exp(5) + 9), rtol=1e-5)
    np.testing.assert_array_equal(got[2, :, 0], 1)


def test_probabilities_are_ordered_by_network_and_image():
    ink = images(5)
    sharp, flat = probabilities(ink, {"sharp": Rows(2), "flat": Rows(0.1)})
    np.testing.assert_array_equal(sharp.argmax(axis=1), ink[:, :10].sum(axis=2).argmax(axis=1))
    assert len(set(sharp.argmax(axis=1).tolist())) > 1, "the images are all alike"
    assert (sharp.max(axis=1) > flat.max(axis=1)).all()


def test_large_batches_are_read_in_parts():
    sizes = []

    class Sized(Rows):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            sizes.append(len(batch))
            return super().forward(batch)

    many = images(2 * IMAGES_AT_ONCE + 3)
    got = probabilities(many, {"a": Sized(1), "b": Rows(2)})
    assert sizes == [IMAGES_AT_ONCE, IMAGES_AT_ONCE, 3]
    whole = torch.softmax(2 * torch.tensor(many)[:, :10].sum(dim=2), dim=1)
    np.testing.assert_allclose(got[1], whole, atol=1e-6)


def test_read_only_pixels_are_read_without_a_warning(recwarn):
    pixels = images(1)
    pixels.flags.writeable = False
    assert probabilities(pixels, {"mlp": build("mlp").eval()}).shape == (1, 1, 10)
    assert not recwarn.list


def test_probabilities_compute_no_gradients():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert probabilities(images(2), {"linear": model}).shape == (1, 2, 10)
    assert all(weights.grad is None for weights in model.parameters())


@pytest.mark.parametrize("function", [probabilities, read])
def test_reading_without_networks_raises_with_the_remedy(function):
    with pytest.raises(ValueError, match=r"no network.*train_all\.py"):
        function(images(1), {})


def test_several_images_are_read_like_single_ones():
    models = {"sharp": Rows(2), "three": Fixed(LOGITS["three"]), "flat": Rows(0.1)}
    ink = images(6)
    together = read(ink, models)
    assert len(together) == 6
    for image, one in zip(ink, together, strict=True):
        (alone,) = read(image[None], models)
        assert one.models == alone.models == ("sharp", "three", "flat")
        assert one.probabilities.shape == (3, 10)
        np.testing.assert_allclose(one.probabilities, alone.probabilities, atol=1e-6)


def test_digits_and_confidences_are_the_maxima_of_the_probabilities():
    one = reading({3: 0.75, 8: 0.25}, {0: 0.375, 9: 0.625}, {5: 1})
    assert one.digits.tolist() == [3, 9, 5]
    assert one.confidences.tolist() == [0.75, 0.625, 1]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{3: 1}, {3: 1}], 1),
        ([{3: 1}, {8: 1}], 0.5),
        ([{3: 0.75, 8: 0.25}, {3: 0.25, 8: 0.75}, {3: 0.5, 1: 0.5}], 0.5),
        ([dict.fromkeys(range(10), 0.1)] * 3, 0.1),
        ([{3: 1}, {5: 1}, {8: 1}, {9: 1}], 0.25),
    ],
    ids=["agreed", "two opinions", "by the mean", "all uncertain", "all different"],
)
def test_certainty_is_high_only_if_networks_are_sure_and_agree(rows, expected):
    assert reading(*rows).certainty == pytest.approx(expected)


def test_certainty_of_many_images_equals_that_of_each():
    table = probabilities(images(7), {"sharp": Rows(2), "flat": Rows(0.1)})
    together = certainty(table)
    assert together.shape == (7,)
    one_by_one = [one.certainty for one in read(images(7), {"sharp": Rows(2), "flat": Rows(0.1)})]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-6)
    assert len(set(np.round(one_by_one, 4))) > 1


def test_unanimous_consensus_has_no_disagreeing_networks():
    assert consensus(reading({7: 1}, {7: 0.75, 1: 0.25}), 0.5) == Consensus(7, 2, ())


def test_consensus_is_the_digit_with_the_highest_mean_probability():
    several = reading({7: 0.5, 1: 0.25, 2: 0.25}, {1: 1}, {7: 0.625, 2: 0.375}, {2: 1}, {7: 1})
    assert consensus(several, 0) == Consensus(7, 3, ("b", "d"))


def test_a_few_sure_networks_outweigh_many_unsure_ones():
    unsure = {4: 0.375, 9: 0.3125, 7: 0.3125}
    several = reading(unsure, unsure, unsure, {9: 1}, {9: 1})
    assert consensus(several, 0) == Consensus(9, 2, ("a", "b", "c"))


def test_consensus_may_be_every_networks_second_choice():
    several = reading({1: 0.625, 8: 0.375}, {2: 0.625, 8: 0.375}, {3: 0.625, 8: 0.375})
    assert consensus(several, 0) == Consensus(8, 0, ("a", "b", "c"))


def test_certainty_is_the_mean_probability_of_the_consensus():
    rng = np.random.default_rng(8)
    for table in rng.dirichlet(np.full(10, 0.3), (200, 5)).astype(np.float32):
        one = Reading(tuple("abcde"), table)
        digit = consensus(one, 0).digit
        assert table[:, digit].mean() == pytest.approx(one.certainty)
        assert consensus(one, one.certainty).digit == digit


@pytest.mark.parametrize(("surer", "other"), [(2, 6), (6, 2)])
def test_surer_side_wins_a_tie(surer, other):
    tie = reading(
        {surer: 1}, {other: 0.75, 1: 0.25}, {other: 0.75, 1: 0.25}, {surer: 0.75, 1: 0.25}
    )
    assert consensus(tie, 0) == Consensus(surer, 2, ("b", "c"))


def test_tie_is_decided_by_the_mean_not_by_one_sure_network():
    doubt = {6: 0.375, 0: 0.3125, 1: 0.3125}
    assert consensus(reading({6: 1}, doubt, {2: 0.75, 1: 0.25}, {2: 0.75, 0: 0.25}), 0).digit == 2


def test_surest_network_wins_if_all_disagree():
    assert consensus(reading({1: 0.75, 0: 0.25}, {5: 1}, {8: 0.875, 0: 0.125}), 0).digit == 5


@pytest.mark.parametrize(("least", "digit"), [(0, 3), (0.7, 3), (0.75, 3), (0.76, None), (1, None)])
def test_consensus_has_no_digit_below_the_least_certainty(least, digit):
    two = reading({3: 1}, {3: 0.5, 8: 0.25, 9: 0.25})
    assert consensus(two, least) == Consensus(digit, 2, ())


def test_disagreeing_networks_are_named_even_without_a_digit():
    assert consensus(reading({3: 1}, {8: 1}, {3: 1}), 0.9) == Consensus(None, 2, ("b",))


class Alone(nn.Module):
    """Fails if two threads are in it at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Lock()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        assert self.free.acquire(blocking=False), "two threads read at the same time"
        time.sleep(0.01)
        self.free.release()
        return torch.zeros(len(batch), 10)


def test_threads_take_turns_to_read():
    models = {"alone": Alone()}
    with ThreadPoolExecutor(4) as threads:
        readings = list(threads.map(lambda _: read(images(1), models), range(8)))
    assert len(readings) == 8


class Gate(Rows):
    """Waits in its first batch until it is opened; remembers the sizes of all batches."""

    def __init__(self) -> None:
        super().__init__(scale=1)
        self.reached, self.opened, self.sizes = threading.Event(), threading.Event(), []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(batch))
        self.reached.set()
        assert self.opened.wait(PATIENCE_SECONDS)
        if batch.isnan().any():
            raise RuntimeError("broken")
        return super().forward(batch)


def all_waiting_behind(gate: Gate, calls: list[tuple[np.ndarray, dict]]) -> list[Future]:
    """Read while another reading holds the gate; then open it -> the finished calls."""
    with ThreadPoolExecutor(len(calls) + 1) as threads:
        first = threads.submit(read, images(1), {"gate": gate})
        assert gate.reached.wait(PATIENCE_SECONDS)
        started = [threads.submit(read, *call) for call in calls]
        until(lambda: len(inference._turns.waiting) == len(calls))
        gate.opened.set()
        assert len(first.result(PATIENCE_SECONDS)) == 1
    return started


def test_images_that_wait_for_the_same_networks_are_read_at_once():
    gate, other = Gate(), Rows(scale=3)
    many = images(6)
    parts = [many[:1], many[1:3], many[3:]]
    calls = [(parts[0], {"gate": gate}), (many, {"other": other})]
    calls += [(part, {"gate": gate}) for part in parts[1:]]
    one, of_other, two, three = (done.result() for done in all_waiting_behind(gate, calls))
    assert gate.sizes == [1, 6]
    assert [len(each) for each in (one, two, three)] == [1, 2, 3]
    expected = probabilities(many, {"gate": gate})[0]
    got = np.concatenate([reading.probabilities for reading in [*one, *two, *three]])
    np.testing.assert_allclose(got, expected, atol=1e-6)
    got = np.concatenate([reading.probabilities for reading in of_other])
    np.testing.assert_allclose(got, probabilities(many, {"other": other})[0], atol=1e-6)
    assert inference._turns.waiting == []


def test_joint_reading_that_fails_fails_for_all_and_blocks_nobody():
    gate = Gate()
    broken = np.full((1, 28, 28), np.nan, np.float32)
    for done in all_waiting_behind(gate, [(broken, {"gate": gate}), (images(1), {"gate": gate})]):
        with pytest.raises(RuntimeError, match="broken"):
            done.result()
    with ThreadPoolExecutor(1) as thread:
        later = thread.submit(read, images(1), {"fixed": Fixed(LOGITS["three"])})
        assert later.result(PATIENCE_SECONDS)[0].digits == [3]
