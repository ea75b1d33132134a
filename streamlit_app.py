"""The front door: page settings and navigation, nothing else."""

import streamlit as st

st.set_page_config(page_title="mnistcmp", page_icon="✏️", layout="wide")
st.navigation(
    [
        st.Page("mnistcmp/app/draw.py", title="Draw", default=True),
        st.Page("mnistcmp/app/benchmarks.py", title="Benchmarks"),
        st.Page("mnistcmp/app/studies.py", title="Studies"),
        st.Page("mnistcmp/app/inside.py", title="Inside a model"),
    ],
    position="top",
).run()
