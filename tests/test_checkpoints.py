"""Weights on disk: loaded if intact, otherwise refused with the file and the remedy."""

import errno
import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from mnistcmp import checkpoints
from mnistcmp.checkpoints import CheckpointError, drop_former, load, load_all, read_manifest, save
from mnistcmp.models import MODELS, build

PIXELS = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def trained(name: str, seed: int = 0) -> torch.nn.Module:
    """A network whose weights, batch statistics and normalisation differ from a new one's."""
    torch.manual_seed(seed)
    model = build(name)
    model.normalise.set([0.13], [0.31])
    model.train()(PIXELS)  # updates the statistics of batch normalisation
    return model.eval()


def save_model(folder: Path, network: torch.nn.Module | None, name: str, /, **changes: object):
    facts = {
        "dataset": "mnist",
        "model": name,
        "recipe": "drawn",
        "seed": 0,
        "run": "c0ffee",
        "params": MODELS[name].params,
        "in_shape": (1, 28, 28),
        "classes": 10,
        "epochs": 5,
        "test_accuracy": 0.99,
        "test_loss": 0.03,
        "trained_on": "60000 training images of mnist",
    }
    weights = changes.pop("weights", None) or safetensors.torch.save(network.state_dict())
    return save(folder, weights, **facts | changes)


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return model(PIXELS)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


@pytest.mark.parametrize("name", ["mlp", "strong_cnn", "conv_batchnorm"])
def test_load_returns_the_saved_model_in_evaluation_mode(tmp_path, name):
    model = trained(name)
    save_model(tmp_path, model, name)
    loaded = load(name, folder=tmp_path)
    assert not any(module.training for module in loaded.modules())
    assert torch.equal(logits(loaded), logits(model.to(memory_format=torch.channels_last)))
    assert not leftovers(tmp_path)


def test_load_distinguishes_recipes_and_data_sets(tmp_path):
    kinds = [("drawn", "mnist"), ("tuned", "mnist"), ("drawn", "kmnist")]
    models = {kind: trained("mlp", seed) for seed, kind in enumerate(kinds)}
    for (recipe, dataset), model in models.items():
        save_model(tmp_path, model, "mlp", recipe=recipe, dataset=dataset)
    assert torch.equal(logits(load("mlp", folder=tmp_path)), logits(models["drawn", "mnist"]))
    for (recipe, dataset), model in models.items():
        assert torch.equal(logits(load("mlp", recipe, dataset, tmp_path)), logits(model))


def test_manifest_lists_the_file_with_its_sha256_and_all_facts(tmp_path):
    saved = save_model(tmp_path, trained("mlp"), "mlp", run="beef", test_accuracy=0.9876)
    assert read_manifest(tmp_path) == [saved]
    (entry,) = json.loads((tmp_path / "manifest.json").read_text())["checkpoints"]
    content = (tmp_path / entry["file"]).read_bytes()
    assert not Path(entry["file"]).is_absolute()
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert (entry["run"], entry["recipe"], entry["seed"]) == ("beef", "drawn", 0)
    assert (entry["params"], entry["test_accuracy"]) == (25_450, 0.9876)


def test_manifest_of_an_empty_folder_is_empty(tmp_path):
    assert read_manifest(tmp_path) == []
    assert load_all(folder=tmp_path) == {}


def test_load_all_returns_every_network_of_one_recipe(tmp_path):
    models = {name: trained(name) for name in ("mlp", "mlp_100", "tiny_cnn")}
    for name, model in models.items():
        save_model(tmp_path, model, name)
    save_model(tmp_path, trained("cnn"), "cnn", recipe="tuned")
    save_model(tmp_path, trained("cnn"), "cnn", dataset="kmnist")
    loaded = load_all(folder=tmp_path)
    assert loaded.keys() == models.keys()
    for name, model in loaded.items():
        assert not model.training
        expected = logits(models[name].to(memory_format=torch.channels_last))
        assert torch.equal(logits(model), expected)
    assert load_all("tuned", folder=tmp_path).keys() == {"cnn"}
    assert load_all(dataset="kmnist", folder=tmp_path).keys() == {"cnn"}
    assert load_all("published", folder=tmp_path) == {}


