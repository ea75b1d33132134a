"""One small base network, and what becomes of it when one kind of layer is replaced by our own."""

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
from mnistcmp.models.spec import ImageShape, ModelSpec, pooled_size

Layer = Callable[..., nn.Module]
CONVOLUTION: Layer = partial(nn.Conv2d, kernel_size=3, padding=1)
MAX_POOLING: Layer = partial(nn.MaxPool2d, 2)


class BaseCNN(nn.Module):
    """Two stages of 3×3 convolution, activation, 2×2 pooling; then two linear layers.

    `convolution(inputs, outputs)`, `activation(channels)`, `attention(channels)`, which stands
    before the pooling, and `pooling()` make the layers of each stage.
    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if the image is too small.
    Source: PUBLISHED.md table 8; the base network's widths are ours.
    """

    CHANNELS = (32, 64)
    HIDDEN = 32

    def __init__(
        self,
        in_shape: ImageShape,
        classes: int,
        *,
        convolution: Layer = CONVOLUTION,
        activation: Layer = lambda channels: nn.ReLU(),
        attention: Layer | None = None,
        pooling: Layer = MAX_POOLING,
    ) -> None:
        super().__init__()
        height, width = pooled_size(in_shape, len(self.CHANNELS))
        stages: list[nn.Module] = []
        inputs = in_shape[0]
        for outputs in self.CHANNELS:
            stages += [convolution(inputs, outputs), activation(outputs)]
            if attention:
                stages.append(attention(outputs))
            stages.append(pooling())
            inputs = outputs
        self.features = nn.Sequential(*stages)
        self.head = linear_stack(inputs * height * width, self.HIDDEN, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.features(pixels).flatten(1))


SPECS = (
    ModelSpec(
        "base_cnn",
        BaseCNN,
        params=119_530,
        caption="The control of study 8: convolution, ReLU, max pooling, twice",
    ),
    ModelSpec(
        "custom_conv",
        partial(BaseCNN, convolution=partial(GatedConv2d, kernel=3)),
        params=119_722,
        caption="base_cnn with channels that learn a scale and a gate",
    ),
    ModelSpec(
        "attention_cnn",
        partial(BaseCNN, attention=ChannelAttention),
        params=120_272,
        caption="base_cnn with channel attention (squeeze and excitation)",
    ),
    ModelSpec(
        "swish_cnn",
        partial(BaseCNN, activation=lambda channels: Swish()),
        params=119_530,
        caption="base_cnn with Swish for ReLU",
    ),
    ModelSpec(
        "custom_act_cnn",
        partial(BaseCNN, activation=FadingLeak),
        params=119_626,
        caption="base_cnn with a ReLU that leaks a little below 0, as much as it learns to",
    ),
    ModelSpec(
        "lp_pool_cnn",
        partial(BaseCNN, pooling=LpPool2d),
        params=119_532,
        caption="base_cnn with a pooling that learns how near to the maximum it is",
    ),
    ModelSpec(
        "avg_pool_cnn",
        partial(BaseCNN, pooling=AveragePool2d),
        params=119_530,
        caption="base_cnn with average pooling",
    ),
)
