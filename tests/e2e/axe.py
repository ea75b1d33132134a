"""Accessibility of a page, checked with axe-core."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Nodes of Streamlit that this app cannot reach: (rule, part of the HTML) -> the reason.
STREAMLIT: dict[tuple[str, str], str] = {}
SERIOUS = ("serious", "critical")


def problems(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page: "rule: selector, HTML" for each node."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:300]}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in node["html"] for name, part in STREAMLIT)
    ]
