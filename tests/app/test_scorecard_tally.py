"""Counting on known readings: the score of each network, and what may be concluded from it."""

import io
import zipfile
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mnistcmp.analysis.statistics import wilson_interval
from mnistcmp.app.draw.score import files, tally
from mnistcmp.app.draw.score.tally import Kept, conclusion, right, score
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.data import image_folder
from mnistcmp.drawing.canvas import Stroke

GOOD, FAIR, POOR = "mlp", "tiny_cnn", "kernel_7"


def kept(label: int, reads: dict[str, int] | None = None, shade: int = 200) -> Kept:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 12:16] = shade
    return Kept(Stroke([(label, shade)], 20), pixels, label, {"drawn": reads or {}})


def table(**marks: str) -> pd.DataFrame:
    """ "++-" for each network: whether each drawing was read right."""
    return pd.DataFrame({name: [mark == "+" for mark in row] for name, row in marks.items()})


def test_right_compares_each_network_with_the_label():
    drawings = [kept(4, {POOR: 9, GOOD: 4}), kept(7, {POOR: 7, GOOD: 7})]
    found = right(drawings, "drawn")
    assert found[GOOD].tolist() == [True, True]
    assert found[POOR].tolist() == [False, True]
    assert list(found) == [name for name in MODELS if name in (GOOD, POOR)]


def test_right_leaves_out_networks_that_have_not_read_all():
    found = right([kept(4, {GOOD: 4, POOR: 4}), kept(7, {GOOD: 1})], "drawn")
    assert list(found) == [GOOD]


def test_score_counts_and_is_sorted():
    found = score(table(kernel_7="+--", mlp="+++", tiny_cnn="++-"))
    assert list(found.index) == [GOOD, FAIR, POOR]
    assert found["right"].tolist() == [3, 2, 1]
    assert found["wrong"].tolist() == [0, 1, 2]
    assert found["asked"].tolist() == [3, 3, 3]
    assert (found.loc[FAIR, "low"], found.loc[FAIR, "high"]) == wilson_interval(2 / 3, 3)


def test_networks_with_the_same_score_cannot_be_told_apart():
    text = conclusion(table(mlp="++-", tiny_cnn="+-+"))
    assert (
        text == "All 2 networks read 2 of your 3 drawings right, so they cannot be told apart yet."
    )


def test_few_drawings_are_not_enough_and_it_says_how_many_are():
    # Of 5 drawings that only one network reads right, McNemar’s p is 2 / 2^5; of 6, 2 / 2^6.
    text = conclusion(table(mlp="+++++", tiny_cnn="-----"))
    assert "“Perceptron" in text and "with 5 of 5 drawings right" in text
    assert "about 1 more drawing would be enough" in text
    # Only every second drawing tells them apart: six of these are eleven drawings.
    assert "about 7 more drawings" in conclusion(table(mlp="++++", tiny_cnn="-+-+"))


def test_best_network_is_named_once_it_is_better_than_all():
    text = conclusion(table(mlp="+" * 6, tiny_cnn="-" * 6))
    assert text.startswith(f"**“{MODELS[GOOD].title}” reads your hand best:** 6 of 6")


def test_more_networks_need_more_evidence():
    three = table(mlp="+" * 6, tiny_cnn="-" * 6, kernel_7="-" * 6)
    assert "not enough to tell them apart" in conclusion(three)  # 2 / 2^6 > 0.05 / 3 pairs
    assert "reads your hand best" in conclusion(pd.concat([three, three]))


def test_best_network_may_be_better_than_some_only():
    text = conclusion(table(mlp="+" * 9, tiny_cnn="+" * 8 + "-", kernel_7="-" * 9))
    assert f"better than “{MODELS[POOR].title}”, but not than all the others" in text
    assert "reads your hand best" not in text


def test_small_differences_need_more_drawings_than_are_kept():
    marks = "+" * 99
    text = conclusion(table(mlp=marks + "+", tiny_cnn=marks + "-"))
    assert f"the {tally.MOST_KEPT} drawings that can be kept are too few" in text


def test_csv_has_a_row_for_each_network():
    content = files.as_csv(table(mlp="++", tiny_cnn="+-"))
    rows = pd.read_csv(io.BytesIO(content), index_col="network")
    assert list(rows) == ["title", "right", "wrong", "asked", "low_95", "high_95"]
    assert rows.loc[FAIR, ["right", "wrong", "asked"]].tolist() == [1, 1, 2]
    assert rows.loc[GOOD, "title"] == MODELS[GOOD].title
    assert rows.loc[FAIR, "low_95"] == pytest.approx(wilson_interval(0.5, 2)[0], abs=1e-4)


def test_zip_is_a_data_set_that_can_be_trained_on(tmp_path):
    drawings = [kept(label, shade=100 + 10 * n) for n, label in enumerate([3, 7, 3, 7, 3, 5])]
    with zipfile.ZipFile(io.BytesIO(files.as_zip(drawings))) as archive:
        archive.extractall(tmp_path / "mine")
        for path, each in zip(files.paths(drawings), drawings, strict=True):
            with archive.open(path) as file, Image.open(file) as image:
                np.testing.assert_array_equal(np.asarray(image), each.pixels)
    dataset = image_folder.load(tmp_path / "mine", "mine", tmp_path / "cache")
    assert dataset.class_names == ("3", "7")
    assert dataset.train_images.shape == (3, 1, 28, 28)
    assert dataset.test_images.shape == (2, 1, 28, 28)


def test_one_drawing_of_five_is_for_testing_and_a_lonely_one_for_neither():
    paths = files.paths([*(kept(8) for _ in range(12)), kept(1)])
    assert paths[0] == "train/8/001.png"
    parts = Counter(path.partition("/")[0] for path in paths)
    assert parts == {"train": 9, "test": 3, files.UNUSED: 1}
    assert files.trainable([kept(8), kept(8), kept(1)]) == [8]