def test_save_replaces_the_former_file_and_no_other(tmp_path):
    others = [("mlp_100", "drawn"), ("mlp", "tuned")]  # a similar name; a similar path
    for name, recipe in others:
        save_model(tmp_path, trained(name), name, recipe=recipe)
    first = save_model(tmp_path, trained("mlp", 1), "mlp")
    second = save_model(tmp_path, trained("mlp", 2), "mlp")
    assert (tmp_path / first.file).exists()  # until the run of the second is recorded
    drop_former(tmp_path, second)
    assert not (tmp_path / first.file).exists()
    assert torch.equal(logits(load("mlp", folder=tmp_path)), logits(trained("mlp", 2)))
    assert second in read_manifest(tmp_path)
    assert len(read_manifest(tmp_path)) == len(list(tmp_path.rglob("*.safetensors"))) == 3
    for name, recipe in others:
        load(name, recipe, folder=tmp_path)


def test_saving_the_same_weights_again_keeps_them(tmp_path):
    for run in ("aa", "bb"):
        drop_former(tmp_path, save_model(tmp_path, trained("mlp"), "mlp", run=run))
    assert [checkpoint.run for checkpoint in read_manifest(tmp_path)] == ["bb"]
    load("mlp", folder=tmp_path)


@pytest.mark.parametrize("synchronised", [0, 1], ids=["weights", "manifest"])
def test_failed_save_keeps_the_former_checkpoint(tmp_path, monkeypatch, synchronised):
    old, new = trained("mlp", 1), trained("mlp", 2)
    save_model(tmp_path, old, "mlp")
    left = iter(range(synchronised))

    def fsync(descriptor: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left.*free some"):
        patch.setattr(os, "fsync", fsync)
        save_model(tmp_path, new, "mlp")
    assert torch.equal(logits(load("mlp", folder=tmp_path)), logits(old))
    assert not leftovers(tmp_path)
    drop_former(tmp_path, save_model(tmp_path, new, "mlp"))
    assert torch.equal(logits(load("mlp", folder=tmp_path)), logits(new))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1


COMMAND = r"python scripts/train_all\.py --models mlp --recipe drawn --dataset mnist"


def refusal(folder: Path, named: object, reason: str) -> None:
    """Loading mlp, and loading all, must fail with the file, the reason and the remedy."""
    for loading in (lambda: load("mlp", folder=folder), lambda: load_all(folder=folder)):
        with pytest.raises(CheckpointError, match=rf"(?s){reason}.*{COMMAND}") as caught:
            loading()
        assert str(named) in str(caught.value)


def break_byte(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [break_byte, lambda content: content[:-1], lambda content: b"", lambda content: content + b"0"],
    ids=["changed", "truncated", "emptied", "lengthened"],
)
def test_load_refuses_a_damaged_file(tmp_path, damage):
    path = tmp_path / save_model(tmp_path, trained("mlp"), "mlp").file
    path.write_bytes(damage(path.read_bytes()))
    refusal(tmp_path, path, "damaged.*sha256")


def test_load_refuses_a_missing_file(tmp_path):
    path = tmp_path / save_model(tmp_path, trained("mlp"), "mlp").file
    path.unlink()
    refusal(tmp_path, path, "is missing: restore")


@pytest.mark.parametrize(
    "other", ["tiny_cnn", "mlp_100"]
)  # other layer names; the same names with other shapes
def test_load_refuses_weights_of_another_architecture(tmp_path, other):
    saved = save_model(tmp_path, trained(other), "mlp")
    refusal(tmp_path, tmp_path / saved.file, "does not fit the current architecture of 'mlp'")


@pytest.mark.parametrize("shape", [{"in_shape": (1, 32, 32)}, {"classes": 26}])
def test_load_refuses_weights_for_other_images_or_classes(tmp_path, shape):
    saved = save_model(tmp_path, trained("mlp"), "mlp", **shape)
    refusal(tmp_path, tmp_path / saved.file, "does not fit the current architecture of 'mlp'")


def test_load_gives_no_values_to_a_network_that_the_weights_do_not_fit(tmp_path, monkeypatch):
    saved = save_model(tmp_path, trained("mlp"), "mlp", in_shape=(1, 1024, 1024))

    def without_values(*facts):
        model = build(*facts)
        assert all(values.is_meta for values in model.parameters())
        return model

    monkeypatch.setattr(checkpoints, "build", without_values)
    refusal(tmp_path, tmp_path / saved.file, "does not fit the current architecture of 'mlp'")


@pytest.mark.parametrize("missing", ["network.layers.2.bias", "normalise.std"])
def test_load_refuses_weights_that_lack_a_layer(tmp_path, missing):
    state = trained("mlp").state_dict()
    del state[missing]
    saved = save_model(tmp_path, None, "mlp", weights=safetensors.torch.save(state))
    refusal(tmp_path, tmp_path / saved.file, f"does not fit.*{missing}")


@pytest.mark.parametrize("weights", [b"not safetensors", b"\xff" * 64, b"\0"])
def test_load_refuses_a_file_that_is_not_safetensors(tmp_path, weights):
    saved = save_model(tmp_path, None, "mlp", weights=weights)
    refusal(tmp_path, tmp_path / saved.file, "does not fit")


def change_entry(folder: Path, **changes: object) -> Path:
    """Change the only entry of the manifest -> the manifest's path."""
    path = folder / "manifest.json"
    (entry,) = json.loads(path.read_text())["checkpoints"]
    path.write_text(json.dumps({"checkpoints": [entry | changes]}))
    return path


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", "../mlp.safetensors"),
        ("file", "mnist/../../mlp.safetensors"),
        ("file", "/etc/passwd"),
        ("file", "..\\mlp.safetensors"),
        ("file", "mnist/\0"),
        ("file", ""),
        ("file", 7),
        ("sha256", None),
        ("sha256", "12ab"),
        ("seed", "0"),
        ("params", -1),
        ("params", 10**12),
        ("params", True),
        ("in_shape", [1, 28]),
        ("in_shape", [1, 28, 10**6]),
        ("in_shape", 28),
        ("classes", 0),
        ("test_accuracy", float("nan")),
        ("test_accuracy", 99),
        ("model", "../mlp"),
        ("speed", 7),
    ],
)
def test_manifest_with_a_wrong_field_is_refused_with_its_name(tmp_path, field, value):
    save_model(tmp_path, trained("mlp"), "mlp")
    path = change_entry(tmp_path, **{field: value})
    reason = rf"damaged \(checkpoints\[0\].*{field}.*restore it from git"
    with pytest.raises(CheckpointError, match=reason) as caught:
        load("mlp", folder=tmp_path)
    assert str(path) in str(caught.value)


