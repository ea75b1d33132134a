"""Layers in words: their usual names, and what each kind does, in one sentence for a student."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mnistcmp.inspection.structure import Layer, Structure


class Kind(NamedTuple):
    """A kind of layer: its usual name, and what it does."""

    name: str
    does: str


KINDS = {
    "Normalise": Kind(
        "normalised pixels",
        "Shifts and scales all pixels, so that those of the training images have mean 0 and "
        "standard deviation 1.",
    ),
    "Conv2d": Kind(
        "convolution",
        "Moves small filters over the maps before it. A value is high where what lies under the "
        "filters looks like them.",
    ),
    "GatedConv2d": Kind(
        "gated convolution",
        "A convolution that also decides, at every place, how much of its result to let through.",
    ),
    "Linear": Kind(
        "linear",
        "Every unit multiplies each value before it by a weight of its own and adds up the "
        "products.",
    ),
    "MaxPool2d": Kind(
        "max pooling",
        "Keeps only the largest value of each small square. The maps shrink, and it matters less "
        "where exactly something was found.",
    ),
    "LpPool2d": Kind(
        "learned pooling",
        "Replaces each small square by one value between its mean and its maximum. Training "
        "decides how close to the maximum.",
    ),
    "AveragePool2d": Kind("average pooling", "Replaces each small square by its mean."),
    "BatchNorm2d": Kind(
        "batch norm",
        "Shifts and scales each map by numbers from the training, so that all maps vary about "
        "equally.",
    ),
    "ReLU": Kind("ReLU", "Sets every value below 0 to 0 and keeps all others."),
    "Swish": Kind(
        "Swish", "Keeps large values, and brings values below 0 close to 0, but smoothly."
    ),
    "FadingLeak": Kind(
        "custom activation",
        "Keeps values above 0, lets through a part of those just below 0, and almost nothing of "
        "those far below.",
    ),
    "ChannelAttention": Kind(
        "channel attention",
        "Looks at the mean of every map, and then makes some maps stronger and others weaker.",
    ),
    "Dropout": Kind(
        "dropout",
        "In training, sets random values to 0, so that the network does not rely on a few. When "
        "it reads, it changes nothing.",
    ),
}


# Where the network applies ReLU without a layer of its own for it.
RELU_FOLLOWS = "Then values below 0 are set to 0 (ReLU)."


def name(layer: "Layer") -> str:
    """The layer in words: "convolution 3×3"; its class, if its kind is not listed."""
    side = layer.kernel_px
    kind = KINDS.get(layer.kind)
    return (kind.name if kind else layer.kind) + (f" {side}×{side}" if side else "")


def does(layer: "Layer", plan: "Structure") -> str:
    """What the layer does; empty for a kind that is not listed."""
    kind = KINDS.get(layer.kind)
    parts = [kind.does if kind else "", RELU_FOLLOWS if layer.name in plan.relu else ""]
    return " ".join(filter(None, parts))


def size(layer: "Layer") -> str:
    """The shape of the layer's output: "32 × 14×14", or "128 units" if it is flat."""
    channels, *sides = layer.shape
    return f"{channels} × {'×'.join(map(str, sides))}" if sides else f"{channels} units"


def receptive_field(layer: "Layer") -> str:
    """The pixels that one of the layer's values depends on: "5×5 px"."""
    side = layer.receptive_field_px
    return f"{side}×{side} px" if side else "the entire image"
