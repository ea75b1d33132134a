"""Weights during training on disk: all states of a run, or the file and the remedy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from mnistcmp import checkpoints
from mnistcmp.checkpoints import Checkpoint, CheckpointError, read_manifest
from mnistcmp.inference import probabilities
from mnistcmp.inspection import snapshots
from mnistcmp.models import MODELS, build

EPOCHS = 2
SHIPPED = {entry.key: entry for entry in read_manifest(snapshots.folder_in())}


def states(name: str) -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    return [snapshots.state_of(build(name)) for _ in range(EPOCHS + 1)]


def save(folder: Path, name: str, content: bytes, **changes: object) -> Checkpoint:
    facts = {
        "dataset": "mnist",
        "model": name,
        "recipe": "tuned",
        "seed": 0,
        "run": "c0ffee",
        "params": MODELS[name].params,
        "in_shape": (1, 28, 28),
        "classes": 10,
        "epochs": EPOCHS,
        "test_accuracy": 0.99,
        "test_loss": 0.03,
        "trained_on": "60000 training images of mnist",
    }
    return checkpoints.save(snapshots.folder_in(folder), content, **facts | changes)


@pytest.mark.parametrize("name", ["mlp", "conv_batchnorm"])
def test_load_returns_the_network_of_every_state(tmp_path, name):
    expected = states(name)
    entry = save(tmp_path, name, snapshots.pack(expected))
    loaded = snapshots.load(entry, tmp_path)
    assert len(loaded) == EPOCHS + 1
    for network, state in zip(loaded, expected, strict=True):
        assert not network.training
        found = snapshots.state_of(network)
        assert found.keys() == state.keys()
        assert all(torch.equal(found[part], state[part]) for part in state)


def test_state_is_a_copy_at_half_precision_with_whole_counters():
    network = build("conv_batchnorm")
    network.train()(torch.rand(2, 1, 28, 28))
    before = network.state_dict()
    state = snapshots.state_of(network)
    for name, values in before.items():
        assert state[name].dtype == (torch.half if values.is_floating_point() else torch.long)
        assert torch.allclose(state[name].to(values.dtype), values, rtol=2**-10, atol=1e-6)
        values.fill_(7)
        assert not torch.equal(state[name], torch.full_like(state[name], 7))


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: b""])
def test_load_refuses_a_damaged_file_and_names_the_remedy(tmp_path, change):
    entry = save(tmp_path, "mlp", snapshots.pack(states("mlp")))
    path = snapshots.folder_in(tmp_path) / entry.file
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CheckpointError) as refused:
        snapshots.load(entry, tmp_path)
    assert str(path) in str(refused.value)
    assert "train_all.py --models mlp --recipe tuned" in str(refused.value)


def test_load_refuses_a_missing_file(tmp_path):
    entry = save(tmp_path, "mlp", snapshots.pack(states("mlp")))
    (snapshots.folder_in(tmp_path) / entry.file).unlink()
    with pytest.raises(CheckpointError, match="is missing"):
        snapshots.load(entry, tmp_path)


@pytest.mark.parametrize("epochs", [EPOCHS - 1, EPOCHS + 1, 10**12])
def test_load_refuses_another_number_of_states(tmp_path, epochs):
    entry = save(tmp_path, "mlp", snapshots.pack(states("mlp")), epochs=epochs)
    with pytest.raises(CheckpointError, match=f"instead of {epochs + 1} states"):
        snapshots.load(entry, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content | {"network.layers.0.weight": torch.zeros(EPOCHS + 1, 32, 783)},
        lambda content: content | {"another": torch.zeros(EPOCHS + 1)},
        lambda content: content | {"network.layers.0.bias": torch.tensor(1.0)},
        lambda content: {"normalise.mean": content["normalise.mean"]},
    ],
    ids=["shape", "unknown tensor", "a number", "tensors missing"],
)
def test_load_refuses_states_of_another_network(tmp_path, change):
    content = safetensors.torch.load(snapshots.pack(states("mlp")))
    entry = save(tmp_path, "mlp", safetensors.torch.save(change(content)))
    with pytest.raises(CheckpointError, match="does not fit the current architecture of 'mlp'"):
        snapshots.load(entry, tmp_path)


def test_load_refuses_values_that_are_not_finite(tmp_path):
    wrong = states("mlp")
    wrong[1]["network.layers.2.bias"][3] = torch.nan
    entry = save(tmp_path, "mlp", snapshots.pack(wrong))
    with pytest.raises(CheckpointError, match=r"network\.layers\.2\.bias that are not finite"):
        snapshots.load(entry, tmp_path)


def test_load_refuses_a_file_that_is_larger_than_the_network_needs(tmp_path):
    content = {"layers": torch.zeros(EPOCHS + 1, 3_000_000)}
    entry = save(tmp_path, "mlp", safetensors.torch.save(content))
    with pytest.raises(CheckpointError, match="bytes, more than"):
        snapshots.load(entry, tmp_path)


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        (("mnist", "mlp", "tuned", 0), True),
        (("mnist", "mlp", "tuned", 1), False),
        (("mnist", "mlp", "drawn", 0), False),
        (("kmnist", "mlp", "tuned", 0), False),
        (("mnist", "strong_cnn", "tuned", 0), False),
    ],
)
def test_states_are_kept_of_small_networks_only(key, kept):
    assert snapshots.are_kept(*key) == kept


def test_shipped_states_are_those_of_all_small_networks():
    small = {name for name, spec in MODELS.items() if spec.params < snapshots.MOST_PARAMS}
    assert SHIPPED.keys() == {("mnist", name, "tuned") for name in small}


def test_shipped_states_are_small_together():
    files = [snapshots.folder_in() / entry.file for entry in SHIPPED.values()]
    assert sum(path.stat().st_size for path in files) < 8_000_000


@pytest.mark.parametrize("key", SHIPPED)
def test_shipped_states_end_with_the_shipped_weights(key):
    (checkpoint,) = (entry for entry in read_manifest() if entry.key == key)
    entry = SHIPPED[key]
    assert replace(entry, file=checkpoint.file, sha256=checkpoint.sha256) == checkpoint
    trained = checkpoints.load_checkpoint(checkpoint)
    networks = snapshots.load(entry)
    ended, expected = snapshots.state_of(networks[-1]), snapshots.state_of(trained)
    assert all(torch.equal(ended[name], expected[name]) for name in expected)
    images = np.random.default_rng(0).random((20, 28, 28), dtype=np.float32)
    last, shipped = probabilities(images, {"last": networks[-1], "shipped": trained})
    assert abs(last - shipped).max() < 1e-2
