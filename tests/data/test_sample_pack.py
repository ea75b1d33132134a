"""The pack of test images."""

import numpy as np
import pytest

from mnistcmp.data import sample_pack


@pytest.fixture
def pack() -> sample_pack.Samples:
    """200 images, image i filled with value i; one run misreads 3 and 150, another 150."""
    labels = np.arange(200) % 10
    images = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 28, 28))
    first, second = labels.copy(), labels.copy()
    first[[3, 150]] += 1
    second[150] += 2
    return sample_pack.pick(images, labels, [first, second])


def test_pack_counts_the_runs_that_misread_each_image(pack):
    misread = dict(zip(pack.index.tolist(), pack.misread.tolist(), strict=True))
    assert {number: count for number, count in misread.items() if count} == {3: 1, 150: 2}
    assert pack.runs == 2


def test_pack_has_four_easy_images_per_class(pack):
    easy = pack.index[pack.misread == 0]
    assert np.bincount(pack.labels[easy], minlength=10).tolist() == [4] * 10


def test_image_is_found_by_its_number_or_none(pack):
    assert (pack.image(150) == 150).all()
    assert pack.image(151) is None
    assert pack.image(199) is None


def test_pack_survives_saving_and_loading(pack, tmp_path):
    sample_pack.save(tmp_path / "samples.npz", pack)
    loaded = sample_pack.load(tmp_path / "samples.npz")
    for name, value in vars(pack).items():
        np.testing.assert_array_equal(getattr(loaded, name), value)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 half a file", b"no archive"])
def test_missing_or_damaged_pack_names_the_file_and_the_remedy(tmp_path, content):
    path = tmp_path / "samples.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(sample_pack.SamplesError, match="samples.npz.*train_all.py"):
        sample_pack.load(path)


def test_pack_needs_predictions():
    with pytest.raises(ValueError, match="no run has predictions"):
        sample_pack.pick(np.zeros((1, 28, 28), np.uint8), np.zeros(1), [])


def test_easy_and_hard_images_are_of_the_digit_and_sorted():
    labels = np.array([3, 3, 3, 3, 7], np.uint8)
    read = [[3, 1, 3, 1, 1], [3, 3, 3, 1, 7]]
    images = np.arange(5 * 28 * 28, dtype=np.uint8).reshape(5, 28, 28)
    pack = sample_pack.pick(images, labels, map(np.array, read))
    assert pack.index[pack.easy(3)].tolist() == [0, 2]
    assert pack.index[pack.hard(3)].tolist() == [3, 1]
    assert (pack.easy(7), pack.index[pack.hard(7)].tolist()) == ([], [4])


def test_hard_images_are_at_most_six_and_ties_keep_their_order():
    labels = np.full(40, 3, np.uint8)
    every, every_second = np.full(40, 5), np.where(np.arange(40) % 2, 3, 5)
    pack = sample_pack.pick(np.zeros((40, 28, 28), np.uint8), labels, [every, every_second])
    assert pack.index[pack.hard(3)].tolist() == [0, 2, 4, 6, 8, 10]
