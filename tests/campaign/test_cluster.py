"""`--cluster`: real worker processes of Dask, and what is lost if a process is killed."""

import json
import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from mnistcmp import checkpoints, cli
from mnistcmp.campaign import jobs, orders, plans, recording, schedule
from mnistcmp.campaign.workers import cluster_worker
from mnistcmp.campaign.workers.executors import Call, WorkerDied
from mnistcmp.records import Records
from tests.helpers import PATIENCE_SECONDS, REPOSITORY, Quiet, Training, end_process, until

EPOCHS = 2
QUICK = ["--models", "mlp", "tiny_cnn", "--recipe", "tuned", "--seeds", "2"]
QUICK += ["--epochs", str(EPOCHS), "--device", "cpu"]
SAME = ["model", "seed", "test_loss", "train_loss"]
PROGRAM = """
import runpy, sys
if __name__ == "__main__":
    from tests.helpers import REPOSITORY, toy_materials
    from mnistcmp.campaign import orders
    orders.load_materials = lambda _, __, recipes, ___: (toy_materials(), recipes)
    runpy.run_path(REPOSITORY / "scripts" / "train_all.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes and their scheduler; a worker that a test killed may still start."""
    distributed = pytest.importorskip("distributed")
    options = {"dashboard_address": ":0", "memory_limit": 0, "silence_logs": 60}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
        yield cluster


@pytest.fixture
def materials(toy, monkeypatch):
    monkeypatch.setattr(orders, "load_materials", lambda _, __, recipes, ___: (toy, list(recipes)))
    monkeypatch.setattr(schedule, "BF16_MUST_SAVE", 2)
    monkeypatch.setattr(plans, "_robustness", lambda *_: None)
    return toy


@pytest.fixture
def without_cluster(inline, materials, tmp_path):
    """The records of the same campaign, trained in this process."""
    folder = tmp_path / "alone"
    assert cli.main(["train", "--out", str(folder), *QUICK]) == 0
    return folder


def toy_jobs(epochs):
    return plans.plan(["mlp", "tiny_cnn"], ["tuned"], range(2), epochs=epochs)


def run(jobs, materials, folder, address, progress):
    options = {"campaign": "c1", "workers": len(jobs), "device": "cpu", "cluster": address}
    return schedule.run(jobs, materials, folder, progress=progress, **options)


def rows(folder):
    return Records(folder / "results").runs()[SAME].sort_values(SAME[:2]).reset_index(drop=True)


def hashes(folder):
    return {entry.key: entry.sha256 for entry in checkpoints.read_manifest(folder)}


def connected(address, materials, say=print):
    from mnistcmp.campaign.workers.cluster import Cluster

    return Cluster(address, 2, materials, "cpu", say)


def test_weights_are_those_of_a_campaign_without_cluster(
    cluster, materials, without_cluster, tmp_path, capsys
):
    train = Training(tmp_path / "together", capsys)
    status, out, err = train(*QUICK, "--cluster", cluster.scheduler_address)
    assert (status, err) == (0, "")
    assert "2 in all" in out
    assert rows(train.out).equals(rows(without_cluster))
    assert hashes(train.out) == hashes(without_cluster)
    runs = train.runs()
    assert set(runs["host"]) == {os.uname().nodename}
    assert set(runs["device"]) == {"cpu"}
    assert runs["machine"].str.contains("cores").all()


def test_local_cluster_needs_no_setup(materials, without_cluster, tmp_path, capsys):
    pytest.importorskip("distributed")
    train = Training(tmp_path / "together", capsys)
    status, out, err = train(*QUICK, "--cluster", "local", "--workers", "1")
    assert (status, err) == (0, "")
    assert "1 in all" in out
    assert hashes(train.out) == hashes(without_cluster)


# Before the tests that kill workers: Dask starts others for them, but sometimes late.
@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        ("torch", "it has torch .*, and this machine 1.0; install"),
        ("sources", "it has another version"),
    ],
)
def test_worker_of_another_version_is_refused_by_name(cluster, toy, monkeypatch, fact, reason):
    other = cluster_worker.facts() | {fact: "1.0"}
    monkeypatch.setattr(cluster_worker, "facts", lambda: other)
    said = []
    with pytest.raises(ValueError, match="has no worker that can be used"):
        connected(cluster.scheduler_address, toy, said.append)
    assert len(said) == 2  # both workers
    assert all(re.match(rf"The worker tcp://\S+ is not used: {reason}", line) for line in said)


