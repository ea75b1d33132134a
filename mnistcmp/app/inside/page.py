"""The Models page: how a network is built, what it looks for, and what it makes of one image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import cached_networks, cached_records, pictures, session
from mnistcmp.app.draw.stages import WAYS
from mnistcmp.app.inside import cards, diagram
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import study_of
from mnistcmp.data.sample_pack import SamplesError
from mnistcmp.drawing import canvas

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from torch import nn

    from mnistcmp.inspection.explain import Look
    from mnistcmp.inspection.structure import Structure

DRAWN, TESTED = "your drawing", "a test image"

DIAGRAM_PX, TABLE_PX = 360, 680


@dataclass(frozen=True)
class Model:
    """A network that was chosen; `network` and `look` are None where it is not trained."""

    name: str
    plan: "Structure"
    network: "nn.Module | None"
    look: "Look | None"


def page() -> None:
    """Everything from top to bottom."""
    st.title("Inside a model")
    st.caption(
        "How a network is built, what it has learned to look for, and what becomes of an image in "
        "it, layer by layer: one network, or two side by side."
    )
    names, recipe = _choices()
    left, right = st.columns([1, 2], gap="large")
    with left:
        pixels = _image()
    with right:
        models = [
            _reading(column, name, recipe, pixels)
            for name, column in zip(names, st.columns(len(names)), strict=True)
        ]
    _layers(models)
    if trained := [model for model in models if model.network]:
        _filters(trained)
    if asked := [model for model in models if model.look]:
        _pixels(asked, pixels)
        _activations(asked)


def _choices() -> tuple[list[str], str]:
    """The one or two networks, and how they were trained."""
    left, right = st.columns(2)
    one = left.selectbox(
        "Model",
        list(MODELS),
        index=list(MODELS).index("cnn"),
        key=session.INSIDE,
        persist_state="session",
    )
    two = right.selectbox(
        "Beside it",
        list(MODELS),
        index=None,
        key="beside",
        placeholder="another, to compare",
        persist_state="session",
    )
    # What the Draw page was set to: a widget of another page loses its value where it is not shown.
    st.session_state[session.RECIPE] = st.session_state.get(session.RECIPE, "drawn")
    recipe = st.segmented_control(
        "Trained by the recipe",
        list(RECIPES),
        required=True,
        key=session.RECIPE,
        help="As on the Draw page, which says what they are",
        persist_state="session",
    )
    return list(dict.fromkeys(filter(None, (one, two)))), recipe


def _image() -> np.ndarray | None:
    """The image that the networks are to read, float32 (28, 28): the drawing, or a test image."""
    picture = st.container()
    drawn = _drawn()
    chosen = TESTED
    if drawn is not None:
        chosen = st.segmented_control(
            "Image",
            (DRAWN, TESTED),
            default=DRAWN,
            required=True,
            key="inside_image",
            persist_state="session",
        )
    pixels = drawn if chosen == DRAWN else _sample()
    if pixels is not None:
        with picture:
            caption = "What the networks get: 28 × 28 pixels"
            alt = f"{chosen}, as the networks get it"
            st.html(cards.image(pixels, caption, alt))
    return pixels


def _drawn() -> np.ndarray | None:
    """The drawing of the Draw page, made into pixels as there; None if there is none."""
    st.session_state[session.WAY] = way = st.session_state.get(session.WAY, next(iter(WAYS)))
    steps = drawing.stages(canvas.render(session.drawing()))
    return None if steps is None else WAYS[way](steps)


def _sample() -> np.ndarray | None:
    try:
        pack = cached_records.sample_pack("mnist")
    except SamplesError as error:
        st.warning(str(error))
        return None
    row = st.container(horizontal=True, vertical_alignment="bottom")
    digit = row.selectbox(
        "Test image of a",
        range(10),
        index=3,
        key="inside_digit",
        width=160,
        persist_state="session",
    )
    row.button("Next", on_click=_next, help="Another image of this digit")
    places = [*pack.easy(digit), *pack.hard(digit)]
    place = places[st.session_state.get(session.INSIDE_NEXT, 0) % len(places)]
    st.caption(
        f"Test image {pack.index[place]}; misread by {pack.misread[place]} of {pack.runs} training "
        "runs."
    )
    return pack.images[place] / np.float32(255)


def _next() -> None:
    st.session_state[session.INSIDE_NEXT] = st.session_state.get(session.INSIDE_NEXT, 0) + 1


def _reading(column: "DeltaGenerator", name: str, recipe: str, pixels: np.ndarray | None) -> Model:
    """Say who the network is and what it reads -> all about it."""
    network, problem = cached_networks.network(name, recipe)

    # Only now: before torch is first imported, `cached` sets how many threads it takes.
    look = (
        None
        if network is None or pixels is None
        else cached_networks.look(name, recipe, network, pixels)
    )
    study = study_of(name)
    column.subheader(name)
    column.markdown(f"{MODELS[name].caption}.")
    column.caption(f"Study {study.number}, {study.title}. Source: {study.source}.")
    if problem:
        column.warning(problem)
        column.caption("So only how it is built can be shown.")
    if look:
        digit, probability = look.digit, look.probabilities[look.digit]
        column.metric(
            f"{name} reads",
            str(digit),
            f"{probability:.1%} probable",
            delta_color="off",
            delta_arrow="off",
        )
    return Model(name, cached_networks.structure(name), network, look)


def _side_by_side(models: list[Model]) -> Iterator[tuple[Model, "DeltaGenerator"]]:
    """Each network with its column, which its name heads."""
    for model, column in zip(models, st.columns(len(models)), strict=True):
        column.markdown(f"**{model.name}**")
        yield model, column


def _layers(models: list[Model]) -> None:
    st.header("The layers")
    st.caption(
        "From the pixels at the top to ten numbers at the bottom, one a digit: the logits, which "
        "become probabilities. A box is as wide as the maps that come out of the layer, and the "
        "thicker, the more of them there are: its channels. Thin grey layers change values and no "
        "sizes. A line on the left is a shortcut round some layers."
    )
    for model, column in _side_by_side(models):
        # On a narrow screen the table comes below the diagram.
        parts = column.container(horizontal=True)
        with parts.container(width=DIAGRAM_PX):
            st.html(diagram.html(model.plan))
        with parts.container(width=TABLE_PX):
            _table(model.plan)


def _table(plan: "Structure") -> None:
    layers = plan.layers
    st.dataframe(
        pd.DataFrame(
            {
                "layer": [layer.name for layer in layers],
                "kind": [diagram.word(layer) for layer in layers],
                "output": [diagram.size(layer) for layer in layers],
                "parameters": [layer.params for layer in layers],
                "multiply-adds": [layer.multiply_adds for layer in layers],
                "sees": [_field(layer.receptive_field_px) for layer in layers],
            }
        ),
        hide_index=True,
        height="content",
        column_config={
            "layer": st.column_config.TextColumn(pinned=True),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "multiply-adds": st.column_config.NumberColumn(
                format="localized", help="Multiplications by a weight that one image takes"
            ),
            "sees": st.column_config.TextColumn(
                help="The receptive field: how many of the image’s pixels one value depends on"
            ),
        },
    )
    st.markdown(
        f"In all **{sum(layer.params for layer in layers):,}** parameters and "
        f"**{sum(layer.multiply_adds for layer in layers):,}** multiply-adds for an image."
    )


def _field(side_px: int | None) -> str:
    return "all" if side_px is None else f"{side_px}×{side_px}"


def _filters(models: list[Model]) -> None:
    from mnistcmp.inspection.explain import first_filters

    st.header("What the first layer looks for")
    st.caption(
        "The weights that look at the image itself: red wants ink there, blue wants paper. A "
        "filter of a convolution is moved over all of the image; a unit of a perceptron has a "
        "weight for every pixel."
    )
    for model, column in _side_by_side(models):
        column.html(cards.filters(first_filters(model.network), model.name))


def _pixels(models: list[Model], pixels: np.ndarray) -> None:
    st.header("Which pixels matter")
    st.caption(
        "To the digit that the network reads. Left: the gradient of its logit; red: more ink there "
        "would speak for the digit, blue: against it. Right: how far its probability falls when a "
        "blank square of 4×4 px covers the place (red), or rises (blue)."
    )
    st.html(pictures.legend("against the digit", "for the digit"))
    for model, column in _side_by_side(models):
        column.html(cards.pixels_that_matter(model.look, pixels, model.name))


def _activations(models: list[Model]) -> None:
    st.header("What every layer makes of the image")
    st.caption(
        "Each small picture is one channel: red is above 0, blue below, white 0. Of a flat layer, "
        "each square is one unit. Every layer has its own scale, which stands below its name. "
        "Shown is what each layer by itself gives out: a shortcut is added only after that."
    )
    st.html(pictures.legend("below 0", "above 0"))
    for model, column in _side_by_side(models):
        column.html(cards.activations(model.look, model.plan))


page()
