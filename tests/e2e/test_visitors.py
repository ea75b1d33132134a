"""The benchmark's visitor understands what page and browser say to each other."""

from rich.console import Console
from visitors import browser as visitor


def test_visitor_times_the_final_reading_of_a_stroke(browser, server):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    page.add_init_script(path=visitor.LOG_SCRIPT)
    visitor.measure_visit(page, server)
    figures = visitor.measure_strokes(page, 1, Console(quiet=True))
    assert figures["strokes_without_live_reading"] < figures["strokes"]
    assert figures["final_p50_ms"] > 0
    page.close()
