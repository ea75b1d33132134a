"""Read the ink of a digit from a photo or scan, as if it had been drawn on the canvas."""

import io
from typing import cast

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps, UnidentifiedImageError

from mnistcmp.drawing.preprocess import BOX_PX, FIELD_PX

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
LARGEST_BYTES = 10_000_000
LARGEST_PIXELS = 50_000_000  # photos from phones have 12 to 48 million
TOO_MANY = f"more than {LARGEST_PIXELS / 1e6:.0f} million. Make it smaller."

WORK_PX = 280  # the longer side of the image while ink is separated from paper
COARSE = 4  # reduction factor for finding paper and blots
INK_PX = 84  # the side of the result: three times that of the network's input
DARKEST_PAPER = 40  # of 255: anything darker is mostly noise
NOTHING = "No digit stands out in this picture. Use a photo of one digit, dark on light paper."
LEAST_CONTRAST = 0.13  # between ink and the paper around it, as a fraction of the full range
# Ink has sharp edges and light fades slowly, so blurring changes a digit more than it does light.
# Measured changes, of 255: at least 6 for faint digits that are read, at most 5 for empty sheets
# under a small lamp that overexposes the photo.
EDGE_BLURS_PX, LEAST_EDGE = (1.5, 4), 6
# Everything thinner than this is removed to find the paper.
THICKEST_STROKE_PX = 68
NOISE = 6  # minimum contrast of ink, in median absolute deviations of the paper
SPECK = 0.05  # of the largest blot's area: smaller blots are dirt
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
    ink = _ink(_grey(content))
    ink = _without_specks(ink)
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


def _ink(grey: Image.Image) -> np.ndarray:
    """Grey image in any light -> float ink in [0, 1]; the strongest ink is 1."""
    fine, coarse = (grey.filter(ImageFilter.GaussianBlur(blur_px)) for blur_px in EDGE_BLURS_PX)
    if np.percentile(np.asarray(ImageChops.difference(fine, coarse)), 99.8) < LEAST_EDGE:
        raise PhotoError(NOTHING)
    light = np.asarray(grey.filter(ImageFilter.GaussianBlur(WORK_PX / 4)), dtype=np.float32)
    low, middle, high = np.percentile(np.asarray(grey) / np.maximum(light, 1), (0.2, 50, 99.8))
    if high - middle > middle - low:  # light on dark
        grey = ImageOps.invert(grey)
    lit = np.asarray(_paper(grey.reduce(COARSE)).resize(grey.size), dtype=np.float32)
    # Relative to the paper around it, so that ink in shadow has the same contrast as ink in light.
    contrast = 255 * (lit - np.asarray(grey, dtype=np.float32)) / np.maximum(lit, DARKEST_PAPER)
    if np.percentile(contrast, 99.8) < LEAST_CONTRAST * 255:
        raise PhotoError(NOTHING)
    uneven = np.median(contrast) + NOISE * np.median(abs(contrast - np.median(contrast)))
    threshold = max(_otsu(np.clip(contrast, 0, 255).astype(np.uint8)), uneven)
    # A ramp from 2/3 to 4/3 of the threshold keeps edges smooth.
    return np.clip((contrast / threshold - 2 / 3) * 1.5, 0, 1)


def _paper(coarse: Image.Image) -> Image.Image:
    """The image without anything that is dark and thinner than the thickest stroke."""
    width = THICKEST_STROKE_PX // COARSE
    # Extrapolate the light beyond the edge; otherwise a dark edge would count as ink.
    pixels = np.asarray(coarse, dtype=int)
    wider = np.pad(pixels, width, mode="reflect", reflect_type="odd").clip(0, 255)
    paper = Image.fromarray(wider.astype(np.uint8))
    for extremum in (ImageFilter.MaxFilter, ImageFilter.MinFilter):
        paper = paper.filter(extremum(width))
    return ImageOps.crop(paper.filter(ImageFilter.GaussianBlur(2)), width)


def _otsu(values: np.ndarray) -> float:
    """The threshold that splits uint8 `values` with the largest between-class variance.

    Source: N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions
    on Systems, Man, and Cybernetics 9, 1979.
    """
    counts = np.bincount(values.ravel(), minlength=256).astype(float)
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(np.nanargmax(between)) + 0.5


def _without_specks(ink: np.ndarray) -> np.ndarray:
    coarse = Image.fromarray(np.rint(ink * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(5))
    size = (max(1, coarse.width // COARSE), max(1, coarse.height // COARSE))
    blots = _blots(np.asarray(coarse.resize(size, Image.Resampling.NEAREST)) > 127)
    areas = np.bincount(blots[blots > 0])
    if not len(areas):
        raise PhotoError(NOTHING)
    large = np.isin(blots, np.flatnonzero(areas >= SPECK * areas.max()))
    # Keep the soft edges too.
    kept = Image.fromarray(large).convert("L").filter(ImageFilter.MaxFilter(3)).resize(coarse.size)
    return ink * (np.asarray(kept) > 0)


def _blots(inked: np.ndarray) -> np.ndarray:
    """Label the connected components of True, diagonals included: int (h, w), 0 elsewhere."""
    numbers = np.where(inked, np.arange(1, inked.size + 1).reshape(inked.shape), 0)
    while True:
        padded = np.pad(numbers, 1)
        spread = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).max(axis=(2, 3)) * inked
        if (spread == numbers).all():
            return numbers
        numbers = spread


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
