from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from mnistcmp.drawing import non_digits

KINDS = ["scribble", "hatching", "polygon", "star", "spiral", "dots", "animal", "letter"]


@pytest.fixture(scope="module")
def drawings():
    return list(non_digits.generate(160, seed=1))


def test_kinds_alternate(drawings):
    assert sorted(non_digits.KINDS) == sorted(KINDS)
    kinds = [kind for kind, _ in drawings]
    assert set(kinds[: len(KINDS)]) == set(KINDS)
    assert kinds == kinds[: len(KINDS)] * 20


@pytest.mark.parametrize("count", [0, 1, 8, 11])
def test_generate_yields_the_first_count_drawings_of_a_seed(count, drawings):
    fewer = list(non_digits.generate(count, seed=1))
    assert len(fewer) == count
    for (kind, pixels), (same_kind, same_pixels) in zip(fewer, drawings, strict=False):
        assert kind == same_kind
        np.testing.assert_array_equal(pixels, same_pixels)


def test_different_seeds_give_different_drawings(drawings):
    for (kind, pixels), (same_kind, other) in zip(
        drawings, non_digits.generate(24, seed=2), strict=False
    ):
        assert kind == same_kind
        assert np.abs(pixels - other).sum() > 5


def test_all_drawings_of_a_kind_differ(drawings):
    by_kind = defaultdict(list)
    for kind, pixels in drawings:
        by_kind[kind].append(pixels)
    for kind, images in by_kind.items():
        assert len({image.tobytes() for image in images}) == 20, kind
        assert all(np.abs(one - next_).sum() > 1 for one, next_ in pairwise(images)), kind


def test_drawings_are_preprocessed_and_not_blank(drawings):
    for kind, pixels in drawings:
        assert pixels.shape == (28, 28), kind
        assert pixels.dtype == np.float32, kind
        assert pixels.min() == 0, kind
        assert 0.9 < pixels.max() <= 1, kind
        assert pixels.sum() > 3, f"{kind}: less ink than four distant dots of the thinnest brush"
        rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
        longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
        assert 19 <= longer <= 20, f"{kind}: not scaled like a digit"


def test_strokes_stay_almost_entirely_on_the_canvas():
    """A drawing cut off at the edge would be too easy to distinguish from a digit."""
    rng = np.random.default_rng(3)
    for kind, draw in non_digits.KINDS.items():
        for _ in range(20):
            ink = 255 - np.asarray(draw(rng)).astype(int)
            assert ink.shape == (280, 280)
            edges = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
            assert edges.mean() < 20, kind