def test_killed_worker_costs_no_run_but_the_one_under_way_which_is_repeated(
    cluster, materials, tmp_path
):
    from distributed import Client

    class Killer(Quiet):
        killed = 0

        def running(self, shares, seconds_left):
            with Client(cluster, set_as_default=False) as client:
                busy = [address for address, keys in client.processing().items() if keys]
                if shares and busy and not self.killed:
                    (pid,) = client.run(os.getpid, workers=busy[:1]).values()
                    end_process(pid)
                    self.killed = pid

    killer = Killer()
    long = toy_jobs(epochs=300)  # they must not end before the test has looked at them once
    done = run(long, materials, tmp_path, cluster.scheduler_address, killer)
    assert killer.killed
    assert [row["status"] for row in done] == ["ok"] * 4
    assert any("is gone" in note for note in killer.notes)
    assert len(rows(tmp_path)) == 4


def test_call_that_kills_every_worker_fails_and_the_others_do_not(cluster, toy):
    def one(call):
        return next(outcome for each, outcome in outcomes if each == call)

    deadly, harmless, wrong = Call(os._exit, (9,)), Call(os.getpid, ()), Call(int, ("x",))
    with connected(cluster.scheduler_address, toy) as crew:
        outcomes = list(crew.each([harmless, deadly, harmless, wrong]))
    assert len(outcomes) == 4
    assert isinstance(one(deadly), WorkerDied)
    assert recording.reason_of(one(deadly)) == (
        "failed: 3 workers were killed during it (perhaps memory ran out)"
    )
    assert all(isinstance(pid, int) for call, pid in outcomes if call == harmless)
    assert isinstance(one(wrong), ValueError)


def test_equal_calls_are_made_again(cluster, toy):
    with connected(cluster.scheduler_address, toy) as crew:
        outcomes = [outcome for _, outcome in crew.each([Call(os.urandom, (8,))] * 3)]
    assert len(set(outcomes)) == 3


def test_worker_trains_on_one_thread_and_the_data_arrive(cluster, toy):
    with connected(cluster.scheduler_address, toy) as crew:
        ((_, threads),) = crew.each([Call(torch.get_num_threads, ())])
        (job,) = plans.plan(["mlp"], ["tuned"], [0], epochs=1)
        ((_, probed),) = crew.each([Call(jobs.probe_job, (job,))])
    assert threads == 1
    assert probed.steps == 8  # 512 images


