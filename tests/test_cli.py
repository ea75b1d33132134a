"""The training command, in the test's process; test_worker_pool.py tests separate processes."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mnistcmp import checkpoints
from mnistcmp.campaign import orders, plans
from mnistcmp.campaign.progress import TerminalProgress
from mnistcmp.catalogue.recipes import recipes_of
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.data import sample_pack
from mnistcmp.models import MODELS
from mnistcmp.records import Records
from tests.helpers import Training

QUICK = ("--models", "mlp", "--epochs", "1")


@pytest.fixture
def script(inline, toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        orders, "load_materials", lambda name, folder, recipes, say: (toy, list(recipes))
    )
    return Training(tmp_path / "out", capsys)


@pytest.fixture
def planned(monkeypatch):
    """The planned jobs of a campaign, which is stopped before the first run."""
    jobs = []

    def run(left, *_, **__):
        jobs.extend(left)
        raise KeyboardInterrupt

    monkeypatch.setattr(orders, "run", run)
    return jobs


@pytest.fixture
def stop_after_first():
    """Ctrl-C is pressed as soon as the first run is recorded."""

    def finished(self, job, row, done):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TerminalProgress, "finished", finished)
        yield patch


def once(*models: str, seeds: int = 1) -> list[tuple[str, str, int]]:
    return sorted((m, r, s) for m in models for r in recipes_of(m) for s in range(seeds))


def test_train_all_trains_every_recipe_once_and_prints_the_table(script):
    status, out, err = script(*QUICK)
    assert (status, err) == (0, "")
    assert script.trained() == once("mlp")
    (row,) = script.runs().query("recipe == 'published'").itertuples()
    line = next(line for line in out.splitlines() if "mlp" in line and "published" in line.split())
    cells = line.split()
    assert "25,450" in cells
    assert f"{100 * row.test_accuracy:.2f}" in cells
    assert "95.96" in cells  # PUBLISHED.md
    assert "measured on the test images" in out


def test_train_all_without_models_plans_all_of_them(script, planned):
    script()
    assert sorted((j.model, j.recipe.name, j.seed) for j in planned) == once(*MODELS)
    assert {job.protocol for job in planned} == {"final"}


def test_train_all_trains_again_after_it_was_finished(script):
    script(*QUICK)
    script(*QUICK)
    assert script.trained() == sorted(once("mlp") * 2)
    assert script.runs()["campaign"].nunique() == 2


def test_train_all_continues_where_it_was_stopped(script, stop_after_first):
    status, _, err = script(*QUICK)
    assert status == 130
    assert "run the same command to continue" in err
    assert "Traceback" not in err
    assert len(script.runs()) == 1
    stop_after_first.undo()
    status, out, _ = script(*QUICK)
    assert status == 0
    assert "1 of 3 runs are done already" in out
    assert script.trained() == once("mlp")
    assert script.runs()["campaign"].nunique() == 1


def test_train_all_continues_if_it_was_stopped_after_the_last_run(script, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sample_pack, "save", full)
        status, _, err = script(*QUICK)
    assert status == 1
    assert "No space left" in err
    status, out, _ = script(*QUICK)
    assert status == 0
    assert "3 of 3 runs are done already" in out
    assert script.trained() == once("mlp")


@pytest.mark.parametrize("content", [None, b"PK half a file"])
def test_train_all_leaves_damaged_predictions_out_of_the_samples(script, content):
    script(*QUICK)
    path = next((script.out / "results" / "predictions").iterdir())
    path.unlink() if content is None else path.write_bytes(content)
    status, out, _ = script(*QUICK, "--missing")
    assert status == 0
    assert f"{path} is {'missing' if content is None else 'damaged'}" in out
    assert sample_pack.load(script.out / "mnist" / "samples.npz").runs == 2


def test_train_all_fresh_starts_again(script, stop_after_first):
    script(*QUICK)
    stop_after_first.undo()
    script(*QUICK, "--fresh")
    assert len(script.runs()) == 4
    newest = script.runs()["campaign"].iloc[-1]
    assert (script.runs()["campaign"] == newest).sum() == 3


def test_train_all_does_not_continue_another_command(script, stop_after_first):
    script(*QUICK)
    stop_after_first.undo()
    script("--models", "mlp", "--epochs", "2")
    assert len(script.runs()) == 4


def test_train_all_missing_extends_models_and_seeds(script):
    script(*QUICK, "--recipe", "tuned")
    script("--models", "mlp", "tiny_cnn", "--epochs", "1", "--recipe", "tuned", "--missing")
    assert script.trained() == [("mlp", "tuned", 0), ("tiny_cnn", "tuned", 0)]
    script(*QUICK, "--recipe", "tuned", "--seeds", "3", "--missing")
    assert script.trained() == [*(("mlp", "tuned", n) for n in range(3)), ("tiny_cnn", "tuned", 0)]
    status, out, _ = script(*QUICK, "--recipe", "tuned", "--seeds", "3", "--missing")
    assert status == 0
    assert "3 of 3 runs are done already" in out
    assert len(script.runs()) == 4


def test_train_all_missing_trains_failed_runs_again(script, monkeypatch):
    with monkeypatch.context() as patch:
        wild = Recipe("tuned", learning_rate=1e38, epochs=1)
        patch.setattr(plans, "recipe_for", lambda name, model, dataset, mirror: wild)
        status, out, _ = script("--models", "mlp", "--recipe", "tuned")
    assert status == 1
    assert "1 runs failed" in out
    assert "mlp, tuned, seed 0: failed: Diverged" in out
    status, _, _ = script("--models", "mlp", "--recipe", "tuned", "--missing")
    assert status == 0
    assert script.runs()["status"].iloc[-1] == "ok"


def test_train_all_study_plans_the_models_of_that_study(script, planned):
    script("--study", "2", "--recipe", "tuned")
    assert [job.model for job in planned] == ["mlp_100", "conv_maxpool", "conv_batchnorm"]


def test_train_all_epochs_overrides_the_recipe(script):
    script("--models", "mlp", "--recipe", "tuned", "--epochs", "3")
    assert script.runs()["epochs"].tolist() == [3]
    assert Records(script.out / "results").epochs()["epoch"].tolist() == [1, 2, 3]


def test_train_all_validation_keeps_no_weights(script):
    status, out, _ = script(*QUICK, "--recipe", "tuned", "--protocol", "validation")
    assert status == 0
    assert "measured on the validation images" in out
    assert script.runs()["protocol"].tolist() == ["validation"]
    assert checkpoints.read_manifest(script.out) == []
    assert not list(script.out.rglob("*.safetensors"))


def test_train_all_list_shows_every_model_and_trains_nothing(script):
    status, out, _ = script("--list")
    assert status == 0
    assert all(name in out.split() for name in MODELS)
    assert not script.out.exists()


def test_train_all_help_explains_every_option(script):
    status, out, _ = script("--help")
    assert status == 0
    assert all(f"--{option}" in out for option in ("models", "seeds", "missing", "fresh", "data"))


@pytest.mark.parametrize(
    "arguments, remedy",
    [
        (("--models", "smple_cnn"), "'smple_cnn'; did you mean 'simple_cnn'?"),
        (("--models", "transformer"), "Choose from: mlp, "),
        (("--recipe", "tund"), "did you mean 'tuned'?"),
        (("--study", "0"), "there is no study '0'; "),
        (("--dataset", "minst"), "did you mean 'mnist'?"),
        (("--protocol", "valid"), "did you mean 'validation'?"),
        (("--device", "tpu"), "'tpu'; "),
        (("--seeds", "0"), "'0' is not a positive whole number"),
        (("--seeds", "x"), "'x' is not a positive whole number"),
        (("--epochs", "-1"), "'-1' is not a positive whole number"),
        (("--workers", "1.5"), "'1.5' is not a positive whole number"),
        (("--missing", "--fresh"), "not allowed with"),
        (("--models", "mlp", "--study", "1"), "not allowed with"),
        (("--modles", "mlp"), "--modles"),
    ],
)
def test_train_all_says_what_is_wrong_with_an_argument(script, arguments, remedy):
    status, _, err = script(*arguments)
    assert status == 2
    assert remedy in err
    assert not script.out.exists()


def test_train_all_says_what_to_use_without_cuda(script, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    status, _, err = script(*QUICK, "--device", "cuda")
    assert status == 1
    assert "no cuda device" in err
    assert "cpu" in err
    assert len(script.runs()) == 0


@pytest.fixture
def script_without_pen(inline, toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(orders, "load_dataset", lambda name, folder: toy.dataset)
    return Training(tmp_path / "out", capsys)


def test_train_all_without_the_pen_file_trains_the_other_recipes(script_without_pen, tmp_path):
    folder = tmp_path / "[my data]"
    status, out, _ = script_without_pen(*QUICK, "--data", str(folder))
    assert status == 0
    assert script_without_pen.trained() == [("mlp", "published", 0), ("mlp", "tuned", 0)]
    assert str(folder / "pendigits" / "pendigits-orig.tra") in out
    for part in ("UCI Machine Learning Repository", "81", "CC BY 4.0"):
        assert part in out


def test_train_all_drawn_needs_the_pen_file(script_without_pen, tmp_path):
    status, _, err = script_without_pen(*QUICK, "--recipe", "drawn", "--data", str(tmp_path))
    assert status == 1
    assert str(tmp_path / "pendigits" / "pendigits-orig.tra") in err
    assert len(script_without_pen.runs()) == 0


@pytest.mark.parametrize("recipe", ["published", "hardened"])
def test_train_all_refuses_models_without_the_recipe(script, recipe):
    status, _, err = script("--models", "kernel_3", "depth_2", "--recipe", recipe)
    assert status == 1
    assert f"there is no {recipe} recipe for kernel_3, depth_2" in err
    assert len(script.runs()) == 0


def test_train_all_skips_the_drawn_recipe_for_another_data_set(script_without_pen):
    status, out, _ = script_without_pen(*QUICK, "--dataset", "kmnist")
    assert status == 0
    assert "cannot be used with kmnist" in out
    assert set(script_without_pen.runs()["recipe"]) == {"published", "tuned"}
    assert set(script_without_pen.runs()["dataset"]) == {"kmnist"}


def test_train_all_packs_only_the_labels_of_other_data_sets(script_without_pen, toy):
    script_without_pen(*QUICK, "--dataset", "kmnist")
    pack = sample_pack.load(script_without_pen.out / "kmnist" / "samples.npz")
    assert pack.labels.tolist() == toy.dataset.test_labels.tolist()
    assert len(pack.images) == 0


def test_train_all_refuses_a_folder_that_another_training_uses(script):
    script.out.mkdir()
    hold = "import sys, filelock as f; k = f.FileLock(sys.argv[1]); k.acquire(); print(1); input()"
    with subprocess.Popen(
        [sys.executable, "-uc", hold, str(script.out / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"1\n"
        status, _, err = script(*QUICK)
        other.communicate(b"\n")
    assert status == 1
    assert f"another training is writing to {script.out}" in err
    assert len(script.runs()) == 0


@pytest.mark.parametrize(
    "part", ["", "results", "results/predictions", "unfinished", "mnist", "mnist/tuned"]
)
def test_train_all_says_before_training_that_a_folder_cannot_be_written(script, planned, part):
    path = script.out / part
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a file in the place of a folder")
    status, _, err = script(*QUICK, "--recipe", "tuned")
    assert status == 1
    assert "Not a directory; make this folder writable or choose another one" in err
    assert f"'{path}'" in err
    assert "Traceback" not in err
    assert not planned


def test_train_all_says_before_training_that_the_disk_is_read_only(script, planned, monkeypatch):
    def read_only(dir):
        raise OSError(errno.EROFS, "Read-only file system", str(dir))

    monkeypatch.setattr("mnistcmp.safe_files.tempfile.TemporaryFile", read_only)
    status, _, err = script(*QUICK)
    assert status == 1
    assert "Read-only file system; make this folder writable" in err
    assert not planned
    assert not script.out.exists()


def test_train_all_says_before_training_that_the_records_cannot_be_written(
    script, planned, monkeypatch
):
    path, open_path = Records(script.out / "results").path, Path.open
    path.parent.mkdir(parents=True)
    path.touch()

    def read_only(self, mode="r", *rest, **named):
        if self == path and mode != "rb":
            raise OSError(errno.EACCES, "Permission denied", str(self))
        return open_path(self, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", read_only)
    status, _, err = script(*QUICK)
    assert status == 1
    assert f"Permission denied; make this file writable or choose another folder: '{path}'" in err
    assert not planned


def test_train_all_on_a_full_disk_keeps_what_was_recorded(script, monkeypatch):
    append, written = Records.append, []

    def full_after_one(self, run, *rest):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(run)
        append(self, run, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Records, "append", full_after_one)
        status, _, err = script(*QUICK)
    assert status == 1
    assert "No space left on device" in err
    assert "Traceback" not in err
    assert script.runs()["run"].tolist() == [written[0]["run"]]
    assert script(*QUICK)[0] == 0
    assert script.trained() == once("mlp")
