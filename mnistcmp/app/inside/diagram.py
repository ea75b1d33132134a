"""A network's layers from top to bottom, as boxes whose size shows the size of their output.

It is HTML instead of a picture, so that the text has the colours of the page and wraps on a phone.
"""

from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnistcmp.inspection.structure import Layer, Shortcut, Structure

# The usual names of the layers; other layers are named by their class.
WORDS = {
    "Normalise": "normalised pixels",
    "Conv2d": "convolution",
    "GatedConv2d": "gated convolution",
    "Linear": "linear",
    "MaxPool2d": "max pooling",
    "LpPool2d": "learned pooling",
    "AveragePool2d": "average pooling",
    "BatchNorm2d": "batch normalisation",
    "ChannelAttention": "channel attention",
    "FadingLeak": "custom activation",
    "Dropout": "dropout",
}
CONVOLUTION, LINEAR, POOLING, OTHER = "#0090D0", "#E69F00", "#009E73", "#888888"

GUTTER_PX, HALF_PX = 28, 58  # the space for shortcuts; half of the widest box
PX_A_PIXEL, PX_A_DOUBLING = 4, 4
THIN_PX = 4


def word(layer: "Layer") -> str:
    """The layer in words: "convolution 3×3"."""
    side = layer.kernel_px
    return WORDS.get(layer.kind, layer.kind) + (f" {side}×{side}" if side else "")


def size(layer: "Layer") -> str:
    """The shape of the layer's output: "32 × 14×14", or "128" if it is flat."""
    channels, *sides = layer.shape
    return f"{channels} × {'×'.join(map(str, sides))}" if sides else str(channels)


def html(plan: "Structure") -> str:
    """The diagram of a network."""
    on_shortcuts = {name: layer for layer in plan.layers if (name := layer.name) in _through(plan)}
    ends = {shortcut.last: shortcut for shortcut in plan.shortcuts}
    parts, rows = [], {}
    at = 1
    for layer in plan.layers:
        if layer.name in on_shortcuts:
            continue
        rows[layer.name] = at
        parts += [_box(layer, at), _words(at, word(layer), size(layer))]
        if shortcut := ends.get(layer.name):
            at += 1
            through = ", ".join(word(on_shortcuts[name]) for name in shortcut.through)
            parts += _sum(at, through)
        at += 1
    arcs = [_arc(rows[each.first], rows[each.last] + 1, each) for each in plan.shortcuts]
    line = (
        f'<div style="grid-column:3;grid-row:1/{at};border-left:2px solid {OTHER};'
        'margin:8px 0 8px -1px"></div>'
    )
    return (
        f'<div style="display:grid;grid-template-columns:{GUTTER_PX}px {HALF_PX}px {HALF_PX}px '
        f'minmax(0,1fr);row-gap:5px;font-size:0.85rem;line-height:1.25;max-width:380px">'
        f"{line}{''.join(arcs)}{''.join(parts)}</div>"
    )


def _through(plan: "Structure") -> set[str]:
    return {name for shortcut in plan.shortcuts for name in shortcut.through}


def _box(layer: "Layer", at: int) -> str:
    channels, *sides = layer.shape
    doublings = log2(max(channels, 2))
    width, height = 11 * doublings, 10.0
    if sides:
        width, height = PX_A_PIXEL * sides[-1], 2 + PX_A_DOUBLING * doublings
    colour = _colour(layer)
    if colour == OTHER:
        height = THIN_PX
    return (
        f'<div style="grid-column:2/4;grid-row:{at};place-self:center;width:{width:.0f}px;'
        f"max-width:{2 * HALF_PX}px;height:{height:.0f}px;background:{colour};"
        'border-radius:2px"></div>'
    )


def _colour(layer: "Layer") -> str:
    if "Pool" in layer.kind:
        return POOLING
    if not layer.multiply_adds:
        return OTHER
    return CONVOLUTION if len(layer.shape) > 1 else LINEAR


def _words(at: int, what: str, shape: str) -> str:
    return (
        f'<div style="grid-column:4;grid-row:{at};align-self:center;padding-left:12px">{what}'
        f'<span style="opacity:0.65;white-space:nowrap;margin-left:0.6em">{shape}</span></div>'
    )


def _sum(at: int, through: str) -> list[str]:
    """The row where a shortcut is added."""
    words = "shortcut added" + (f" ({through})" if through else "")
    return [
        f'<div style="grid-column:2/4;grid-row:{at};place-self:center;width:18px;height:18px;'
        f"border-radius:50%;background:{OTHER};color:#fff;text-align:center;line-height:17px;"
        'font-weight:bold">+</div>',
        f'<div style="grid-column:4;grid-row:{at};align-self:center;padding-left:12px">{words}'
        "</div>",
    ]


def _arc(first: int, last: int, shortcut: "Shortcut") -> str:
    """A shortcut's line, from above row `first` to the middle of row `last`, where it is added."""
    colour = CONVOLUTION if shortcut.through else OTHER
    return (
        f'<div style="grid-column:1/3;grid-row:{first}/{last + 1};border:2px solid {colour};'
        'border-right:0;border-radius:24px 0 0 24px;margin:-4px 0 9px 6px"></div>'
    )
