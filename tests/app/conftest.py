"""Pages in tests start no thread: a test does the work in the background itself, if it needs it."""

import pytest

from mnistcmp.app import background_reading, cached_networks
from mnistcmp.app.background_reading import BackgroundReader
from mnistcmp.app.cached_networks import Loader
from tests.helpers import InlineExecutor


@pytest.fixture(autouse=True)
def background(monkeypatch) -> BackgroundReader:
    """The background reader of all pages; `background.step()` does a piece of its work."""
    reader = BackgroundReader(start=lambda work: None)
    monkeypatch.setattr(background_reading, "reader", lambda: reader)
    return reader


@pytest.fixture(scope="session")
def loader() -> Loader:
    """Loads the networks when a page asks for them, and keeps them for all tests."""
    return Loader(InlineExecutor())


@pytest.fixture(autouse=True)
def load_at_once(monkeypatch, loader) -> None:
    """The networks are awake when a page asks for them."""
    monkeypatch.setattr(cached_networks, "_loader", lambda: loader)
