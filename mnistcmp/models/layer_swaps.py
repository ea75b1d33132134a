"""A small base network, in which one kind of layer, or the head, can be replaced."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from mnistcmp.models.custom_layers import (
    AveragePool2d,
    ChannelAttention,
    FadingLeak,
    GatedConv2d,
    LpPool2d,
    Swish,
)
from mnistcmp.models.perceptrons import linear_stack
from mnistcmp.models.shapes import ImageShape, pooled_size

Layer = Callable[..., nn.Module]

# The interchangeable layers, by their names in the catalogue; comments show the arguments.
CONVOLUTIONS: dict[str, Layer] = {  # (inputs, outputs)
    "plain": partial(nn.Conv2d, kernel_size=3, padding=1),
    "gated": partial(GatedConv2d, kernel=3),
}
ACTIVATIONS: dict[str, Layer] = {  # (channels)
    "relu": lambda channels: nn.ReLU(),
    "swish": lambda channels: Swish(),
    "fading_leak": FadingLeak,
}
NORMS: dict[str, Layer] = {"batch": nn.BatchNorm2d}  # (channels)
ATTENTIONS: dict[str, Layer] = {"channel": ChannelAttention}  # (channels)
POOLINGS: dict[str, Layer] = {  # ()
    "max": partial(nn.MaxPool2d, 2),
    "lp": LpPool2d,
    "average": AveragePool2d,
}


class BaseCNN(nn.Module):
    """Two stages of 3×3 convolution, activation, 2×2 pooling; then two linear layers.

    `convolution`, `activation` and `pooling` name the layers of each stage; `norm`, if given, names
    a layer before the activation, and `attention` one before the pooling. CONVOLUTIONS and the
    tables after it list the names. The linear layers read every value of the last map if `head` is
    "dense", and only the mean of each channel (global average pooling) if it is "pooled".
    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if the image is too small, and
    KeyError for an unknown layer or head.
    Source: PUBLISHED.md table 8; the base network's widths are our choice. Batch normalisation:
    Ioffe and Szegedy 2015; global average pooling: Lin et al. 2013, "Network in Network".
    """

    CHANNELS = (32, 64)
    HIDDEN = 32

    def __init__(
        self,
        in_shape: ImageShape,
        classes: int,
        *,
        convolution: str = "plain",
        norm: str | None = None,
        activation: str = "relu",
        attention: str | None = None,
        pooling: str = "max",
        head: str = "dense",
    ) -> None:
        super().__init__()
        height, width = pooled_size(in_shape, len(self.CHANNELS))
        stages: list[nn.Module] = []
        inputs = in_shape[0]
        for outputs in self.CHANNELS:
            stages.append(CONVOLUTIONS[convolution](inputs, outputs))
            if norm:
                stages.append(NORMS[norm](outputs))
            stages.append(ACTIVATIONS[activation](outputs))
            if attention:
                stages.append(ATTENTIONS[attention](outputs))
            stages.append(POOLINGS[pooling]())
            inputs = outputs
        self.features = nn.Sequential(*stages)
        values = {"dense": height * width, "pooled": 1}[head]  # of each channel
        self.pooled = head == "pooled"
        self.head = linear_stack(inputs * values, self.HIDDEN, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        maps = self.features(pixels)
        return self.head(maps.mean(dim=(2, 3)) if self.pooled else maps.flatten(1))
