"""All dials at once: how far each network gets with one digit, and with a thousand."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from mnistcmp.analysis.robustness_tables import half_lost_levels, shipped
from mnistcmp.analysis.text import listed
from mnistcmp.app import background_reading, cached_records, session
from mnistcmp.app.background_reading import Answer
from mnistcmp.app.break_it import heat_map_chart as chart
from mnistcmp.app.break_it.digit import Digit
from mnistcmp.app.plain_text import code, plain
from mnistcmp.catalogue.corruptions import DIALS, SHIFT_DIRECTIONS
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.records import RecordsError
from mnistcmp.robustness.holding_out import HoldOut
from mnistcmp.robustness_records import COMMAND

if TYPE_CHECKING:
    from torch import nn

OWN, RECORDED = "heat_map", "recorded_heat_map"  # the grids' keys in the session

_half_lost_levels = st.cache_data(show_spinner=False)(half_lost_levels)


def show(digit: Digit, recipe: str, networks: Mapping[str, "nn.Module"]) -> None:
    """Show the heat map of a digit, and that of the records, for the networks of a recipe.

    A click sets dial and network of the page.
    """
    st.header("All dials at once")
    st.caption(
        "The brighter a cell, the farther the dial can be turned before the network misreads: at "
        "100 % it is right at every level, and at 0 % the first level breaks it. A dial with two "
        "sides has the mean of both. The shift goes to the right. A click on a cell sets the dial "
        "above and marks the network there."
    )
    models = chart.in_family_order(networks)
    own, recorded = st.columns(2)
    with own:
        st.subheader("With this digit")
        _of_digit(digit, recipe, networks)
    with recorded:
        st.subheader("On a thousand test digits")
        _of_records(recipe, models)


def _of_digit(digit: Digit, recipe: str, networks: Mapping[str, "nn.Module"]) -> None:
    def ask() -> Answer[HoldOut]:
        return background_reading.hold_out(digit.pixels, digit.label, recipe, networks)

    def draw(answer: Answer[HoldOut]) -> None:
        if answer.problem:
            st.warning(plain(answer.problem))
        else:
            st.markdown(progress(answer.value))
            table = chart.of_image(answer.value) if answer.value else chart.nothing()
            _heat_map(OWN, table, chart.in_family_order(networks), "This digit")

    background_reading.show_when_ready(ask, draw)


def progress(result: HoldOut | None) -> str:
    """How far the search is; once it is complete, what it found."""
    if result is None:
        return "Changing the digit …"
    count = len(result.networks)
    if len(result.held) < count:
        return f"First look: {len(result.held)} of {count} networks …"
    if not result.complete:
        return f"Every level: {len(result.refined)} of {count} networks …"
    table = chart.of_image(result)
    wrong = [network for network in result.networks if not result.knows(network)]
    text = chart.in_words(table[~table["model"].isin(wrong)])
    if wrong:
        verb = "misreads" if len(wrong) == 1 else "misread"
        titles = listed(f"“{MODELS[network].title}”" for network in wrong)
        text += f" {titles} {verb} the unchanged digit."
    return text


def _of_records(recipe: str, models: list[str]) -> None:
    try:
        records = shipped(cached_records.robustness())
    except RecordsError as error:
        st.warning(plain(error))
        return
    levels = _half_lost_levels(records[records["recipe"] == recipe])
    table = chart.of_records(levels[levels["model"].isin(models)])
    if table.empty:
        st.info(f"This has not been measured for these networks. Measure it with {code(COMMAND)}.")
        return
    st.markdown(chart.in_words(table))
    _heat_map(RECORDED, table, models, "A thousand test digits")
    images = levels["images"].min()
    st.caption(
        f"Here, a network gives up where it has lost half of the digits that it reads unchanged, "
        f"of {images:,} test digits. Each row is one trained network; another run of the same "
        "training may differ."
    )


def _heat_map(key: str, table: pd.DataFrame, models: list[str], title: str) -> None:
    chart.grid(key, table, models, title, partial(_take, key))
    if not table.empty:
        with st.expander("Table"):
            shares = chart.by_dial(table)
            shares = shares.reindex(index=[m for m in models if m in shares.index], columns=DIALS)
            percent = (100 * shares).round().rename(columns=lambda name: DIALS[name].title)
            percent.insert(0, "network", [MODELS[model].title for model in shares.index])
            st.dataframe(percent)
            st.caption("In percent of each dial’s range.")


def _take(key: str) -> None:
    """Let the page show the dial and network of a click."""
    if cell := chart.chosen_cell(st.session_state[key]):
        dial, network = cell
        st.session_state[session.BREAK_DIAL] = dial
        st.session_state[session.BREAK_DIRECTION] = SHIFT_DIRECTIONS[0]
        st.session_state[session.BREAK_NETWORK] = network
        st.rerun()  # of the whole page, also from within a fragment
