"""`mnistcmp robustness`, and the robustness that campaigns record, on toy images."""

import dataclasses

import pytest
import torch

from mnistcmp import checkpoints
from mnistcmp.campaign import jobs, measure_checkpoints, plans, recording, schedule
from mnistcmp.campaign.progress import MeasuringProgress
from mnistcmp.catalogue import studies
from mnistcmp.records import Records
from mnistcmp.records.robustness import RobustnessRecords
from mnistcmp.robustness import measure
from tests.helpers import FEW_CORRUPTIONS, FEW_DIALS, Quiet, Training

TIMELESS = ("finished", "machine", "versions")


@pytest.fixture
def folder(inline, toy, tmp_path, monkeypatch):
    """A folder in which a campaign recorded two networks with seed 0 and one with seed 1."""
    monkeypatch.setattr(measure_checkpoints, "load_dataset", lambda *_: toy.dataset)
    monkeypatch.setattr(measure, "SAMPLE_IMAGES", 50)
    monkeypatch.setattr(measure, "LADDER_IMAGES", 100)
    train(tmp_path, toy, seeds=1)
    train(tmp_path, toy, seeds=2, models=["mlp"])
    return tmp_path


def train(folder, toy, *, seeds, models=("mlp", "tiny_cnn"), progress=None, **options):
    plan = plans.plan(models, ["tuned"], range(seeds), epochs=1, **options)
    done = {key[1:4] for key in plans.recorded(Records(folder / "results"))}
    left = [job for job in plan if (job.model, job.recipe.name, job.seed) not in done]
    schedule.run(
        left,
        toy,
        folder,
        campaign="test",
        workers=1,
        device="cpu",
        progress=progress or Quiet(),
    )


def recorded(folder):
    """(model, seed) -> its record, without what differs between two measurements."""
    entries = RobustnessRecords(folder / "results").entries()
    return {
        (entry["model"], entry["seed"]): {
            name: value for name, value in entry.items() if name not in TIMELESS
        }
        for entry in entries
    }


def forget(folder):
    (folder / "results" / "robustness.jsonl").unlink()


@pytest.fixture
def command(folder, capsys):
    return Training(folder, capsys, "robustness")


def test_campaign_records_the_robustness_of_every_run(folder):
    records = recorded(folder)
    assert records.keys() == {("mlp", 0), ("tiny_cnn", 0), ("mlp", 1)}
    runs = Records(folder / "results").runs().set_index("run")
    for (model, seed), entry in records.items():
        run = runs.loc[entry["run"]]
        assert (run["model"], run["recipe"], run["seed"]) == (model, entry["recipe"], seed)
        assert (entry["dataset"], entry["device"]) == ("mnist", "cpu")
    for checkpoint in checkpoints.read_manifest(folder):
        entry = records[checkpoint.model, 0]
        assert (entry["sha256"], entry["run"]) == (checkpoint.sha256, checkpoint.run)
        assert entry["clean"] == checkpoint.test_accuracy


def test_campaign_measures_seed_0_in_full_and_others_on_a_sample(folder):
    first, second = recorded(folder)["mlp", 0], recorded(folder)["mlp", 1]
    assert (first["images"], first["ladder_images"]) == (128, 100)
    assert (second["images"], second["ladder_images"]) == (50, 0)
    assert first["ladders"].keys() == FEW_DIALS.keys()
    assert second["ladders"] == {}
    assert first["corruptions"].keys() == second["corruptions"].keys() == FEW_CORRUPTIONS.keys()


def test_campaign_measures_every_seed_of_a_stressed_study_in_full(
    inline, toy, tmp_path, monkeypatch
):
    number = next(n for n, study in studies.STUDIES.items() if "mlp" in study.models)
    stressed = dataclasses.replace(studies.STUDIES[number], stressed=True)
    monkeypatch.setitem(studies.STUDIES, number, stressed)
    train(tmp_path, toy, seeds=2, models=["mlp"])
    assert recorded(tmp_path)["mlp", 1]["ladders"].keys() == FEW_DIALS.keys()


@pytest.mark.parametrize("options", [{"protocol": "validation"}, {"dataset": "kmnist"}])
def test_campaign_measures_only_final_runs_on_mnist(options, inline, toy, tmp_path):
    train(tmp_path, toy, seeds=1, models=["mlp"], **options)
    assert len(Records(tmp_path / "results").runs()) == 1
    assert not (tmp_path / "results" / "robustness.jsonl").exists()


