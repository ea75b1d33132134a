"""The Benchmarks page in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from mnistcmp.catalogue.networks import MODELS
from tests.e2e.axe import problems

SECTIONS = 8
CHARTS = 9  # that are shown before anything is opened
EVERY_SIZE = [(1280, 800), (390, 844), (360, 640)]


@pytest.fixture
def opened(browser, server):
    """Open the page in a window of this size -> the page, completely loaded."""
    contexts = []

    def opened(width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
        viewport = {"width": width, "height": height}
        contexts.append(browser.new_context(viewport=viewport, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{server}/benchmarks")
        page.get_by_text("Where this was trained").wait_for()
        expect(page.get_by_test_id("stVegaLiteChart").locator("svg")).to_have_count(CHARTS)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        return page

    yield opened
    for context in contexts:
        context.close()


Opened = Callable[..., Page]


def show(page: Page, view: str) -> None:
    """Choose a view of a section, and wait until it is there."""
    choice = page.get_by_role("radio", name=view, exact=True)
    choice.click()
    expect(choice).to_be_checked()
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute(
        "data-test-script-state", "notRunning"
    )


def chart(page: Page, description: str) -> Locator:
    """The chart whose description for screen readers starts like this."""
    return page.locator(f'[data-testid="stVegaLiteChart"][aria-label^="{description}"]')


def of_network(page: Page, model: str) -> Locator:
    """The marks of a network in all charts."""
    return page.locator(f'[aria-label*="name: {model};"], [aria-label$="name: {model}"]')


def header_px(page: Page) -> float:
    """The height of the row of pages, which covers the top of the window."""
    return page.get_by_test_id("stHeader").bounding_box()["height"]


def test_no_section_is_higher_than_a_screen_until_it_is_opened(opened: Opened):
    page = opened()
    sections = page.locator("[class*=st-key-section-]")
    expect(sections).to_have_count(SECTIONS)
    heights = {
        section.get_by_role("heading", level=2).inner_text(): section.bounding_box()["height"]
        for section in sections.all()
    }
    assert max(heights.values()) <= 800 - header_px(page), heights


def test_first_screen_shows_the_whole_chart_and_its_sentence(opened: Opened):
    page = opened()
    expect(chart(page, "Test accuracy in percent against parameters")).to_be_in_viewport(ratio=1)
    expect(page.get_by_text(re.compile("factor of 10 in parameters adds"))).to_be_in_viewport()


@pytest.mark.parametrize(("width", "height"), EVERY_SIZE)
def test_link_leads_to_its_section_by_keyboard(opened: Opened, width, height):
    page = opened(width, height)
    links = page.get_by_role("navigation", name="Sections of this page").get_by_role("link")
    expect(links).to_have_count(SECTIONS)
    for link in links.all():
        assert link.bounding_box()["height"] >= 24
    heading = page.get_by_role("heading", name="Mistakes", level=2)
    expect(heading).not_to_be_in_viewport()
    page.get_by_role("link", name="Mistakes", exact=True).press("Enter")
    expect(heading).to_be_in_viewport()
    assert heading.bounding_box()["y"] >= header_px(page) - 1


def test_click_on_a_point_highlights_the_network_on_the_whole_page(opened: Opened):
    page, fcn = opened(), MODELS["fcn"].title
    highlight = page.get_by_role("combobox", name="Highlight")
    expect(highlight).to_have_value("")
    accuracy = chart(page, "Test accuracy in percent against parameters")
    point = accuracy.locator('[aria-roledescription="point"]').and_(of_network(page, "fcn"))
    point.click()
    expect(highlight).to_have_value(fcn)
    expect(page.get_by_role("combobox", name="Network", exact=True)).to_have_value(fcn)


def test_network_is_highlighted_by_keyboard(opened: Opened):
    page, fcn = opened(), MODELS["fcn"].title
    highlight = page.get_by_role("combobox", name="Highlight")
    highlight.press("ArrowDown")
    page.keyboard.type("512")
    page.keyboard.press("Enter")
    expect(highlight).to_have_value(fcn)
    accuracy = chart(page, "Test accuracy in percent against parameters")
    point = accuracy.locator('[aria-roledescription="point"]').and_(of_network(page, "mlp"))
    expect(point).to_have_attribute("opacity", "0.2")


@pytest.mark.parametrize(
    ("description", "mark", "view"),
    [
        ("Test accuracy in percent against", "point", ""),
        ("Mean under corruption", "point", ""),
        ("Median smallest nudge", "bar", "Nudges"),
        ("Accuracy, % of", "point", ""),
        ("Loss per image of", "point", ""),
        ("Test loss of", "bar", "Test loss at the end"),
        ("Accuracy of", "point", "By network"),
        ("Accuracy on pen digits, %, by", "point", "By recipe"),
    ],
)
def test_pointing_at_a_network_fades_the_others_of_its_chart(
    opened: Opened, description, mark, view
):
    page = opened()
    if view:
        show(page, view)
    marks = chart(page, description).locator(f'[aria-roledescription="{mark}"]')
    pointed_at, other = (marks.and_(of_network(page, name)).first for name in ("mlp", "tiny_cnn"))
    pointed_at.hover()
    expect(other).to_have_attribute("opacity", "0.2")
    expect(pointed_at).to_have_attribute("opacity", "1")
    page.mouse.move(0, 0)
    expect(other).to_have_attribute("opacity", "1")
    expect(page.get_by_role("combobox", name="Highlight")).to_have_value("")


def test_click_on_a_cell_of_the_confusion_matrix_shows_its_images(opened: Opened):
    page = opened()
    # The label of a cell: "read as: 9; true digit: 4; digit: 4; images: 3".
    cell = page.locator('[aria-roledescription="rect mark"][aria-label*="true digit:"]').first
    label = cell.get_attribute("aria-label")
    was, read_as, images = (
        re.search(rf"{name}: (\d+)", label)[1] for name in ("true digit", "read as", "images")
    )
    cell.click()
    expect(page.get_by_role("combobox", name="Misread images")).to_have_value(
        f"{was} read as {read_as}: {images}"
    )
    expect(page.get_by_role("img", name=re.compile("^test digit no."))).to_have_count(int(images))


@pytest.mark.parametrize(("width", "height"), EVERY_SIZE)
def test_nothing_is_wider_than_the_window_and_no_label_is_cut(opened: Opened, width, height):
    page = opened(width, height)
    for view in ("", "Each corruption", "Dials", "Nudges", "By network", "By recipe"):
        if view:
            show(page, view)
        main = page.get_by_test_id("stMain")
        assert main.evaluate("element => element.scrollWidth <= element.clientWidth"), view
        assert cut_labels(page) == [], view


def cut_labels(page: Page) -> list[str]:
    """The text in charts that is shortened, or ends outside of its picture.

    A line of text is up to 3 px higher than its letters.
    """
    return page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart] svg')].flatMap(
            svg => [...svg.querySelectorAll('text')].filter(text => {
                const [inner, outer] = [text, svg].map(each => each.getBoundingClientRect());
                return getComputedStyle(text).opacity !== '0' && inner.width > 0 && (
                    text.textContent.endsWith('…')
                    || inner.left < outer.left - 3 || inner.right > outer.right + 3
                    || inner.top < outer.top - 3 || inner.bottom > outer.bottom + 3);
            }).map(text => text.textContent))"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(opened: Opened, width, scheme):
    page = opened(width, 12_000, scheme)  # it checks contrast only where it can see
    assert problems(page) == []
    for view in ("Dials", "By recipe", "The hardest digits", "Test loss at the end"):
        show(page, view)
    for table in page.get_by_text("Table", exact=True).all():
        table.click()
    assert problems(page) == []
