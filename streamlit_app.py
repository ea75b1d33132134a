"""The app. Start it with `streamlit run streamlit_app.py`."""

from mnistcmp.app.main import main

main()
