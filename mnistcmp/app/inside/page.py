"""The page "Inside a model": structure, filters and activations of one network or two."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp import drawing
from mnistcmp.app import cached_networks, pictures, recipe_choice, sample_images, session
from mnistcmp.app.draw.stages import WAYS
from mnistcmp.app.inside import cards, diagram
from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import study_of
from mnistcmp.drawing import canvas

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from torch import nn

    from mnistcmp.inspection.explain import Look
    from mnistcmp.inspection.structure import Structure

DRAWN, TESTED = "your drawing", "a test image"

DIAGRAM_PX, TABLE_PX = 360, 680

T = TypeVar("T")


@dataclass(frozen=True)
class Model:
    """A selected network.

    `network` is None without a usable checkpoint; `look` is None without a network or an image.
    """

    name: str
    plan: "Structure"
    network: "nn.Module | None"
    look: "Look | None"


def page() -> None:
    """Show the page."""
    st.title("Inside a model")
    st.caption(
        "How a network is built, what it has learned to look for, and how it processes an image, "
        "layer by layer. Choose one network, or two to compare them."
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
    plans = {model.name: model.plan for model in models}
    _layers(plans)
    if networks := {model.name: model.network for model in models if model.network}:
        _filters(networks)
    looks = {model.name: model.look for model in models if model.look}
    if looks and pixels is not None:
        _pixels(looks, pixels)
        _activations(looks, plans)


def _choices() -> tuple[list[str], str]:
    """Ask for one or two networks -> their names, and the recipe."""
    left, right = st.columns(2)
    one = left.selectbox(
        "Model",
        list(MODELS),
        index=list(MODELS).index("cnn"),
        key=session.INSIDE,
        persist_state="session",
    )
    two = right.selectbox(
        "Compare with",
        list(MODELS),
        index=None,
        key="beside",
        placeholder="Choose a second network",
        persist_state="session",
    )
    return list(dict.fromkeys(filter(None, (one, two)))), recipe_choice.choose()


def _image() -> np.ndarray | None:
    """The input image, float32 (28, 28): the drawing or a test image; None if there is none."""
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
    pixels = drawn if chosen == DRAWN else _tested()
    if pixels is not None:
        with picture:
            caption = "The input of the networks: 28 × 28 pixels"
            alt = f"{chosen}, as the networks see it"
            st.html(cards.image(pixels, caption, alt))
    return pixels


def _drawn() -> np.ndarray | None:
    """The drawing of the Draw page, with the same preprocessing; None if there is none."""
    st.session_state[session.WAY] = way = st.session_state.get(session.WAY, next(iter(WAYS)))
    steps = drawing.stages(canvas.render(session.drawing()))
    return None if steps is None else WAYS[way](steps)


def _tested() -> np.ndarray | None:
    image = sample_images.choose("inside")
    return None if image is None else image.pixels


def _reading(column: "DeltaGenerator", name: str, recipe: str, pixels: np.ndarray | None) -> Model:
    """Describe the network and show its reading in `column` -> everything about it."""
    network, problem = cached_networks.network(name, recipe)

    # After `network`, which limits the number of threads before torch is imported.
    look = (
        None
        if network is None or pixels is None
        else cached_networks.look(name, recipe, network, pixels)
    )
    study = study_of(name)
    column.subheader(name)
    column.markdown(f"{MODELS[name].caption}.")
    column.caption(f"Study {study.number} ({study.title}). Source: {study.source}.")
    if problem:
        column.warning(plain(problem))
        column.caption("Only its structure can be shown.")
    if look:
        digit, probability = look.digit, look.probabilities[look.digit]
        column.metric(
            f"{name} reads",
            str(digit),
            f"probability {probability:.1%}",
            delta_color="off",
            delta_arrow="off",
        )
    return Model(name, cached_networks.structure(name), network, look)


def _side_by_side(shown: Mapping[str, T]) -> Iterator[tuple[str, T, "DeltaGenerator"]]:
    """Each network's name and value, with a column that has the name as its heading."""
    for (name, value), column in zip(shown.items(), st.columns(len(shown)), strict=True):
        column.markdown(f"**{name}**")
        yield name, value, column


def _layers(plans: Mapping[str, "Structure"]) -> None:
    st.header("The layers")
    st.caption(
        "From the pixels at the top to the ten logits at the bottom, one per digit; softmax turns "
        "the logits into probabilities. The width of a box shows the size of the layer’s output "
        "maps, and its height shows their number, the channels. Thin grey layers change values "
        "but not sizes. A line on the left is a shortcut around some layers."
    )
    for _, plan, column in _side_by_side(plans):
        # On a narrow screen, the table is below the diagram.
        parts = column.container(horizontal=True)
        with parts.container(width=DIAGRAM_PX):
            st.html(diagram.html(plan))
        with parts.container(width=TABLE_PX):
            _table(plan)


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
                format="localized", help="Multiplications by a weight, for one image"
            ),
            "sees": st.column_config.TextColumn(
                help="The receptive field: the pixels of the image that one output value depends on"
            ),
        },
    )
    st.markdown(
        f"Total: **{sum(layer.params for layer in layers):,}** parameters, and "
        f"**{sum(layer.multiply_adds for layer in layers):,}** multiply-adds per image."
    )


def _field(side_px: int | None) -> str:
    return "all" if side_px is None else f"{side_px}×{side_px}"


def _filters(networks: Mapping[str, "nn.Module"]) -> None:
    from mnistcmp.inspection.explain import first_filters

    st.header("What the first layer looks for")
    st.caption(
        "The weights of the first layer. Ink raises the output where a weight is red and lowers it "
        "where a weight is blue. A convolution moves each filter over the whole image; a unit of "
        "a perceptron has one weight per pixel."
    )
    for name, network, column in _side_by_side(networks):
        column.html(cards.filters(first_filters(network), name))


def _pixels(looks: Mapping[str, "Look"], pixels: np.ndarray) -> None:
    st.header("Which pixels matter")
    st.caption(
        "Left: the gradient of the logit of the predicted digit. More ink raises this logit where "
        "the map is red and lowers it where the map is blue. Right: the change in the digit’s "
        "probability when a blank square of 4×4 px covers the place: red if it falls, blue if it "
        "rises."
    )
    st.html(pictures.legend("against the digit", "for the digit"))
    for name, look, column in _side_by_side(looks):
        column.html(cards.pixels_that_matter(look, pixels, name))


def _activations(looks: Mapping[str, "Look"], plans: Mapping[str, "Structure"]) -> None:
    st.header("The activations of each layer")
    st.caption(
        "Each small picture is one channel: red is above 0, blue is below 0, and white is 0. In a "
        "flat layer, each square is one unit. Each layer has its own scale, given below its name. "
        "The pictures show the output of the layer itself, before a shortcut is added."
    )
    st.html(pictures.legend("below 0", "above 0"))
    for name, look, column in _side_by_side(looks):
        column.html(cards.activations(look, plans[name]))


page()
