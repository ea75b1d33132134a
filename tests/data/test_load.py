"""Data sets by name, and their split."""

import subprocess
import sys

import pytest
import torch

from mnistcmp.data.dataset import Dataset
from mnistcmp.data.load import load_dataset


def test_load_rejects_an_unknown_name_and_suggests_the_nearest(tmp_path):
    with pytest.raises(ValueError, match=r"'fashon_mnist'.*kmnist.*did you mean 'fashion_mnist'"):
        load_dataset("fashon_mnist", tmp_path)


def test_module_does_not_import_torchvision():
    code = "import sys, mnistcmp.data.load; print('torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def numbered(train: int, test: int) -> Dataset:
    """Image i is one pixel of value i with label i, so that every image is unique."""
    images = torch.arange(train, dtype=torch.int32).reshape(train, 1, 1)
    return Dataset(images, torch.arange(train), torch.zeros(test, 1, 1), torch.zeros(test))


def test_split_validation_holds_out_5000_of_the_training_set():
    parts = numbered(60_000, 10).split("validation")
    train_images, train_labels, heldout_images, heldout_labels = parts
    assert (len(train_images), len(heldout_images)) == (55_000, 5_000)
    assert torch.cat([train_labels, heldout_labels]).sort().values.equal(torch.arange(60_000))
    assert train_images.flatten().equal(train_labels.int()), "images and labels are out of step"
    assert heldout_images.flatten().equal(heldout_labels.int())


def test_split_validation_is_the_same_on_every_machine():
    # Pinned, because results from different machines and torch versions are compared.
    heldout = numbered(60_000, 10).split("validation")[3]
    assert heldout[:5].tolist() == [36044, 10678, 57327, 55074, 21567]


def test_split_final_is_the_full_training_set_and_the_test_set():
    dataset = numbered(60_000, 10)
    assert all(a is b for a, b in zip(dataset.split("final"), dataset[:4], strict=True))


def test_split_rejects_another_protocol_and_names_both():
    with pytest.raises(ValueError, match=r"'test'.*'validation'.*'final'"):
        numbered(10, 2).split("test")
