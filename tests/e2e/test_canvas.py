"""The canvas in a real browser: starter, examples, what the tab keeps, and that it never dies."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from visitors import without_browser
from visitors.browser import LOG_SCRIPT, awake, idle_log

from mnistcmp.app.draw import examples, starter
from tests.e2e.hand import DIGITS, button, draw, expect_consensus, on_canvas

KEPT = "mnistcmp.drawing"  # as in live.js


@pytest.fixture
def new(visit):
    """The Draw page as at a first visit, with the networks loaded; it must not raise errors."""
    page = visit(1280, 900)
    errors: list[object] = []
    page.on("pageerror", lambda error: errors.append(error))
    yield page
    assert not errors


def picture(page: Page):
    """The starter's picture over the canvas."""
    return page.get_by_role("img", name=starter.DESCRIPTION)


def test_canvas_has_a_label_and_no_toolbar(page):
    upper = page.locator("canvas.upper-canvas")
    expect(upper).to_have_role("img")
    expect(upper).to_have_accessible_name(
        "Drawing area, 280 by 280 pixels. Draw a digit with mouse or finger. "
        "Without them, choose one of the examples below."
    )
    upper.hover()
    expect(page.locator(".dc-toolbar")).to_have_count(0)


def test_canvas_is_alive_after_everything_that_a_hand_can_do(page):
    middle = on_canvas(page, 140, 140)
    for name in ("right", "middle"):
        page.mouse.click(*middle, button=name)
    page.keyboard.press("Escape")  # the context menu
    page.mouse.dblclick(*middle)
    page.mouse.wheel(0, 50)
    page.mouse.wheel(0, -50)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(*on_canvas(page, 140, -60), steps=5)  # out of the canvas
    page.mouse.up()
    for key in ("Delete", "Backspace", "Control+a", "Control+z", "Control+y", "Shift+Delete"):
        page.keyboard.press(key)
    expect(button(page, "Clear")).to_be_enabled()
    button(page, "Clear").click()
    expect_consensus(page, "–")
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")


def test_nothing_in_the_canvas_takes_the_keyboard(page):
    stops = """() => {
        const host = document.querySelector("canvas.upper-canvas, .st-key-canvas");
        return [...host.querySelectorAll("[data-testid]")]
            .flatMap((part) => [...(part.shadowRoot?.querySelectorAll("button, [tabindex]") ?? [])])
            .length;
    }"""
    assert page.evaluate(stops) == 0


def test_starter_is_read_and_some_networks_disagree(new):
    expect(picture(new)).to_be_visible()
    expect_consensus(new, "4")
    expect(new.locator(".verdict .words")).to_contain_text("networks read 4; the other 4 read 6")
    expect(button(new, "Undo")).to_be_disabled()


def test_first_touch_of_the_canvas_removes_the_starter(new):
    expect(picture(new)).to_be_visible()
    new.mouse.move(*on_canvas(new, 140, 40))
    new.mouse.down()
    assert picture(new).count() == 0  # without waiting for the server
    new.mouse.move(*on_canvas(new, 140, 240), steps=12)
    new.mouse.up()
    expect_consensus(new, "1")
    expect(button(new, "Undo")).to_be_enabled()
    button(new, "Undo").click()
    expect_consensus(new, "–")
    expect(picture(new)).to_have_count(0)


def test_clear_removes_the_starter_for_the_session(new):
    button(new, "Clear").click()
    expect_consensus(new, "–")
    expect(picture(new)).to_have_count(0)
    new.get_by_role("link", name="Studies").click()
    expect(new.get_by_role("heading", name="Studies", level=1)).to_be_visible()
    new.get_by_role("link", name="Draw", exact=True).click()
    expect_consensus(new, "–")
    expect(picture(new)).to_have_count(0)


def test_reloading_the_page_brings_the_drawing_back_until_it_is_cleared(page):
    draw(page, DIGITS["7"])
    expect(button(page, "Undo")).to_be_enabled()
    page.wait_for_function(f"sessionStorage.getItem('{KEPT}')")
    page.reload()
    expect_consensus(page, "7")
    expect(button(page, "Undo")).to_be_enabled()
    expect(picture(page)).to_have_count(0)
    button(page, "Clear").click()
    expect_consensus(page, "–")
    page.wait_for_function(f"!sessionStorage.getItem('{KEPT}')")
    page.reload()
    expect(picture(page)).to_be_visible()


def test_full_storage_and_a_damaged_text_do_no_harm(new):
    new.evaluate(f"sessionStorage.setItem('{KEPT}', 'nonsense')")
    new.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }"
    )
    new.reload()
    expect(picture(new)).to_be_visible()
    new.locator("canvas.upper-canvas").wait_for()
    draw(new, DIGITS["1"])
    expect_consensus(new, "1")
    new.reload()
    expect(picture(new)).to_be_visible()


@pytest.mark.parametrize("number", range(6))
def test_example_is_put_on_the_canvas_by_keyboard(number, new):
    name, sentence, _ = examples.all_examples()[number]
    row = new.locator(".st-key-examples_row")
    expect(row).to_contain_text(sentence)
    expect(picture(new)).to_be_visible()
    row.get_by_role("button", name=name, exact=True).press("Enter")
    expect(picture(new)).to_have_count(0)
    expect(button(new, "Undo")).to_be_enabled()
    if name == "The letter A":
        expect_consensus(new, "4")
    if name in ("4 or 9?", "A slashed 0"):
        expect_consensus(new, "?")


def test_picture_sent_when_the_pen_is_lifted_is_that_of_the_finished_drawing(page):
    page.add_init_script(path=LOG_SCRIPT)
    page.reload()
    awake(page).wait_for()
    page.locator("canvas.upper-canvas").wait_for()
    page.evaluate("benchmark.begin()")
    page.mouse.move(*on_canvas(page, 60, 60))
    page.mouse.down()
    for corner in ((210, 70), (120, 240)):
        page.mouse.move(*on_canvas(page, *corner), steps=3)  # a fast pen: its places are far apart
    page.mouse.up()
    log = idle_log(page)
    first = next(sent for sent in log["sent"] if sent["t"] >= log["up"])
    sent, finished = ink(first["png"]), ink(log["finished"])
    difference = np.abs(sent - finished.reshape(140, 2, 140, 2).mean(axis=(1, 3)))
    assert finished.mean() > 0.05
    assert difference.max() < 0.7, "a piece of the line is missing"
    assert difference.mean() < 0.003


def ink(url: str) -> np.ndarray:
    """The data URL of a picture of the canvas -> its ink, in [0, 1]."""
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        return 1 - np.asarray(image.convert("L"), dtype=np.float32) / 255


def test_first_visit_shows_the_recorded_reading_before_the_networks_are_loaded(browser):
    with without_browser.server() as app:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(path=LOG_SCRIPT)
        page.goto(app.address)
        page.locator("canvas.upper-canvas").wait_for()
        draw(page, DIGITS["7"])  # the networks are probably still asleep
        awake(page).wait_for()
        expect_consensus(page, "7")
        first = page.evaluate("benchmark.log.readings[0]")
        assert first["consensus"] == "4"
        assert first["verdict"] == ""  # no time: the networks have not read it
        page.close()
