"""Two, four or six convolutions without normalisation, and six with shortcuts."""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from mnistcmp.models.shapes import ImageShape, pooled_size


class Stage(nn.Module):
    """`convolutions` 3×3 convolutions, each with ReLU, then 2×2 max pooling.

    With `shortcut`, a 1×1 convolution of the input is added to the last one's output before ReLU.
    (N, inputs, H, W) -> (N, outputs, H / 2, W / 2), rounded down.
    """

    def __init__(self, inputs: int, outputs: int, convolutions: int, shortcut: bool) -> None:
        super().__init__()
        widths = [inputs, *[outputs] * convolutions]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in itertools.pairwise(widths)
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False) if shortcut else None
        self.pooling = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        *others, last = self.convolutions
        y = x
        for convolution in others:
            y = F.relu(convolution(y))
        y = last(y)
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return F.relu(self.pooling(y))  # equal to ReLU before pooling, and faster


class DepthCNN(nn.Module):
    """Stages of plain convolutions, then two linear layers with dropout between them.

    `channels` are the widths of the stages, `convolutions` is the number in each.
    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if the image is too small.
    Source: PUBLISHED.md table 7. There is no normalisation, so gradients can vanish. The hidden
    layer's width brings the parameter count close to the published one on images of 3×32×32 px.
    """

    def __init__(
        self,
        in_shape: ImageShape,
        classes: int,
        *,
        channels: tuple[int, ...],
        convolutions: int,
        hidden: int,
        shortcuts: bool = False,
    ) -> None:
        super().__init__()
        height, width = pooled_size(in_shape, len(channels))
        self.stages = nn.Sequential(
            *(
                Stage(inputs, outputs, convolutions, shortcuts)
                for inputs, outputs in itertools.pairwise((in_shape[0], *channels))
            )
        )
        self.head = nn.Sequential(
            nn.Linear(channels[-1] * height * width, hidden),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(hidden, classes),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.stages(pixels).flatten(1))
