"""The component that shows one network and how it reads one image; see flow.js."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnistcmp.app import pictures
from mnistcmp.app.in_browser.part import browser_part
from mnistcmp.app.inside import words
from mnistcmp.app.inside.layer_card import Card, card, scale
from mnistcmp.app.palette import MARKS
from mnistcmp.catalogue.networks import MODELS

if TYPE_CHECKING:
    from torch import nn

    from mnistcmp.inspection.explain import Filters, Look
    from mnistcmp.inspection.structure import Structure

FOLDER = Path(__file__).parent
# The smallest end of the scale of the occlusion, so that negligible changes stay invisible.
LEAST_FALL = 1e-4
NEARLY_ALL = 0.9995  # above, a probability would be rounded to 100%
SUM = "The shortcut is added here."
TEXTS = {
    "layers": "The layers of {}, from the pixels to the answer",
    "details": "Details of a layer of {}",
    "hint": "Choose a layer to look into it.",
    "digit": "Digit",
    "logit": "Logit",
    "probability": "Probability",
    "relu": "ReLU",
}


def show(key: str, data: Card) -> None:
    """Show a network, described by `as_data`; `key` tells two on one page apart."""
    browser_part("mnistcmp_flow", FOLDER, "flow", "layer.css")(key=key, data=data)


def as_data(
    name: str,
    plan: "Structure",
    seen: "tuple[nn.Module, Look, np.ndarray, str] | None",
) -> Card:
    """Everything that the browser shows of the network `name`.

    `seen` is the trained network, how it reads the image, the image's pixels, float32 (28, 28), and
    what the image is in words. Without it, only the structure is shown.
    """
    look, filters = None, {}
    reading: Card = {}
    if seen:
        from mnistcmp.inspection import explain

        network, look, pixels, what = seen
        filters = explain.filters(network, look.activations)
        reading = {
            "reading": _reading(look),
            "input": {
                "url": pictures.png_url(pictures.grey(pixels)),
                "alt": f"{what}, as the networks see it",
            },
            "evidence": _evidence(MODELS[name].title, look, pixels),
        }
    spec = MODELS[name]
    return {
        "title": spec.title,
        "name": name,
        "about": [
            f"{spec.caption}.",
            f"{sum(layer.params for layer in plan.layers):,} parameters, "
            f"{sum(layer.multiply_adds for layer in plan.layers):,} multiply-adds for one image.",
        ],
        "texts": {key: text.format(spec.title) for key, text in TEXTS.items()},
        "colours": {"scale": pictures.SCALE, "bar": pictures.BELOW, "mark": MARKS[0].colour},
        "first": next(layer.name for layer in plan.layers if layer.multiply_adds),
        **reading,
        **_way(plan, look, filters),
    }


def _reading(look: "Look") -> str:
    probability = look.probabilities[look.digit]
    sure = "above 99.9 %" if probability > NEARLY_ALL else f"{100 * probability:.1f} %"
    return f"reads {look.digit}, probability {sure}"


def _evidence(title: str, look: "Look", pixels: np.ndarray) -> list[Card]:
    """The maps of the gradient and of the occlusion over the digit."""
    digit = look.digit
    steepest = float(np.abs(look.saliency).max())
    deepest = max(float(np.abs(look.occlusion).max()), LEAST_FALL)
    maps = [
        (
            "Saliency",
            f"More ink would speak for the {digit} where orange, and against it where blue.",
            look.saliency,
            steepest,
            scale(steepest),
        ),
        (
            "Occlusion",
            f"If 4×4 px are covered, the {digit} becomes less probable where orange, and more "
            "where blue (in points).",
            look.occlusion,
            deepest,
            scale(100 * deepest),
        ),
    ]
    return [
        {
            "title": heading,
            "caption": caption,
            "url": pictures.png_url(pictures.heat(values, pixels, most)),
            "alt": f"{heading}, over the {digit} that {title} reads",
            "scale": labels,
        }
        for heading, caption, values, most, labels in maps
    ]


def _way(plan: "Structure", look: "Look | None", filters: "dict[str, Filters]") -> Card:
    """The way through the network: its steps, numbered from 1, and the shortcuts around them.

    A step is a layer, or the place where a shortcut is added (without `id`), perhaps with a ReLU
    that has no layer. Layers on a shortcut stand on its line.
    """
    beside = {name for shortcut in plan.shortcuts for name in shortcut.through}
    ends = {shortcut.last: shortcut for shortcut in plan.shortcuts}
    steps: list[Card] = []
    places: dict[str, int] = {}
    for layer in plan.layers:
        if layer.name not in beside:
            steps.append(card(layer, plan, look, filters))
            places[layer.name] = len(steps)
        if layer.name in ends:
            relu = ends[layer.name].relu
            does = f"{SUM} {words.RELU_FOLLOWS if relu else ''}".strip()
            steps.append({"does": does, "relu": relu})
    layers = {layer.name: layer for layer in plan.layers}
    shortcuts = [
        {
            "first": places[shortcut.first],
            "sum": places[shortcut.last] + 1,
            "layers": [card(layers[name], plan, look, filters) for name in shortcut.through],
        }
        for shortcut in plan.shortcuts
    ]
    return {"steps": steps, "shortcuts": shortcuts}
