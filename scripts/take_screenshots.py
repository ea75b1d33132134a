"""Take the screenshots for README.md and docs/RESULTS.md, in light and dark mode.

python scripts/take_screenshots.py
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from visitors.browser import CHROMIUM_FLAGS, blank, chromium
from visitors.without_browser import REPOSITORY, server

FOLDER = REPOSITORY / "docs"
SCHEMES = ("light", "dark")
SIZE_PX = (1280, 800)
DRAWN = [
    [(100, 70), (170, 55), (175, 105), (125, 135)],
    [(125, 135), (185, 160), (150, 225), (85, 215)],
]
PAINTED_MS = 3000  # until charts and tables are complete
COLOURS = 255  # enough for flat colours, and a third of the bytes
OCTREE = Image.Quantize.FASTOCTREE  # keeps the colours of small marks; the default mixes them

# Page -> its address, and a heading or text that is there once the page is complete.
PAGES = {
    "break": ("break?dial=shift&level=4&test=30", "On a thousand test digits"),
    "lesson": ("lesson", "Your task:"),
    "benchmarks": ("benchmarks", "Everything"),
    "studies": ("studies", "Studies"),
    "inside": ("inside", "Choose a layer"),
}


@contextmanager
def browser_and_app() -> Iterator[tuple[Browser, str]]:
    """Run the app and a browser until the end of the block -> the browser, the app's address."""
    if (path := chromium()) is None:
        sys.exit("no Chromium or Chrome found: install one (Debian: apt-get install chromium)")
    with server() as app, sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS), app.address


def opened(browser: Browser, address: str, scheme: str, size_px: tuple[int, int] = SIZE_PX) -> Page:
    """Open a page in this colour scheme, in a window of this width and height."""
    width, height = size_px
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1
    )
    page.set_default_timeout(120_000)
    page.goto(address)
    return page


def shot(page: Page) -> Image.Image:
    """What the window shows, in few colours."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        return picture.convert("RGB").quantize(COLOURS, OCTREE, dither=Image.Dither.NONE)


def save(page: Page, name: str, scheme: str) -> None:
    """Write what the window shows to a small PNG file, and close the page."""
    page.wait_for_timeout(PAINTED_MS)
    shot(page).save(FOLDER / f"{name}-{scheme}.png", optimize=True)
    page.close()


def draw_page(browser: Browser, address: str, scheme: str) -> None:
    """Draw a digit with the mouse and take a screenshot of the readings."""
    page = opened(browser, address, scheme)
    blank(page)
    corner = page.locator("canvas.upper-canvas").bounding_box()
    for (x, y), *rest in DRAWN:
        page.mouse.move(corner["x"] + x, corner["y"] + y)
        page.mouse.down()
        for to_x, to_y in rest:
            page.mouse.move(corner["x"] + to_x, corner["y"] + to_y, steps=12)
        page.mouse.up()
    page.locator(".panel").get_by_role("button", name="Break it").wait_for()
    save(page, "draw", scheme)


def main() -> None:
    """Take all screenshots."""
    FOLDER.mkdir(exist_ok=True)
    with browser_and_app() as (browser, address):
        for scheme in SCHEMES:
            draw_page(browser, address, scheme)
            for name, (path, complete) in PAGES.items():
                page = opened(browser, f"{address}/{path}", scheme)
                page.get_by_text(complete).first.wait_for()
                save(page, name, scheme)
    print(f"screenshots written to {FOLDER}")


if __name__ == "__main__":
    main()
