"""Convolutional networks without shortcuts.

Max pooling comes before ReLU. Both are monotonic, so the function is the same as in the published
order (ReLU, then pooling), and ReLU has a quarter of the values to process.
"""

import itertools

from torch import Tensor, nn

from mnistcmp.models.perceptrons import linear_stack
from mnistcmp.models.shapes import ImageShape, pooled_size


class PlainCNN(nn.Module):
    """Stages of convolution, max pooling and ReLU, then linear layers: a textbook CNN.

    `channels` are the widths of the 3×3 convolutions, each followed by 2×2 pooling; `hidden` are
    the widths of the linear layers between the flattened features and the logits.
    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if the image is too small.
    Source: PUBLISHED.md tables 1 (tiny_cnn, cnn), 2 (conv_maxpool), 3 (conv*_fc*), 4 (simple_cnn).
    """

    def __init__(
        self,
        in_shape: ImageShape,
        classes: int,
        *,
        channels: tuple[int, ...],
        hidden: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        height, width = pooled_size(in_shape, len(channels))
        stages: list[nn.Module] = []
        for inputs, outputs in zip((in_shape[0], *channels), channels, strict=False):
            stages += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()]
        self.features = nn.Sequential(*stages)
        self.head = linear_stack(channels[-1] * height * width, *hidden, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.features(pixels).flatten(1))


class StrongCNN(nn.Module):
    """Two blocks of two convolutions, pooling and dropout, then two linear layers.

    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if the image is too small.
    Source: PUBLISHED.md table 1.
    """

    def __init__(self, in_shape: ImageShape, classes: int) -> None:
        super().__init__()
        height, width = pooled_size(in_shape, 2)
        self.features = nn.Sequential(
            *self._block(in_shape[0], 32),
            *self._block(32, 64),
        )
        self.head = nn.Sequential(
            nn.Linear(64 * height * width, 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, classes),
        )

    @staticmethod
    def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
        return (
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Dropout(0.25),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.features(pixels).flatten(1))


class ConvBatchNorm(nn.Module):
    """Strided convolutions with batch normalisation, global average pooling, one linear layer.

    (N, C, H, W) pixels -> (N, classes) logits, for any image size.
    Source: PUBLISHED.md table 2. The published code squeezes the averaged features, which fails
    on a batch of one image; averaging over dimensions 2 and 3 does not.
    """

    def __init__(self, in_shape: ImageShape, classes: int) -> None:
        super().__init__()
        channels = (in_shape[0], 32, 64, 100)
        stages: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(channels):
            stages += [
                nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.BatchNorm2d(outputs),
            ]
        self.features = nn.Sequential(*stages)
        self.head = nn.Linear(100, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.features(pixels).mean(dim=(2, 3)))
