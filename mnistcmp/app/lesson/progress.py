"""How far the lesson is; with another step the page goes back to its top. See progress.js."""

from pathlib import Path

from mnistcmp.app.in_browser.part import browser_part

FOLDER = Path(__file__).parent


def show(text: str) -> None:
    """Show how far the lesson is, in words."""
    part = browser_part("mnistcmp_progress", FOLDER, "progress")
    part(key="lesson_progress", data={"text": text}, width="content")
