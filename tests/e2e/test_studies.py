"""The Studies page in a real browser."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import STUDIES
from tests.e2e.axe import problems

# The names in charts that end in an ellipsis, or that leave their chart at a side.
CUT = """texts => texts.filter(text => /\\p{Letter}/u.test(text.textContent)).filter(text => {
    const own = text.getBoundingClientRect()
    const chart = text.ownerSVGElement.getBoundingClientRect()
    const outside = own.left < chart.left - 1 || own.right > chart.right + 1
    return outside || text.textContent.includes("…")
}).map(text => text.textContent)"""

DESKTOP, PHONE = (1280, 800), (390, 844)
CLEAN, CORRUPTED = "Test accuracy, %, by network", "Accuracy under corruption, %, by network"


def chart(page: Page, title: str) -> Locator:
    """The chart whose description for screen readers starts with `title`."""
    return page.get_by_test_id("stVegaLiteChart").and_(page.locator(f'[aria-label^="{title}"]'))


@contextmanager
def opened(browser, address: str, size: tuple[int, int], scheme: str = "light") -> Iterator[Page]:
    """A page of the app, at this address below that of the server."""
    viewport = dict(zip(("width", "height"), size, strict=True))
    page = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    yield page
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.context.close()


@contextmanager
def overview(browser, server: str, size: tuple[int, int], scheme: str = "light") -> Iterator[Page]:
    """All cards, with their answers."""
    with opened(browser, f"{server}/studies", size, scheme) as page:
        expect(page.locator(".study-chart")).to_have_count(len(STUDIES))
        yield page


@contextmanager
def study(
    browser, server: str, number: int, size: tuple[int, int], scheme: str = "light"
) -> Iterator[Page]:
    """One study, to its end."""
    with opened(browser, f"{server}/studies?study={number}", size, scheme) as page:
        expect(page.get_by_text("How it was done")).to_be_visible()
        chart(page, CLEAN).locator("svg").wait_for()
        yield page


def settled(page: Page) -> None:
    """Wait until the server has sent everything."""
    page.locator("[data-test-script-state=notRunning]").first.wait_for()


def boxes(found: Locator) -> list[dict[str, float]]:
    return [each.bounding_box() for each in found.all()]


def cards(page: Page) -> Locator:
    return page.locator(".st-key-study_cards > *")


def assert_no_overflow(page: Page) -> None:
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_cards_are_columns_of_equal_height_on_a_wide_screen(browser, server):
    with overview(browser, server, DESKTOP) as page:
        rows: dict[float, list[dict[str, float]]] = {}
        for box in boxes(page.locator(".st-key-study_cards > * > *")):
            rows.setdefault(round(box["y"]), []).append(box)
        assert [len(row) for row in rows.values()] in ([3, 3, 3, 1], [2] * 5)
        for row in rows.values():
            assert max(box["height"] for box in row) - min(box["height"] for box in row) <= 1
        assert_no_overflow(page)


def test_cards_are_one_below_the_other_on_a_phone(browser, server):
    with overview(browser, server, PHONE) as page:
        found = boxes(cards(page))
        assert len({box["x"] for box in found}) == 1
        for above, below in itertools.pairwise(found):
            assert above["y"] + above["height"] <= below["y"]
        assert_no_overflow(page)


def test_no_name_on_a_card_is_cut_on_a_phone(browser, server):
    with overview(browser, server, PHONE) as page:
        names = page.locator(".study-chart > span:nth-child(odd)")
        expect(names.filter(has_text=re.compile(r"\S"))).to_have_count(
            sum(len(each.models) for each in STUDIES.values())
        )
        for name in names.all():
            assert name.evaluate("element => element.scrollWidth <= element.clientWidth + 1")


def test_click_opens_a_study_and_the_browser_goes_back(browser, server):
    with overview(browser, server, DESKTOP) as page:
        answer = cards(page).nth(6).locator("h2 + p").inner_text()
        page.get_by_role("button", name="Open study 7").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(STUDIES[7].question)
        expect(page).to_have_url(re.compile(r"/studies\?study=7$"))
        expect(page.get_by_text(answer, exact=True)).to_be_visible()
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Studies")


def test_keyboard_opens_a_study_and_leads_back(browser, server):
    with overview(browser, server, DESKTOP) as page:
        page.get_by_role("button", name="Open study 2").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(STUDIES[2].question)
        page.get_by_role("button", name="All studies").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Studies")
        expect(page).to_have_url(re.compile(r"/studies$"))


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_link_opens_a_study_with_its_parts_in_order(browser, server, size):
    with study(browser, server, 4, size) as page:
        parts = [
            page.get_by_role("heading", name=STUDIES[4].question, level=1),
            chart(page, CLEAN),
            page.get_by_role("heading", name="Findings", level=2),
            page.get_by_role("heading", name="Compared with the source", level=3),
            page.get_by_role("heading", name="Table", level=2),
            page.get_by_test_id("stDataFrame").first,
            page.get_by_text("How it was done"),
        ]
        tops = [part.bounding_box()["y"] for part in parts]
        assert tops == sorted(tops)
        assert page.locator("h1").count() == 1
        assert_no_overflow(page)


def test_chart_of_clean_and_corrupted_accuracy_is_on_the_first_screen(browser, server):
    with study(browser, server, 8, DESKTOP) as page:
        clean, corrupted = (chart(page, title).bounding_box() for title in (CLEAN, CORRUPTED))
        assert clean["y"] == corrupted["y"] and clean["x"] + clean["width"] <= corrupted["x"]
        assert clean["y"] + clean["height"] <= DESKTOP[1]
        heading = page.get_by_role("heading", name="Findings").bounding_box()
        assert heading["y"] + heading["height"] <= DESKTOP[1]


def test_charts_of_clean_and_corrupted_accuracy_have_the_same_rows_on_a_phone(browser, server):
    with study(browser, server, 8, PHONE) as page:
        clean, corrupted = (chart(page, title) for title in (CLEAN, CORRUPTED))
        one, other = clean.bounding_box(), corrupted.bounding_box()
        assert one["x"] == other["x"] and one["y"] + one["height"] <= other["y"]
        titles = [MODELS[model].title for model in STUDIES[8].models]
        for each in (clean, corrupted):
            shown = each.locator("text").all_text_contents()
            assert [text for text in shown if text in titles] == titles
        colours = [
            each.locator(".mark-symbol path").evaluate_all(
                "marks => marks.map(mark => mark.getAttribute('fill'))"
            )
            for each in (clean, corrupted)
        ]
        assert colours[0] == colours[1] and len(set(colours[0])) == len(titles)


# In the parts of a study with the most text in its charts.
@pytest.mark.parametrize("number", [3, 5, 8, 10])
def test_no_name_in_a_chart_is_cut_on_a_phone(browser, server, number):
    with study(browser, server, number, PHONE) as page:
        for tab in ("Accuracy", "Each change"):
            page.get_by_role("tab", name=tab).click()
            title = "Gain in test accuracy" if tab == "Each change" else CLEAN
            chart(page, title).locator("text").first.wait_for()
            settled(page)
            assert page.locator(".stVegaLiteChart text").evaluate_all(CUT) == []


@pytest.mark.parametrize("number", [1, 6, 8])
def test_nothing_is_wider_than_a_phone(browser, server, number):
    with study(browser, server, number, PHONE) as page:
        for tab in page.get_by_role("tab").all():
            tab.click()
            expect(tab).to_have_attribute("aria-selected", "true")
            assert_no_overflow(page)


def test_data_set_and_recipe_can_be_switched(browser, server):
    with study(browser, server, 6, DESKTOP) as page:
        expect(page.get_by_text("Training recipe: tuned, the only one on CIFAR-10")).to_be_visible()
        page.get_by_role("radio", name="MNIST").click()
        corrupted = chart(page, CORRUPTED)
        expect(corrupted).to_be_visible()
        with_drawn = corrupted.get_attribute("aria-label")
        page.get_by_role("radio", name="tuned").click()
        expect(corrupted).not_to_have_attribute("aria-label", with_drawn)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_overview_has_no_serious_problem_of_accessibility(browser, server, scheme):
    with overview(browser, server, DESKTOP, scheme) as page:
        assert problems(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("number", "size"), [(7, DESKTOP), (10, PHONE)])
def test_study_has_no_serious_problem_of_accessibility(browser, server, number, size, scheme):
    with study(browser, server, number, size, scheme) as page:
        for tab in page.get_by_role("tab").all():
            tab.click()
            page.get_by_role("tabpanel").get_by_test_id("stVegaLiteChart").first.wait_for()
            settled(page)
            assert problems(page) == [], tab.text_content()
