"""`train_all.py --check` names damaged files, and no intact ones."""

import hashlib
import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest

from mnistcmp import checkpoints
from mnistcmp.catalogue.corruptions import CORRUPTIONS
from mnistcmp.inspection import snapshots
from mnistcmp.records import Records
from mnistcmp.robustness import measure
from mnistcmp.robustness_records import RobustnessRecords
from mnistcmp.training import campaign, schedule, verify
from tests.helpers import Quiet
from tests.made_up import falsify

FIGURES = verify.CHECKED_FIGURES


@pytest.fixture(scope="module")
def trained(tmp_path_factory, toy):
    """A folder with one small real run, including weights."""
    folder = tmp_path_factory.mktemp("trained")
    jobs = campaign.plan(["mlp"], ["tuned"], [0], epochs=1)
    schedule.run(jobs, toy, folder, campaign="test", workers=1, device="cpu", progress=Quiet())
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "CHECKED_FIGURES", 1)  # the others only cost time
    return shutil.copytree(trained, tmp_path / "copy")


def found(folder, toy) -> str:
    return "\n".join(verify.problems(folder, toy.dataset))


def weights_of(folder):
    (path,) = (folder / "mnist").rglob("*.safetensors")
    return path


def test_intact_folder_has_no_problems(folder, toy):
    assert found(folder, toy) == ""


def test_folder_without_checkpoints_is_a_problem(tmp_path):
    assert "run python scripts/train_all.py" in "\n".join(verify.problems(tmp_path))


def test_damaged_weights_are_named(folder, toy):
    path = weights_of(folder)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert f"{path} is damaged" in found(folder, toy)


def test_weights_missing_from_the_manifest_are_found(folder, toy):
    stray = folder / "mnist" / "tuned" / "cnn-00000000.safetensors"
    stray.write_bytes(b"")
    assert f"{stray} is not listed in the manifest" in found(folder, toy)


def states_of(folder):
    (path,) = (folder / "epochs").rglob("*.safetensors")
    return path


def test_damaged_states_of_training_are_named(folder, toy):
    path = states_of(folder)
    path.write_bytes(path.read_bytes()[:-1])
    assert f"{path} is damaged" in found(folder, toy)


def test_missing_states_of_training_are_named(folder, toy):
    shutil.rmtree(folder / "epochs")
    problem = found(folder, toy)
    assert "the weights of mlp (tuned) before training and after each epoch are missing" in problem
    assert "--models mlp --recipe tuned" in problem


def test_states_of_training_that_do_not_end_with_the_weights_are_named(folder, toy):
    (entry,) = checkpoints.read_manifest(folder / "epochs")
    states = [snapshots.state_of(network) for network in snapshots.load(entry, folder)]
    facts = {name: value for name, value in asdict(entry).items() if name not in ("file", "sha256")}
    saved = checkpoints.save(folder / "epochs", snapshots.pack(states[::-1]), **facts)
    checkpoints.drop_former(folder / "epochs", saved)
    problem = found(folder, toy)
    file = weights_of(folder).relative_to(folder)
    assert f"{states_of(folder)} does not end with the weights of {file} (" in problem


def test_states_of_another_run_are_named(folder, toy):
    path = folder / "epochs" / "manifest.json"
    manifest = json.loads(path.read_text())
    run, manifest["checkpoints"][0]["run"] = manifest["checkpoints"][0]["run"], "another"
    path.write_text(json.dumps(manifest))
    problem = found(folder, toy)
    assert "of run another, whose last weights are not here" in problem
    assert "are missing" in problem
    assert run not in problem


@pytest.mark.parametrize("fact, false", [("test_accuracy", 0.5), ("epochs", 9), ("seed", 3)])
def test_manifest_that_differs_from_the_record_is_found(folder, toy, fact, false):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["checkpoints"][0][fact] = false
    path.write_text(json.dumps(manifest))
    assert f"{fact} is not as recorded" in found(folder, toy)


def test_weights_without_a_record_are_found(folder, toy):
    (folder / "results" / "runs.jsonl").write_bytes(b"")
    assert "which has no record: train it again" in found(folder, toy)


def test_missing_epochs_are_found(folder, toy):
    falsify(Records(folder / "results"), lambda entry: entry["epochs"].clear())
    assert "has 0 epochs on record instead of 1" in found(folder, toy)


