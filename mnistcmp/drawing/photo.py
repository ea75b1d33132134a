"""Read the ink of a digit from a photo or scan, as if it had been drawn on the canvas."""

import io
from typing import cast

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps, UnidentifiedImageError

from mnistcmp.drawing.find_digit import WORK_PX, NothingFound, find_ink
from mnistcmp.drawing.preprocess import BOX_PX, FIELD_PX

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
LARGEST_BYTES = 10_000_000
LARGEST_PIXELS = 50_000_000  # photos from phones have 12 to 48 million
TOO_MANY = f"more than {LARGEST_PIXELS / 1e6:.0f} million. Make it smaller."

INK_PX = 84  # the side of the result: three times that of the network's input
NOTHING = "No digit stands out in this picture. Use a photo of one digit, dark on light paper."
# The stroke width of an MNIST digit, as a fraction of its height. A ballpoint's strokes are far
# thinner, and would be too faint when scaled to 20 px.
STROKE_SHARE = 0.1


class PhotoError(ValueError):
    """A file in which no digit can be read; the message is shown to the user."""


def read(content: bytes) -> np.ndarray:
    """An image file, dark on light or light on dark -> float32 ink (84, 84) in [0, 1].

    Uneven light and specks are removed, thin strokes are thickened, and the digit fills as much of
    the field as an MNIST digit does. Raises PhotoError, with a remedy, if no digit can be read.
    """
    try:
        grey = _grey(content)
        scale = WORK_PX / max(grey.size)
        size = [max(1, round(side * scale)) for side in grey.size]
        ink = find_ink(np.asarray(grey.resize(size, Image.Resampling.BILINEAR)), scale)
    except NothingFound as error:
        raise PhotoError(NOTHING) from error
    return _in_field(_cropped(_thickened(_cropped(ink))))


def _cropped(ink: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero((ink > 0.5).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _grey(content: bytes) -> Image.Image:
    if not content:
        raise PhotoError("This file is empty. Choose a photo of one digit.")
    if len(content) > LARGEST_BYTES:
        raise PhotoError(
            f"This file has {len(content) / 1e6:.0f} MB; the limit is {LARGEST_BYTES / 1e6:.0f}. "
            "Take the photo at a lower resolution, or cut out the digit."
        )
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            if opened.width * opened.height > LARGEST_PIXELS:
                raise PhotoError(
                    f"This picture has {opened.width} × {opened.height} px, {TOO_MANY}"
                )
            # A phone's photo (MPO) may contain a preview as a second image.
            if opened.format != "MPO" and getattr(opened, "is_animated", False):
                raise PhotoError("This picture is animated or has pages. Choose a single picture.")
            opened.draft("RGB", (WORK_PX, WORK_PX))
            # Reduced before anything is copied, if Pillow supports that for the mode.
            if opened.mode in ("L", "RGB", "RGBA", "CMYK"):
                opened.thumbnail((WORK_PX, WORK_PX), Image.Resampling.BOX)
            ImageOps.exif_transpose(opened, in_place=True)
            deep = opened.mode.startswith(("I", "F"))
            image = (_eight_bit(opened) if deep else opened).convert("RGBA")
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoError(f"This picture has too many pixels, {TOO_MANY}") from error
    except UnidentifiedImageError as error:
        raise PhotoError(
            f"This file is no picture that can be read here. Choose one of {', '.join(FORMATS)}."
        ) from error
    except Exception as error:  # Pillow raises many types of errors for damaged files
        raise PhotoError(f"This picture is damaged ({error}). Choose another.") from error
    image.thumbnail((WORK_PX, WORK_PX), Image.Resampling.BOX)
    return _without_transparency(image)


def _eight_bit(image: Image.Image) -> Image.Image:
    """An image with more than 256 greys, which Pillow would clip -> a reduced 8-bit image."""
    _, highest = cast(tuple[float, float], image.getextrema())  # one band: not a pair per band
    scale = 257 if highest > 255 else 1
    if image.mode not in ("I;16", "I", "F"):  # Pillow cannot reduce other byte orders
        image = image.convert("I")
    image.thumbnail((WORK_PX, WORK_PX), Image.Resampling.BOX, reducing_gap=None)
    values = np.asarray(image, dtype=np.float64)
    return Image.fromarray(np.rint(values / scale).clip(0, 255).astype(np.uint8))


def _without_transparency(image: Image.Image) -> Image.Image:
    """RGBA -> grey, on a background that contrasts with the ink."""
    grey, opaque = np.asarray(image.convert("L")), np.asarray(image.getchannel("A")) > 127
    edge = np.concatenate([opaque[0], opaque[-1], opaque[:, 0], opaque[:, -1]])
    if opaque.mean() > 0.5 and not edge.all():  # only a margin is transparent
        paper = int(np.median(grey[opaque]))
    else:  # only the ink is opaque, or everything is
        paper = 255 if opaque.any() and grey[opaque].mean() < 128 else 0
    return Image.alpha_composite(Image.new("RGBA", image.size, (paper,) * 3), image).convert("L")


def _thickened(digit: np.ndarray) -> np.ndarray:
    """(h, w) ink -> the same with strokes at least a tenth of the longer side thick."""
    side = max(digit.shape)
    padded = np.pad(digit, side // 8 + 1)
    inked = padded > 0.5
    inner = np.asarray(Image.fromarray(inked).convert("L").filter(ImageFilter.MinFilter(3))) > 0
    # A stroke has two sides, so its outline is twice as long as the stroke.
    outline = inked.sum() - inner.sum()
    thickness = 2 * inked.sum() / max(outline, 1)
    missing = round((STROKE_SHARE * side - thickness) / 2)
    if missing < 1:
        return digit
    grey = Image.fromarray(np.rint(padded * 255).astype(np.uint8))
    return np.asarray(grey.filter(ImageFilter.MaxFilter(2 * missing + 1)), np.float32) / 255


def _in_field(digit: np.ndarray) -> np.ndarray:
    scale = INK_PX * BOX_PX / FIELD_PX / max(digit.shape)
    size = [max(1, round(side * scale)) for side in digit.shape[::-1]]
    small = np.asarray(Image.fromarray(digit.astype(np.float32)).resize(size))
    field = np.zeros((INK_PX, INK_PX), dtype=np.float32)
    top, left = ((INK_PX - side) // 2 for side in small.shape)
    field[top : top + small.shape[0], left : left + small.shape[1]] = np.clip(small, 0, 1)
    return field
