"""The page "Break it" in a real browser: the slider by keyboard, mouse and finger, and the link."""

import io
import itertools
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e import axe
from tests.e2e.hand import DIGITS, button, draw, expect_consensus

TESTED = "break?test=30"  # a 3 that all networks read
STEP_MS = 450  # of the sweep, as in slider.js
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def opened(browser, address: str, **options) -> Page:
    """The page in a browser of its own, with the digit read."""
    page = browser.new_context(**({"viewport": WIDE} | options)).new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    slider(page).wait_for()
    return page


@pytest.fixture
def broken(browser, server) -> Iterator[Page]:
    page = opened(browser, f"{server}/{TESTED}")
    yield page
    page.context.close()


def slider(page: Page) -> Locator:
    return page.get_by_role("slider")


def expect_level(page: Page, text: str) -> None:
    expect(slider(page)).to_have_attribute("aria-valuetext", text)


def expect_dial(page: Page, title: str) -> None:
    expect(slider(page)).to_have_accessible_name(title)


def answer(page: Page, title: str) -> str:
    rows = page.locator(".dial").get_by_role("row")
    row = rows.filter(has=page.get_by_role("rowheader", name=title, exact=True))
    return row.get_by_role("cell").last.inner_text()


def link(page: Page) -> str:
    button(page, "Link").click()
    return page.get_by_test_id("stCode").inner_text()


def test_slider_moves_digit_and_answers_by_keyboard(broken):
    expect_dial(broken, "Shift right")
    expect_level(broken, "0 px, unchanged")
    assert answer(broken, "Perceptron 32").startswith("✓ 3")
    place = broken.locator(".digit").evaluate("digit => digit.style.backgroundPosition")
    slider(broken).focus()
    for _ in range(9):
        broken.keyboard.press("ArrowRight")
    expect_level(broken, "9 px")
    assert answer(broken, "Perceptron 32").startswith("✗")
    expect(broken.get_by_text("At 9 px: ").first).to_be_visible()
    assert place != broken.locator(".digit").evaluate("digit => digit.style.backgroundPosition")
    broken.keyboard.press("Home")
    expect_level(broken, "0 px, unchanged")
    broken.keyboard.press("End")
    expect_level(broken, "14 px")


def test_state_is_announced_only_when_the_dial_rests(broken):
    slider(broken).scroll_into_view_if_needed()
    status = broken.get_by_role("status").filter(has_text="networks")
    before = status.text_content()
    box = slider(broken).bounding_box()
    middle = box["y"] + box["height"] / 2
    broken.mouse.move(box["x"] + 8, middle)
    broken.mouse.down()
    broken.mouse.move(box["x"] + box["width"] / 2, middle, steps=10)
    expect_level(broken, "7 px")
    assert status.text_content() == before
    broken.mouse.up()
    expect(status).to_contain_text("At 7 px: ")
    expect_level(broken, "7 px")


def test_play_sweeps_to_the_end_and_can_be_paused(broken):
    slider(broken).scroll_into_view_if_needed()
    broken.clock.install(time=0)
    broken.clock.pause_at(1000)  # from now on, time passes only as the test says
    broken.get_by_role("button", name="Play").click()
    expect_level(broken, "0 px, unchanged")
    broken.clock.run_for(3 * STEP_MS)
    expect_level(broken, "3 px")
    status = broken.get_by_role("status").filter(has_text="At 3 px: ")
    expect(status).to_have_count(0)  # nothing is announced while the dial moves
    broken.get_by_role("button", name="Pause").click()
    expect(status).to_have_count(1)
    broken.clock.run_for(3 * STEP_MS)
    expect_level(broken, "3 px")
    broken.get_by_role("button", name="Play").click()
    broken.clock.run_for(15 * STEP_MS)
    expect_level(broken, "14 px")
    expect(broken.get_by_role("button", name="Play")).to_be_visible()


def test_play_steps_without_animation_for_who_prefers_reduced_motion(browser, server):
    def line(page: Page) -> str:
        return page.locator(".track").first.evaluate(
            "track => getComputedStyle(track, '::after').transitionDuration"
        )

    page = opened(browser, f"{server}/{TESTED}", reduced_motion="reduce")
    assert line(page) == "0s"
    page.get_by_role("button", name="Play").click()
    expect_level(page, "1 px")
    page.context.close()
    page = opened(browser, f"{server}/{TESTED}", reduced_motion="no-preference")
    assert line(page) != "0s"
    page.context.close()


