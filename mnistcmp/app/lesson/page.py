"""The page "Lesson": four guided steps with the person's own digit."""

import streamlit as st


def page() -> None:
    """Show the page."""
    st.title("Lesson")


page()
