"""Campaigns on toy images: what is recorded, and that a failure costs only one run."""

import json
import multiprocessing
import resource
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import torch

import mnistcmp.data.dataset
from mnistcmp import checkpoints
from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS
from mnistcmp.inspection import snapshots
from mnistcmp.models import MODELS
from mnistcmp.records import RUN_COLUMNS, Records
from mnistcmp.robustness_records import Measured, RobustnessRecords
from mnistcmp.training import campaign, jobs, loop, recording, schedule
from mnistcmp.training.jobs import Job
from mnistcmp.training.worker_pool import Call
from tests import made_up
from tests.helpers import Quiet, end_process

EPOCHS = 3
WEIGHTS_OF = [("mnist", "mlp", "drawn"), ("mnist", "mlp", "tuned"), ("mnist", "tiny_cnn", "tuned")]
RESULT_COLUMNS = ["train_accuracy", "train_loss", "test_accuracy", "test_loss", "pen_accuracy"]


def toy_jobs() -> list[Job]:
    jobs = campaign.plan(["mlp", "tiny_cnn"], ["tuned"], range(2), epochs=EPOCHS)
    return jobs + campaign.plan(["mlp"], ["drawn"], [0], epochs=EPOCHS)


def run(jobs, materials, folder, *, count=1, progress=None, identity="c1"):
    return schedule.run(
        jobs,
        materials,
        folder,
        campaign=identity,
        workers=count,
        device="cpu",
        progress=progress or Quiet(),
    )


