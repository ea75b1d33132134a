"""Parts of pages that run in the browser: their files, and the style that they share."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SHARED_STYLE = Path(__file__).with_name("shared.css")


@st.cache_resource
def browser_part(name: str, folder: Path, stem: str, *styles: str) -> "ComponentRenderer":
    """The component `name` from `stem`.html, `stem`.css and `stem`.js in `folder`.

    styles: further style sheets of the folder. The shared style comes first, so that each part can
    change it.
    """
    html, css, javascript = (
        (folder / f"{stem}.{kind}").read_text() for kind in ("html", "css", "js")
    )
    sheets = [SHARED_STYLE.read_text(), css, *((folder / sheet).read_text() for sheet in styles)]
    return st.components.v2.component(name, html=html, css="\n".join(sheets), js=javascript)
