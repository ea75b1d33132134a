"""How far the lesson is; with another step the page goes back to its top. See progress.js."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

FOLDER = Path(__file__).parent


def show(text: str) -> None:
    """Show how far the lesson is, in words."""
    _component()(key="lesson_progress", data={"text": text}, width="content")


@st.cache_resource
def _component() -> "ComponentRenderer":
    html, css, javascript = (
        (FOLDER / f"progress.{kind}").read_text() for kind in ("html", "css", "js")
    )
    return st.components.v2.component("mnistcmp_progress", html=html, css=css, js=javascript)