def test_run_counts_even_if_its_robustness_cannot_be_measured(inline, toy, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise MemoryError("no room")

    monkeypatch.setattr(jobs, "measure", fail)
    progress = Quiet()
    train(tmp_path, toy, seeds=1, models=["mlp"], progress=progress)
    assert Records(tmp_path / "results").runs()["status"].tolist() == ["ok"]
    assert checkpoints.read_manifest(tmp_path)[0].model == "mlp"
    assert progress.notes == ["mlp, tuned, seed 0: robustness not measured (MemoryError: no room)"]
    assert not (tmp_path / "results" / "robustness.jsonl").exists()


def test_robustness_of_weights_on_disk_is_what_the_campaign_recorded(folder, command):
    before = recorded(folder)
    forget(folder)
    status, out, err = command()
    assert (status, err) == (0, "")
    assert "0 of 2 networks are measured already" in out
    assert "Preparing 6 changes of the test images" in out
    del before["mlp", 1]  # whose weights are not kept
    assert recorded(folder) == before
    clean = before["mlp", 0]["clean"]
    assert f"mlp, tuned: {100 * clean:.2f} % clean" in out


def test_robustness_is_written_as_a_table(folder, command):
    path = folder / "results" / "robustness.csv"
    assert not path.exists()
    command()
    lines = path.read_text().splitlines()
    assert lines[0] == "dataset,model,recipe,seed,kind,level,accuracy,n"
    shift = dict(map(tuple, recorded(folder)["mlp", 0]["ladders"]["shift"]))
    assert f"mnist,mlp,tuned,0,shift,5.0,{shift[5]},100" in lines
    # For each network clean and two corruptions; two dials with three positions each in full.
    assert len(lines) == 1 + 2 * (3 + 6) + 3


def test_robustness_measures_nothing_twice(folder, command):
    before = (folder / "results" / "robustness.jsonl").read_bytes()
    status, out, _ = command()
    assert status == 0
    assert "2 of 2 networks are measured already" in out
    assert "Preparing" not in out
    assert (folder / "results" / "robustness.jsonl").read_bytes() == before


def test_robustness_measures_only_what_is_named(folder, command):
    forget(folder)
    command("--models", "tiny_cnn", "cnn")
    assert recorded(folder).keys() == {("tiny_cnn", 0)}
    status, out, _ = command("--recipe", "drawn")
    assert status == 0
    assert "0 of 0 networks" in out


def test_robustness_continues_where_it_was_stopped(folder, command, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    complete = recorded(folder)
    forget(folder)
    with monkeypatch.context() as patch:
        patch.setattr(MeasuringProgress, "measured", stop)
        status, _, err = command()
    assert status == 130
    assert err == "Stopped. All finished runs are recorded; run the same command to continue.\n"
    (done,) = recorded(folder)
    status, out, _ = command()
    assert status == 0
    assert "1 of 2 networks are measured already" in out
    assert recorded(folder).items() <= complete.items()
    assert len(recorded(folder)) == 2
    assert len((folder / "results" / "robustness.jsonl").read_bytes().splitlines()) == 2
    assert f"1/1  {done[0]}" not in out


def test_weights_of_a_damaged_line_are_measured_again(folder, command):
    path = folder / "results" / "robustness.jsonl"
    complete = recorded(folder)
    path.write_bytes(path.read_bytes().replace(b'"model": "tiny_cnn"', b'"model": "tinycnn"'))
    assert ("tiny_cnn", 0) not in recorded(folder)
    status, out, _ = command()
    assert status == 0
    assert "is left out: it was changed" in out
    assert "1 of 2 networks are measured already" in out
    assert recorded(folder) == complete


def test_new_weights_of_a_network_are_measured(folder, command, toy):
    (former,) = (entry for entry in checkpoints.read_manifest(folder) if entry.model == "mlp")
    network = checkpoints.load_checkpoint(former, folder)
    with torch.no_grad():
        next(network.parameters()).mul_(0.5)
    facts = dataclasses.asdict(former)
    del facts["file"], facts["sha256"]
    saved = checkpoints.save(folder, jobs._weights(network), **facts)
    status, out, _ = command()
    assert status == 0
    assert "1 of 2 networks are measured already" in out
    assert recorded(folder)["mlp", 0]["sha256"] == saved.sha256 != former.sha256


def test_damaged_weights_cost_only_their_own_record(folder, command):
    forget(folder)
    (path,) = (folder / "mnist" / "tuned").glob("mlp-*")
    path.write_bytes(path.read_bytes()[:-1])
    status, out, _ = command()
    assert status == 1
    assert "mlp, tuned: failed: CheckpointError" in out
    assert "1 networks were not measured: run the same command to try again" in out
    assert recorded(folder).keys() == {("tiny_cnn", 0)}


def test_full_disk_ends_the_command_with_the_remedy(folder, command, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    forget(folder)
    monkeypatch.setattr("numpy.save", full)
    status, _, err = command()
    assert status == 1
    assert "TMPDIR" in err
    assert "Traceback" not in err


def test_robustness_refuses_a_folder_that_another_training_uses(folder, command):
    with recording.only_writer(folder):
        status, _, err = command()
    assert status == 1
    assert f"another training is writing to {folder}" in err


@pytest.mark.parametrize(
    "arguments, remedy",
    [
        (("--models", "smple_cnn"), "did you mean 'simple_cnn'?"),
        (("--recipe", "tund"), "did you mean 'tuned'?"),
        (("--workers", "0"), "'0' is not a positive whole number"),
        (("--device", "tpu"), "'tpu'; "),
        (("--seeds", "3"), "--seeds"),
    ],
)
def test_robustness_says_what_is_wrong_with_an_argument(tmp_path, capsys, arguments, remedy):
    status, _, err = Training(tmp_path / "out", capsys, "robustness")(*arguments)
    assert status == 2
    assert remedy in err
    assert not (tmp_path / "out").exists()
