"""Accessibility of a page, checked with axe-core."""

from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Nodes of Streamlit that this app cannot reach: (rule, part of the HTML) -> the reason.
STREAMLIT: dict[tuple[str, str], str] = {}
# Once the window is so high, and the browser has painted two frames of it.
PAINTED = """height => window.innerHeight === height && new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
})"""
SERIOUS = ("serious", "critical")


def problems(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page: "rule: selector, HTML" for each node."""
    with _whole_page_in_window(page):
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:300]}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in node["html"] for name, part in STREAMLIT)
    ]


@contextmanager
def _whole_page_in_window(page: Page) -> Iterator[None]:
    """Make the window as high as the page: axe-core sees no contrast in what is scrolled away."""
    size = page.viewport_size
    assert size is not None
    height = page.get_by_test_id("stMain").evaluate("each => each.scrollHeight")
    height = max(height, size["height"])
    page.set_viewport_size({"width": size["width"], "height": height})
    page.wait_for_function(PAINTED, arg=height)
    yield
    page.set_viewport_size(size)
