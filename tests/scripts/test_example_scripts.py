"""The scripts in examples/: short, and run as a reader would run them."""

import runpy
import subprocess
import sys

import pytest
import torch

from mnistcmp import api
from mnistcmp.data.dataset import Dataset
from tests.helpers import REPOSITORY

EXAMPLES = REPOSITORY / "examples"


def test_examples_are_short():
    scripts = sorted(EXAMPLES.glob("*.py"))
    assert len(scripts) == 3
    assert all(len(script.read_text().splitlines()) < 40 for script in scripts)


def test_photo_is_read_from_the_command_line():
    command = [sys.executable, EXAMPLES / "read_photo.py", EXAMPLES / "seven.png"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    *rows, verdict = said.stdout.splitlines()
    assert len(rows) == len(api.load_all("drawn"))
    assert verdict.endswith("networks read 7.")


def test_file_that_is_no_photo_is_named(tmp_path):
    command = [sys.executable, EXAMPLES / "read_photo.py", tmp_path / "none.png"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
    assert said.returncode == 1
    assert "none.png" in said.stderr
    assert "Traceback" not in said.stderr


def test_every_dial_breaks_a_network_or_is_survived(capsys):
    runpy.run_path(str(EXAMPLES / "break_a_network.py"), run_name="__main__")
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["mlp", "cnn", "strong_cnn", "base_pooled"]
    assert len(rows) == 12
    assert any("never" in row for row in rows)


def test_own_network_is_trained_and_compared(monkeypatch, capsys):
    images = torch.zeros(60, 28, 28, dtype=torch.uint8)
    labels = torch.arange(60) % 10
    toy = Dataset(images, labels, images, labels)
    monkeypatch.setattr(api, "load_dataset", lambda name, folder: toy)
    script = runpy.run_path(str(EXAMPLES / "train_your_own.py"))
    script["main"](epochs=1)
    said = capsys.readouterr().out
    assert "11,386 parameters" in said
    assert "percentage points against cnn" in said
    assert "on 60 images" in said


@pytest.mark.network
def test_own_network_learns_mnist(capsys):
    script = runpy.run_path(str(EXAMPLES / "train_your_own.py"))
    script["main"](epochs=1)
    accuracy = float(capsys.readouterr().out.split("test accuracy ")[1].split("%")[0])
    assert accuracy > 95
