"""Fixtures: a real server and a real browser."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from visitors import without_browser
from visitors.browser import CHROMIUM_FLAGS, awake, blank, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page


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
def visit(browser, server) -> Iterator[Callable[..., "Page"]]:
    """A function that opens the Draw page in a new browser context, with the networks loaded.

    It takes the size of the window in px and the settings of the context.
    """
    contexts = []

    def visit(width: int, height: int, **settings) -> "Page":
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(server)
        awake(page).wait_for()
        page.locator("canvas.upper-canvas").wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture
def page(visit):
    """The Draw page on a wide screen, with a blank canvas."""
    page = visit(1280, 900)
    blank(page)
    return page


@pytest.fixture
def phone(visit):
    """The Draw page on a phone, with a blank canvas."""
    page = visit(390, 844, has_touch=True, is_mobile=True)
    blank(page)
    return page
