"""Score on one's own hand and its downloads; fooling networks."""

import io
import zipfile

import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from visitors.browser import blank

from tests.e2e.axe import problems
from tests.e2e.hand import DIGITS, button, draw, expect_consensus


def digits(page: Page, question: str) -> Locator:
    """The buttons 0 to 9 that answer a question."""
    return page.get_by_test_id("stButtonGroup").filter(has_text=question).get_by_role("radio")


def say(page: Page, question: str, digit: int) -> None:
    digits(page, question).nth(digit).click()
    expect(digits(page, question).nth(digit)).to_be_checked()


def draw_anew(page: Page, digit: str, lower_px: int = 0) -> None:
    """Clear the canvas and draw; a drawing that is exactly the same would count as the same."""
    if button(page, "Clear").is_enabled():
        button(page, "Clear").click()
        expect_consensus(page, "–")
    draw(page, [[(x, y + lower_px) for x, y in stroke] for stroke in DIGITS[digit]])
    expect_consensus(page, digit)
    expect(page.locator(".panel .line")).to_contain_text("would break")  # nothing moves any more


def cells(page: Page) -> list[str]:
    """The first row of the score."""
    return page.get_by_test_id("stTable").locator("tbody tr").first.locator("td").all_inner_texts()


def download(page: Page, name: str) -> bytes:
    with page.expect_download() as found:
        page.get_by_test_id("stDownloadButton").get_by_role("button", name=name).click()
    return found.value.path().read_bytes()


def test_score_counts_every_drawing_once_and_can_be_downloaded(page):
    for number, digit in enumerate(("1", "7", "1", "7")):
        draw_anew(page, digit, 5 * number)
        page.get_by_role("button", name=f"Yes, it is a {digit}").click()
        expect(digits(page, "What did you draw?").nth(int(digit))).to_be_checked()
    expect(
        page.get_by_text("of your 4 drawings right").or_(page.get_by_text("of 4 drawings"))
    ).to_be_visible()
    assert cells(page)[1:4] == ["4", "0", "4"]

    rows = pd.read_csv(io.BytesIO(download(page, "Score (CSV)")))
    assert (rows["asked"] == 4).all()
    assert (rows["right"] + rows["wrong"] == 4).all()
    with zipfile.ZipFile(io.BytesIO(download(page, "Drawings (ZIP)"))) as archive:
        assert sorted(archive.namelist()) == [
            *("test/1/003.png", "test/7/004.png", "train/1/001.png", "train/7/002.png")
        ]
        with Image.open(archive.open("train/7/002.png")) as image:
            assert (image.size, image.mode) == ((28, 28), "L")


def test_wrong_label_is_changed_and_removed(page):
    draw_anew(page, "7")
    say(page, "What did you draw?", 1)
    expect(page.get_by_test_id("stTable")).to_be_visible()
    assert cells(page)[1:4] == ["0", "1", "1"]
    say(page, "What did you draw?", 7)
    expect(page.get_by_test_id("stTable").locator("tbody tr").first).to_contain_text("21")
    assert cells(page)[1:4] == ["1", "0", "1"]
    page.get_by_text("Your drawings (1)").click()
    expect(page.get_by_role("img", name="1: a 7")).to_be_visible()
    button(page, "Remove").click()
    expect(page.get_by_test_id("stTable")).to_have_count(0)


def test_score_stays_when_another_page_was_visited(page):
    draw_anew(page, "7")
    page.get_by_role("button", name="Yes, it is a 7").click()
    expect(page.get_by_test_id("stTable")).to_be_visible()
    page.get_by_role("link", name="Benchmarks").click()
    expect(page.get_by_role("heading", name="Benchmarks")).to_be_visible()
    page.get_by_role("link", name="Draw", exact=True).click()
    expect(page.get_by_test_id("stTable")).to_be_visible()


def test_fooled_networks_are_counted_and_shared(page):
    draw_anew(page, "1")
    say(page, "I draw a", 7)  # not honest, but every network is fooled
    expect(page.get_by_text("networks misread this 7")).to_be_visible()
    button(page, "Count it").click()
    expect(page.get_by_text("Your best so far:")).to_contain_text("with a 7")
    expect(button(page, "Count it")).to_be_disabled()
    with Image.open(io.BytesIO(download(page, "Picture to share"))) as image:
        assert image.format == "PNG"
        assert image.width == 1080


def test_score_fits_a_phone(phone):
    draw_anew(phone, "7")
    phone.get_by_role("button", name="Yes, it is a 7").click()
    expect(phone.get_by_test_id("stTable")).to_be_visible()
    say(phone, "I draw a", 1)
    expect(phone.get_by_text("networks misread this 1")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    table = phone.get_by_test_id("stTable")
    assert table.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    for place in digits(phone, "I draw a").all():
        box = place.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_score_is_accessible(visit, scheme):
    page = visit(1280, 900, color_scheme=scheme)
    blank(page)
    draw_anew(page, "7")
    page.get_by_role("button", name="Yes, it is a 7").click()
    say(page, "I draw a", 1)
    page.get_by_text("Your drawings (1)").click()
    expect(page.get_by_role("img", name="1: a 7")).to_be_visible()
    expect(page.get_by_text("networks misread this 1")).to_be_visible()
    assert problems(page) == []