def test_load_refuses_what_is_no_regular_file(tmp_path):
    path = tmp_path / save_model(tmp_path, trained("mlp"), "mlp").file
    path.unlink()
    os.mkfifo(path)  # reading it would wait for ever
    refusal(tmp_path, path, "not a regular file")
    path.unlink()
    path.mkdir()
    refusal(tmp_path, path, "not a regular file")
    path.rmdir()
    path.symlink_to("/dev/zero")
    refusal(tmp_path, path, "not a regular file")


def test_load_follows_links_only_within_the_folder(tmp_path):
    folder = tmp_path / "checkpoints"
    path = folder / save_model(folder, trained("mlp"), "mlp").file
    for place in (folder / "elsewhere", tmp_path / "elsewhere"):
        path.rename(place)
        path.symlink_to(place)
        if place.is_relative_to(folder):
            load("mlp", folder=folder)
            path.unlink()
            place.rename(path)
    refusal(folder, path, "link to a place outside")


def test_load_refuses_a_file_that_is_too_large_before_reading_it(tmp_path, monkeypatch):
    path = tmp_path / save_model(tmp_path, trained("mlp"), "mlp").file
    os.truncate(path, 10**10)  # takes no space on the disk
    read = Path.read_bytes

    def read_others(other: Path) -> bytes:
        assert other != path
        return read(other)

    monkeypatch.setattr(Path, "read_bytes", read_others)
    refusal(tmp_path, path, r"damaged \(it has 10,000,000,000 bytes, more than")


