"""The Draw page as one composition, on a wide screen and on phones, light and dark."""

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.e2e.axe import problems
from tests.e2e.hand import DIGITS, button, draw, expect_consensus, row

WIDE, PHONE, SMALL_PHONE = (1280, 800), (390, 844), (360, 640)
SIZES = [WIDE, PHONE, SMALL_PHONE]
FIRST_ROWS = 3

sizes = pytest.mark.parametrize("size", SIZES, ids=lambda size: "×".join(map(str, size)))
schemes = pytest.mark.parametrize("scheme", ["light", "dark"])

# Elements whose text needs more room than they have.
CUT = """elements => elements
    .filter((each) => each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.textContent)"""


def box(element: Locator) -> FloatRect:
    found = element.bounding_box()
    assert found is not None
    return found


def expect_inside(page: Page, element: Locator) -> None:
    """The whole element is on the screen, without scrolling."""
    assert page.viewport_size is not None
    x, y, width, height = (box(element)[part] for part in ("x", "y", "width", "height"))
    assert x >= 0 and y >= 0
    assert x + width <= page.viewport_size["width"]
    assert y + height <= page.viewport_size["height"]


def expect_composition(page: Page) -> None:
    """Canvas, verdict and the first rows of readings are on the screen together."""
    expect_inside(page, page.locator("h1"))
    expect_inside(page, page.locator("canvas.upper-canvas"))
    expect_inside(page, page.locator(".panel .verdict"))
    visible = page.locator(".panel .row:visible, .panel .head:visible")
    for number in range(FIRST_ROWS):
        expect_inside(page, visible.nth(number))


def expect_no_overflow(page: Page) -> None:
    """Nothing is wider than the screen, and no name is cut."""
    main = page.get_by_test_id("stMain")
    assert main.evaluate("each => each.scrollWidth <= each.clientWidth")
    names = page.locator(".panel .row:visible > span:first-child, .panel .head:visible > span")
    assert names.count() > FIRST_ROWS
    assert names.evaluate_all(CUT) == []
    panel = box(page.locator(".panel"))
    for each in (page.locator(".panel .row:visible").first, page.locator(".panel .head").first):
        assert box(each)["x"] + box(each)["width"] <= panel["x"] + panel["width"] + 1


@sizes
@schemes
def test_canvas_verdict_and_first_rows_are_on_the_screen_together(visit, size, scheme):
    page = visit(*size, color_scheme=scheme)
    expect_consensus(page, "4")  # the starter
    expect_composition(page)
    expect_no_overflow(page)
    expect(page.locator("h1")).to_have_css("white-space", "nowrap")
    assert problems(page) == []
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")
    expect(page.locator(".panel [role=status]")).to_contain_text("read 7")  # the pen is up
    expect_composition(page)
    expect(page.locator(".panel").get_by_role("button", name="Break it")).to_be_visible()
    expect_composition(page)
    expect_no_overflow(page)
    assert problems(page) == []


@sizes
def test_networks_that_disagree_are_on_the_screen(visit, size):
    page = visit(*size)
    expect_consensus(page, "4")  # the starter, which perceptrons misread
    expect_inside(page, row(page, "mlp"))
    assert box(page.locator(".panel .digits"))["height"] >= 96


def test_on_a_wide_screen_the_readings_fill_the_width_beside_the_canvas(visit):
    page = visit(*WIDE)
    canvas, panel = box(page.locator("canvas.upper-canvas")), box(page.locator(".panel"))
    assert canvas["width"] == canvas["height"] == 280
    assert panel["x"] < canvas["x"] + canvas["width"] + 60
    assert abs(panel["y"] - canvas["y"]) <= 20
    right = max(box(each)["x"] + box(each)["width"] for each in page.locator(".head").all())
    assert right >= WIDE[0] - 90


@pytest.mark.parametrize("name", ["Settings", "Open and keep"])
@sizes
def test_popover_is_on_the_screen_and_on_a_wide_one_does_not_cover_the_verdict(visit, name, size):
    page = visit(*size)
    expect_consensus(page, "4")
    button(page, name).click()
    body = page.get_by_test_id("stPopoverBody")
    expect(body).to_be_visible()
    expect(body.get_by_role("button").first).to_be_visible()
    place = box(body)
    assert place["x"] >= 0 and place["x"] + place["width"] <= size[0]
    if size == WIDE:
        digits = box(page.locator(".panel .verdict"))
        assert place["x"] + place["width"] <= digits["x"] or place["y"] >= (
            digits["y"] + digits["height"]
        )


def test_link_is_off_on_a_blank_canvas(page):
    button(page, "Open and keep").click()
    body = page.get_by_test_id("stPopoverBody")
    expect(body.get_by_role("button", name="PNG")).to_be_disabled()
    expect(body.get_by_test_id("stCode")).to_have_count(0)
