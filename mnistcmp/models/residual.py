"""Networks with shortcuts: a block adds to its input instead of replacing it."""

import torch.nn.functional as F
from torch import Tensor, nn

from mnistcmp.models.perceptrons import linear_stack
from mnistcmp.models.spec import ImageShape, ModelSpec, pooled_size


class ResidualBlock(nn.Module):
    """ReLU(x + conv(ReLU(conv(x)))): two 3×3 convolutions, no normalisation, identity shortcut.

    (N, channels, H, W) -> the same shape.
    Source: PUBLISHED.md table 4; He et al. 2015, "Deep Residual Learning", figure 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


class ResidualCNN(nn.Module):
    """`simple_cnn` with a residual block after each convolution's ReLU, before its pooling.

    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if the image is too small.
    Source: PUBLISHED.md table 4.
    """

    def __init__(self, in_shape: ImageShape, classes: int) -> None:
        super().__init__()
        height, width = pooled_size(in_shape, 2)
        self.features = nn.Sequential(
            nn.Conv2d(in_shape[0], 32, 3, padding=1),
            nn.ReLU(),
            ResidualBlock(32),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            ResidualBlock(64),
            nn.MaxPool2d(2),
        )
        self.head = linear_stack(64 * height * width, 128, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.features(pixels).flatten(1))


SPECS = (
    ModelSpec(
        "residual_cnn",
        ResidualCNN,
        params=513_994,
        caption="simple_cnn with a residual block after each of its convolutions",
    ),
)
