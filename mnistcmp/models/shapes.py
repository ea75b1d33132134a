"""The shape of an image, and its size after pooling."""

ImageShape = tuple[int, int, int]  # channels, height, width


def pooled_size(in_shape: ImageShape, halvings: int) -> tuple[int, int]:
    """Height and width after `halvings` 2×2 poolings with stride 2, each rounded down.

    Raises ValueError if nothing is left of the image.
    """
    _, height, width = in_shape
    pooled = height >> halvings, width >> halvings
    if min(pooled) < 1:
        raise ValueError(
            f"an image of {height}×{width} px cannot be halved {halvings} times: "
            f"use images of at least {1 << halvings} px a side, or a model with fewer poolings"
        )
    return pooled
