"""The progress of a campaign, or of measuring robustness, at the terminal."""

import time
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from mnistcmp.campaign.jobs import Job
from mnistcmp.records import RunRow

HEARTBEAT_SECONDS = 60  # between progress lines if the output is not a terminal


class TerminalProgress:
    """A live bar for all runs and one per active run; plain lines without a terminal.

    Used as a context manager.
    """

    def __init__(self, console: Console, runs: int) -> None:
        self._console, self._runs, self._done = console, runs, 0
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[remark]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._all_runs = self._bars.add_task("All runs", total=runs, remark="")
        self._of_job: dict[Job, TaskID] = {}
        self._last_line = time.monotonic()

    def __enter__(self) -> "TerminalProgress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def note(self, message: str) -> None:
        """Print a line above the bars."""
        self._console.print(message, markup=False, highlight=False, soft_wrap=True)
        self._last_line = time.monotonic()

    def finished(self, job: Job, row: RunRow, done: int) -> None:
        """Print the result of a run."""
        self._done = done
        if row["status"] == "ok":
            outcome = f"{100 * row['test_accuracy']:.2f} %, {row['train_seconds']:.0f} s"
        else:
            outcome = row["status"]
        self.note(f"{done}/{self._runs}  {job}: {outcome}")
        self._bars.update(self._all_runs, completed=done)

    def running(self, shares: dict[Job, float], seconds_left: float) -> None:
        """Show the active runs, the share of each that is done, and the time left for all runs."""
        left = f"about {timedelta(seconds=round(seconds_left))} left"
        if self._bars.disable:
            if time.monotonic() - self._last_line > HEARTBEAT_SECONDS:
                active = "; ".join(f"{job} ({share:.0%})" for job, share in shares.items())
                self.note(f"{self._done}/{self._runs}  {left}; training {active}")
            return
        self._bars.update(self._all_runs, remark=left)
        for job in self._of_job.keys() - shares.keys():
            self._bars.remove_task(self._of_job.pop(job))
        for job, share in shares.items():
            if job not in self._of_job:
                self._of_job[job] = self._bars.add_task(
                    f"  {job}", total=job.recipe.epochs, remark="epochs"
                )
            self._bars.update(self._of_job[job], completed=int(share * job.recipe.epochs))


class MeasuringProgress:
    """A bar for the changed images and one for the networks; plain lines without a terminal.

    Used as a context manager.
    """

    def __init__(self, console: Console, networks: int) -> None:
        self._console, self._networks = console, networks
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._preparing = self._bars.add_task("Changes of the test images", total=None)
        self._measuring = self._bars.add_task("Networks", total=networks, start=False)

    def __enter__(self) -> "MeasuringProgress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def prepared(self, done: int, total: int) -> None:
        """Show how many of the changes of the test images have been made, once for all networks."""
        if done == 0:
            self._print(f"Preparing {total} changes of the test images for all networks …")
        self._bars.update(self._preparing, completed=done, total=total)
        if done == total:
            self._bars.start_task(self._measuring)

    def measured(self, name: str, outcome: str, done: int) -> None:
        """Print the result of a network."""
        self._print(f"{done}/{self._networks}  {name}: {outcome}")
        self._bars.update(self._measuring, completed=done)

    def _print(self, message: str) -> None:
        self._console.print(message, markup=False, highlight=False, soft_wrap=True)
