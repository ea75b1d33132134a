"""Drawing with a real mouse in a real browser."""

from playwright.sync_api import Locator, Page, expect

# Strokes on the canvas of 280 px, as a person would move the pen.
DIGITS = {
    "1": [[(140, 40), (140, 240)]],
    "7": [[(70, 60), (210, 60), (120, 240)]],
    "4": [[(110, 40), (80, 150), (210, 150)], [(170, 50), (170, 240)]],
}


def draw(page: Page, strokes: list[list[tuple[int, int]]]) -> None:
    box = page.locator("canvas.upper-canvas").bounding_box()
    for (x, y), *rest in strokes:
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.down()
        for x, y in rest:
            page.mouse.move(box["x"] + x, box["y"] + y, steps=12)
        page.mouse.up()


def button(page: Page, name: str) -> Locator:
    """Our own button; the canvas has hidden ones of the same name."""
    return page.get_by_test_id("stButton").get_by_role("button", name=name)


def expect_consensus(page: Page, value: str) -> None:
    metric = page.get_by_test_id("stMetric").filter(has_text="Consensus")
    expect(metric.get_by_test_id("stMetricValue")).to_have_text(value, timeout=30_000)


def test_drawn_digits_are_read_and_cleared(page):
    for digit, strokes in DIGITS.items():
        draw(page, strokes)
        expect_consensus(page, digit)
        button(page, "Clear").click()
        expect_consensus(page, "–")
        expect(page.get_by_text("Draw a digit: 0 to 9")).to_be_visible()


def test_digit_is_read_while_the_pen_is_still_down(page):
    box = page.locator("canvas.upper-canvas").bounding_box()
    page.mouse.move(box["x"] + 140, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 240, steps=20)
    expect_consensus(page, "1")
    page.mouse.up()
    expect_consensus(page, "1")


def test_undo_takes_back_one_stroke_and_keeps_the_others(page):
    draw(page, DIGITS["1"])
    expect_consensus(page, "1")
    draw(page, [[(40, 60), (240, 60)], [(40, 220), (240, 220)]])
    expect(page.get_by_text("15 networks agree")).to_have_count(0, timeout=30_000)
    button(page, "Undo").click()
    button(page, "Undo").click()
    expect_consensus(page, "1")


def test_drawing_survives_a_change_of_page(page):
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")
    expect(button(page, "Undo")).to_be_enabled()  # the finished stroke has arrived
    page.get_by_role("link", name="Benchmarks").click()
    expect(page.get_by_role("heading", name="Benchmarks")).to_be_visible()
    page.get_by_role("link", name="Draw").click()
    expect_consensus(page, "7")
