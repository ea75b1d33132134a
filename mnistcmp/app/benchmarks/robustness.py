"""Part of the Benchmarks page: what changed images and small nudges do to the networks."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from mnistcmp.analysis import nudge_tables
from mnistcmp.analysis.robustness_findings import clean_and_corrupted
from mnistcmp.analysis.robustness_tables import (
    by_corruption,
    corrupted,
    endurance,
    half_lost_levels,
    shipped,
)
from mnistcmp.analysis.text import Finding
from mnistcmp.app import cached_records, palette
from mnistcmp.app.benchmarks import robustness_charts as charts
from mnistcmp.app.plain_text import code, plain
from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS
from mnistcmp.nudge_records import COMMAND as NUDGE_COMMAND
from mnistcmp.nudge_records import Entry
from mnistcmp.records import RecordsError
from mnistcmp.robustness_records import COMMAND

# The bootstrap and 600 interpolations: not again at every click.
_clean_and_corrupted = st.cache_data(clean_and_corrupted, show_spinner=False)
_half_lost_levels = st.cache_data(half_lost_levels, show_spinner=False)


def show(recipe: str, highlight: str | None) -> None:
    """The section; without records, one line that says how to measure."""
    st.header("What breaks them")
    try:
        records = shipped(cached_records.robustness())
        nudges = cached_records.nudges(recipe)
    except RecordsError as error:
        st.warning(plain(error))
        return
    cached_records.warn_of_damaged_robustness()
    networks = corrupted(records)
    if networks.empty:
        st.info(f"Robustness has not been measured yet. Measure it with {code(COMMAND)}.")
    else:
        st.caption(
            "Every figure in this section is of one trained network, the one that the app uses "
            "(seed 0). Other seeds may differ."
        )
        _accuracies(networks, highlight)
        _dials(records[records["recipe"] == recipe], recipe)
        _corruptions(records[records["recipe"] == recipe], recipe)
    _nudges(nudges, recipe, highlight)
