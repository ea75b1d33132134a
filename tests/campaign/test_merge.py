"""`--shard` and `mnistcmp merge`: parts of a campaign, and the folder that they are joined in."""

import shutil

import pytest

from mnistcmp import checkpoints, cli
from mnistcmp.campaign import merge as merge_module
from mnistcmp.campaign import orders, plans, recording, verify
from mnistcmp.campaign.merge import merge
from mnistcmp.campaign.plans import Shard
from mnistcmp.data import sample_pack
from mnistcmp.inspection import snapshots
from mnistcmp.records import Records
from mnistcmp.records.robustness import RobustnessRecords
from tests.helpers import InlineWorker, Training, measure_little

QUICK = ["--models", "mlp", "tiny_cnn", "--recipe", "tuned", "--seeds", "2", "--epochs", "1"]
SAME = ["dataset", "model", "recipe", "seed", "test_accuracy", "test_loss", "train_loss"]


@pytest.fixture(scope="module")
def folders(toy, tmp_path_factory):
    """Folders of the whole campaign and of its three shards, by "all", "1/3", "2/3" and "3/3"."""
    root = tmp_path_factory.mktemp("shards")
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        measure_little(patch)
        patch.setattr("mnistcmp.campaign.workers.worker_pool.Worker", InlineWorker)
        patch.setattr("mnistcmp.campaign.schedule.BF16_MUST_SAVE", 2)
        patch.setattr(orders, "load_materials", lambda _, __, recipes, ___: (toy, list(recipes)))
        for name in ("all", "1/3", "2/3", "3/3"):
            made[name] = root / name.replace("/", "of")
            part = [] if name == "all" else ["--shard", name]
            assert cli.main(["train", "--out", str(made[name]), *QUICK, *part]) == 0
    return made


@pytest.fixture(autouse=True)
def data(toy, monkeypatch):
    monkeypatch.setattr(merge_module, "load_dataset", lambda *_: toy.dataset)
    measure_little(monkeypatch)


@pytest.fixture
def shards(folders, tmp_path):
    """Copies of the folders of the shards, which the test may damage."""
    names = ("1/3", "2/3", "3/3")
    return [shutil.copytree(folders[n], tmp_path / f"part{n[0]}") for n in names]


@pytest.fixture
def joined(tmp_path):
    return tmp_path / "joined"


def together(sources, out, data="unused"):
    """-> what was counted, and the problems."""
    said = []
    return merge(sources, out, data, said.append), said


def rows(folder):
    """What must be equal of two campaigns, by network and seed."""
    return Records(folder / "results").runs()[SAME].sort_values(SAME[:4]).reset_index(drop=True)


def hashes(folder):
    return {entry.key: entry.sha256 for entry in checkpoints.read_manifest(folder)}


