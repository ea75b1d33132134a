"""The page "Inside a network" in a real browser."""

import itertools
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from mnistcmp.models import MODELS
from tests.e2e import axe
from tests.e2e.hand import DIGITS, button, draw

TITLE = "Inside a network"
DESKTOP, PHONE = (1280, 800), (390, 844)
WITH_SHORTCUTS = "resnet_6"
DEEPEST = "res_bottleneck"  # 30 layers

Open = Callable[..., Page]


@pytest.fixture
def opened(browser, server):
    """A function that opens the page with one network or two, on a screen of a size in px."""
    contexts = []

    def open_page(*models: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Page:
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{server}/inside")
        for label, model in zip(("Network", "Compare with"), models, strict=False):
            choose(page, label, model)
        return page

    yield open_page
    for context in contexts:
        context.close()


def choose(page: Page, label: str, model: str) -> None:
    """Choose a network from one of the two lists, and wait for it."""
    page.get_by_role("combobox", name=label).fill(MODELS[model].title)
    page.get_by_role("option", name=MODELS[model].title, exact=True).click()
    expect(network(page, model)).to_be_visible()


def network(page: Page, model: str) -> Locator:
    return page.locator(".network").filter(has=page.get_by_text(model, exact=True))


def layers(page: Page, model: str) -> Locator:
    """The buttons of a network's layers, without those on shortcuts."""
    return network(page, model).locator(".flow > button")


def expect_reading(page: Page, model: str, digit: str) -> None:
    """Wait until the page shows that the network reads `digit`."""
    expect(network(page, model).get_by_role("status")).to_contain_text(f"reads {digit}")


def height_px(page: Page) -> int:
    return page.get_by_test_id("stMain").evaluate("element => element.scrollHeight")


def does_not_scroll_sideways(page: Page) -> bool:
    main = page.get_by_test_id("stMain")
    return main.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_two_networks_read_the_drawing_and_choices_survive_a_page_change(page):
    draw(page, DIGITS["7"])
    expect(button(page, "Undo")).to_be_enabled()  # the finished stroke has arrived
    page.get_by_role("link", name=TITLE).click()
    choose(page, "Network", "conv_maxpool")
    choose(page, "Compare with", "mlp")
    for model in ("conv_maxpool", "mlp"):
        expect_reading(page, model, "7")
        digit = network(page, model).get_by_role("img", name="your drawing, as the networks see it")
        expect(digit.first).to_be_visible()
    evidence = page.get_by_role("img", name="Saliency, over the 7 that Perceptron 32 reads")
    expect(evidence).to_be_visible()
    page.get_by_role("link", name="Benchmarks").click()
    expect(page.get_by_role("heading", name="Benchmarks")).to_be_visible()
    page.get_by_role("link", name=TITLE).click()
    expect_reading(page, "conv_maxpool", "7")
    expect_reading(page, "mlp", "7")


def test_layers_run_from_left_to_right_and_a_long_flow_scrolls_inside_its_box(opened):
    page = opened(DEEPEST)
    boxes = [layer.bounding_box() for layer in layers(page, DEEPEST).all()]
    assert len(boxes) == 30
    assert {round(box["y"]) for box in boxes} == {round(boxes[0]["y"])}
    assert all(a["x"] + a["width"] < b["x"] for a, b in itertools.pairwise(boxes))
    flow = network(page, DEEPEST).locator(".flow")
    assert flow.evaluate("element => element.scrollWidth > element.clientWidth")
    assert does_not_scroll_sideways(page)


def test_usual_networks_fit_a_desktop_without_scrolling(opened):
    page = opened("kernel_7")
    flow = network(page, "kernel_7").locator(".flow")
    assert flow.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_layers_run_from_top_to_bottom_on_a_phone_inside_their_box(opened):
    page = opened(DEEPEST, size=PHONE)
    boxes = [layer.bounding_box() for layer in layers(page, DEEPEST).all()]
    assert len(boxes) == 30
    assert {round(box["x"]) for box in boxes} == {round(boxes[0]["x"])}
    assert all(a["y"] + a["height"] < b["y"] for a, b in itertools.pairwise(boxes))
    assert min(box["height"] for box in boxes) >= 40
    flow = network(page, DEEPEST).locator(".flow")
    assert flow.evaluate("element => element.scrollHeight > element.clientHeight")
    assert does_not_scroll_sideways(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_shortcut_leads_around_its_layers_to_the_sum(opened, size):
    page = opened(WITH_SHORTCUTS, size=size)
    here = network(page, WITH_SHORTCUTS)
    line = here.locator(".shortcut").first.bounding_box()
    plus = here.locator(".plus").first.bounding_box()
    first = layers(page, WITH_SHORTCUTS).nth(1).bounding_box()
    along, across, long, wide = (
        ("x", "y", "width", "height") if size == DESKTOP else ("y", "x", "height", "width")
    )
    assert line[along] < first[along] < line[along] + line[long]
    assert line[across] < first[across]
    middle = plus[along] + plus[long] / 2
    assert line[along] + line[long] == pytest.approx(middle, abs=3)
    beside = here.locator(".shortcut button").first
    assert min(beside.bounding_box()[wide], beside.bounding_box()[long]) >= 40
    beside.click()
    expect(here.get_by_role("heading", level=3)).to_contain_text("stages.0.shortcut")


def test_two_networks_stand_one_above_the_other_on_two_screens(opened):
    one, two = WITH_SHORTCUTS, DEEPEST  # the two that need most
    page = opened(one, two)
    above, below = (network(page, model).bounding_box() for model in (one, two))
    assert above["y"] + above["height"] <= below["y"]
    assert (above["x"], above["width"]) == (below["x"], below["width"])
    for model in (one, two):  # with details
        expect(network(page, model).get_by_role("heading", level=3)).to_be_visible()
    assert height_px(page) <= 2 * 800


def test_one_network_needs_at_most_two_screens_of_a_phone(opened):
    page = opened(DEEPEST, size=PHONE)
    here = network(page, DEEPEST)
    expect(here.get_by_text("Choose a layer")).to_be_visible()
    assert height_px(page) <= 2 * 844
    for layer in (*layers(page, DEEPEST).all()[:8], layers(page, DEEPEST).last):
        layer.click()
        expect(layer).to_have_attribute("aria-pressed", "true")
        assert height_px(page) <= 2 * 844
    details = here.locator(".details")
    assert details.evaluate("each => each.scrollWidth > each.clientWidth")
    expect(details).to_have_attribute("tabindex", "0")  # the keyboard scrolls it
    assert does_not_scroll_sideways(page)
    assert axe.problems(page) == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_click_and_keyboard_open_the_details_of_a_layer(opened, size):
    page = opened("simple_cnn", size=size)
    here = network(page, "simple_cnn")
    heading = here.get_by_role("heading", level=3)
    second = here.get_by_role("button", name="convolution 3×3 64 × 14×14")
    second.click()
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(heading).to_have_text("convolution 3×3 features.3")
    expect(here.locator("button[aria-pressed=true]")).to_have_count(1)
    for name in ("Filters of map", "All its 64 maps"):
        expect(here.get_by_role("img", name=name)).to_be_visible()
    digit, square = (here.locator(f".digit {part}").bounding_box() for part in ("img", ".square"))
    assert square["width"] == pytest.approx(digit["width"] * 8 / 28, abs=1)
    assert square["x"] >= digit["x"] - 1 and square["y"] >= digit["y"] - 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("max pooling 2×2 features.4")
    expect(second).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Space")
    expect(heading).to_have_count(0)


def test_last_layer_opens_the_probabilities(opened):
    page = opened("strong_cnn")
    layers(page, "strong_cnn").last.click()
    rows = network(page, "strong_cnn").get_by_role("row")
    expect(rows).to_have_count(11)
    expect(rows.nth(5)).to_contain_text(re.compile(r"(9\d|100)\.\d %"))  # the digit 4


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible_and_its_pictures_load(opened, size, scheme):
    page = opened(WITH_SHORTCUTS, "fcn", size=size, scheme=scheme)
    expect_reading(page, WITH_SHORTCUTS, "4")
    layers(page, WITH_SHORTCUTS).nth(4).click()
    layers(page, "fcn").last.click()
    assert axe.problems(page) == []
    pictures = page.get_by_test_id("stMain").locator("img")
    shown = pictures.evaluate_all("all => all.map(each => [each.naturalWidth, each.alt])")
    assert len(shown) >= 7 and all(width and alt for width, alt in shown)
    assert does_not_scroll_sideways(page)
