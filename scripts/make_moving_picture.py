"""Make the moving pictures at the top of README.md, in light and dark mode.

A digit is drawn stroke by stroke, and the readings move; then, on the page "Break it", a dial moves
from one end to the other, and the networks stop reading the digit one by one.

python scripts/make_moving_picture.py
"""

import itertools
from collections.abc import Iterator

from PIL import Image
from playwright.sync_api import Browser, Page
from take_screenshots import DRAWN, FOLDER, SCHEMES, browser_and_app, opened, shot
from visitors.browser import awake, blank

SIZE_PX = (830, 600)  # the width at which GitHub shows README.md
STEPS = 5  # frames for each line of a stroke
READING_MS = 500  # until the page shows what the networks read now
STARTER_MS, PEN_MS, FINISHED_MS = 1500, 150, 1200  # how long frames are shown
LEVEL_MS, END_MS = 400, 2000

Frame = tuple[Image.Image, int]  # and how long it is shown, in ms


def frame(page: Page, shown_ms: int) -> Frame:
    """What the window shows now."""
    return shot(page).convert("RGB"), shown_ms


def drawing(page: Page) -> Iterator[Frame]:
    """The starter, then a digit drawn with the mouse."""
    awake(page).wait_for()
    yield frame(page, STARTER_MS)
    blank(page)
    corner = page.locator("canvas.upper-canvas").bounding_box()
    assert corner is not None
    for stroke in DRAWN:
        for at, (x, y) in enumerate(points(stroke)):
            page.mouse.move(corner["x"] + x, corner["y"] + y, steps=4)
            if at == 0:
                page.mouse.down()
            page.wait_for_timeout(READING_MS)
            yield frame(page, PEN_MS)
        page.mouse.up()
    page.locator(".panel").get_by_role("button", name="Break it").wait_for()
    yield frame(page, FINISHED_MS)


def points(stroke: list[tuple[int, int]]) -> Iterator[tuple[float, float]]:
    """The stroke's corners, and points between them."""
    yield stroke[0]
    for (x, y), (to_x, to_y) in itertools.pairwise(stroke):
        for part in range(1, STEPS + 1):
            yield x + (to_x - x) * part / STEPS, y + (to_y - y) * part / STEPS


def breaking(page: Page) -> Iterator[Frame]:
    """A dial that moves from rest to its end."""
    page.get_by_role("link", name="Break it").click()
    slider = page.get_by_role("slider")
    slider.wait_for()
    page.wait_for_timeout(READING_MS)
    slider.evaluate("each => each.closest('.dial').scrollIntoView({block: 'end'})")
    levels = int(slider.get_attribute("max") or 0)
    for at in range(levels + 1):
        if at:
            slider.press("ArrowRight")
        yield frame(page, END_MS if at == levels else LEVEL_MS)


def make(browser: Browser, address: str, scheme: str) -> None:
    """Make the moving picture in one colour scheme."""
    page = opened(browser, address, scheme, SIZE_PX)
    frames = [*drawing(page), *breaking(page)]
    page.close()
    (first, *others), durations = zip(*frames, strict=True)
    path = FOLDER / f"moving-{scheme}.webp"
    first.save(path, save_all=True, append_images=others, duration=list(durations), lossless=True)
    seconds = sum(durations) / 1000
    print(f"{path.name}: {len(frames)} frames, {seconds} s, {path.stat().st_size:,} bytes")


def main() -> None:
    """Make both."""
    with browser_and_app() as (browser, address):
        for scheme in SCHEMES:
            make(browser, address, scheme)


if __name__ == "__main__":
    main()
