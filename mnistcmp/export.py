"""A trained network as an ONNX file, which other tools run without torch or this package.

Normalisation is part of the network, so the file takes plain pixels, as `checkpoints.load` does.
"""

import logging
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mnistcmp import checkpoints
from mnistcmp.checkpoints import Checkpoint
from mnistcmp.safe_files import write_whole

if TYPE_CHECKING:
    from torch.onnx import ONNXProgram

OPSET = 20  # the version of ONNX’s operators; ONNX Runtime 1.17 and newer run it
INPUT, OUTPUT = "pixels", "logits"
PACKAGES = ("onnx", "onnxscript")  # torch needs them to export
REMEDY = 'install them with `python -m pip install -e ".[onnx]"`'
SCOPES = "pkg.torch.onnx.name_scopes"  # where torch notes the modules that a node belongs to


class ExportError(Exception):
    """A network cannot be exported."""


def export_onnx(
    name: str, file: Path | str, *, recipe: str, dataset: str = "mnist", folder: Path | None = None
) -> Checkpoint:
    """Write the trained network `name` as ONNX to `file` -> its entry in the manifest.

    Input `pixels`: float32 (batch, *in_shape) in [0, 1], of any batch size, ink bright. Output
    `logits`: float32 (batch, classes). Each node is named after the module of the network that it
    belongs to, and the file says which weights it holds.

    Raises ExportError if the packages of the extra `onnx` are missing or `file` does not end in
    .onnx, CheckpointError as `checkpoints.load` does, and OSError if the file cannot be written.
    """
    path = Path(file)
    if path.suffix != ".onnx":
        raise ExportError(f"{path} does not end in .onnx: choose a file name that does")
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise ExportError(f"{' and '.join(missing)} are needed to export: {REMEDY}")
    network = checkpoints.load(name, recipe, dataset, folder)
    key = dataset, name, recipe
    checkpoint = next(each for each in checkpoints.read_manifest(folder) if each.key == key)
    program = _traced(network, checkpoint)
    _name_nodes(program)
    program.model.doc_string = _about(checkpoint)
    write_whole(path, program.model_proto.SerializeToString())
    return checkpoint


def _traced(network: torch.nn.Module, checkpoint: Checkpoint) -> "ONNXProgram":
    example = torch.zeros(2, *checkpoint.in_shape)  # torch takes a batch of 1 for a constant
    noisy = logging.getLogger("torch.onnx")
    before, noisy.disabled = noisy.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about its own parts
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        noisy.disabled = before
    assert program is not None  # it is, with dynamo=True
    return program


def _name_nodes(program: "ONNXProgram") -> None:
    """Name each node after its module, as "network.features.0/Conv"; a number makes it unique."""
    seen: dict[str, int] = {}
    for node in program.model.graph:
        scopes = node.metadata_props.get(SCOPES, "")
        modules = [part.strip(" '\"") for part in scopes.strip("[]").split(",")][:-1]
        name = f"{modules[-1] if modules else ''}/{node.op_type}".lstrip("/")
        seen[name] = seen.get(name, 0) + 1
        node.name = name if seen[name] == 1 else f"{name}_{seen[name]}"


def _about(checkpoint: Checkpoint) -> str:
    return (
        f"mnistcmp: {checkpoint.model}, recipe {checkpoint.recipe}, seed {checkpoint.seed}, run "
        f"{checkpoint.run}, trained on {checkpoint.trained_on}; test accuracy "
        f"{checkpoint.test_accuracy:.4f}. Pixels in [0, 1], ink bright; weights sha256 "
        f"{checkpoint.sha256}"
    )
