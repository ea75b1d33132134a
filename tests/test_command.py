"""The command `mnistcmp`, and which folder of weights and records it uses."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from PIL import Image
from visitors.without_browser import free_port

from mnistcmp import checkpoints, cli, records
from mnistcmp.checkpoints import CheckpointError
from mnistcmp.models import MODELS
from mnistcmp.records import default_folder
from tests.helpers import REPOSITORY, Training, until


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """A folder that the environment variable names."""
    monkeypatch.setenv("MNISTCMP_CHECKPOINTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def letters(tmp_path) -> Path:
    """A folder of 24 grey images of two letters."""
    for part in ("train", "test"):
        for letter in ("b", "d"):
            (tmp_path / "letters" / part / letter).mkdir(parents=True)
            for number in range(6):
                image = Image.new("L", (8, 8), 40 * number)
                image.save(tmp_path / "letters" / part / letter / f"{number}.png")
    return tmp_path / "letters"


def run(*command: str, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_module_is_the_command_and_lists_every_network(tmp_path):
    done = run(sys.executable, "-m", "mnistcmp", "list", cwd=REPOSITORY)
    assert done.returncode == 0
    assert all(name in done.stdout.split() for name in MODELS)


def test_training_script_works_from_any_folder(tmp_path):
    script = str(REPOSITORY / "scripts" / "train_all.py")
    done = run(sys.executable, script, "--list", cwd=tmp_path)
    assert done.returncode == 0
    assert all(name in done.stdout.split() for name in MODELS)


# Ctrl-C is pressed when a module is first imported, or when a function is called.
INTERRUPTED = """
import runpy, signal, sys
moment, *sys.argv[1:] = sys.argv[1:]
class Press:
    def find_spec(self, name, *_):
        if name == moment:
            signal.raise_signal(signal.SIGINT)
if moment == "reading":
    import mnistcmp.campaign.orders
    mnistcmp.campaign.orders.load_dataset = lambda *_: signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Press())
runpy.run_module("mnistcmp", run_name="__main__")
"""
STOPPED = "Stopped. All finished runs are recorded; run the same command to continue.\n"


@pytest.mark.parametrize("moment", ["pandas", "rich", "torch", "mnistcmp.campaign.jobs", "reading"])
def test_ctrl_c_while_the_program_starts_ends_it_with_one_line(moment, tmp_path):
    arguments = ["train", "--out", str(tmp_path / "out"), "--data", str(tmp_path)]
    done = run(sys.executable, "-c", INTERRUPTED, moment, *arguments, cwd=REPOSITORY)
    message = STOPPED if moment == "reading" else "Stopped.\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "", message)


def test_ctrl_c_after_the_work_changes_nothing(tmp_path):
    code = "import atexit, signal; from mnistcmp.__main__ import run;"
    code += "atexit.register(signal.raise_signal, signal.SIGINT); run()"
    done = run(sys.executable, "-c", code, "list", cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, "")


def test_command_names_what_it_does_not_know(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["trian"])
    assert end.value.code == 2
    assert "invalid choice: 'trian'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        cli.main(["check", "--speed", "9"])
    assert end.value.code == 2
    assert "--speed 9" in capsys.readouterr().err


def test_folder_is_that_of_the_checkout_unless_another_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MNISTCMP_CHECKPOINTS", raising=False)
    assert default_folder() == REPOSITORY / "checkpoints"
    monkeypatch.setenv("MNISTCMP_CHECKPOINTS", str(tmp_path))
    assert default_folder() == tmp_path


def test_folder_of_an_installed_package_is_the_one_it_is_used_in(tmp_path, monkeypatch):
    monkeypatch.delenv("MNISTCMP_CHECKPOINTS", raising=False)
    monkeypatch.setattr(records.folders, "_IN_CHECKOUT", False)
    monkeypatch.chdir(tmp_path)
    assert default_folder() == tmp_path / "checkpoints"
    assert records.training_command("--study", "1") == "mnistcmp train --study 1"


def test_missing_weights_are_missed_in_the_folder_that_is_named(elsewhere):
    with pytest.raises(CheckpointError) as caught:
        checkpoints.load("mlp", "tuned")
    assert str(elsewhere) in str(caught.value)
    assert "python scripts/train_all.py --models mlp --recipe tuned" in str(caught.value)


def test_check_looks_into_the_folder_that_is_named(elsewhere, tmp_path, capsys):
    assert cli.main(["check", "--data", str(tmp_path)]) == 1
    assert f"{elsewhere} has no checkpoints" in capsys.readouterr().out
    shipped = str(REPOSITORY / "checkpoints")
    assert cli.main(["check", "--checkpoints", shipped, "--data", str(tmp_path)]) == 0
    assert f"0 problems in {shipped}" in capsys.readouterr().out.replace("\n", "")


def test_app_is_started_on_the_folder_that_is_named(tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "mnistcmp", "app", "--checkpoints", str(tmp_path)]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
    address = f"http://127.0.0.1:{port}/_stcore/health"

    def healthy() -> bool:
        assert process.poll() is None
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            until(healthy)
            environment = Path(f"/proc/{_child(process.pid)}/environ")
            if environment.exists():
                assert f"MNISTCMP_CHECKPOINTS={tmp_path}".encode() in environment.read_bytes()
        finally:
            os.killpg(process.pid, 15)


def _child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return int(children.read_text().split()[0]) if children.exists() else 0


@pytest.mark.parametrize("mirror", [False, True])
def test_images_of_ones_own_are_mirrored_only_when_asked_and_the_records_say_so(
    mirror, letters, inline, tmp_path, capsys
):
    train = Training(tmp_path / "out", capsys)
    arguments = ["--dataset", str(letters), "--data", str(tmp_path), "--models", "mlp"]
    arguments += ["--recipe", "tuned", "--epochs", "1", *(["--mirror"] if mirror else [])]
    status, _, problems = train(*arguments)
    assert (status, problems.partition("decoding")[0]) == (0, "")
    (settings,) = train.runs()["settings"]
    assert f'"mirror": {str(mirror).lower()}' in settings


def test_digits_are_never_mirrored(inline, toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mnistcmp.campaign.orders.load_dataset", lambda *_: toy.dataset)
    train = Training(tmp_path / "out", capsys)
    status, _, problem = train("--models", "mlp", "--recipe", "tuned", "--mirror")
    assert status == 1
    assert "MNIST is never mirrored" in problem
    assert len(train.runs()) == 0
