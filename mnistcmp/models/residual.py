"""Residual networks: each block adds its output to its input."""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from mnistcmp.models.perceptrons import linear_stack
from mnistcmp.models.shapes import ImageShape, pooled_size


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


def normalised(*widths: int, kernels: tuple[int, ...]) -> nn.Sequential:
    """Convolutions from each width to the next, each with batch normalisation, ReLU between them.

    They keep the image's size and have no bias, because the normalisation would remove it.
    """
    layers: list[nn.Module] = []
    for (inputs, outputs), kernel in zip(itertools.pairwise(widths), kernels, strict=True):
        layers += [
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers[:-1])


class NormalisedBlock(nn.Module):
    """ReLU(x + layers(x)): normalised convolutions and an identity shortcut.

    `inner` are the widths between the convolutions, `kernels` their kernel sizes.
    (N, channels, H, W) -> the same shape.
    Source: PUBLISHED.md table 9; He et al. 2015, "Deep Residual Learning", figures 2 and 5.
    """

    def __init__(self, channels: int, *, inner: tuple[int, ...], kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = normalised(channels, *inner, channels, kernels=kernels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.layers(x))


class ResidualCNN(nn.Module):
    """`simple_cnn` with a residual block after each convolution's ReLU, before the pooling.

    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if the image is too small.
    Source: PUBLISHED.md tables 4 and 5.
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


class RegularisedResidualCNN(nn.Module):
    """`residual_cnn` with batch normalisation after every convolution, and dropout.

    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if the image is too small.
    Source: PUBLISHED.md table 5; the regularisation is our choice. The recipe adds weight decay.
    """

    def __init__(self, in_shape: ImageShape, classes: int) -> None:
        super().__init__()
        height, width = pooled_size(in_shape, 2)
        stages: list[nn.Module] = []
        for inputs, outputs in ((in_shape[0], 32), (32, 64)):
            stages += [
                normalised(inputs, outputs, kernels=(3,)),
                nn.ReLU(),
                NormalisedBlock(outputs, inner=(outputs,), kernels=(3, 3)),
                nn.MaxPool2d(2),
                nn.Dropout(0.2),
            ]
        self.features = nn.Sequential(*stages)
        self.head = nn.Sequential(
            nn.Linear(64 * height * width, 128),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(128, classes),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.features(pixels).flatten(1))


class BlockResNet(nn.Module):
    """A stem, three residual blocks of 64 channels, global average pooling, one linear layer.

    The stem (strided convolution, max pooling) reduces height and width to a quarter.
    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if a side is under 4 px.
    Source: PUBLISHED.md table 9; the stem is our choice.
    """

    CHANNELS = 64
    BLOCKS = 3

    def __init__(
        self,
        in_shape: ImageShape,
        classes: int,
        *,
        inner: tuple[int, ...],
        kernels: tuple[int, ...],
    ) -> None:
        super().__init__()
        pooled_size(in_shape, 2)  # raises ValueError for an image that is too small
        self.stem = nn.Sequential(
            nn.Conv2d(in_shape[0], self.CHANNELS, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(self.CHANNELS),
            nn.MaxPool2d(2),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential(
            *(
                NormalisedBlock(self.CHANNELS, inner=inner, kernels=kernels)
                for _ in range(self.BLOCKS)
            )
        )
        self.head = nn.Linear(self.CHANNELS, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(pixels)).mean(dim=(2, 3)))
