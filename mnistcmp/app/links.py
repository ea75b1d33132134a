"""Links that open a page with the drawing and settings that it shows."""

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

from mnistcmp.app import session
from mnistcmp.drawing import share_link
from mnistcmp.drawing.canvas import DrawingError


def take_drawing() -> str:
    """Put the drawing in the URL, if any, on the canvas -> why that failed, or ""."""
    if text := st.query_params.get("drawing"):
        try:
            session.put(share_link.from_text(text))
        except DrawingError as error:
            return str(error)
    return ""


def show(settings: Mapping[str, object], *, drawing: bool = True) -> None:
    """Show the address of this page with these settings, and with the drawing."""
    values = dict(settings)
    if drawing:
        try:
            values["drawing"] = share_link.to_text(session.drawing())
        except DrawingError as error:
            st.warning(str(error))
            return
    address = st.context.url or ""
    st.code(f"{address}?{urlencode(values)}", language=None, wrap_lines=True)
