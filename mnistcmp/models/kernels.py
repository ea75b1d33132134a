"""Two convolutions and two linear layers; what differs is how far a convolution looks."""

from torch import Tensor, nn

from mnistcmp.models.shapes import ImageShape, pooled_size


def stage(inputs: int, outputs: int, kernel: int, squeeze: int | None) -> list[nn.Module]:
    """Convolution that keeps the image's size, 2×2 max pooling, batch normalisation, ReLU.

    With `squeeze`, a 1×1 convolution of so many channels stands before it. The convolutions have no
    bias: the normalisation would take it away again. Raises ValueError if `kernel` is even.
    """
    if kernel % 2 == 0:
        raise ValueError(f"a kernel of {kernel} has no middle: choose an odd one")
    layers: list[nn.Module] = []
    if squeeze:
        layers += [nn.Conv2d(inputs, squeeze, 1, bias=False), nn.BatchNorm2d(squeeze), nn.ReLU()]
    layers += [
        nn.Conv2d(squeeze or inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]
    return layers


class KernelCNN(nn.Module):
    """Two stages of convolution and 2×2 max pooling, then two linear layers with dropout.

    `kernel` is the side of both convolutions, `channels` their widths. With `squeeze`, a 1×1
    convolution of so many channels stands before each of them.
    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if `kernel` is even or the image
    too small.
    Source: PUBLISHED.md table 6; the widths are chosen so that the four have about as many
    parameters. The second convolution sees 3·kernel - 1 px a side.
    """

    HIDDEN = 256

    def __init__(
        self,
        in_shape: ImageShape,
        classes: int,
        *,
        kernel: int,
        channels: tuple[int, int],
        squeeze: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        height, width = pooled_size(in_shape, 2)
        first, second = channels
        squeezes = squeeze or (None, None)
        self.features = nn.Sequential(
            *stage(in_shape[0], first, kernel, squeezes[0]),
            *stage(first, second, kernel, squeezes[1]),
        )
        self.head = nn.Sequential(
            nn.Linear(second * height * width, self.HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.25),
            nn.Linear(self.HIDDEN, classes),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.features(pixels).flatten(1))
