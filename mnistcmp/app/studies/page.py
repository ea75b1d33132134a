"""The Studies page: all studies as cards, or the study that the address names, from the records."""

import re

import streamlit as st

from mnistcmp.app.plain_text import plain
from mnistcmp.app.studies import cards, one_study
from mnistcmp.catalogue.studies import STUDIES, Study

# In earlier versions, the title followed the number.
_NUMBER = re.compile(r"(\d{1,3})(?: .*)?", re.ASCII)


def page() -> None:
    """Show the page."""
    study = _study_in_address()
    if study:
        one_study.show(study)
    else:
        cards.show()


def _study_in_address() -> Study | None:
    """The study that the address names; None, with an error if there is no such study."""
    text = st.query_params.get("study")
    if text is None:
        return None
    named = _NUMBER.fullmatch(text)
    study = STUDIES.get(int(named[1])) if named else None
    if study is None:
        numbers = f"{min(STUDIES)} to {max(STUDIES)}"
        st.error(f"There is no study “{plain(text[:40])}”: choose one of those below, {numbers}.")
    return study


page()