def test_address_without_scheduler_is_named(toy, monkeypatch):
    pytest.importorskip("distributed")
    from mnistcmp.campaign.workers import cluster

    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.1)
    with pytest.raises(ConnectionError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        connected("tcp://127.0.0.1:9", toy)


class Servers:
    """A scheduler and a worker as processes of their own."""

    def __init__(self, folder):
        self._folder, self._file = folder, folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")
        until(self._file.exists)
        self.worker = self._start("worker", "--nthreads", "1", "--memory-limit", "0")

    def _start(self, *arguments):
        command = [sys.executable, "-m", "dask", *arguments]
        command += ["--scheduler-file", str(self._file)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self._folder, env=search_path(), **quiet)

    @property
    def address(self):
        return until(lambda: self._file.exists() and json.loads(self._file.read_text()))["address"]

    def end(self):
        for process in (self.scheduler, self.worker):
            process.terminate()
        for process in (self.worker, self.scheduler):
            process.wait(PATIENCE_SECONDS)


def search_path():
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture
def start_servers(tmp_path):
    pytest.importorskip("distributed")
    started = []

    def start():
        folder = tmp_path / f"servers{len(started)}"
        folder.mkdir()
        started.append(Servers(folder))
        return started[-1]

    yield start
    for servers in started:
        servers.end()


def test_killed_scheduler_loses_nothing_on_record_and_the_same_command_continues(
    start_servers, materials, tmp_path, capsys, monkeypatch
):
    servers = start_servers()
    finished = orders.run

    def kill_after_first(*arguments, progress, **options):
        of_terminal = progress.finished

        def and_kill(*of_run):
            of_terminal(*of_run)
            end_process(servers.scheduler.pid)

        progress.finished = and_kill
        return finished(*arguments, progress=progress, **options)

    train = Training(tmp_path / "out", capsys)
    with monkeypatch.context() as patch:
        patch.setattr(orders, "run", kill_after_first)
        status, _, err = train(*QUICK, "--cluster", servers.address)
    assert status == 1
    assert f"the Dask scheduler at {servers.address} is gone. Everything recorded" in err
    before = train.runs()
    assert 1 <= len(before) < 4
    status, out, err = train(*QUICK, "--cluster", start_servers().address)
    assert (status, err) == (0, "")
    assert f"{len(before)} of 4 runs are done already" in out
    assert train.runs().iloc[: len(before)].equals(before)
    assert len(rows(train.out)) == 4


def test_killed_client_loses_nothing_on_record_and_the_same_command_continues(
    cluster, materials, tmp_path, capsys
):
    out, program = tmp_path / "out", tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, program, "--out", out, *QUICK]
    command += ["--cluster", cluster.scheduler_address]
    with subprocess.Popen(command, env=search_path(), stdout=subprocess.DEVNULL) as client:
        until(lambda: client.poll() is not None or len(Records(out / "results").runs()))
        client.kill()
    train = Training(out, capsys)
    before = train.runs()
    assert (before["status"] == "ok").all()
    assert 1 <= len(before) < 4
    # The first command measured robustness, too, which is not part of what identifies a run.
    status, said, err = train(*QUICK, "--missing", "--cluster", cluster.scheduler_address)
    assert (status, err) == (0, "")
    assert f"{len(before)} of 4 runs are done already" in said
    assert train.runs().iloc[: len(before)].equals(before)
    assert len(rows(out)) == 4


def test_ctrl_c_stops_a_local_cluster_without_a_traceback(materials, tmp_path):
    pytest.importorskip("distributed")
    out, program = tmp_path / "out", tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, program, "--out", out, "--models", "mlp", "--recipe", "published"]
    command += ["--seeds", "99", "--cluster", "local", "--workers", "2"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    # A process group of its own, to which a terminal would send the signal.
    started = subprocess.Popen(command, env=search_path(), start_new_session=True, **pipes)
    with started as process:
        try:
            until(lambda: process.poll() is not None or len(Records(out / "results").runs()))
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
    assert (process.returncode, err.count("\n")) == (130, 1), err
    assert err.startswith("Stopped. All finished runs are recorded")
    with pytest.raises(ProcessLookupError):  # no process of the group is left
        until(lambda: os.killpg(process.pid, 0))


def test_command_without_the_extra_names_the_remedy(materials, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "mnistcmp.campaign.workers.cluster", raising=False)
    status, _, err = Training(tmp_path / "out", capsys)(*QUICK, "--cluster", "local")
    assert status == 1
    assert "--cluster needs the package distributed" in err
    assert "pip install 'mnistcmp[cluster]'" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "here", "tcp://host", "host:port", "tcp://a b:1", "a/b:1"])
def test_what_is_no_address_is_refused(text, capsys, tmp_path):
    with pytest.raises(SystemExit):
        cli.main(["train", "--out", str(tmp_path), f"--cluster={text}"])
    assert "is not the address of a scheduler" in capsys.readouterr().err


def test_worker_refuses_data_that_arrived_damaged(tmp_path):
    worker = SimpleNamespace(local_directory=str(tmp_path / "worker"), address="tcp://a:1")
    with pytest.raises(ValueError, match="arrived damaged"):
        cluster_worker.receive(b"data", "0" * 64, "cpu", "token", worker)


def test_run_ends_when_its_campaign_has_ended(monkeypatch):
    monkeypatch.setattr(cluster_worker._Campaign, "token", "mine")
    events = []
    worker = SimpleNamespace(address="a", log_event=lambda topic, each: events.append(each))
    steps = cluster_worker.Steps(worker, "mine")
    steps.value = 5
    assert (steps.value, events) == (5, [{"worker": "a", "steps": 5}])
    monkeypatch.setattr(cluster_worker._Campaign, "token", "another")
    with pytest.raises(cluster_worker.Abandoned):
        steps.value += 1
    with pytest.raises(cluster_worker.Abandoned):
        cluster_worker.make_call("mine", os.getpid, ())