@pytest.fixture(scope="module")
def folders(toy, tmp_path_factory):
    """Number of workers -> the folder in which they recorded the toy jobs, in fp32."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "BF16_MUST_SAVE", 2)
        for count in (1, 2):
            made[count] = tmp_path_factory.mktemp(f"workers{count}")
            run(toy_jobs(), toy, made[count], count=count)
    return made


@pytest.fixture(params=[1, 2])
def folder(folders, request):
    return folders[request.param]


def test_campaign_records_one_row_per_job(folder):
    runs = Records(folder / "results").runs()
    keys = runs[["dataset", "model", "recipe", "seed", "protocol"]].itertuples(index=False)
    assert sorted(map(tuple, keys)) == sorted(map(campaign.key_of, toy_jobs()))
    assert runs["run"].is_unique
    assert set(runs["status"]) == {"ok"}
    assert set(runs["campaign"]) == {"c1"}


def test_campaign_fills_every_column_with_plausible_values(folder):
    runs = Records(folder / "results").runs()
    assert list(runs.columns) == list(RUN_COLUMNS)
    assert runs.notna().all(axis=None)
    for column in ("train_accuracy", "test_accuracy", "pen_accuracy"):
        assert runs[column].between(0, 1).all()
    for column in ("train_seconds", "ms_per_image", "peak_memory_mb"):
        assert (runs[column] > 0).all()
    assert (runs[["test_loss", "train_loss"]] >= 0).all(
        axis=None
    )  # toy images may be read perfectly
    assert set(runs["params"]) == {25_450, 4_266}
    assert set(runs["precision"]) == {"fp32"}
    assert set(runs["epochs"]) == {EPOCHS}
    assert runs["versions"].str.contains(torch.__version__, regex=False).all()
    assert runs["machine"].str.contains("cores").all()


def test_campaign_trains_on_the_recorded_images(folder):
    runs = Records(folder / "results").runs().set_index(["model", "recipe", "seed"])
    plain, drawn = runs.loc[("mlp", "tuned", 0)], runs.loc[("mlp", "drawn", 0)]
    assert plain["trained_on"] == "512 training images of mnist"
    assert drawn["trained_on"].startswith("512 training images of mnist + 64 drawings")
    assert "2 writers" in drawn["trained_on"]
    assert plain["test_accuracy"] > 0.8  # the task is easy if images and labels match
    settings = json.loads(drawn["settings"])
    job = next(job for job in toy_jobs() if job.recipe.name == "drawn")
    assert settings == asdict(job.recipe)


def test_campaign_records_every_epoch_of_every_run(folder):
    records = Records(folder / "results")
    epochs, runs = records.epochs(), records.runs().set_index("run")
    assert set(epochs["run"]) == set(runs.index)
    for run_id, of_run in epochs.groupby("run"):
        assert of_run["epoch"].tolist() == list(range(1, EPOCHS + 1))
        assert of_run["heldout_accuracy"].iloc[-1] == runs.loc[run_id, "test_accuracy"]
    assert all(norms and min(norms.values()) > 0 for norms in epochs["gradient_norms"])


def test_campaign_keeps_the_predictions_of_every_run(folder, toy):
    records = Records(folder / "results")
    for row in records.runs().itertuples():
        read = records.predictions(row.run)
        for name, labels, accuracy in (
            ("test", toy.dataset.test_labels, row.test_accuracy),
            ("pen", toy.pen_heldout.labels, row.pen_accuracy),
        ):
            assert read[name].dtype == "uint8"
            assert round((torch.from_numpy(read[name]) == labels).double().mean().item(), 6) == (
                accuracy
            )


def test_campaign_records_the_same_robustness_with_one_worker_and_with_two(folders):
    found = {}
    for count, folder in folders.items():
        for entry in RobustnessRecords(folder / "results").entries():
            figures = {name: entry[name] for name in Measured.__annotations__}
            found.setdefault((entry["model"], entry["recipe"], entry["seed"]), {})[count] = figures
    assert sorted(found) == sorted((job.model, job.recipe.name, job.seed) for job in toy_jobs())
    for figures in found.values():
        assert figures[1] == figures[2]
        assert figures[1]["corruptions"].keys() == CORRUPTIONS.keys()
    assert all(set(found[key][1]["ladders"]) == (set() if key[2] else set(DIALS)) for key in found)


def test_campaign_keeps_only_the_weights_of_seed_0(folder):
    manifest = checkpoints.read_manifest(folder)
    assert [entry.key for entry in manifest] == WEIGHTS_OF
    assert {entry.seed for entry in manifest} == {0}
    on_disk = {str(path.relative_to(folder)) for path in (folder / "mnist").rglob("*.safetensors")}
    assert on_disk == {entry.file for entry in manifest}


def test_campaign_keeps_the_states_of_small_networks_trained_with_the_recipe_tuned(folder):
    during = {entry.key: entry for entry in checkpoints.read_manifest(folder / "epochs")}
    assert list(during) == [key for key in WEIGHTS_OF if key[2] == "tuned"]
    on_disk = [path for path in (folder / "epochs").rglob("*.safetensors")]
    assert len(on_disk) == len(during)
    for entry in checkpoints.read_manifest(folder):
        if entry.key in during:
            *_, last = snapshots.load(during[entry.key], folder)
            ended, trained = map(
                snapshots.state_of, (last, checkpoints.load_checkpoint(entry, folder))
            )
            assert all(torch.equal(ended[name], trained[name]) for name in trained)


def test_checkpoint_reproduces_the_recorded_accuracy(folder, toy):
    runs = Records(folder / "results").runs().set_index("run")
    pixels = toy.dataset.test_images.unsqueeze(1) / 255
    for entry in checkpoints.read_manifest(folder):
        model = checkpoints.load(entry.model, entry.recipe, entry.dataset, folder)
        with torch.inference_mode():
            right = model(pixels).argmax(dim=1) == toy.dataset.test_labels
        assert round(right.double().mean().item(), 6) == entry.test_accuracy
        assert runs.loc[entry.run, "test_accuracy"] == entry.test_accuracy


def test_same_seed_gives_identical_weights_with_one_and_two_workers(folders):
    hashes = [
        {entry.key: entry.sha256 for entry in checkpoints.read_manifest(folder)}
        for folder in folders.values()
    ]
    assert hashes[0] == hashes[1]
    of_one, of_two = (
        Records(folder / "results").runs().set_index(["model", "recipe", "seed"]).sort_index()
        for folder in folders.values()
    )
    assert of_one[RESULT_COLUMNS].equals(of_two[RESULT_COLUMNS])
    of_seeds = of_one.xs(("mlp", "tuned"))["test_loss"]
    assert of_seeds[0] != of_seeds[1]


def test_killed_worker_costs_only_its_run(toy, tmp_path):
    class Killer(Quiet):
        shots = 0

        def running(self, shares, seconds_left):
            if not self.shots and any(0 < share < 1 for share in shares.values()):
                self.shots += 1
                (worker,) = multiprocessing.active_children()
                end_process(worker.pid)

    endless, short = campaign.plan(["mlp"], ["published"], range(2), epochs=1)
    endless = replace(endless, recipe=replace(endless.recipe, epochs=100_000))
    killer = Killer()
    rows = run([short, endless], toy, tmp_path, progress=killer)
    assert killer.shots == 1
    assert killer.jobs == [endless, short]  # the longest first
    assert "its process was killed" in rows[0]["status"]
    assert rows[1]["status"] == "ok"
    records = Records(tmp_path / "results")
    assert records.runs()["status"].tolist() == [row["status"] for row in rows]
    assert checkpoints.read_manifest(tmp_path) == []  # the killed run was that of seed 0


@pytest.mark.parametrize("batch_size", [64, 512], ids=["in an epoch", "in its very last step"])
def test_diverging_run_is_recorded_as_failed(inline, toy, tmp_path, batch_size):
    first, second = campaign.plan(["mlp", "tiny_cnn"], ["published"], [0], epochs=1)
    wild = replace(first.recipe, learning_rate=1e38, batch_size=batch_size)
    run([replace(first, recipe=wild), second], toy, tmp_path)
    runs = Records(tmp_path / "results").runs().set_index("model")
    assert runs.loc["mlp", "status"].startswith("failed: Diverged: ")
    assert runs.loc["tiny_cnn", "status"] == "ok"
    assert [entry.model for entry in checkpoints.read_manifest(tmp_path)] == ["tiny_cnn"]


def test_run_whose_model_cannot_be_built_is_recorded_as_failed(inline, toy, tmp_path, monkeypatch):
    build = loop.build

    def no_memory_for_mlp(name, *arguments):
        if name == "mlp":
            raise MemoryError("no room\nfor 9 GB")
        return build(name, *arguments)

    monkeypatch.setattr(loop, "build", no_memory_for_mlp)
    run(campaign.plan(["mlp", "tiny_cnn"], ["tuned"], [0], epochs=1), toy, tmp_path)
    runs = Records(tmp_path / "results").runs().set_index("model")
    assert runs.loc["mlp", "status"] == "failed: MemoryError: no room for 9 GB"
    assert runs.loc["tiny_cnn", "status"] == "ok"


@pytest.mark.parametrize("full_by", [0.01, 0.5, 0.7, 0.95])
def test_disk_full_in_the_middle_of_a_line_leaves_the_records_intact(
    inline, toy, tmp_path, full_by
):
    first, second = campaign.plan(["mlp"], ["published"], [1, 2], epochs=1)
    run([first], toy, tmp_path)
    path = tmp_path / "results" / "runs.jsonl"
    before = path.read_bytes()
    line_bytes = len(before)
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + int(full_by * line_bytes), most))
    try:
        with pytest.raises(OSError):
            run([second], toy, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    assert path.read_bytes() == before
    run([second], toy, tmp_path)
    assert Records(tmp_path / "results").runs()["seed"].tolist() == [1, 2]


def test_validation_run_keeps_no_weights(inline, toy, tmp_path, monkeypatch):
    monkeypatch.setattr(mnistcmp.data.dataset, "HELDOUT_IMAGES", 50)
    run(campaign.plan(["mlp"], ["tuned"], [0], protocol="validation", epochs=1), toy, tmp_path)
    records = Records(tmp_path / "results")
    (row,) = records.runs().itertuples()
    assert (row.protocol, row.status) == ("validation", "ok")
    assert row.trained_on == "462 training images of mnist"
    assert len(records.predictions(row.run)["test"]) == 50
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize(
    "seconds, precision",
    [
        ({"fp32": 1.0, "bf16": 0.5}, "bf16"),
        ({"fp32": 1.0, "bf16": 0.95}, "fp32"),
        ({"fp32": 1.0}, "fp32"),
    ],
)
def test_campaign_uses_bf16_only_if_it_is_much_faster(
    inline, toy, tmp_path, monkeypatch, seconds, precision
):
    monkeypatch.setattr(jobs, "probe", lambda *_, **__: seconds)
    (row,) = run(campaign.plan(["mlp"], ["tuned"], [0], epochs=1), toy, tmp_path)
    assert row["precision"] == precision


@pytest.mark.parametrize(("bf16", "precision"), [(0.74, "bf16"), (0.75, "fp32"), (0.76, "fp32")])
def test_bf16_must_save_more_than_a_quarter_of_the_time(bf16, precision):
    assert schedule.choose_precision({"fp32": 1.0, "bf16": bf16}) == precision


@pytest.mark.parametrize(
    ("dataset", "seed", "protocol", "size_bytes", "kept"),
    [
        ("mnist", 0, "final", 9_000_000, True),
        ("mnist", 1, "final", 1_000, False),
        ("mnist", 0, "validation", 1_000, False),
        ("cifar10-jpeg", 0, "final", 1_000_000, True),
        ("cifar10-jpeg", 0, "final", 1_000_001, False),
    ],
)
def test_weights_are_kept_for_seed_0_and_for_other_data_sets_up_to_a_megabyte(
    dataset, seed, protocol, size_bytes, kept
):
    (job,) = campaign.plan(["fcn"], ["tuned"], [seed], dataset=dataset, protocol=protocol)
    assert recording._keeps_weights(job, size_bytes) == kept


@pytest.fixture
def now(monkeypatch) -> list[float]:
    """The time on the campaign's clock, in seconds, which only the test changes."""
    seconds = [1000.0]
    monkeypatch.setattr(schedule, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    return seconds


def two_plans() -> tuple[schedule._Plan, schedule._Plan]:
    """Runs with expected times of 100 and 60 seconds."""
    first, second = campaign.plan(["mlp", "cnn"], ["tuned"], [0], epochs=1)
    return schedule._Plan(first, "fp32", 10, 100.0), schedule._Plan(second, "fp32", 10, 60.0)


def test_time_left_is_at_first_a_fifth_more_than_the_timed_steps(now):
    long, short = two_plans()
    clock = schedule._Clock([long, short], workers=2)
    assert clock.seconds_left({}) == pytest.approx(120)  # the longest alone takes 100
    assert schedule._Clock([long, short], workers=1).seconds_left({}) == pytest.approx(192)
    now[0] += 300
    assert clock.seconds_left({long: 0.6}) == pytest.approx(72)  # each worker did 30, 60 are left
    assert clock.seconds_left({long: 0.6, short: 0.5}) == pytest.approx(40 * 300 / 45)


def test_time_left_follows_the_pace_so_far(now):
    long, short = two_plans()
    clock = schedule._Clock([long, short], workers=2)
    now[0] += 110
    clock.finished(short)
    assert clock.seconds_left({long: 0.5}) == pytest.approx(100)  # 55 took 110, 50 are left
    clock.finished(long)
    assert clock.seconds_left({}) == 0


def test_progress_receives_the_share_of_each_run(now):
    calls = []
    progress = SimpleNamespace(running=lambda shares, seconds: calls.append((shares, seconds)))
    long, short = two_plans()
    agenda = schedule._Agenda([long, short], workers=1)
    agenda.plans = {plan.call: plan for plan in (long, short)}
    timing = Call(jobs.probe_job, (long.job,))
    schedule._report(progress, agenda, {long.call: 1, short.call: 5, timing: 7})
    ((shares, seconds),) = calls
    assert shares == {long.job: 0.1, short.job: 0.5}
    assert seconds == 0  # 40 of 160 seconds are done, in no time


def test_time_left_scales_guesses_by_the_timed_runs(now):
    long, short = two_plans()
    guess = replace(long, seconds=400.0, is_guess=True)
    clock = schedule._Clock([guess, replace(short, is_guess=True)], workers=1)
    assert clock.seconds_left({}) == pytest.approx(1.2 * 460)
    clock.timed(guess, long)
    assert clock.seconds_left({long: 0.2}) == pytest.approx(1.2 * (80 + 60 / 4))


def test_campaign_trains_the_longest_first(inline, toy, tmp_path):
    short, middle = campaign.plan(["mlp", "tiny_cnn"], ["tuned"], [0], epochs=1)
    long = campaign.plan(["mlp"], ["published"], [0], epochs=40)
    progress = Quiet()
    run([short, *long, middle], toy, tmp_path, progress=progress)
    assert progress.jobs == [*long, middle, short]


def test_first_run_starts_before_other_kinds_are_timed(inline, toy, tmp_path, monkeypatch):
    calls = []

    def noted(function):
        return lambda job, *rest: calls.append((function.__name__, job)) or function(job, *rest)

    for name in ("probe_job", "run_job"):
        monkeypatch.setattr(schedule, name, noted(getattr(jobs, name)))
    long, other, short = campaign.plan(["tiny_cnn", "mlp"], ["tuned"], [0, 1], epochs=1)[:3]
    run([other, long, short], toy, tmp_path)
    assert calls == [
        *(("probe_job", long), ("run_job", long), ("run_job", short)),
        *(("probe_job", other), ("run_job", other)),
    ]


def test_every_network_has_a_guess(toy):
    every = campaign.plan(MODELS, ["tuned"], [0])
    guesses = {guess.job: guess.seconds for guess in schedule._guess(every, toy)}
    assert guesses.keys() == set(every)
    assert list(guesses.values()) == sorted(guesses.values(), reverse=True)
    assert min(guesses.values()) > 0


def test_plan_has_every_combination_with_a_recipe():
    jobs = campaign.plan(["kernel_3", "mlp"], ["published", "tuned"], [0, 1])
    assert [(job.seed, job.recipe.name, job.model) for job in jobs] == [
        (seed, recipe, model)
        for seed in (0, 1)
        for recipe, model in (("published", "mlp"), ("tuned", "kernel_3"), ("tuned", "mlp"))
    ]


@pytest.mark.parametrize("recipe", ["published", "tuned"])
def test_plan_refuses_an_unknown_model(recipe):
    with pytest.raises(KeyError, match="smple_cnn"):
        campaign.plan(["smple_cnn"], [recipe], [0])


def test_journal_belongs_to_one_plan_only(tmp_path):
    jobs = campaign.plan(["mlp", "cnn"], ["tuned"], [0])
    more = campaign.plan(["mlp", "cnn"], ["tuned"], [0, 1])
    longer = campaign.plan(["mlp", "cnn"], ["tuned"], [0], epochs=6)
    identity = campaign.Journal(tmp_path, jobs, missing=False).begin()
    assert campaign.Journal(tmp_path, jobs, missing=False).campaign() == identity
    for other, missing in ((more, False), (longer, False), (jobs, True)):
        assert campaign.Journal(tmp_path, other, missing=missing).campaign() is None


@pytest.mark.parametrize("content", ["{}", '{"campaign": 7}', "[]", '{"campaign": "c1"', "\0"])
def test_damaged_journal_is_named_with_the_remedy(tmp_path, content):
    jobs = campaign.plan(["mlp"], ["tuned"], [0])
    journal = campaign.Journal(tmp_path, jobs, missing=False)
    journal.begin()
    (path,) = (tmp_path / "unfinished").iterdir()
    path.write_text(content)
    with pytest.raises(ValueError, match=r"is damaged .*delete it, or .*--fresh") as caught:
        journal.campaign()
    assert str(path) in str(caught.value)


def test_journal_ends_with_its_campaign(tmp_path):
    jobs = campaign.plan(["mlp"], ["tuned"], [0])
    journal, of_missing = (campaign.Journal(tmp_path, jobs, missing=m) for m in (False, True))
    assert journal.begin() != of_missing.begin()
    journal.end()
    assert journal.campaign() is None
    assert of_missing.campaign() is not None
    journal.end()  # ending it twice is no error


def test_recorded_uses_the_newest_row(tmp_path):
    records = Records(tmp_path)
    for identity, model, status in (
        ("111111111111", "mlp", "ok"),
        ("111111111111", "cnn", "failed: Diverged"),
        ("12345e678901", "mlp", "failed: Diverged"),
        ("12345e678901", "cnn", "ok"),
    ):
        row = made_up.run(model, 0.5, dataset="mnist", campaign=identity, status=status)
        records.append(row | {"run": f"{identity}-{model}"})
    of_mlp, of_cnn = (("mnist", name, "tuned", 0, "final") for name in ("mlp", "cnn"))
    assert campaign.recorded(records) == {of_cnn}
    assert campaign.recorded(records, "111111111111") == {of_mlp}
    assert campaign.recorded(records, "12345e678901") == {of_cnn}
    assert campaign.recorded(records, "another") == set()


def test_recorded_is_empty_without_records(tmp_path):
    assert campaign.recorded(Records(tmp_path)) == set()
    assert campaign.recorded(Records(tmp_path), "c1") == set()
