"""Two convolutions and two linear layers, with kernels of different sizes."""

from torch import Tensor, nn

from mnistcmp.models.shapes import ImageShape, pooled_size


def stage(inputs: int, outputs: int, kernel: int, squeeze: int | None) -> list[nn.Module]:
    """Convolution with padding to the same size, 2×2 max pooling, batch normalisation, ReLU.

    With `squeeze`, a 1×1 convolution to that many channels comes first. The convolutions have no
    bias, because the normalisation would remove it. Raises ValueError if `kernel` is even.
    """
    if kernel % 2 == 0:
        raise ValueError(f"the kernel size is {kernel}: choose an odd one")
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

    `kernel` is the kernel size of both convolutions, `channels` are their widths. With `squeeze`, a
    1×1 convolution to that many channels comes before each of them.
    (N, C, H, W) pixels -> (N, classes) logits. Raises ValueError if `kernel` is even or the image
    is too small.
    Source: PUBLISHED.md table 6; the widths are our choice and give the four networks about the
    same number of parameters. The receptive field of the second convolution is 3·kernel - 1 px a
    side.
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
