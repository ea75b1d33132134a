"""The Dockerfile: built and run where docker runs, linted elsewhere."""

import shutil
import subprocess
import time
import urllib.request
from urllib.error import URLError

import pytest

from tests.helpers import REPOSITORY

IMAGE = "mnistcmp-test"
READ_ONLY = ("--read-only", "--tmpfs", "/tmp")
PATIENCE_SECONDS = 120


def docker_runs() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def test_dockerfile_follows_the_rules_of_hadolint():
    found = subprocess.run(
        ["hadolint", "--no-color", "Dockerfile"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout


def test_image_has_what_the_app_needs_and_no_more():
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    copied = {line[1:] for line in ignored if line.startswith("!")}
    assert ignored[0] == "*"
    assert {"mnistcmp", "checkpoints", "streamlit_app.py", ".streamlit"} <= copied
    assert all((REPOSITORY / name).exists() for name in copied)


@pytest.fixture(scope="module")
def address():
    """The address of the app in a container with a read-only file system."""
    if not docker_runs():
        pytest.skip("docker does not run here: the Dockerfile is linted only")
    subprocess.run(["docker", "build", "-t", IMAGE, "."], cwd=REPOSITORY, check=True)
    start = ["docker", "run", "--detach", "--rm", "--publish", "127.0.0.1::8501", *READ_ONLY, IMAGE]
    container = subprocess.run(start, check=True, capture_output=True, text=True).stdout.strip()
    try:
        port = ["docker", "port", container, "8501"]
        where = subprocess.run(port, check=True, capture_output=True, text=True).stdout
        yield container, f"http://{where.split()[0]}"
    finally:
        subprocess.run(["docker", "stop", container], capture_output=True)


def test_container_answers_without_root_on_a_read_only_file_system(address):
    container, url = address
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            assert urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).status == 200
            break
        except (URLError, ConnectionError):
            assert time.monotonic() < deadline, "the app does not answer"
            time.sleep(1)
    user = ["docker", "exec", container, "python", "-c", "import os; print(os.getuid())"]
    assert subprocess.run(user, capture_output=True, text=True).stdout.strip() != "0"
