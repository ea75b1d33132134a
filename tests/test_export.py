"""Networks as ONNX files, run by ONNX Runtime."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from mnistcmp import checkpoints, export
from mnistcmp.cli import main
from mnistcmp.export import OPSET, ExportError, export_onnx

ALL = [(each.model, each.recipe) for each in checkpoints.read_manifest() if each.recipe == "tuned"]


def run(file, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"pixels": images})
    return logits


def images(count: int) -> np.ndarray:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(count)).numpy()


@pytest.mark.parametrize(("name", "recipe"), ALL)
def test_exported_network_agrees_with_torch_for_any_batch(name, recipe, tmp_path):
    file = tmp_path / f"{name}.onnx"
    export_onnx(name, file, recipe=recipe)
    network = checkpoints.load(name, recipe)
    for count in (1, 3):
        with torch.inference_mode():
            expected = network(torch.from_numpy(images(count))).numpy()
        assert np.abs(run(file, images(count)) - expected).max() < 1e-4
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", OPSET)]


def test_nodes_are_named_after_the_modules_and_the_file_says_what_it_holds(tmp_path):
    checkpoint = export_onnx("cnn", tmp_path / "cnn.onnx", recipe="drawn")
    model = onnx.load(tmp_path / "cnn.onnx")
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert names[0] == "normalise/Sub"
    assert "network.features.3/Conv" in names
    assert checkpoint.sha256 in model.doc_string


def test_command_exports_and_says_what_the_file_takes(tmp_path, capsys):
    file = tmp_path / "mlp.onnx"
    assert main(["export", "mlp", "--onnx", str(file), "--recipe", "tuned"]) == 0
    assert "float32 (batch, 1, 28, 28)" in capsys.readouterr().out
    assert run(file, images(2)).shape == (2, 10)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["mlp", "--onnx", "mlp.pt"], "mlp.pt does not end in .onnx"),
        (["mlp", "--onnx", "x.onnx", "--recipe", "hardened"], "not trained with the recipe"),
        (["mlp", "--onnx", "x.onnx", "--dataset", "letters"], "has no checkpoint of 'mlp'"),
    ],
)
def test_what_cannot_be_exported_is_named(arguments, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 1
    assert problem in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "onnx" else sys)
    with pytest.raises(ExportError, match=r"onnx are needed to export: install .*\[onnx\]"):
        export_onnx("mlp", tmp_path / "mlp.onnx", recipe="tuned")
