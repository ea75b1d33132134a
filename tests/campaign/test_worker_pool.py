"""Worker processes: their data and settings, failed calls, and interrupted campaigns."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import torch

from mnistcmp import checkpoints, cli
from mnistcmp.campaign import jobs, orders, plans
from mnistcmp.campaign.jobs import Materials
from mnistcmp.campaign.workers import worker_pool
from mnistcmp.campaign.workers.executors import Call
from mnistcmp.campaign.workers.worker_pool import Crew
from mnistcmp.records import Records
from tests.helpers import PATIENCE_SECONDS, REPOSITORY, end_process, until

# A complete campaign in its own processes: 16 runs, two at a time.
ARGUMENTS = ["--models", "mlp", "tiny_cnn", "--recipe", "published", "--seeds", "8"]
ARGUMENTS += ["--epochs", "8", "--workers", "2"]
PROGRAM = """
import multiprocessing, runpy, sys
if __name__ == "__main__":
    from tests.helpers import REPOSITORY, toy_materials
    from mnistcmp.campaign import orders, plans
    orders.load_dataset = lambda *_: toy_materials().dataset
    multiprocessing.set_executable({python!r})
    runpy.run_path(REPOSITORY / "scripts" / "train_all.py", run_name="__main__")
"""
# In place of Python: a worker ends before it reads anything from its parent.
ENDS_AT_ONCE = f"""#!/bin/sh
case "$*" in *spawn_main*) exit 9;; esac
exec {sys.executable} "$@"
"""
STOPPED = "Stopped. All finished runs are recorded; run the same command to continue.\n"
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


def sums_of(materials: Materials) -> list[int | tuple[str, ...]]:
    """The sum of each tensor; other fields (the class names) unchanged."""
    fields = [field for group in materials for field in group]
    return [int(field.sum()) if isinstance(field, torch.Tensor) else field for field in fields]


# These run in the worker.
def facts() -> tuple[int, int, bool, list[int | tuple[str, ...]]]:
    sums = sums_of(jobs._Here.materials)
    ignores_ctrl_c = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return os.getpid(), torch.get_num_threads(), ignores_ctrl_c, sums


def fail() -> None:
    raise MemoryError("no room")


def vanish() -> None:
    os._exit(9)


FACTS, FAIL, VANISH = (Call(function, ()) for function in (facts, fail, vanish))


@pytest.fixture(scope="module")
def crew(toy):
    with Crew(1, toy, "cpu") as crew:
        yield crew
    until(lambda: not multiprocessing.active_children())


def test_worker_has_the_data_one_thread_and_ignores_ctrl_c(crew, toy):
    ((_, (pid, threads, ignores_ctrl_c, sums)),) = crew.each([FACTS])
    assert pid != os.getpid()
    assert threads == 1
    assert ignores_ctrl_c
    assert sums == sums_of(toy)
    assert tuple("0123456789") in sums


def test_crew_continues_after_calls_that_fail_or_end_their_process(crew):
    outcomes = list(crew.each([FACTS, FAIL, VANISH, FACTS]))
    assert [call for call, _ in outcomes] == [FACTS, FAIL, VANISH, FACTS]
    before, failure, end, after = (outcome for _, outcome in outcomes)
    assert isinstance(failure, MemoryError)
    assert isinstance(end, BrokenProcessPool)
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_crew_survives_the_end_of_an_idle_worker(crew):
    ((_, (pid, *_)),) = crew.each([FACTS])
    (worker,) = multiprocessing.active_children()
    assert worker.pid == pid
    end_process(pid)
    executor = crew._idle[0].executor
    until(lambda: executor._broken)
    outcomes = [outcome for _, outcome in crew.each([FACTS, FACTS])]
    assert len(outcomes) == 2
    assert not isinstance(outcomes[1], BaseException)


def test_crew_without_calls_returns_at_once(toy):
    with Crew(2, toy, "cpu") as crew:
        assert list(crew.each([])) == []


def test_crew_counts_the_steps_of_a_run(inline, toy):
    (job,) = plans.plan(["mlp"], ["tuned"], [0], epochs=2)
    with Crew(1, toy, "cpu") as crew:
        ((_, probed),) = crew.each([Call(jobs.probe_job, (job,))])
        ((_, finished),) = crew.each([Call(jobs.run_job, (job, "fp32"))])
        assert probed.steps == crew._idle[0].steps_done() == 16
    assert probed.seconds["fp32"] > 0
    assert finished.in_shape == (1, 28, 28)


def test_job_as_text_is_model_recipe_and_seed():
    (job,) = plans.plan(["mlp"], ["drawn"], [3])
    assert str(job) == "mlp, drawn, seed 3"


def processes() -> dict[int, tuple[int, str]]:
    """Every running process: id -> (its parent's id, command line)."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_text()
        except OSError:  # it has just ended
            continue
        if state != "Z":
            found[int(folder.name)] = int(parent), command
    return found


class Program:
    """PROGRAM as a process, in its own process group as at a terminal."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.out = folder / "out"
        script = folder / "program.py"
        script.write_text(PROGRAM.format(python=python))
        search_path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
        self.process = subprocess.Popen(
            [sys.executable, script, "--out", self.out, "--data", folder, *ARGUMENTS],
            env=os.environ | {"PYTHONPATH": search_path, "TMPDIR": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def workers(self) -> list[int]:
        """The ids of its worker processes."""
        return [
            pid
            for pid, (parent, command) in processes().items()
            if parent == self.process.pid and "spawn_main" in command
        ]

    def runs(self):
        assert self.process.poll() is None, self.process.stderr.read()
        return Records(self.out / "results").runs()

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)  # a terminal signals the process group

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


@pytest.fixture
def program(tmp_path):
    program = Program(tmp_path)
    yield program
    program.end()


def assert_records_are_complete_and_training_continues(program, toy, monkeypatch, capsys):
    records = Records(program.out / "results")
    before = records.runs()
    assert 1 <= len(before) < 16
    for row in before.itertuples():
        assert row.status == "ok"
        assert records.epochs().query("run == @row.run")["epoch"].tolist() == list(range(1, 9))
        right = records.predictions(row.run)["test"] == toy.dataset.test_labels.numpy()
        assert round(right.mean(), 6) == row.test_accuracy
        if row.seed == 0:
            checkpoints.load(row.model, "published", folder=program.out)

    monkeypatch.setattr(orders, "load_materials", lambda _, __, recipes, ___: (toy, recipes))
    assert cli.main(["train", "--out", str(program.out), *ARGUMENTS]) == 0
    assert f"{len(before)} of 16 runs are done already" in capsys.readouterr().out
    after = records.runs()
    assert after.iloc[: len(before)].equals(before)
    assert len(after) == len(after[["model", "seed"]].drop_duplicates()) == 16
    assert after["campaign"].nunique() == 1
    assert len(checkpoints.load_all("published", folder=program.out)) == 2


@needs_proc
def test_killed_campaign_leaves_complete_records_and_can_be_continued(
    program, inline, toy, monkeypatch, capsys, tmp_path
):
    until(lambda: len(program.runs()))
    crew = program.workers()
    assert len(crew) == 2
    end_process(program.process.pid)
    program.process.wait()
    until(lambda: not processes().keys() & set(crew))
    until(lambda: not list(tmp_path.glob("mnistcmp-*")))  # the data for the workers
    assert_records_are_complete_and_training_continues(program, toy, monkeypatch, capsys)


@needs_proc
def test_repeated_ctrl_c_does_no_harm(program, inline, toy, monkeypatch, capsys):
    until(lambda: len(program.runs()))
    crew = program.workers()
    until(lambda: program.process.poll() is not None or program.press_ctrl_c())
    assert program.process.returncode == 130
    assert program.process.stderr.read() == STOPPED
    until(lambda: not processes().keys() & set(crew))
    assert_records_are_complete_and_training_continues(program, toy, monkeypatch, capsys)


@needs_proc
@pytest.mark.parametrize("moment", ["while workers start", "while they train"])
def test_ctrl_c_leaves_no_traceback_and_no_worker(program, moment, tmp_path):
    starting = moment == "while workers start"
    until(program.workers if starting else lambda: len(program.runs()))
    crew = program.workers()
    program.press_ctrl_c()
    _, errors = program.process.communicate(timeout=120)
    assert program.process.returncode == 130
    assert errors == STOPPED
    until(lambda: not processes().keys() & set(crew))
    assert not list(tmp_path.glob("mnistcmp-*"))  # the data for the workers


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_campaign_ends_though_every_worker_ends_while_it_starts(tmp_path):
    python = tmp_path / "python"
    python.write_text(ENDS_AT_ONCE)
    python.chmod(0o700)
    program = Program(tmp_path, str(python))
    try:
        _, errors = program.process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        program.end()
    assert (program.process.returncode, errors) == (1, "")
    statuses = Records(program.out / "results").runs()["status"]
    assert len(statuses) == 16
    assert statuses.str.startswith("failed: its process was killed").all()
    assert not list(tmp_path.glob("mnistcmp-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot put signals off")
def test_interrupt_that_another_thread_receives_waits_until_the_block_has_ended():
    inside, done = threading.Event(), []

    def interrupt() -> None:
        inside.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    other = threading.Thread(target=interrupt)  # started here: it inherits no blocking
    other.start()
    with pytest.raises(KeyboardInterrupt), worker_pool.without_interrupts():
        inside.set()
        other.join()
        done.append("to the end")
    assert done == ["to the end"]
