"""The page "Break it": what each network still reads when the digit is changed step by step."""

import streamlit as st

from mnistcmp.app import cached_networks, recipe_choice, session
from mnistcmp.app.break_it import digit, heat_map, link, nudge, one_dial
from mnistcmp.app.draw import starter
from mnistcmp.app.main import DRAW
from mnistcmp.app.plain_text import plain


def page() -> None:
    """Show the page."""
    head = st.container(horizontal=True, vertical_alignment="center")
    head.title("Break it", anchor=False, width="content")
    st.markdown(
        "On a clean digit nearly all networks agree. Move a dial, and see which network misreads "
        "the digit first and which one holds out longest."
    )
    for problem in link.take():
        st.warning(plain(problem))
    choice = head.popover("Digit", help="Your drawing, or a test image")
    with head.popover("Settings"):
        recipe = recipe_choice.choose()
    networks = cached_networks.networks_or_remedy(recipe)
    if not networks:
        return
    chosen = digit.choose(networks, choice)
    own = session.drawing() and not starter.showing()
    if choice.button("Change the drawing" if own else "Draw a digit of your own"):
        st.switch_page(DRAW)
    if chosen is None:
        return
    one_dial.show(chosen, recipe)
    heat_map.show(chosen, recipe, networks)
    nudge.show(chosen.pixels, chosen.label, networks, recipe)


page()
