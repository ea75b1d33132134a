"""The entry point of the app: page settings and navigation."""

from pathlib import Path

import streamlit as st

from mnistcmp.app.draw import starter
from mnistcmp.app.plain_text import plain
from mnistcmp.records import RecordsError

_FOLDER = Path(__file__).parent
DRAW, BREAK_IT, LESSON, BENCHMARKS, STUDIES, INSIDE = (
    str(_FOLDER / name / "page.py")
    for name in ("draw", "break_it", "lesson", "benchmarks", "studies", "inside")
)


def main() -> None:
    """Show the page that the URL names."""
    # Streamlit's default margin wastes space that the readings need, and the grey of its captions
    # is too light to be read by everyone.
    st.html(
        "<style>.stMainBlockContainer { padding-top: 4rem }"
        ".stMain [data-testid=stCaptionContainer] { opacity: 0.8 }</style>"
    )
    page = st.navigation(
        [
            st.Page(DRAW, title="Draw", default=True),
            st.Page(BREAK_IT, title="Break it", url_path="break"),
            st.Page(LESSON, title="Lesson", url_path="lesson"),
            st.Page(BENCHMARKS, title="Benchmarks", url_path="benchmarks"),
            st.Page(STUDIES, title="Studies", url_path="studies"),
            st.Page(INSIDE, title="Inside a model", url_path="inside"),
        ],
        position="top",
    )
    st.set_page_config(page_title=f"{page.title} · mnistcmp", page_icon="✏️", layout="wide")
    starter.offer()
    try:
        page.run()
    except RecordsError as error:
        st.error(plain(error))


if __name__ == "__main__":
    main()
