"""The inside of a network as HTML: image, filters, activations, and the pixels that matter.

Each figure is at most 350 px wide, so that it fits on a phone and several fit side by side on wide
screens.
"""

from typing import TYPE_CHECKING

import numpy as np

from mnistcmp.app import pictures
from mnistcmp.app.inside import diagram

if TYPE_CHECKING:
    from mnistcmp.inspection.explain import Activation, Filters, Look
    from mnistcmp.inspection.structure import Structure

CARD_PX, HALF_PX = 350, 170
IMAGE_SCALE = 6
MAP_PX, MAP_SCALE, MAPS_A_ROW, MOST_MAPS = 28, 2, 6, 18
FILTER_PX, FILTER_GAP_PX, FILTERS_A_ROW = 18, 3, 8
UNITS_A_ROW, UNIT_PX = 32, 10
# The smallest maximum of the occlusion scale, so that negligible changes stay invisible.
LEAST_FALL = 1e-4


def image(pixels: np.ndarray, caption: str, alt: str) -> str:
    """The input image, float32 (28, 28), enlarged."""
    return pictures.figure(pictures.grey(pixels), IMAGE_SCALE, caption, alt, CARD_PX)


def filters(found: "Filters", model: str) -> str:
    """The weights of a network's first layer, with their scale."""
    most = float(np.abs(found.weights).max())
    shown = len(found.weights)
    if found.kind == "Linear":
        which = f"{shown} of {found.count} units, those with the largest weights"
        picture = pictures.sheet(found.weights, MAP_PX, MAPS_A_ROW, most)
    else:
        side = found.weights.shape[-1]
        which = f"{shown} filters of {side}×{side} px"
        picture = pictures.sheet(found.weights, FILTER_PX, FILTERS_A_ROW, most, FILTER_GAP_PX)
    caption = f"{which} ({found.name})"
    weights = pictures.figure(
        picture, MAP_SCALE, caption, f"First-layer weights of {model}: {which}", CARD_PX, 0
    )
    return weights + pictures.legend(f"{-most:.2g}", f"{most:.2g}")


def pixels_that_matter(look: "Look", pixels: np.ndarray, model: str) -> str:
    """The predicted digit, and maps of gradient and occlusion over the image."""
    digit, probability = look.digit, look.probabilities[look.digit]
    steepest = float(np.abs(look.saliency).max())
    deepest = max(float(np.abs(look.occlusion).max()), LEAST_FALL)
    maps = [
        (look.saliency, steepest, f"<b>gradient</b><br>±{steepest:.2g} per pixel", "gradient"),
        (look.occlusion, deepest, f"<b>occlusion</b><br>±{100 * deepest:.2g} points", "occlusion"),
    ]
    figures = [
        pictures.figure(
            pictures.heat(values, pixels, most),
            IMAGE_SCALE,
            caption,
            f"{what}, over the {digit} that {model} reads",
            HALF_PX,
        )
        for values, most, caption, what in maps
    ]
    reads = f"<p>Reads <b>{digit}</b> with a probability of {probability:.1%}.</p>"
    return reads + pictures.row(figures)


def activations(look: "Look", plan: "Structure") -> str:
    """A card per layer; the last one shows logits and probabilities."""
    *others, _ = look.activations
    layers = {layer.name: layer for layer in plan.layers}
    cards = [_card(each, diagram.word(layers[each.name])) for each in others]
    return pictures.row([*cards, _probabilities(look)])


def _card(activation: "Activation", word: str) -> str:
    values = activation.values
    most = float(np.abs(values).max())
    if values.ndim == 1:
        shown = f"{len(values)} units"
        picture, scale, border_px = pictures.strip(values, UNITS_A_ROW, most), UNIT_PX, 1
    else:
        shown = f"{values.shape[1]}×{values.shape[2]}, {_channels(len(values))}"
        picture = pictures.sheet(values[:MOST_MAPS], MAP_PX, MAPS_A_ROW, most)
        scale, border_px = MAP_SCALE, 0
    name = f'<span style="opacity:0.65">{activation.name}</span>'
    caption = f"<b>{word}</b> {name}<br>{shown}, ±{most:.2g}"
    alt = f"{word} {activation.name}: {shown}"
    return pictures.figure(picture, scale, caption, alt, CARD_PX, border_px)


def _channels(count: int) -> str:
    if count > MOST_MAPS:
        return f"the first {MOST_MAPS} of {count} channels"
    return "1 channel" if count == 1 else f"{count} channels"


def _probabilities(look: "Look") -> str:
    """The last layer: ten logits, and their probabilities as bars."""
    last = look.activations[-1]
    rows = "".join(
        f"<span>{digit}</span>"
        f'<span style="background:#0090D0;height:11px;align-self:center;'
        f'width:{100 * probability:.1f}%;min-width:1px"></span>'
        f'<span style="text-align:right">{logit:.1f}</span>'
        f'<span style="text-align:right">{probability:.1%}</span>'
        for digit, (logit, probability) in enumerate(
            zip(last.values, look.probabilities, strict=True)
        )
    )
    return (
        f'<div style="width:{CARD_PX}px;max-width:100%;font-size:0.85rem;line-height:1.3">'
        f'<b>logits and probabilities</b> <span style="opacity:0.65">{last.name}</span>'
        '<div style="display:grid;grid-template-columns:1rem minmax(0,1fr) 3rem 4rem;'
        f'column-gap:0.5rem">{rows}</div></div>'
    )
