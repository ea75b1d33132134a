"""The Benchmarks page in a real browser."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def benchmarks(browser, server):
    """The page on a wide screen, completely loaded."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{server}/benchmarks")
    page.get_by_role("heading", name="Where this was trained").wait_for()
    yield page
    context.close()


def test_click_on_a_point_highlights_the_network_on_the_whole_page(benchmarks):
    highlight = benchmarks.get_by_role("combobox", name="Highlight")
    expect(highlight).to_have_value("")
    benchmarks.locator('[aria-roledescription="circle"][aria-label*="model: fcn;"]').first.click()
    expect(highlight).to_have_value("fcn")
    expect(benchmarks.get_by_role("combobox", name="Network", exact=True)).to_have_value("fcn")


@pytest.mark.parametrize(
    ("chart", "mark"),
    [
        ("Test accuracy in percent against", "circle"),
        ("Accuracy, % of", "point"),
        ("Loss per image of", "point"),
        ("Test loss of", "bar"),
        ("Accuracy of", "circle"),
        ("Accuracy on pen digits", "point"),
    ],
)
def test_pointing_at_a_network_fades_the_others_of_its_chart(benchmarks, chart, mark):
    marks = benchmarks.locator(f'[aria-label^="{chart}"] [aria-roledescription="{mark}"]')
    pointed_at = marks.and_(benchmarks.locator('[aria-label*="model: mlp;"]')).first
    other = marks.and_(benchmarks.locator('[aria-label*="model: tiny_cnn;"]')).first
    pointed_at.hover()
    expect(other).to_have_attribute("opacity", "0.2")
    expect(pointed_at).to_have_attribute("opacity", "1")
    benchmarks.mouse.move(0, 0)
    expect(other).to_have_attribute("opacity", "1")
    expect(benchmarks.get_by_role("combobox", name="Highlight")).to_have_value("")


def test_click_on_a_cell_of_the_confusion_matrix_shows_its_images(benchmarks):
    # The label of a cell that is not empty: "read as: 9; true digit: 4; images: 3; digit: 4".
    cells = benchmarks.locator('[aria-roledescription="rect mark"][aria-label*="true digit:"]')
    cell = cells.and_(benchmarks.locator(':not([aria-label*="images: 0;"])')).first
    read_as, was = re.findall(r"(?:read as|true digit): (\d)", cell.get_attribute("aria-label"))
    cell.click()
    expect(
        benchmarks.get_by_text(re.compile(rf"Images of {was} that .* misread as {read_as}:"))
    ).to_be_visible()
    expect(benchmarks.get_by_text(re.compile(r"^no\. \d+$")).first).to_be_visible()


def test_nothing_is_wider_than_a_phone(browser, server):
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{server}/benchmarks")
    page.get_by_role("heading", name="Where this was trained").wait_for(timeout=60_000)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    page.context.close()
