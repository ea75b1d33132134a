"""What is found out in the background, in a real browser: who holds out longest."""

from playwright.sync_api import Locator, Page, expect
from visitors.browser import blank

from mnistcmp.app.background_reading import POLL_SECONDS
from mnistcmp.catalogue.networks import MODELS
from tests.e2e.hand import DIGITS, button, draw, expect_consensus, row

WAIT_MS = 60_000  # for work that takes two seconds of one core


def expect_line(page: Page) -> Locator:
    """Wait for the line that says who would break first."""
    line = page.locator(".panel .line:visible span")
    expect(line).to_contain_text("would break first:", timeout=WAIT_MS)
    return line


def test_line_and_bars_follow_a_drawing_and_go_with_the_next_stroke(page):
    draw(page, DIGITS["1"])
    expect_consensus(page, "1")
    expect_line(page)
    longest = page.get_by_role("button", name="Who holds out longest")
    expect(longest).to_have_attribute("aria-pressed", "true")
    expect(row(page, "mlp").locator(".reads")).to_have_text("")  # a bar, not a reading
    draw(page, [[(90, 200), (190, 200)]])
    expect(longest).to_be_hidden()
    expect(row(page, "mlp").locator(".reads")).to_have_text("1")
    button(page, "Clear").click()
    expect_consensus(page, "–")
    expect(page.locator(".panel .line")).to_be_hidden()


# Keeps the timers of the page that repeat at the interval of the background reading.
WATCH_TIMERS = f"""
    window.polls = new Set();
    window.everPolled = false;
    const start = window.setInterval, stop = window.clearInterval;
    window.setInterval = (act, ms, ...given) => {{
        const timer = start(act, ms, ...given);
        if (Math.round(ms) === {1000 * POLL_SECONDS}) {{
            window.polls.add(timer);
            window.everPolled = true;
        }}
        return timer;
    }};
    window.clearInterval = (timer) => {{ window.polls.delete(timer); stop(timer); }};
"""


def test_page_asks_no_more_once_the_result_is_there(page):
    page.add_init_script(WATCH_TIMERS)
    page.reload()
    blank(page)
    draw(page, [[(140, 45), (120, 235)]])  # no other test has drawn it, so it is not known
    expect_line(page)
    assert page.evaluate("window.everPolled")
    page.wait_for_function("window.polls.size === 0")


def test_line_leads_to_break_it_with_the_drawing(page):
    draw(page, DIGITS["7"])
    line = expect_line(page).inner_text()
    page.locator(".panel").get_by_role("button", name="Break it").click()
    expect(page.get_by_role("heading", name="Break it", exact=True)).to_be_visible(timeout=WAIT_MS)
    button(page, "Digit").click()
    expect(page.get_by_role("radio", name="your drawing")).to_be_checked()
    page.keyboard.press("Escape")
    (name,) = [name for name, spec in MODELS.items() if line.startswith(f"{spec.title} would")]
    known = page.get_by_text(name).or_(page.get_by_text(MODELS[name].title))
    expect(known.first).to_be_visible(timeout=WAIT_MS)
