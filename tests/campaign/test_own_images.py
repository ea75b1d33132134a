"""Training on a folder of colour images in three classes, from the command line to --check."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from mnistcmp import checkpoints
from mnistcmp.campaign import plans, recording, schedule, verify
from mnistcmp.data import sample_pack
from mnistcmp.data.dataset import Dataset
from mnistcmp.data.load import load_dataset
from mnistcmp.models import MODELS
from mnistcmp.records import Records
from mnistcmp.training.loop import Diverged
from tests import made_up
from tests.helpers import Quiet, Training

# For 3×12×12 pixels and 3 classes, by hand: 432 · 32 + 32, then 32 · 3 + 3.
MLP_PARAMS = 13_955
QUICK = ("--models", "mlp", "--recipe", "tuned", "--epochs", "2")


@pytest.fixture(scope="session")
def leaves(tmp_path_factory):
    """120 and 30 noise images of 12×12 px, in which the bright channel is the class."""
    folder = tmp_path_factory.mktemp("own") / "leaves"
    noise = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 10)):
        for channel, name in enumerate(("ash", "beech", "oak")):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = noise.integers(0, 100, (12, 12, 3), dtype=np.uint8)
                pixels[..., channel] += 120
                Image.fromarray(pixels).save(folder / part / name / f"{number}.png")
    return folder


@pytest.fixture
def train(inline, leaves, tmp_path, capsys, monkeypatch):
    training = Training(tmp_path / "out", capsys)
    return lambda *arguments, dataset=leaves: training(
        "--dataset", str(dataset), "--data", str(tmp_path / "data"), *arguments
    )


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_training_records_the_folder(train, out):
    status, printed, _ = train(*QUICK)
    assert status == 0
    assert f"{MLP_PARAMS:,}" in printed
    (row,) = Records(out / "results").runs().itertuples()
    assert (row.dataset, row.status, row.params) == ("leaves", "ok", MLP_PARAMS)
    assert row.trained_on == "120 training images of leaves"
    assert row.test_accuracy > 0.8  # the task is easy if images and labels match
    predictions = Records(out / "results").predictions(row.run)["test"]
    assert len(predictions) == 30
    assert set(predictions) <= {0, 1, 2}
    pack = sample_pack.load(out / "leaves" / "samples.npz")
    assert (len(pack.labels), len(pack.images)) == (30, 0)


def test_records_read_a_numeric_folder_name_as_text(tmp_path):
    records = Records(tmp_path)
    records.append(made_up.run("mlp", 0.5, dataset="2024"))
    assert records.runs()["dataset"].tolist() == ["2024"]


def test_weights_fit_the_images_and_classes_of_the_folder(train, out):
    train(*QUICK)
    (entry,) = checkpoints.read_manifest(out)
    assert (entry.dataset, entry.in_shape, entry.classes) == ("leaves", (3, 12, 12), 3)
    model = checkpoints.load("mlp", "tuned", "leaves", out)
    assert model(torch.rand(2, 3, 12, 12)).shape == (2, 3)


def test_folder_with_the_same_name_and_other_test_images_is_refused(train, out, leaves, tmp_path):
    train(*QUICK)
    other = tmp_path / "leaves"
    shutil.copytree(leaves, other)
    (other / "test" / "oak" / "9.png").unlink()
    status, _, problem = train(*QUICK, dataset=other)
    assert status == 1
    assert "records of another folder called 'leaves'" in problem
    assert "(30 then, 29 now)" in problem
    assert len(Records(out / "results").runs()) == 1


def test_validation_holds_out_a_tenth(train, out):
    assert train(*QUICK, "--protocol", "validation")[0] == 0
    (row,) = Records(out / "results").runs().itertuples()
    assert row.trained_on == "108 training images of leaves"


def test_pen_strokes_are_not_used_with_a_folder(train, out, leaves):
    status, printed, _ = train("--models", "mlp", "--epochs", "1")
    assert status == 0
    assert f"cannot be used with {leaves}" in printed
    assert set(Records(out / "results").runs()["recipe"]) == {"published", "tuned"}


def test_only_small_weights_are_kept(train, out, leaves, monkeypatch):
    monkeypatch.setattr(recording, "LARGEST_KEPT_BYTES", 4 * MLP_PARAMS)  # without the header
    assert train(*QUICK)[0] == 0
    assert checkpoints.read_manifest(out) == []
    assert not list(out.rglob("*.safetensors"))
    status, printed, _ = train("--check")
    assert "0 problems" in printed
    assert status == 0


def test_weights_for_mnist_of_any_size_are_kept(inline, toy, out, monkeypatch):
    monkeypatch.setattr(recording, "LARGEST_KEPT_BYTES", 0)
    run(plans.plan(["mlp"], ["tuned"], [0], epochs=1), toy, out)
    assert len(checkpoints.read_manifest(out)) == 1


def run(jobs, materials, folder) -> list[dict[str, object]]:
    facts = {"campaign": "c1", "workers": 1, "device": "cpu", "progress": Quiet()}
    return schedule.run(jobs, materials, folder, **facts)


def own(toy, in_shape: tuple[int, int, int], classes: int):
    """The toy materials with other images (noise in up to two channels) and without pen digits."""
    parts, generator = [], torch.Generator().manual_seed(0)
    for count in (32, 7):
        pixels = torch.randint(256, (count, *in_shape), generator=generator, dtype=torch.uint8)
        pixels[:, 2:] = 0
        parts += [pixels, torch.arange(count) % classes]
    dataset = Dataset(*parts, tuple(map(str, range(classes))))
    return toy._replace(dataset=dataset, pen_training=None, pen_heldout=None)


def test_model_that_does_not_fit_the_images_fails_alone(inline, toy, out):
    jobs = plans.plan(["conv_maxpool", "mlp"], ["tuned"], [0], dataset="tiny", epochs=1)
    run(jobs, own(toy, (3, 6, 6), 3), out)
    runs = Records(out / "results").runs().set_index("model")
    reason = "failed: ValueError: model 'conv_maxpool' does not fit: an image of 6×6 px "
    assert runs.loc["conv_maxpool", "status"].startswith(reason)
    assert runs.loc["mlp", "status"] == "ok"  # though one channel is black
    assert runs["params"].to_dict() == {"conv_maxpool": 0, "mlp": 3 * 36 * 32 + 32 + 32 * 3 + 3}


def test_failed_run_records_the_number_of_parameters(inline, toy, out):
    (job,) = plans.plan(["mlp"], ["published"], [0], dataset="leaves", epochs=1)
    wild = replace(job, recipe=replace(job.recipe, learning_rate=1e38, batch_size=4))
    (row,) = run([wild], own(toy, (3, 12, 12), 3), out)
    assert row["status"].startswith(f"failed: {Diverged.__name__}")
    assert row["params"] == MLP_PARAMS


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_counted_without_random_numbers(toy, name):
    state = torch.get_rng_state()
    assert recording._count_params(name, toy.dataset) == MODELS[name].params
    assert torch.get_rng_state().equal(state)


def falsify(out) -> str:
    """Falsify the recorded accuracy -> what the problems then say."""
    path = out / "manifest.json"
    manifest = json.loads(path.read_text())
    (entry,) = (e for e in manifest["checkpoints"] if e["dataset"] == "leaves")
    entry["test_accuracy"] = 0.123
    path.write_text(json.dumps(manifest))
    made_up.falsify(
        Records(out / "results"),
        lambda run: run["run"].update(
            {"test_accuracy": 0.123} if run["run"]["dataset"] == "leaves" else {}
        ),
    )
    return "but 0.1230 is recorded"


def test_check_measures_accuracies_on_the_requested_folder(train, out, leaves):
    train(*QUICK)
    status, printed, _ = train("--check")
    assert status == 0
    assert "0 problems" in printed
    assert "accuracies on leaves were measured again" in printed
    recorded = falsify(out)
    status, printed, _ = train("--check")
    assert status == 1
    assert printed.count(recorded) == 2  # for the weights and for the predictions


def test_check_measures_no_network_on_another_data_set(train, toy, out, leaves):
    run(plans.plan(["mlp"], ["tuned"], [0], epochs=1), toy, out)
    train(*QUICK)
    assert list(verify.problems(out, toy.dataset)) == []
    assert list(verify.problems(out, load_dataset(str(leaves), out / "data"), "leaves")) == []
    falsify(out)
    assert list(verify.problems(out, toy.dataset)) == []


def test_check_names_results_from_other_images(inline, toy, out):
    materials = own(toy, (3, 6, 6), 3)
    (row,) = run(plans.plan(["mlp"], ["tuned"], [0], dataset="x", epochs=1), materials, out)
    assert 0 < row["test_accuracy"] < 1  # some sevenths, which the record rounds
    assert list(verify.problems(out, materials.dataset, "x")) == []
    weights, predictions = verify.problems(out, own(toy, (1, 6, 6), 4).dataset, "x")
    assert "is for other images (shape, classes): ((3, 6, 6), 3), not ((1, 6, 6), 4)" in weights
    assert "has accuracy" in predictions
    images, labels = materials.dataset.test_images[:3], materials.dataset.test_labels[:3]
    fewer = materials.dataset._replace(test_images=images, test_labels=labels)
    assert "npz has 7 predictions for 3 test images" in "".join(verify.problems(out, fewer, "x"))


def test_check_says_which_accuracies_were_not_measured(train, out):
    train(*QUICK)
    falsify(out)
    status, printed, _ = train("--check", dataset="mnist")
    assert status == 0
    assert f"no accuracies were measured again, because {out.parent / 'data'} has no MNIST" in (
        printed
    )


@pytest.mark.parametrize("option", [(), ("--check",)])
def test_folder_with_another_layout_is_refused_with_the_remedy(train, out, tmp_path, option):
    (tmp_path / "photos" / "train").mkdir(parents=True)
    status, _, problem = train(*option, dataset=tmp_path / "photos")
    assert status == 1
    assert f"there is no folder {tmp_path / 'photos' / 'test'}: lay the images out as" in problem
    assert "Traceback" not in problem
    assert not (out / "results").exists()


def test_path_that_is_not_a_folder_is_refused(train, out, tmp_path):
    status, _, problem = train(dataset=tmp_path / "nowhere")
    assert status == 2
    assert "or give the path of a folder of images" in problem
