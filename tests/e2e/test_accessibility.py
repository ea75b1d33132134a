"""What holds for every page, light and dark, on a desktop and on phones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect
from visitors.browser import blank

from tests.e2e.axe import problems
from tests.e2e.hand import DIGITS, draw, expect_consensus

DESKTOP, PHONE, SMALL_PHONE = (1280, 800), (390, 844), (360, 640)


def draw_a_digit(page: Page) -> None:
    blank(page)
    draw(page, DIGITS["4"])
    expect_consensus(page, "4")


def wait_for_the_slider(page: Page) -> None:
    expect(page.locator(".st-key-break_slider .beside")).to_be_visible()
    expect(page.locator(".st-key-break_slider .beside")).not_to_be_empty()


@dataclass(frozen=True)
class Visit:
    """A page: its address, its title in the browser, its last heading or text, what to do there."""

    path: str
    title: str
    complete: str
    then: Callable[[Page], None] = lambda page: None


VISITS = {
    "draw": Visit("", "Draw", "What the networks see", draw_a_digit),
    "break it": Visit("break", "Break it", "On a thousand test digits", wait_for_the_slider),
    "lesson": Visit("lesson", "Lesson", "Your task:"),
    "benchmarks": Visit("benchmarks", "Benchmarks", "Everything"),
    "studies": Visit("studies", "Studies", "Studies"),
    "one study": Visit("studies?study=8", "Studies", "How it was done"),
    "inside": Visit("inside", "Inside a network", "Choose a layer"),
}

# Heading levels in the order of the page, those in the shadow trees of components included.
HEADING_LEVELS = """() => {
  const levels = [];
  const walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      if (/^H[1-6]$/.test(each.tagName) && each.checkVisibility()) {
        levels.push(Number(each.tagName[1]));
      }
      if (each.shadowRoot) walk(each.shadowRoot);
    }
  };
  walk(document);
  return levels;
}"""

FITS = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  return main.scrollWidth <= main.clientWidth;
}"""


@pytest.fixture
def opened(browser, server) -> Iterator[Callable[..., Page]]:
    """A function that opens a page on a desktop and does there what is to be done.

    A mistake in the page's own JavaScript fails the test.
    """
    contexts, mistakes = [], []

    def open_page(visit: Visit, **settings) -> Page:
        width, height = DESKTOP
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda mistake: mistakes.append(mistake))
        page.goto(f"{server}/{visit.path}")
        visit.then(page)
        expect(page.get_by_text(visit.complete).first).to_be_visible()
        expect_at_rest(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert mistakes == []


def expect_at_rest(page: Page) -> None:
    """Wait until the server has sent all of the page and the browser has drawn its charts."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts.filter(has=page.locator("svg, canvas"))).to_have_count(charts.count())


def resize(page: Page, size: tuple[int, int]) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    expect_at_rest(page)


def expect_levels_without_gaps(page: Page) -> None:
    """One heading of level 1, the first; none is more than one level below that before it."""
    levels = page.evaluate(HEADING_LEVELS)
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(level <= above + 1 for above, level in pairwise(levels))


def expect_no_overflow(page: Page) -> None:
    """Wait until nothing is wider than the window; charts need a moment after it has changed."""
    page.wait_for_function(FITS)


def open_all(page: Page) -> None:
    """Open everything on the page that is folded."""
    closed = page.locator("[data-testid=stExpander] details:not([open]) > summary")
    while left := closed.count():
        closed.first.click()
        expect(closed).to_have_count(left - 1)
        expect_at_rest(page)


@pytest.mark.parametrize(
    ("scheme", "motion"), [("light", "no-preference"), ("dark", "reduce")], ids=["light", "dark"]
)
@pytest.mark.parametrize("visit", VISITS.values(), ids=VISITS)
def test_page_is_for_everyone(opened, visit, scheme, motion):
    page = opened(visit, color_scheme=scheme, reduced_motion=motion)
    expect(page).to_have_title(f"{visit.title} · mnistcmp")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect_levels_without_gaps(page)
    for size in (DESKTOP, PHONE):
        resize(page, size)
        assert problems(page) == []
        expect_no_overflow(page)
    resize(page, SMALL_PHONE)
    expect_no_overflow(page)
    pictures = page.locator("img").evaluate_all("all => all.map(each => each.getAttribute('alt'))")
    assert None not in pictures
    resize(page, DESKTOP)
    open_all(page)
    assert problems(page) == []
    expect_levels_without_gaps(page)
    expect_no_overflow(page)
    for menu in page.get_by_test_id("stPopoverButton").locator("visible=true").all():
        menu.click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
        expect_at_rest(page)
        assert problems(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def test_pages_have_titles_of_their_own():
    titles = {visit.path.partition("?")[0]: visit.title for visit in VISITS.values()}
    assert len(set(titles.values())) == len(titles)


def test_checks_notice_what_is_wrong(opened):
    page = opened(VISITS["studies"])
    page.get_by_test_id("stVerticalBlock").first.evaluate(
        """block => block.insertAdjacentHTML("beforeend", `
            <img><h4>Skipped</h4><p style="color: #aaa">Pale words</p>
            <p style="width: 2000px">Wide</p>`)"""
    )
    assert {"image-alt", "color-contrast"} <= {each.partition(":")[0] for each in problems(page)}
    assert page.evaluate(FITS) is False
    with pytest.raises(AssertionError):
        expect_levels_without_gaps(page)
