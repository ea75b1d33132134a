"""Take the screenshots for README.md and docs/RESULTS.md, in light and dark mode.

python scripts/take_screenshots.py
"""

import sys

from playwright.sync_api import Browser, Page, sync_playwright
from visitors.browser import CHROMIUM_FLAGS, awake, chromium
from visitors.without_browser import REPOSITORY, server

FOLDER = REPOSITORY / "docs"
DRAWN = [
    [(100, 70), (170, 55), (175, 105), (125, 135)],
    [(125, 135), (185, 160), (150, 225), (85, 215)],
]
PAINTED_MS = 3000  # until charts and tables are complete


def opened(browser: Browser, address: str, scheme: str) -> Page:
    """Open a page in this colour scheme, 1280 px wide."""
    page = browser.new_page(
        viewport={"width": 1280, "height": 900}, color_scheme=scheme, device_scale_factor=1
    )
    page.set_default_timeout(120_000)
    page.goto(address)
    return page


def draw_page(browser: Browser, address: str, scheme: str) -> None:
    """Draw a digit with the mouse and take a screenshot of the readings."""
    page = opened(browser, address, scheme)
    awake(page).wait_for()
    page.locator("canvas.upper-canvas").wait_for()
    corner = page.locator("canvas.upper-canvas").bounding_box()
    for (x, y), *rest in DRAWN:
        page.mouse.move(corner["x"] + x, corner["y"] + y)
        page.mouse.down()
        for to_x, to_y in rest:
            page.mouse.move(corner["x"] + to_x, corner["y"] + to_y, steps=12)
        page.mouse.up()
    page.get_by_role("heading", name="What the networks see").wait_for()
    page.wait_for_timeout(PAINTED_MS)
    page.screenshot(path=FOLDER / f"draw-{scheme}.png")
    page.close()


def break_page(browser: Browser, address: str, scheme: str) -> None:
    """Take a screenshot of a digit that is shifted until most networks misread it."""
    page = opened(browser, f"{address}/break?dial=shift&level=8", scheme)
    page.get_by_role("heading", name="On a thousand test digits").wait_for()
    page.wait_for_timeout(PAINTED_MS)
    page.screenshot(path=FOLDER / f"break-{scheme}.png")
    page.close()


def benchmarks_page(browser: Browser, address: str, scheme: str) -> None:
    """Take a screenshot of the first tables and the chart of accuracy against parameters."""
    page = opened(browser, f"{address}/benchmarks", scheme)
    page.get_by_role("heading", name="Where this was trained").wait_for()
    page.wait_for_timeout(PAINTED_MS)
    page.screenshot(path=FOLDER / f"benchmarks-{scheme}.png")
    page.close()


def main() -> None:
    """Take all screenshots."""
    if (path := chromium()) is None:
        sys.exit("no Chromium or Chrome found: install one (Debian: apt-get install chromium)")
    FOLDER.mkdir(exist_ok=True)
    with server() as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        for scheme in ("light", "dark"):
            draw_page(browser, app.address, scheme)
            break_page(browser, app.address, scheme)
            benchmarks_page(browser, app.address, scheme)
    print(f"screenshots written to {FOLDER}")


if __name__ == "__main__":
    main()
