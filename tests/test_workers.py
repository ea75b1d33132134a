"""Worker processes: what they are given, and what becomes of a call that goes wrong."""

import multiprocessing
import os
import signal
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch
from conftest import end_process, until

from mnistcmp import campaign, workers
from mnistcmp.workers import Call, Crew


# These run in the worker.
def facts() -> tuple[int, int, bool, list[int]]:
    sums = [int(part.long().sum()) for group in workers._Here.materials for part in group]
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
    assert sums == [int(part.long().sum()) for group in toy for part in group]


def test_crew_goes_on_after_calls_that_fail_or_end_their_process(crew):
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


def test_crew_without_calls_is_done_at_once(toy):
    with Crew(2, toy, "cpu") as crew:
        assert list(crew.each([])) == []


def test_crew_tells_the_steps_of_what_runs(inline, toy):
    (job,) = campaign.plan(["mlp"], ["tuned"], [0], epochs=2)
    with Crew(1, toy, "cpu") as crew:
        ((_, probed),) = crew.each([Call(workers.probe_job, (job,))])
        ((_, finished),) = crew.each([Call(workers.run_job, (job, "fp32"))])
        assert probed.steps == crew._idle[0].steps_done() == 16
    assert probed.seconds["fp32"] > 0
    assert finished.in_shape == (1, 28, 28)


def test_job_names_itself():
    (job,) = campaign.plan(["mlp"], ["drawn"], [3])
    assert str(job) == "mlp, drawn, seed 3"


def test_machine_and_versions_are_described():
    assert f"{os.cpu_count()} cores" in workers.describe_machine("cpu")
    assert workers.describe_versions().endswith(f"torch {torch.__version__}")
