"""CIFAR-10: downloaded once, verified before it is unpickled, with clear errors."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from mnistcmp.data import cifar10
from mnistcmp.data.download import DataUnavailable
from mnistcmp.data.load import home, load_dataset
from tests.helpers import Mirror, md5

ARCHIVE = "cifar-10-python.tar.gz"
CLASSES = ["cat", "dog"]


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def files(monkeypatch) -> dict[str, bytes]:
    """A tiny CIFAR-10: three batches of two images, the last for testing; pixel i has value i."""
    pixels = np.arange(3072).astype(np.uint8)
    batches = {
        name: pickle.dumps({"data": np.stack([pixels, pixels + first]), "labels": [first, 0]})
        for first, name in enumerate(("data_batch_1", "data_batch_2", "test_batch"))
    }
    made = batches | {"batches.meta": pickle.dumps({"label_names": CLASSES})}
    sums = [[name, md5(content)] for name, content in made.items()]
    monkeypatch.setattr(CIFAR10, "train_list", sums[:2])
    monkeypatch.setattr(CIFAR10, "test_list", sums[2:3])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums[3][1]})
    return made


@pytest.fixture
def mirror(files, monkeypatch):
    """The only source of the archive."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = tar(files)
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(content))
    with Mirror({ARCHIVE: content}) as mirror:
        monkeypatch.setattr(CIFAR10, "url", f"{mirror.url}{ARCHIVE}")
        yield mirror
        mirror.shutdown()


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_cifar_becomes_tensors_with_channels_first(tmp_path, mirror):
    loaded = load_dataset("cifar10", tmp_path)
    assert loaded.train_images.dtype == torch.uint8
    assert loaded.train_images.shape == (4, 3, 32, 32)
    assert loaded.test_images.shape == (2, 3, 32, 32)
    assert loaded.train_images[0].flatten().equal(torch.arange(3072).to(torch.uint8))
    assert loaded.train_labels.dtype == torch.int64
    assert loaded.train_labels.tolist() == [0, 0, 1, 0]
    assert loaded.test_labels.tolist() == [2, 0]
    assert loaded.class_names == tuple(CLASSES)


def test_cifar_is_downloaded_once(tmp_path, mirror):
    first = load_dataset("cifar10", tmp_path)
    second = load_dataset("cifar10", str(tmp_path))
    assert mirror.requested == [ARCHIVE]
    assert all(torch.equal(a, b) for a, b in zip(first[:4], second[:4], strict=True))


@pytest.mark.parametrize("name", ["data_batch_2", "test_batch", "batches.meta"])
def test_damaged_file_is_extracted_again_from_the_archive(tmp_path, mirror, files, name):
    load_dataset("cifar10", tmp_path)
    damage(home("cifar10", tmp_path) / name)
    load_dataset("cifar10", tmp_path)
    assert (home("cifar10", tmp_path) / name).read_bytes() == files[name]
    assert mirror.requested == [ARCHIVE]


def test_files_added_by_hand_need_no_download(tmp_path, mirror, files):
    mirror.files = {}
    home("cifar10", tmp_path).mkdir()
    for name, content in files.items():
        (home("cifar10", tmp_path) / name).write_bytes(content)
    assert len(load_dataset("cifar10", tmp_path).train_images) == 4


def test_damaged_archive_is_named_and_downloaded_again(tmp_path, mirror, capsys):
    (tmp_path / ARCHIVE).write_bytes(mirror.files[ARCHIVE][:-9])
    load_dataset("cifar10", tmp_path)
    assert mirror.requested == [ARCHIVE]
    assert f"{tmp_path / ARCHIVE} is damaged" in capsys.readouterr().err
    assert (tmp_path / ARCHIVE).read_bytes() == mirror.files[ARCHIVE]


def test_failed_download_says_which_file_to_put_where(tmp_path, mirror):
    mirror.files = {}
    with pytest.raises(DataUnavailable) as raised:
        load_dataset("cifar10", tmp_path)
    message = str(raised.value)
    assert f"{CIFAR10.url}: HTTP Error 404" in message
    assert f"Put {ARCHIVE} (md5 {CIFAR10.tgz_md5}) into {tmp_path} by hand" in message
    assert "--dataset PATH, with PATH/train/CLASS/* and PATH/test/CLASS/*" in message


@pytest.mark.parametrize("cut", [True, False])
def test_damaged_download_is_neither_kept_nor_extracted(tmp_path, mirror, cut):
    mirror.cut = cut
    mirror.files = {ARCHIVE: tar({"data_batch_1": b"something else"})}
    with pytest.raises(DataUnavailable, match=f"{ARCHIVE} arrived damaged|IncompleteRead"):
        load_dataset("cifar10", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_is_that_of_torchvision():
    assert CIFAR10.base_folder == cifar10.FOLDER
