"""The page "Inside a model" in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.hand import DIGITS, button, draw, expect_consensus

TITLE, LAST_SECTION = "Inside a model", "The activations of each layer"


def choose(page: Page, label: str, model: str) -> None:
    """Choose a model from one of the two lists."""
    page.get_by_role("combobox", name=label).fill(model)
    page.get_by_role("option", name=model, exact=True).click()


def expect_reading(page: Page, model: str, digit: str) -> None:
    """Wait until the page shows that the model reads `digit`."""
    metric = page.get_by_test_id("stMetric").filter(has_text=f"{model} reads")
    expect(metric.get_by_test_id("stMetricValue")).to_have_text(digit)


def test_two_models_read_the_drawing_and_choices_survive_a_page_change(page):
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")
    expect(button(page, "Undo")).to_be_enabled()  # the finished stroke has arrived
    page.get_by_role("link", name=TITLE).click()
    choose(page, "Model", "conv_maxpool")
    choose(page, "Compare with", "mlp")
    expect_reading(page, "conv_maxpool", "7")
    expect_reading(page, "mlp", "7")
    expect(page.get_by_role("img", name="your drawing, as the networks see it")).to_be_visible()
    expect(page.get_by_role("img", name="gradient, over the 7 that mlp reads")).to_be_visible()
    page.get_by_role("link", name="Benchmarks").click()
    expect(page.get_by_role("heading", name="Benchmarks")).to_be_visible()
    page.get_by_role("link", name=TITLE).click()
    expect_reading(page, "conv_maxpool", "7")
    expect_reading(page, "mlp", "7")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_phone_and_all_pictures_load(browser, server, scheme):
    viewport = {"width": 390, "height": 844}
    page = browser.new_page(viewport=viewport, color_scheme=scheme)
    page.set_default_timeout(60_000)
    page.goto(f"{server}/inside")
    page.get_by_role("heading", name=LAST_SECTION).wait_for()
    choose(page, "Model", "residual_cnn")
    choose(page, "Compare with", "fcn")
    expect_reading(page, "residual_cnn", "3")
    expect_reading(page, "fcn", "3")
    page.get_by_role("img", name="ReLU layers.5: 128 units").wait_for()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    widths = main.locator("img").evaluate_all("all => all.map(each => each.naturalWidth)")
    assert len(widths) > 20 and all(widths)
    page.close()
