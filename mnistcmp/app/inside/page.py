"""The page "Inside a network": the layers of one or two, and what they make of an image."""

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import cached_networks, recipe_choice, sample_images, session
from mnistcmp.app.draw.stages import WAYS
from mnistcmp.app.inside import flow, words
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import study_of
from mnistcmp.drawing import canvas

DRAWN, TESTED = "your drawing", "a test image"
NETWORK_PX = 230


def page() -> None:
    """Show the page."""
    # Streamlit's default margin would be a third of a screen on a phone.
    st.html("<style>.stMainBlockContainer { padding-bottom: 2rem }</style>")
    st.title("Inside a network")
    st.markdown(
        "From the pixels to the answer: a picture of what every layer makes of the digit. Choose a "
        "layer to look into it."
    )
    with st.container(horizontal=True):
        names = _networks()
        recipe = recipe_choice.choose()
        what, pixels = _image()
    for place, name in enumerate(names):
        _network(f"{session.INSIDE_FLOW}_{place}", name, recipe, what, pixels)
    with st.expander("All layers as a table"):
        for name in names:
            _table(name)


def _networks() -> list[str]:
    """Ask for one or two networks -> their names."""
    one = st.selectbox(
        "Network",
        list(MODELS),
        index=list(MODELS).index("cnn"),
        format_func=_title,
        key=session.INSIDE,
        persist_state="session",
        width=NETWORK_PX,
    )
    two = st.selectbox(
        "Compare with",
        list(MODELS),
        index=None,
        format_func=_title,
        key=session.INSIDE_BESIDE,
        placeholder="Choose a second network",
        persist_state="session",
        width=NETWORK_PX,
    )
    return list(dict.fromkeys(filter(None, (one, two))))


def _title(name: str) -> str:
    return MODELS[name].title


def _image() -> tuple[str, np.ndarray | None]:
    """The input image in words and as float32 (28, 28): the drawing or a test image.

    It is None if there is neither.
    """
    drawn = _drawn()
    chosen = TESTED
    if drawn is not None:
        chosen = st.segmented_control(
            "Image",
            (DRAWN, TESTED),
            default=DRAWN,
            required=True,
            key=session.INSIDE_IMAGE,
            persist_state="session",
            width="content",
        )
    return chosen, drawn if chosen == DRAWN else _tested()


def _drawn() -> np.ndarray | None:
    """The drawing of the Draw page, with the same preprocessing; None if there is none."""
    st.session_state[session.WAY] = way = st.session_state.get(session.WAY, next(iter(WAYS)))
    steps = drawing.stages(canvas.render(session.drawing()))
    return None if steps is None else WAYS[way](steps)


def _tested() -> np.ndarray | None:
    image = sample_images.choose("inside")
    return None if image is None else image.pixels


def _network(key: str, name: str, recipe: str, what: str, pixels: np.ndarray | None) -> None:
    """Show one network, and how it reads the image if it is trained and there is one."""
    network, problem = cached_networks.network(name, recipe)
    if problem:
        st.warning(f"Only the structure of {_title(name)} can be shown: {plain(problem)}")
    seen = None
    if network is not None and pixels is not None:
        # After `network`, which limits the number of threads before torch is imported.
        look = cached_networks.look(name, recipe, network, pixels)
        seen = network, look, pixels, what
    flow.show(key, flow.as_data(name, cached_networks.structure(name), seen))


def _table(name: str) -> None:
    layers = cached_networks.structure(name).layers
    study = study_of(name)
    st.markdown(
        f"**{_title(name)}**: study {study.number} ({study.title}). Source: {study.source}."
    )
    st.dataframe(
        pd.DataFrame(
            {
                "layer": [layer.name for layer in layers],
                "kind": [words.name(layer) for layer in layers],
                "output": [words.size(layer) for layer in layers],
                "parameters": [layer.params for layer in layers],
                "multiply-adds": [layer.multiply_adds for layer in layers],
                "receptive field": [words.receptive_field(layer) for layer in layers],
            }
        ),
        hide_index=True,
        height="content",
        column_config={
            "layer": st.column_config.TextColumn(pinned=True),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "multiply-adds": st.column_config.NumberColumn(
                format="localized", help="Multiplications by a weight, for one image"
            ),
            "receptive field": st.column_config.TextColumn(
                help="The pixels of the image that one output value depends on"
            ),
        },
    )


page()
