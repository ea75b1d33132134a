"""The front door: page settings and navigation, nothing else."""

import streamlit as st

from mnistcmp.records import RecordsError

st.set_page_config(page_title="mnistcmp", page_icon="✏️", layout="wide")
# Streamlit's own margin leaves a hand's breadth empty, which the wall of readings needs.
st.html("<style>.stMainBlockContainer { padding-top: 4rem }</style>")
page = st.navigation(
    [
        st.Page("mnistcmp/app/draw.py", title="Draw", default=True),
        st.Page("mnistcmp/app/benchmarks.py", title="Benchmarks"),
        st.Page("mnistcmp/app/studies.py", title="Studies"),
        st.Page("mnistcmp/app/inside.py", title="Inside a model"),
    ],
    position="top",
)
try:
    page.run()
except RecordsError as error:
    st.error(str(error))
