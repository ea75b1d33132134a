"""The choice of a training recipe: the same names, order and default on every page.

The choice goes along from page to page.
"""

from collections.abc import Collection

import streamlit as st

from mnistcmp.app import session
from mnistcmp.catalogue.recipes import RECIPES, USUAL_RECIPE

LABEL = "Training recipe"


def choose(available: Collection[str] = RECIPES) -> str:
    """Show the choice among the `available` recipes, of which there is at least one -> one of them.

    A recipe that was chosen on another page but is not available here gives way to the usual one,
    or to the first that is available.
    """
    options = [recipe for recipe in RECIPES if recipe in available]
    chosen = st.session_state.get(session.RECIPE, USUAL_RECIPE)
    if chosen not in options:
        chosen = USUAL_RECIPE if USUAL_RECIPE in options else options[0]
    # Streamlit drops the value of a widget that is not shown.
    st.session_state[session.RECIPE] = chosen
    recipe = st.segmented_control(
        LABEL,
        options,
        required=True,
        key=session.RECIPE,
        persist_state="session",
        width="content",
        help="  \n".join(f"**{name}**: trained {RECIPES[name].description}." for name in options),
    )
    assert recipe is not None  # the session state holds one, and it cannot be deselected
    return recipe