def test_manifest_that_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(CheckpointError, match="not a regular file"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_load_refuses_weights_that_are_not_finite(tmp_path, value):
    model = trained("mlp")
    with torch.no_grad():
        model.network.layers[2].bias[3] = value
    saved = save_model(tmp_path, model, "mlp")
    refusal(tmp_path, tmp_path / saved.file, r"network\.layers\.2\.bias that are not finite")


def test_save_refuses_facts_that_could_not_be_read_back(tmp_path):
    with pytest.raises(ValueError, match="test_loss is nan"):
        save_model(tmp_path, trained("mlp"), "mlp", test_loss=float("nan"))
    assert not list(tmp_path.iterdir())


class Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("with_right_hash", [False, True])
def test_load_never_unpickles(tmp_path, with_right_hash):
    marker = tmp_path / "marker"
    bomb = pickle.dumps(Bomb(marker))
    weights = bomb if with_right_hash else None
    path = tmp_path / save_model(tmp_path, trained("mlp"), "mlp", weights=weights).file
    path.write_bytes(bomb)
    refusal(tmp_path, path, "does not fit" if with_right_hash else "damaged")
    assert not marker.exists()
    pickle.loads(bomb)
    assert marker.exists()  # unpickling would have run the code


@pytest.mark.parametrize(
    "name, recipe, dataset",
    [("cnn", "drawn", "mnist"), ("mlp", "tuned", "mnist"), ("mlp", "drawn", "kmnist")],
)
def test_load_says_how_to_train_a_missing_checkpoint(tmp_path, name, recipe, dataset):
    save_model(tmp_path, trained("mlp"), "mlp")
    command = rf"train_all\.py --models {name} --recipe {recipe} --dataset {dataset}"
    with pytest.raises(CheckpointError, match=command) as caught:
        load(name, recipe, dataset, tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("recipe", ["hardened", "drwan"])
def test_load_names_the_recipes_of_a_model_that_has_not_this_one(tmp_path, recipe):
    save_model(tmp_path, trained("mlp"), "mlp")
    with pytest.raises(CheckpointError, match=f"{recipe}.*choose from published, tuned, drawn$"):
        load("mlp", recipe, folder=tmp_path)


def test_load_names_an_unknown_model(tmp_path):
    save_model(tmp_path, trained("mlp"), "mlp")
    with pytest.raises(CheckpointError, match="'transformer'"):
        load("transformer", folder=tmp_path)


def test_load_refuses_a_model_that_no_longer_exists(tmp_path):
    saved = save_model(tmp_path, trained("mlp"), "mlp", model="transformer")
    with pytest.raises(CheckpointError, match="'transformer'.*train_all") as caught:
        load("transformer", folder=tmp_path)
    assert str(tmp_path / saved.file) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: "",
        lambda text: "[]",
        lambda text: '{"checkpoints": 3}',
        lambda text: '{"checkpoints": [3]}',
        lambda text: '{"checkpoints": [[1, 2]]}',
        lambda text: text.replace('"sha256"', '"sha265"'),
        lambda text: text.replace('"in_shape"', '"shape"'),
        lambda text: text.replace('"seed": 0,', ""),
        lambda text: text.replace("drawn", "\udcff"),  # not UTF-8
    ],
)
def test_damaged_manifest_is_refused_with_the_remedy(tmp_path, damage):
    save_model(tmp_path, trained("mlp"), "mlp")
    path = tmp_path / "manifest.json"
    path.write_text(damage(path.read_text()), errors="surrogateescape")
    for reading in (read_manifest, lambda folder: load("mlp", folder=folder)):
        with pytest.raises(CheckpointError, match=r"damaged.*git.*scripts/train_all\.py") as caught:
            reading(tmp_path)
        assert str(path) in str(caught.value)