def content(folder):
    """Path -> content of every file, without the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def damage(path, old, new):
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("shard", "seeds"), [((1, 1), [0, 1, 2, 3]), ((1, 3), [0, 3]), ((2, 3), [1]), ((3, 3), [2])]
)
def test_shard_is_every_nth_run(shard, seeds):
    jobs = plans.plan(["mlp"], ["tuned"], range(4))
    assert [job.seed for job in Shard(*shard).of(jobs)] == seeds


def test_shard_without_runs_is_refused_with_the_remedy():
    jobs = plans.plan(["mlp"], ["tuned"], range(2))
    with pytest.raises(ValueError, match=r"shard 3/8 has no runs.*at most 2 shards"):
        Shard(3, 8).of(jobs)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/", "/3", "-1/3", "1/3/3", "a/b", "1.0/3"])
def test_shard_that_cannot_be_is_refused(text, capsys, tmp_path):
    with pytest.raises(SystemExit):
        cli.main(["train", "--out", str(tmp_path), f"--shard={text}"])
    assert f"'{text}' is not a part K/N with K from 1 to N" in capsys.readouterr().err


def test_merged_shards_are_the_whole_campaign(folders, shards, joined):
    merged, said = together(shards, joined)
    assert (merged.added, merged.known, merged.problems, said) == (4, 0, 0, [])
    assert rows(joined).equals(rows(folders["all"]))
    assert hashes(joined) == hashes(folders["all"])
    assert hashes(snapshots.folder_in(joined)) == hashes(snapshots.folder_in(folders["all"]))
    assert set(hashes(snapshots.folder_in(joined))) == set(hashes(joined))
    for folder in (joined, folders["all"]):
        assert len(RobustnessRecords(folder / "results").entries()) == 4
    packs = [sample_pack.load(sample_pack.path(f, "mnist")) for f in (joined, folders["all"])]
    assert (packs[0].runs, packs[0].misread.tolist()) == (4, packs[1].misread.tolist())
    tables = [(f / "results" / "runs.csv").read_text().count("\n") for f in (joined, shards[0])]
    assert tables == [5, 3]


def test_merged_folder_passes_the_check(shards, joined, toy, monkeypatch):
    monkeypatch.setattr(verify.threshold, "read", lambda _: None)
    together(shards, joined)
    assert list(verify.problems(joined, toy.dataset)) == []


def test_merging_again_changes_nothing(shards, joined):
    together(shards, joined)
    before = content(joined)
    merged, said = together([*shards, shards[0]], joined)
    assert (merged.added, merged.known, merged.problems, said) == (0, 4, 0, [])
    assert content(joined) == before


def test_order_of_the_folders_does_not_change_which_run_is_reported(shards, joined, tmp_path):
    first, again = shards[0], tmp_path / "again"
    shutil.copytree(first, again)
    entries = Records(first / "results").entries()
    shutil.rmtree(again / "results")
    records = Records(again / "results")
    for name, entry in entries.items():
        later = {**entry, "run": entry["run"] | {"run": f"b{name}", "finished": "2999-01-01"}}
        predictions = Records(first / "results").predictions_file(entry)
        records.append_entry(later, predictions)
    manifest = again / "manifest.json"
    for name in entries:
        for path in (manifest, again / "epochs" / "manifest.json"):
            path.write_text(path.read_text().replace(f'"{name}"', f'"b{name}"'))
    for sources in ([first, again], [again, first]):
        out = tmp_path / f"from_{sources[0].name}"
        merged, _ = together(sources, out)
        assert merged.added == 2 * len(entries)
        kept = checkpoints.read_manifest(out)
        assert kept and all(entry.run.startswith("b") for entry in kept)


def test_run_that_differs_is_named_and_nothing_of_it_is_taken(shards, joined, tmp_path):
    together(shards[:1], joined)
    before = content(joined)
    other = shards[0]
    records = Records(other / "results")
    changed = [
        {**entry, "run": entry["run"] | {"test_accuracy": 0.5}}
        for entry in records.entries().values()
    ]
    predictions = [records.predictions_file(entry) for entry in changed]
    records.path.unlink()
    (other / "results" / "runs.csv").unlink()
    for entry, labels in zip(changed, predictions, strict=True):
        records.append_entry(entry, labels)
    merged, said = together([other], joined)
    assert (merged.added, merged.known, merged.problems) == (0, 0, len(changed))
    assert all("is recorded differently" in problem for problem in said)
    assert content(joined) == before


def test_damaged_line_is_named_and_the_others_are_taken(shards, joined):
    damage(shards[0] / "results" / "runs.jsonl", b'"model": "mlp"', b'"model": "mlq"')
    merged, said = together(shards, joined)
    assert (merged.added, merged.problems) == (3, 1)
    assert f"{shards[0]}/results/runs.jsonl, line " in said[0]
    assert "checksum" in said[0]


@pytest.mark.parametrize("kind", ["predictions", "weights", "states"])
@pytest.mark.parametrize("missing", [False, True])
def test_run_with_a_damaged_file_is_named_and_left_out(shards, joined, kind, missing):
    records = Records(shards[0] / "results")
    of_seed_0 = next(run for run, e in records.entries().items() if e["run"]["seed"] == 0)
    if kind == "predictions":
        path = records.predictions_path(of_seed_0)
    else:
        folder = shards[0] if kind == "weights" else snapshots.folder_in(shards[0])
        entries = checkpoints.read_manifest(folder)
        path = folder / next(entry.file for entry in entries if entry.run == of_seed_0)
    if missing:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    merged, said = together(shards, joined)
    assert (merged.added, merged.problems) == (3, 1)
    assert said[0].startswith(f"run {of_seed_0} of {shards[0]} is left out: {path}")
    assert of_seed_0 not in Records(joined / "results").entries()
    assert of_seed_0 not in {entry.run for entry in checkpoints.read_manifest(joined)}
    assert not [e for e in RobustnessRecords(joined / "results").entries() if e["run"] == of_seed_0]


@pytest.mark.parametrize("stop_at", [1, 3, 4, 6, 8])
def test_merge_that_stops_in_the_middle_loses_nothing_and_continues(
    shards, joined, folders, monkeypatch, stop_at
):
    together(shards[:1], joined)
    before = Records(joined / "results").entries()
    steps = []

    def fails_at_a_step(function):
        def call(*arguments, **named):
            steps.append(function)
            if len(steps) == stop_at:
                raise OSError(28, "No space left on device")
            return function(*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for module in ("mnistcmp.safe_files", "mnistcmp.checkpoints"):
            name = f"{module}.write_whole"
            patch.setattr(name, fails_at_a_step(checkpoints.write_whole))
        append = fails_at_a_step(merge_module.Records.append_entry)
        patch.setattr(merge_module.Records, "append_entry", append)
        try:
            together(shards[1:], joined)
        except OSError:
            assert len(steps) == stop_at
    after = Records(joined / "results")
    assert after.problems() == []
    assert list(after.entries())[: len(before)] == list(before)
    for entry in after.entries().values():
        assert after.predictions_file(entry)
    for entry in checkpoints.read_manifest(joined):
        checkpoints.load_checkpoint(entry, joined)
    _, said = together(shards[1:], joined)
    assert said == []
    assert rows(joined).equals(rows(folders["all"]))
    assert hashes(joined) == hashes(folders["all"])


def test_folder_without_records_and_the_folder_itself_are_refused(shards, joined, tmp_path):
    with pytest.raises(ValueError, match="has no records of runs"):
        together([tmp_path / "nothing"], joined)
    with pytest.raises(ValueError, match="merged into itself"):
        together(shards, shards[0])
    assert not joined.exists()


def test_folder_with_other_test_images_is_refused(shards, joined):
    pack = sample_pack.load(sample_pack.path(shards[1], "mnist"))
    pack.labels[0] = (pack.labels[0] + 1) % 10
    sample_pack.save(sample_pack.path(shards[1], "mnist"), pack)
    with pytest.raises(ValueError, match="other test images of 'mnist'"):
        together(shards, joined)
    assert not (joined / "results").exists()


def test_merge_waits_for_no_other_writer(shards, joined):
    with recording.only_writer(joined), pytest.raises(ValueError, match="another training"):
        together(shards, joined)


def test_command_merges_and_names_what_it_did(shards, joined, capsys):
    shutil.copytree(shards[2], joined)
    (shards[1] / "results" / "runs.jsonl").write_bytes(b"nonsense\n")
    status, out, _ = Training(joined, capsys, "merge")(*map(str, shards[:2]))
    assert status == 1
    assert "line 1, is left out: it is incomplete" in out
    assert f"2 runs were added to {joined}, 0 were there already; 1 problems." in out
