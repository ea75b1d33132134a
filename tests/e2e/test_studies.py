"""The Studies page in a real browser."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from mnistcmp.catalogue.studies import STUDIES


def chart(page: Page, title: str) -> Locator:
    """The chart whose description for screen readers starts with `title`."""
    return page.get_by_test_id("stVegaLiteChart").and_(page.locator(f'[aria-label^="{title}"]'))


def opened(browser, address: str, number: int, width: int) -> Page:
    """The page that a link to this study opens, completely loaded."""
    page = browser.new_context(viewport={"width": width, "height": 1000}).new_page()
    page.set_default_timeout(60_000)
    study = STUDIES[number]
    page.goto(f"{address}/studies?study={study.number} {study.title}")
    chart(page, "Loss (nats), training images").wait_for()
    return page


def test_link_opens_a_study_with_its_charts_and_conclusions(browser, server):
    page = opened(browser, server, 4, 1280)
    expect(page.get_by_role("heading", name=STUDIES[4].question)).to_be_visible()
    expect(page.get_by_role("heading", name="Findings")).to_be_visible()
    page.get_by_role("radio", name="tuned").click()
    expect(page.get_by_text("residual_cnn is the most accurate")).to_be_visible()
    for title in (
        "Gain in test accuracy, points",
        "Test accuracy, %",
        "Gradient norm, last epoch",
    ):
        expect(chart(page, title).first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.context.close()


def test_chosen_study_is_in_the_address(browser, server):
    page = opened(browser, server, 4, 1280)
    page.get_by_role("combobox", name="Study").click()
    page.get_by_role("option", name="2 Pooling or batch normalisation").click()
    expect(page.get_by_role("heading", name=STUDIES[2].question)).to_be_visible()
    expect(page).to_have_url(re.compile(r"study=2\+Pooling"))
    page.context.close()


def test_data_set_can_be_switched(browser, server):
    page = opened(browser, server, 6, 1280)
    for dataset in ("MNIST", "CIFAR-10 (JPEG copy)"):
        page.get_by_role("radio", name=dataset).click()
        expect(page.get_by_text(f"ours on {dataset}, trained with")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("number", [1, 6, 8])
def test_nothing_is_wider_than_a_phone(browser, server, number):
    page = opened(browser, server, number, 390)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    page.context.close()
