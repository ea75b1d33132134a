"""One layer as the browser shows it: its picture in the flow, and the details that a click opens.

Pictures are sheets: all maps of a layer below one another, each as large as the others.
"""

from typing import TYPE_CHECKING

import numpy as np

from mnistcmp.app import pictures
from mnistcmp.app.inside import words

if TYPE_CHECKING:
    from mnistcmp.inspection.explain import Activation, Filters, Look
    from mnistcmp.inspection.structure import Layer, Structure

SHOWN_IN_FLOW = 4  # the strongest maps of a layer
Card = dict[str, object]


def card(
    layer: "Layer", plan: "Structure", look: "Look | None", filters: "dict[str, Filters]"
) -> Card:
    """Everything about a `layer` of `plan`; without a `look`, only its structure."""
    shown: Card = {
        "id": layer.name,
        "name": words.name(layer),
        "size": words.size(layer),
        "relu": layer.name in plan.relu,
        "does": words.does(layer, plan),
        "facts": _facts(layer),
    }
    if look is None:
        return shown
    output = next(each for each in look.activations if each.name == layer.name)
    gives_the_answer = output is look.activations[-1]
    shown["output"] = _output(output)
    shown["field"] = _field(layer, output, look.saliency.shape)
    if layer.name in filters:
        shown["filters"] = _filters(filters[layer.name], layer.kind, gives_the_answer)
    if gives_the_answer:
        shown["answers"] = _answers(output.values, look.probabilities)
    return shown


def sheet(maps: np.ndarray) -> Card:
    """Float (n, h, w) with a common scale -> the picture, its number of maps and its scale.

    Maps of one row (n = 1, h = 1) are values without places: they become a grid.
    """
    if maps.shape[:2] == (1, 1):
        maps = pictures.grid(maps[0, 0])[None]
    count, height, width = maps.shape
    most = float(np.abs(maps).max())
    return {
        "url": pictures.png_url(pictures.diverging(maps.reshape(-1, width), most)),
        "count": count,
        "aspect": width / height,
        "scale": scale(most),
    }


def scale(most: float) -> list[str]:
    """The labels of a colour scale that ends at -`most` and `most`."""
    return [f"−{most:.2g}" if most else "0", "0", f"{most:.2g}"]


def _facts(layer: "Layer") -> list[tuple[str, str]]:
    return [
        ("Output", words.size(layer)),
        ("Parameters", f"{layer.params:,}"),
        ("Multiply-adds", f"{layer.multiply_adds:,}"),
        ("Receptive field", words.receptive_field(layer)),
    ]


def _output(output: "Activation") -> Card:
    values = output.values
    count = len(values)
    if values.ndim == 1:
        caption = f"The values of its {count} units, each a square"
        return sheet(values[None, None]) | {"caption": caption, "shown": [0]}
    caption = "Its map" if count == 1 else f"All its {count} maps"
    return sheet(values) | {"caption": caption, "shown": output.ranking[:SHOWN_IN_FLOW]}


def _field(layer: "Layer", output: "Activation", image: tuple[int, ...]) -> Card | None:
    """The square on the digit, in percent of its sides, and what it means."""
    if layer.field is None:
        return {"caption": "Each of its values depends on the entire image."}
    channel, row, column = output.strongest
    height, width = image
    rows, columns = layer.field.square(row, column, (height, width))
    number = f" (in map {channel + 1})" if len(output.values) > 1 else ""
    return {
        "caption": f"Its strongest value{number} depends on the pixels in the frame.",
        "map": channel,
        "top": 100 * rows.start / height,
        "left": 100 * columns.start / width,
        "height": 100 * (rows.stop - rows.start) / height,
        "width": 100 * (columns.stop - columns.start) / width,
    }


def _filters(filters: "Filters", kind: str, gives_the_answer: bool) -> Card:
    shown, outputs, output = len(filters.weights), filters.outputs, filters.output
    side = filters.weights.shape[-1]
    if output is None and kind == "Linear":
        caption = f"The largest weights: {shown} of its {outputs} units"
    elif output is None:
        caption = f"Its {shown} filters, {side}×{side} px each"
    elif kind == "Linear":
        which = f"the digit {output}" if gives_the_answer else f"unit {output + 1}, the strongest"
        how = "each a square" if filters.weights.shape[1] == 1 else "for each map before"
        caption = f"Weights of {which}, {how}"
    else:
        caption = f"Filters of map {output + 1}, the strongest, for each map before"
    return sheet(filters.weights) | {"caption": caption}


def _answers(logits: np.ndarray, probabilities: np.ndarray) -> list[Card]:
    """A row for each digit."""
    return [
        {
            "digit": str(digit),
            "logit": f"{logit:.1f}".replace("-", "−"),
            "probability": f"{100 * probability:.1f} %",
            "share": 100 * float(probability),
        }
        for digit, (logit, probability) in enumerate(zip(logits, probabilities, strict=True))
    ]
