"""Drawing with a real mouse in a real browser."""

import io
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from visitors.browser import invitation

from mnistcmp.catalogue.networks import MODELS
from mnistcmp.checkpoints import read_manifest
from mnistcmp.drawing import canvas, share_link
from tests.e2e.hand import DIGITS, button, draw, expect_consensus, on_canvas, row

TRAINED = Counter(entry.recipe for entry in read_manifest() if entry.dataset == "mnist")
NETWORKS = TRAINED["drawn"]


def test_drawn_digits_are_read_and_cleared(page):
    for digit, strokes in DIGITS.items():
        draw(page, strokes)
        expect_consensus(page, digit)
        expect(button(page, "Clear")).to_be_enabled()
        button(page, "Clear").click()
        expect_consensus(page, "–")
        expect(invitation(page)).to_be_visible()


def test_digit_is_read_while_the_pen_is_still_down(page):
    page.mouse.move(*on_canvas(page, 140, 40))
    page.mouse.down()
    page.mouse.move(*on_canvas(page, 140, 240), steps=20)
    expect_consensus(page, "1")
    page.mouse.up()
    expect_consensus(page, "1")


def test_undo_removes_an_unreported_stroke_and_then_the_one_before(page):
    draw(page, DIGITS["1"])
    expect_consensus(page, "1")
    expect(button(page, "Undo")).to_be_enabled()
    draw(page, [[(40, 60), (240, 60), (40, 220), (240, 220)]])
    expect(page.locator(".words")).not_to_contain_text(f"All {NETWORKS} networks")
    button(page, "Undo").click()  # before the canvas has reported the stroke
    expect(page.locator(".words")).to_have_text(f"All {NETWORKS} networks read 1.")
    expect_consensus(page, "1")
    button(page, "Undo").click()
    expect_consensus(page, "–")


def test_drawing_survives_a_page_change(page):
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")
    expect(button(page, "Undo")).to_be_enabled()  # the finished stroke has arrived
    page.get_by_role("link", name="Benchmarks").click()
    expect(page.get_by_role("heading", name="Benchmarks")).to_be_visible()
    page.get_by_role("link", name="Draw", exact=True).click()
    expect_consensus(page, "7")


def test_drawing_survives_every_option(page):
    draw(page, DIGITS["4"])
    expect_consensus(page, "4")
    expect(button(page, "Undo")).to_be_enabled()
    button(page, "Settings").click()
    for option in ("accuracy", "size", "tuned"):
        page.get_by_test_id("stButtonGroup").get_by_text(option, exact=True).click()
        networks = TRAINED.get(option, NETWORKS)
        expect(page.locator(".words")).to_contain_text(re.compile(rf"\b{networks} networks read 4"))
        expect_consensus(page, "4")


def test_scribble_is_not_read_as_a_digit(page):
    zigzag = [(40 + 20 * step, 40 if step % 2 else 240) for step in range(11)]
    draw(page, [zigzag, [(40, 60), (240, 200)], [(240, 60), (40, 200)]])
    expect(page.locator(".words")).to_contain_text("Not sure whether this is a digit")
    expect_consensus(page, "?")


def test_click_on_a_row_shows_the_network_and_links_to_its_benchmark(page):
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")
    button(page, "Settings").click()
    page.get_by_test_id("stButtonGroup").get_by_text("size", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Break it")).to_be_visible()  # nothing moves any more
    page.get_by_role("button", name="Readings").click()
    row(page, "mlp").click()
    expect(row(page, "mlp")).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".closer .bars > div")).to_have_count(10)
    title = MODELS["mlp"].title
    page.get_by_role("button", name=f"Benchmark of {title}").click()
    expect(page.get_by_role("heading", name="Benchmarks", exact=True)).to_be_visible()


