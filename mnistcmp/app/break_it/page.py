"""The page "Break it": what each network still reads when the digit is changed step by step."""

import streamlit as st

from mnistcmp.app import cached_networks, recipe_choice, session
from mnistcmp.app.break_it import digit, heat_map, link, nudge, one_dial
from mnistcmp.app.main import DRAW
from mnistcmp.app.plain_text import plain

DIGIT_PX = 300  # of the choice of a digit, which on a narrow screen is below that of the recipe


def page() -> None:
    """Show the page."""
    st.title("Break it")
    st.caption(
        "On a clean digit nearly all networks agree. Change the digit step by step, and see which "
        "network misreads it first and which one holds out longest."
    )
    for problem in link.take():
        st.warning(plain(problem))
    choices = st.container(horizontal=True, gap="medium")
    with choices.container(width="content"):
        recipe = recipe_choice.choose()
        if st.button("Change the drawing" if session.drawing() else "Draw a digit of your own"):
            st.switch_page(DRAW)
    networks = cached_networks.networks_or_remedy(recipe)
    if not networks:
        return
    with choices.container(width=DIGIT_PX):
        chosen = digit.choose(networks)
    if chosen is None:
        return
    one_dial.show(chosen, recipe)
    heat_map.show(chosen, recipe, networks)
    nudge.show(chosen.pixels, chosen.label, networks, recipe)


page()
