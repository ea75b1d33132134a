"""Pages in tests start no thread: a test does the work in the background itself, if it needs it."""

import pytest

from mnistcmp.app import background_reading
from mnistcmp.app.background_reading import BackgroundReader


@pytest.fixture(autouse=True)
def background(monkeypatch) -> BackgroundReader:
    """The background reader of all pages; `background.step()` does a piece of its work."""
    reader = BackgroundReader(start=lambda work: None)
    monkeypatch.setattr(background_reading, "reader", lambda: reader)
    return reader
