"""The table of networks."""

import pytest

from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS, by_name, families


def test_networks_with_the_same_name_are_refused():
    with pytest.raises(ValueError, match="two networks have the name 'mlp': rename one"):
        by_name([MODELS["cnn"], MODELS["mlp"], MODELS["mlp"]])


def test_families_hold_every_network_once_in_the_tables_order():
    assert [model for members in families().values() for model in members] == list(MODELS)
    assert families()["depth"] == ["depth_2", "depth_4", "depth_6", "resnet_6"]


def test_titles_are_short_and_unique():
    titles = [spec.title for spec in MODELS.values()]
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 22
    assert list(FAMILY_TITLES) == list(families())
