"""The progress of a campaign at a terminal and in a log file."""

import io

import pytest
from rich.console import Console

from mnistcmp.campaign import plans
from mnistcmp.campaign import progress as progress_module
from mnistcmp.campaign.progress import TerminalProgress

FIRST, SECOND = plans.plan(["mlp"], ["tuned"], range(2))
GOOD = {"status": "ok", "test_accuracy": 0.97654, "train_seconds": 12.3}
REASON = (
    "failed: RuntimeError: [enforce fail at alloc_cpu.cpp:114] can't allocate memory "
    "for [/the/rest], shape '[64, 1]'"
)


def shown(steps, *, terminal: bool) -> str:
    """What is printed during `steps(progress)`."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100, color_system=None)
    with TerminalProgress(console, 2) as progress:
        steps(progress)
    return text.getvalue()


def a_campaign(progress: TerminalProgress) -> None:
    progress.note("Timing a few steps …")
    progress.running({FIRST: 0.1, SECOND: 0.0}, 3725.0)
    progress.running({FIRST: 0.99}, 61.0)
    progress.finished(FIRST, GOOD, 1)
    progress.running({SECOND: 0.5}, 30.0)
    progress.finished(SECOND, {"status": "failed: Diverged: the loss became nan"}, 2)
    progress.running({}, 0.0)


def test_progress_without_terminal_prints_one_line_per_run():
    assert shown(a_campaign, terminal=False).splitlines() == [
        "Timing a few steps …",
        "1/2  mlp, tuned, seed 0: 97.65 %, 12 s",
        "2/2  mlp, tuned, seed 1: failed: Diverged: the loss became nan",
    ]


def test_progress_without_terminal_prints_a_heartbeat(monkeypatch):
    monkeypatch.setattr(progress_module, "HEARTBEAT_SECONDS", -1)
    text = shown(lambda progress: progress.running({SECOND: 0.25}, 3725.0), terminal=False)
    assert text == "0/2  about 1:02:05 left; training mlp, tuned, seed 1 (25%)\n"


def test_progress_on_a_terminal_shows_runs_and_time_left():
    text = shown(a_campaign, terminal=True)
    assert "1/2  mlp, tuned, seed 0: 97.65 %, 12 s" in text
    assert "All runs" in text
    assert "2/2" in text
    assert "left" in text
    last_frame = shown(lambda p: p.running({FIRST: 0.5}, 3725.0), terminal=True)
    assert "about 1:02:05 left" in last_frame
    assert "mlp, tuned, seed 0" in last_frame
    assert "2/5 epochs" in last_frame


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_prints_brackets_in_a_failure_unchanged(terminal):
    row = {"status": REASON}
    text = shown(lambda progress: progress.finished(FIRST, row, 1), terminal=terminal)
    assert REASON in text.replace("\n", "")