def test_damaged_lines_of_the_records_are_named(folder, toy):
    path = folder / "results" / "runs.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"epochs": 1', b'"epochs": 2'))
    assert f"{path}, line 1, is left out: it was changed" in found(folder, toy)
    path.write_bytes(path.read_bytes().replace(b'"epochs": 2', b'"epochs": 1'))
    falsify(Records(path.parent), lambda entry: entry["run"].update(epochs="1"))
    assert "run.epochs is '1', not a whole number" in found(folder, toy)


def test_records_of_an_earlier_version_are_named(folder, toy):
    (folder / "results" / "runs.csv").write_text("run\n")
    (folder / "results" / "runs.jsonl").unlink()
    assert "scripts/convert_records.py" in found(folder, toy)


def test_damaged_threshold_is_named(folder, toy):
    path = folder / "results" / "threshold.json"
    path.write_text("{}")
    assert f"{path} is damaged (least_certainty is missing)" in found(folder, toy)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 half a file"])
def test_missing_or_damaged_predictions_are_found(folder, toy, content):
    (path,) = (folder / "results" / "predictions").iterdir()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    damage = "missing" if content is None else "damaged"
    assert f"{path} is {damage}" in found(folder, toy)


def test_missing_weights_of_the_reported_run_are_found(folder, toy):
    (folder / "manifest.json").write_text(json.dumps({"checkpoints": []}))
    for path in folder.rglob("*.safetensors"):
        path.unlink()
    assert "(mlp, tuned) are missing: train it again" in found(folder, toy)


def test_predictions_that_differ_from_the_record_are_found(folder, toy):
    records = Records(folder / "results")
    (path,) = (folder / "results" / "predictions").iterdir()
    predictions = records.predictions(path.stem)
    np.savez_compressed(path, **predictions | {"test": (predictions["test"] + 1) % 10})
    assert f"{path} is damaged (its sha256" in found(folder, toy)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    falsify(records, lambda entry: entry.update(predictions=sha256))
    assert f"{path} has accuracy" in found(folder, toy)


def test_recorded_accuracy_that_the_weights_do_not_have_is_found(folder, toy):
    records, path = Records(folder / "results"), folder / "manifest.json"
    accuracy = records.runs()["test_accuracy"].item()
    path.write_text(path.read_text().replace(str(accuracy), "0.123"))
    falsify(records, lambda entry: entry["run"].update(test_accuracy=0.123))
    assert "but 0.1230 is recorded" in found(folder, toy)


def robustness_of(folder) -> RobustnessRecords:
    return RobustnessRecords(folder / "results")


def test_damaged_lines_of_the_robustness_records_are_named(folder, toy):
    path = robustness_of(folder).path
    path.write_bytes(path.read_bytes().replace(b'"seed": 0', b'"seed": 1'))
    problems = found(folder, toy)
    assert f"{path}, line 1, is left out: it was changed" in problems
    assert "1 networks have no record of robustness: run mnistcmp robustness" in problems


def test_robustness_of_other_weights_is_found(folder, toy):
    falsify(robustness_of(folder), lambda entry: entry.update(sha256="ab" * 32))
    file = weights_of(folder).relative_to(folder)
    assert f"the robustness of {file} is that of other weights" in found(folder, toy)


@pytest.mark.parametrize(
    "change, kind",
    [
        (lambda entry: entry["corruptions"].update(dict.fromkeys(entry["corruptions"], 0.111)), ""),
        (lambda entry: entry["ladders"].update(shift=[[4, 0.111]]), "shift 4"),
    ],
)
def test_recorded_robustness_that_the_weights_do_not_have_is_found(
    folder, toy, monkeypatch, change, kind
):
    monkeypatch.setattr(verify, "CHECKED_FIGURES", 100)  # one of each kind
    assert found(folder, toy) == ""
    falsify(robustness_of(folder), change)
    problems = [
        line for line in found(folder, toy).splitlines() if "but 0.1110 is recorded" in line
    ]
    assert len(problems) == (1 if kind else len(CORRUPTIONS))
    assert all(f"{weights_of(folder).name}, {kind}" in problem for problem in problems)


def test_only_a_few_figures_of_robustness_are_measured_again(folder, toy, monkeypatch):
    measured = []
    accuracy = measure.accuracy

    def counted(network, images, stress, count):
        measured.append(stress.kind)
        return accuracy(network, images, stress, count)

    monkeypatch.setattr(measure, "accuracy", counted)
    monkeypatch.setattr(verify, "CHECKED_FIGURES", FIGURES)
    assert found(folder, toy) == ""
    assert len(measured) == len(set(measured)) == 10
