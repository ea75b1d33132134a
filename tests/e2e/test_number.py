"""A number on the canvas: every digit is found and read, and a click shows its readings."""

from playwright.sync_api import expect

from tests.e2e.hand import DIGITS, button, draw, expect_consensus

NUMBER = [
    *([(50, 60), (20, 150), (85, 150)], [(70, 90), (70, 220)]),
    [(140, 60), (120, 110), (120, 170), (140, 220), (165, 170), (165, 110), (140, 60)],
    [(200, 60), (260, 60), (220, 220)],
]


def chosen(page, at):
    return page.locator(".panel .digits button").nth(at)


def test_every_digit_of_a_number_is_read_and_a_click_shows_its_readings(page):
    draw(page, NUMBER)
    expect_consensus(page, "407")
    words = page.locator(".panel .words")
    expect(chosen(page, 0)).to_have_attribute("aria-pressed", "true")
    expect(words).to_contain_text("read 4")
    for at, digit in ((2, "7"), (1, "0")):
        chosen(page, at).click()
        expect(chosen(page, at)).to_have_attribute("aria-pressed", "true")
        expect(words).to_contain_text(f"read {digit}")
        expect(page.locator(".panel .reads:visible").last).to_have_text(digit)


def test_digits_are_chosen_with_the_keyboard(page):
    draw(page, NUMBER)
    expect_consensus(page, "407")
    chosen(page, 1).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".panel .words")).to_contain_text("read 0")


def test_undo_leaves_the_other_digits(page):
    draw(page, NUMBER)
    expect_consensus(page, "407")
    expect(page.get_by_text("3: 7")).to_be_visible()  # the canvas has reported the last stroke
    button(page, "Undo").click()
    expect_consensus(page, "40")


def test_single_digit_in_two_strokes_stays_one(page):
    draw(page, DIGITS["4"])
    expect_consensus(page, "4")
    expect(page.locator(".panel .digits button")).to_have_count(0)


def test_number_fits_a_phone(phone):
    draw(phone, NUMBER)
    expect_consensus(phone, "407")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    expect(phone.locator(".panel .words")).to_be_in_viewport(ratio=1)
