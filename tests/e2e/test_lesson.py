"""The lesson in a real browser: from the Draw page to its end, on a wide screen and on a phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e import axe
from tests.e2e.hand import DIGITS, button, draw, expect_consensus

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TITLES = (
    "From pixels to a reading",
    "Why convolutions",
    "What depth, kernels and shortcuts buy",
    "What breaks them",
)


def opened(browser, server: str, step: int = 1, **options) -> Page:
    page = browser.new_context(**({"viewport": WIDE} | options)).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{server}/lesson?step={step}")
    expect_step(page, step)
    return page


@pytest.fixture
def lesson(browser, server) -> Iterator[Page]:
    page = opened(browser, server)
    yield page
    page.context.close()


def question(page: Page) -> Locator:
    return page.get_by_role("radiogroup").last


def expect_step(page: Page, step: int) -> None:
    """Wait until the step is there, with its question and its buttons."""
    expect(page.get_by_text(f"Step {step} of {len(TITLES)}")).to_be_visible()
    expect(page.get_by_role("heading", name=TITLES[step - 1])).to_be_visible()
    expect(page.locator(f".st-key-next_{step}")).to_be_visible()
    expect(page.locator("[data-stale=true]")).to_have_count(0)


def expect_feedback(page: Page) -> None:
    said = page.get_by_role("status").filter(has_text=re.compile("Right|Not quite"))
    expect(said).to_have_count(1)


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_lesson_leads_to_its_end(browser, server, viewport):
    page = opened(browser, server, viewport=viewport)
    for step in range(1, len(TITLES) + 1):
        expect_step(page, step)
        expect(page.get_by_text("Your task:")).to_be_visible()
        question(page).locator("label").last.click()
        expect_feedback(page)
        main = page.get_by_test_id("stMain")
        assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
        button(page, "Next").click()
        expect(page.get_by_role("heading", name="Lesson")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="What you have seen")).to_be_visible()
    expect(page.get_by_text("You answered 4 of 4 questions")).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("link", name="Break it").click()
    expect(page.get_by_role("heading", name="Break it")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("step", range(1, len(TITLES) + 1))
def test_step_fits_a_wide_screen(browser, server, step):
    page = opened(browser, server, step)
    expect(page.get_by_text("Your task:")).to_be_in_viewport()
    expect(question(page)).to_be_in_viewport(ratio=1)
    expect(button(page, "Next")).to_be_in_viewport(ratio=1)
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("step", range(1, len(TITLES) + 1))
def test_step_has_no_serious_problem_of_accessibility(browser, server, step, scheme):
    page = opened(browser, server, step, viewport=PHONE, color_scheme=scheme)
    question(page).locator("label").first.click()
    expect_feedback(page)
    assert axe.problems(page) == []
    page.context.close()


def test_browser_goes_back_and_forward_between_steps(lesson):
    question(lesson).locator("label").nth(1).click()
    expect_feedback(lesson)
    button(lesson, "Next").click()
    expect_step(lesson, 2)
    lesson.go_back()
    expect_step(lesson, 1)
    expect(question(lesson).get_by_role("radio").nth(1)).to_be_checked()
    lesson.go_forward()
    expect_step(lesson, 2)


def test_next_step_begins_where_a_screen_reader_reads(lesson):
    button(lesson, "Next").click()
    expect_step(lesson, 2)
    expect(lesson.get_by_text("Step 2 of 4")).to_be_focused()


def test_pixels_turn_into_numbers_with_the_keyboard(lesson):
    numbers = lesson.get_by_role("img", name="the pixels as numbers")
    expect(numbers).to_have_count(0)
    lesson.get_by_role("switch").or_(lesson.get_by_role("checkbox")).focus()
    lesson.keyboard.press("Space")
    expect(numbers.locator("span")).to_have_count(28 * 28)


def test_lesson_uses_the_drawing_of_the_draw_page(page):
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")
    expect(button(page, "Undo")).to_be_enabled()
    expect(button(page, "Lesson")).to_be_in_viewport(ratio=1)
    button(page, "Lesson").click()
    expect_step(page, 1)
    expect(page.get_by_role("img", name="your canvas")).to_be_visible()
    expect(page.get_by_text("is an example")).to_have_count(0)
    button(page, "Next").click()
    expect(page.get_by_text("who still reads the 7")).to_be_visible()