def test_link_opens_the_same_dial_and_level_in_another_browser(page, browser):
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")
    expect(button(page, "Undo")).to_be_enabled()  # the finished stroke has arrived
    page.get_by_role("link", name="Break it").click()
    # The Draw page's elements are gone when the page is complete.
    expect(page.locator("canvas.upper-canvas")).to_have_count(0)
    expect(button(page, "Link")).to_have_count(1)
    page.get_by_role("radio", name="Turn", exact=True).click()
    expect_dial(page, "Turn")
    slider(page).focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect_level(page, "30°")
    expect(page.get_by_role("status").filter(has_text="At 30°: ")).to_have_count(1)
    button(page, "Link").click()
    expect(page.get_by_test_id("stCode")).to_contain_text("level=30")
    other = opened(browser, page.get_by_test_id("stCode").inner_text())
    expect_dial(other, "Turn")
    expect_level(other, "30°")
    # Not the same counts: a link rounds the points of a stroke, which can change a narrow answer.
    expect(other.locator(".state")).to_contain_text("At 30°: ")
    button(other, "Digit").click()
    expect(other.get_by_role("combobox", name="Which digit is it?")).to_have_value("7")
    other.context.close()


def test_another_dial_starts_at_rest(broken):
    slider(broken).focus()
    broken.keyboard.press("ArrowRight")
    broken.get_by_role("radio", name="Blur", exact=True).click()
    expect_dial(broken, "Blur")
    expect_level(broken, "0 px, unchanged")


def test_finger_moves_the_slider_on_a_phone(browser, server):
    page = opened(browser, f"{server}/{TESTED}", viewport=PHONE, has_touch=True, is_mobile=True)
    slider(page).scroll_into_view_if_needed()
    box = slider(page).bounding_box()
    y = box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    for kind, share in (("touchStart", 0.03), ("touchMove", 0.3), ("touchMove", 0.5)):
        point = {"x": box["x"] + share * box["width"], "y": y}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    expect_level(page, "7 px")
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.get_by_role("status").filter(has_text="At 7 px: ")).to_have_count(1)
    assert "level=7" in link(page)
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_phone_and_cuts_no_name(browser, server, scheme):
    page = opened(browser, f"{server}/{TESTED}", viewport=PHONE, color_scheme=scheme)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    dial = page.locator(".dial")
    assert dial.evaluate("element => element.scrollWidth <= element.clientWidth")
    right = main.bounding_box()["x"] + main.bounding_box()["width"]
    for box in dial.locator("tr").evaluate_all(
        "all => all.map(row => row.getBoundingClientRect().right)"
    ):
        assert box <= right
    # The controls stay in sight while the long list of networks is scrolled.
    dial.get_by_role("row").last.scroll_into_view_if_needed()
    expect(slider(page)).to_be_in_viewport()
    colours = dial.evaluate(
        "element => [getComputedStyle(element).color,"
        " getComputedStyle(element.querySelector('.controls')).backgroundColor]"
    )
    text, background = (sum(map(int, re.findall(r"\d+", c)[:3])) for c in colours)
    assert text < 200 and background > 700 if scheme == "light" else text > 600 > 200 > background
    page.context.close()


def expect_on_screen(page: Page) -> None:
    """Digit, slider and the first five networks are on the screen as a whole."""
    for part in (slider(page), page.locator(".digit")):
        expect(part).to_be_in_viewport(ratio=1)
    for at in range(5):
        expect(page.locator(".dial tr:has(.track)").nth(at)).to_be_in_viewport(ratio=1)


def test_digit_slider_and_first_networks_are_on_the_first_screen(broken):
    expect_on_screen(broken)


def test_digit_slider_and_first_networks_fit_a_phone_together(browser, server):
    page = opened(browser, f"{server}/{TESTED}", viewport=PHONE)
    heading = page.get_by_role("heading", name="One dial at a time")
    heading.evaluate("heading => heading.scrollIntoView()")
    expect_on_screen(page)
    page.context.close()


def heat_map(page: Page, title: str) -> Locator:
    return page.get_by_role("grid", name=title)


