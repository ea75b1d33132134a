"""Fixtures: a real server and a real browser."""

import os
from collections.abc import Iterator

import pytest
from visitors import without_browser
from visitors.browser import CHROMIUM_FLAGS, chromium, invitation


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        reason = "no Chromium: install it (Debian: apt-get install chromium)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # a busy machine is slow
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Run the app on a free local port -> its address."""
    with without_browser.server() as app:
        yield app.address


@pytest.fixture
def page(browser, server):
    """The Draw page on a wide screen, with the networks loaded."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(server)
    invitation(page).wait_for()
    page.locator("canvas.upper-canvas").wait_for()
    yield page
    context.close()
