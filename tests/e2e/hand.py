"""What a person does and sees on the Draw page."""

from playwright.sync_api import Locator, Page, expect

# Strokes on the canvas of 280 px, as a person would move the pen.
DIGITS = {
    "1": [[(140, 40), (140, 240)]],
    "7": [[(70, 60), (210, 60), (120, 240)]],
    "4": [[(110, 40), (80, 150), (210, 150)], [(170, 50), (170, 240)]],
}


def on_canvas(page: Page, x: float, y: float) -> tuple[float, float]:
    """Canvas coordinates -> window coordinates, in px."""
    box = page.locator("canvas.upper-canvas").bounding_box()
    return box["x"] + x, box["y"] + y


def draw(page: Page, strokes: list[list[tuple[int, int]]]) -> None:
    """Draw with the mouse."""
    # Playwright scrolls while it waits for a button that is disabled.
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    for first, *rest in strokes:
        page.mouse.move(*on_canvas(page, *first))
        page.mouse.down()
        for corner in rest:
            page.mouse.move(*on_canvas(page, *corner), steps=12)
        page.mouse.up()


def button(page: Page, name: str) -> Locator:
    """The page's button with this name; the canvas has hidden buttons with the same names."""
    ours = page.get_by_test_id("stButton").or_(page.get_by_test_id("stPopover"))
    return ours.get_by_role("button", name=name)


def expect_consensus(page: Page, value: str) -> None:
    """Wait until the verdict is `value`: digits, "?" if not sure, or "–" on a blank canvas."""
    expect(page.locator(".panel .digits")).to_have_text(value)


def row(page: Page, name: str) -> Locator:
    """The row of the network with this name."""
    return page.locator(f".panel .row[title='{name}']")