def test_heat_map_is_moved_in_and_chosen_from_by_keyboard(broken):
    grid = heat_map(broken, "A thousand test digits")
    first = grid.get_by_role("gridcell").first
    expect(first).to_have_accessible_name(re.compile("^Perceptron 32, Turn: "))
    expect(grid).to_have_accessible_description(re.compile("^Networks by dials: "))
    assert grid.locator("[tabindex='0']").count() == 1  # one stop of the Tab key
    first.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowDown"):
        broken.keyboard.press(key)
    cell = grid.get_by_role("gridcell", name=re.compile("^Perceptron 100, Shift: "))
    expect(cell).to_be_focused()
    detail = broken.locator(".frame", has=grid).locator(".detail")
    expect(detail).to_have_text(cell.get_attribute("aria-label"))
    broken.keyboard.press("ArrowRight")
    broken.keyboard.press("Enter")
    expect_dial(broken, "Size")
    expect(broken.locator(".dial .chosen")).to_contain_text("Perceptron 100")


def test_click_on_the_heat_map_of_this_digit_sets_dial_and_network(broken):
    grid = heat_map(broken, "This digit")
    cell = grid.get_by_role("gridcell", name=re.compile("^Tiny CNN, Blur: "))
    cell.click()
    expect_dial(broken, "Blur")
    expect(broken.locator(".dial .chosen")).to_contain_text("Tiny CNN")


def test_heat_map_cuts_no_name_on_a_phone(browser, server):
    page = opened(browser, f"{server}/{TESTED}", viewport=PHONE)
    grid = heat_map(page, "A thousand test digits")
    grid.get_by_role("gridcell", name=re.compile("^Perceptron 32, Turn: ")).wait_for()
    for part in grid.locator("th").evaluate_all(
        "all => all.map(th => [th.scrollWidth, th.clientWidth, th.scrollHeight, th.clientHeight])"
    ):
        width, room, height, high = part
        assert width <= room + 1 and height <= high + 1  # each is rounded
    page.context.close()


def test_nudge_misleads_another_network_into_a_chosen_answer(broken):
    broken.get_by_role("heading", name="Nudge it").scroll_into_view_if_needed()
    for label, option in (("Network to mislead", "Tiny CNN"), ("Wrong answer", "8")):
        broken.get_by_role("combobox", name=label).click()
        broken.get_by_role("option", name=option, exact=True).click()
    expect(broken.get_by_text("Tiny CNN reads this 3 as 8 after a change of size")).to_be_visible()
    for name in (
        "the digit before the change",
        "the change that misleads Tiny CNN",
        "the changed digit, which Tiny CNN reads as 8",
    ):
        picture = broken.get_by_role("img", name=name)
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.naturalWidth") == 28
    expect(broken.get_by_text("other networks read the unchanged digit as 3")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_page_has_no_serious_problem_of_accessibility(browser, server, scheme, viewport):
    page = opened(browser, f"{server}/{TESTED}", viewport=viewport, color_scheme=scheme)
    for title in ("This digit", "A thousand test digits"):
        cell = heat_map(page, title).get_by_role("gridcell", name=re.compile("^Tiny CNN, Blur: "))
        cell.wait_for()
    slider(page).focus()
    page.keyboard.press("End")  # wrong answers are in another colour
    expect_level(page, "14 px")
    assert axe.problems(page) == []
    levels = page.get_by_role("heading").evaluate_all("all => all.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and all(b <= a + 1 for a, b in itertools.pairwise(levels))
    page.context.close()


def test_picture_of_the_broken_digit_can_be_downloaded(broken):
    slider(broken).focus()
    broken.keyboard.press("End")
    expect(broken.get_by_role("status").filter(has_text="At 14 px: ")).to_have_count(1)
    with broken.expect_download() as download:
        broken.get_by_role("button", name="Picture").click()
    assert download.value.suggested_filename == "broken_3.png"
    image = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert image.width == 1000 and image.height > 400


def test_outside_level_of_a_link_is_named_and_the_dial_rests(browser, server):
    page = opened(browser, f"{server}/break?dial=turn&level=500")
    expect(page.get_by_text("from -90 to 90, not 500")).to_be_visible()
    expect_level(page, "0°, unchanged")
    page.context.close()