def test_families_and_rows_work_by_keyboard(page):
    draw(page, DIGITS["7"])
    expect(page.locator(".words")).to_have_text(f"All {NETWORKS} networks read 7.")
    page.get_by_role("button", name="Readings").click()
    family = (
        page.locator(".group").filter(has=page.locator(".row[title=kernel_7]")).locator(".head")
    )
    expect(family).to_have_attribute("aria-expanded", "false")
    expect(row(page, "kernel_7")).to_be_hidden()
    family.focus()
    page.keyboard.press("Enter")
    expect(row(page, "kernel_7")).to_be_visible()
    row(page, "kernel_7").focus()
    page.keyboard.press("Enter")
    inside = page.get_by_role("button", name=f"Inside {MODELS['kernel_7'].title}")
    inside.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Inside", exact=False).first).to_be_visible()
    assert "inside" in page.url


def test_click_on_a_digit_of_a_number_shows_its_readings(page):
    page.get_by_role("button", name="Three digits").first.click()
    digits = page.locator(".panel .digits button")
    expect(digits).to_have_text(["4", "0", "7"])
    expect(row(page, "strong_cnn").locator(".reads")).to_have_text("4")
    digits.nth(1).click()
    expect(digits.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(digits.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(row(page, "strong_cnn").locator(".reads")).to_have_text("0")
    expect(page.locator(".words")).to_contain_text("networks read 0")


def test_example_that_is_tapped_below_the_canvas_brings_it_into_view(phone):
    canvas = phone.locator("canvas.upper-canvas")
    example = phone.get_by_role("button", name="Three digits").first
    example.scroll_into_view_if_needed()
    phone.locator(".stMain").evaluate("main => main.scrollBy(0, 600)")
    expect(canvas).not_to_be_in_viewport()
    example.tap()
    expect(canvas).to_be_in_viewport(ratio=0.99)
    assert canvas.bounding_box()["y"] >= 60  # not below the page's header
    expect_consensus(phone, "407")


def test_verdict_is_announced_only_when_the_pen_is_up(page):
    status = page.locator(".panel [role=status]")
    page.mouse.move(*on_canvas(page, 140, 40))
    page.mouse.down()
    page.mouse.move(*on_canvas(page, 140, 240), steps=20)
    expect_consensus(page, "1")
    expect(status).to_contain_text("Draw a digit")
    page.mouse.up()
    expect(status).to_have_text(f"All {NETWORKS} networks read 1.")


def test_test_image_is_put_on_the_canvas_and_read(page):
    button(page, "Open and keep").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="6", exact=True).click()
    expect_consensus(page, "6")
    expect(page.get_by_text("a 6; misread by 0 of")).to_be_visible()


def test_link_restores_drawing_and_settings_in_another_browser(page, browser):
    first, second = DIGITS["4"]
    button(page, "Settings").click()
    page.get_by_test_id("stButtonGroup").get_by_text("tuned", exact=True).click()
    page.keyboard.press("Escape")
    draw(page, [first])
    expect(button(page, "Undo")).to_be_enabled()
    draw(page, [second])
    expect_consensus(page, "4")
    button(page, "Open and keep").click()
    link = page.get_by_test_id("stCode").inner_text()  # it waits for the second stroke
    assert "recipe=tuned" in link
    other = browser.new_context().new_page()
    other.goto(link)
    expect_consensus(other, "4")
    expect(button(other, "Undo")).to_be_enabled()
    button(other, "Settings").click()
    expect(other.get_by_role("radio", name="tuned")).to_be_checked()
    other.keyboard.press("Escape")
    for _ in DIGITS["4"]:  # each stroke can be undone separately
        expect(button(other, "Undo")).to_be_enabled()
        button(other, "Undo").click()
    expect(invitation(other)).to_be_visible()
    other.context.close()


def test_broken_link_shows_a_warning_and_drawing_works(browser, server):
    page = browser.new_context().new_page()
    page.goto(f"{server}/?drawing=nonsense&recipe=nosuch")
    expect(page.get_by_text("the drawing in this link cannot be read")).to_be_visible(
        timeout=60_000
    )
    page.locator("canvas.upper-canvas").wait_for()
    draw(page, DIGITS["1"])
    expect_consensus(page, "1")
    page.context.close()


def photo(digit: str) -> bytes:
    """A photo: light ink on a dark, unevenly lit board."""
    ink = canvas.paint((points, 14) for points in DIGITS[digit])
    board = Image.linear_gradient("L").resize(ink.size).point(lambda value: value // 4)
    buffer = io.BytesIO()
    Image.composite(board, Image.new("L", ink.size, 220), ink).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("digit", ["7", "4"])
def test_uploaded_photo_is_read(page, digit):
    upload(page, "digit.jpg", "image/jpeg", photo(digit))
    expect_consensus(page, digit)


def test_damaged_upload_shows_an_error_and_keeps_the_drawing(page):
    draw(page, DIGITS["1"])
    expect_consensus(page, "1")
    expect(button(page, "Undo")).to_be_enabled()
    upload(page, "digit.png", "image/png", b"this is not a picture")
    expect(page.get_by_text("no picture that can be read here")).to_be_visible()
    expect_consensus(page, "1")


def upload(page: Page, name: str, kind: str, content: bytes) -> None:
    button(page, "Open and keep").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": kind, "buffer": content}
    )


def test_png_of_the_drawing_can_be_downloaded(page):
    draw(page, DIGITS["7"])
    expect_consensus(page, "7")
    button(page, "Open and keep").click()
    save = page.get_by_test_id("stDownloadButton").get_by_role("button", name="PNG")
    expect(save).to_be_enabled()
    with page.expect_download() as download:
        save.click()
    with Image.open(download.value.path()) as image:
        assert image.size == (280, 280)
        assert image.convert("L").getpixel((140, 60)) < 50  # on the bar of the 7
        assert image.convert("L").getpixel((20, 20)) > 200


def fingers(page: Page) -> Callable[..., None]:
    """A function that takes a touch event's kind and the place of each finger on the canvas."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, places: dict[int, tuple[float, float]]) -> None:
        points = [(*on_canvas(page, *place), finger) for finger, place in places.items()]
        touched = [{"x": x, "y": y, "id": finger} for x, y, finger in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    return touch


def test_finger_draws_on_a_phone(phone):
    touch = fingers(phone)
    touch("touchStart", {1: (140, 40)})
    for y in range(60, 250, 10):
        touch("touchMove", {1: (140, y)})
    touch("touchEnd", {})
    expect_consensus(phone, "1")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    button(phone, "Clear").tap()
    expect_consensus(phone, "–")


@pytest.mark.parametrize("back", [(220, 40), (60, 330)], ids=["on the canvas", "below it"])
def test_only_the_first_finger_draws_until_all_are_up(phone, back):
    """`back`: where the first finger comes back, while the second is still on the canvas."""
    touch = fingers(phone)
    touch("touchStart", {1: (140, 40)})
    for y in range(60, 150, 10):
        touch("touchMove", {1: (140, y)})
    touch("touchStart", {1: (140, 140), 2: (220, 60)})
    for y in range(150, 250, 10):
        touch("touchMove", {1: (140, y), 2: (220, y - 100)})
        touch("touchMove", {1: (140, y), 2: (225, y - 100)})
    touch("touchEnd", {1: (140, 240)})  # the second is still down
    touch("touchStart", {2: (225, 140), 1: back})
    touch("touchMove", {2: (230, 140), 1: (60, 300)})
    touch("touchMove", {2: (230, 140), 1: (40, 290)})
    touch("touchEnd", {})
    expect(button(phone, "Undo")).to_be_enabled()
    expect_consensus(phone, "1")
    button(phone, "Open and keep").tap()
    link = phone.get_by_test_id("stCode").inner_text()
    (stroke,) = share_link.from_text(parse_qs(link.partition("?")[2])["drawing"][0])
    assert {round(x) for x, _ in stroke.points} == {140}
    assert max(y for _, y in stroke.points) > 230
