"""The slider over the epochs of training, in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e import axe
from tests.e2e.hand import DIGITS, draw

WIDE, PHONE = (1280, 800), (390, 844)


@pytest.fixture
def opened(browser: Browser, server: str) -> Iterator[Callable[..., Page]]:
    """Draw a 7 on a screen of this size, and open the section."""
    contexts = []

    def draw_and_open(size: tuple[int, int] = WIDE, **settings: str) -> Page:
        width, height = size
        contexts.append(
            browser.new_context(viewport={"width": width, "height": height}, **settings)
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.goto(server)
        page.locator("canvas.upper-canvas").wait_for()
        draw(page, DIGITS["7"])
        page.get_by_text("Watch it learn").click()
        expect(page.get_by_role("columnheader", name="Probability of 7")).to_be_visible()
        return page

    yield draw_and_open
    for context in contexts:
        context.close()


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Epochs of training")


def answers(page: Page) -> list[str]:
    """What every network reads, with the mark of right or wrong."""
    return page.locator(".learning .reads b").all_inner_texts()


def accuracies(page: Page) -> list[str]:
    return page.locator(".learning td:last-child").all_inner_texts()


def test_slider_moves_through_the_epochs_by_keyboard(opened):
    page = opened()
    moved = slider(page)
    expect(moved).to_have_attribute("aria-valuetext", "Before training")
    untrained = answers(page)
    assert any(answer.startswith("✗") for answer in untrained)
    assert set(accuracies(page)) == {"–"}
    moved.focus()
    page.keyboard.press("ArrowRight")
    expect(moved).to_have_attribute("aria-valuetext", "After epoch 1")
    assert answers(page) != untrained
    page.keyboard.press("End")
    expect(moved).to_have_attribute("aria-valuetext", "After epoch 5")
    assert answers(page) == ["✓ 7"] * len(untrained)
    assert all(accuracy.endswith(" %") for accuracy in accuracies(page))
    expect(page.locator(".learning .state")).to_have_text(
        f"{len(untrained)} of {len(untrained)} networks read 7"
    )
    page.keyboard.press("Home")
    assert answers(page) == untrained


def test_chart_rises_from_the_left_to_the_right(opened):
    page = opened()
    for line in page.locator(".learning polyline").all():
        points = [tuple(map(float, at.split(","))) for at in line.get_attribute("points").split()]
        (first_x, first_y), *_, (last_x, last_y) = points
        assert (first_x, last_x) == (0, 5)
        assert first_y > 50 > 20 > last_y  # from the top, in percent


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_play_goes_through_all_epochs_and_can_be_paused(opened, motion):
    page = opened(reduced_motion=motion)
    play, pause = (page.get_by_role("button", name=name) for name in ("Play", "Pause"))
    play.click()
    expect(slider(page)).to_have_attribute("aria-valuetext", "After epoch 1")
    pause.click()
    expect(play).to_be_visible()
    play.click()
    expect(slider(page)).to_have_attribute("aria-valuetext", "After epoch 5")
    expect(play).to_be_visible()


@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_section_fits_the_screen_and_can_be_used_by_everyone(opened, size, colour_scheme):
    page = opened(size, color_scheme=colour_scheme)
    box = page.locator(".learning").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    for title in page.locator(".learning th[scope=row]").all():
        assert title.evaluate("element => element.scrollWidth <= element.clientWidth")
    assert axe.problems(page) == []
