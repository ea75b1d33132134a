"""Read the ink of a digit from a photo or scan, as if it had been drawn on the canvas."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mnistcmp.drawing.find_digit import NothingFound, find
from mnistcmp.drawing.preprocess import BOX_PX, FIELD_PX
from mnistcmp.drawing.sheet import WORK_PX, extremum

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
LARGEST_BYTES = 10_000_000
# Photos from phones have 12 to 48 million. JPEG is decoded at a reduced size, others are not.
LARGEST_PIXELS = 50_000_000
# What decoding may take: the picture itself, and what its decoder keeps beside it.
LARGEST_DECODED = 36_000_000
COPIES = {"WEBP": 4, "TIFF": 2}
MOST_SCANS = 30  # of a progressive JPEG; each runs over the whole picture
SCAN = b"\xff\xda"
BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2}  # a pixel; others have 4
HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"heif", b"avif")

STRIP_PX = 500_000  # of the picture, converted at once
INK_PX = 84  # the side of the result: three times that of the network's input
NOTHING = "No digit stands out in this picture. Use a photo of one digit, dark on light paper."
# The stroke width of an MNIST digit, as a fraction of its height. A ballpoint's strokes are far
# thinner, and would be too faint when scaled to 20 px.
STROKE_SHARE = 0.1

# One thread for all uploads: those at the same time need the memory of one.
READER = ThreadPoolExecutor(1, "photo")


class PhotoError(ValueError):
    """A file in which no digit can be read; the message is shown to the user."""


@dataclass(frozen=True)
class Photo:
    """A photo that was read; the picture is upright, with a longer side of 560 px.

    ink: float32 (84, 84) in [0, 1], the digit.
    digit: float (h, w) in [0, 1], the ink where it is in the picture.
    left_out: bool (h, w), what stands out in the picture, but is not the digit.
    rivals: how many of the marks that were left out may be a digit as well.
    """

    ink: np.ndarray
    digit: np.ndarray
    left_out: np.ndarray
    rivals: int


def read(content: bytes) -> Photo:
    """An image file, dark on light or light on dark -> its digit.

    Uneven light and specks are removed, thin strokes are thickened, and the digit fills as much of
    the field as an MNIST digit does. Raises PhotoError, with a remedy, if no digit can be read.
    """
    return READER.submit(_read, content).result()


def _read(content: bytes) -> Photo:
    grey = _grey(content)
    scale = WORK_PX / max(grey.size)
    size = [max(1, round(side * scale)) for side in grey.size]
    try:
        found = find(np.asarray(grey.resize(size, Image.Resampling.BILINEAR)), scale)
    except NothingFound as error:
        raise PhotoError(NOTHING) from error
    ink = _in_field(_cropped(_thickened(_cropped(found.ink))))
    return Photo(ink, found.ink, found.left_out, found.rivals)


def _cropped(ink: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero((ink > 0.5).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _grey(content: bytes) -> Image.Image:
    """The picture in a file, upright and reduced. Raises PhotoError."""
    if not content:
        raise PhotoError("This file is empty. Choose a photo of one digit.")
    if len(content) > LARGEST_BYTES:
        raise PhotoError(
            f"This file has {len(content) / 1e6:.0f} MB; the limit is {LARGEST_BYTES / 1e6:.0f}. "
            "Take the photo at a lower resolution, or cut out the digit."
        )
    if content[4:8] == b"ftyp" and content[8:12] in HEIC:
        raise PhotoError(
            "HEIC, HEIF and AVIF photos cannot be read here. Save it as JPEG or PNG. On an iPhone: "
            "Settings, Camera, Formats, Most Compatible."
        )
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            # A phone's photo (MPO) may contain a preview as a second image.
            if opened.format != "MPO" and getattr(opened, "is_animated", False):
                raise PhotoError("This picture is animated or has pages. Choose a single picture.")
            _check_size(opened, content)
            share = WORK_PX / max(opened.size)
            opened.draft(None, (int(opened.width * share) or 1, int(opened.height * share) or 1))
            image = _reduced(opened)
            image.getexif().update(opened.getexif())
            ImageOps.exif_transpose(image, in_place=True)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoError(f"This picture has too many pixels: {_too_many()}") from error
    except UnidentifiedImageError as error:
        raise PhotoError(
            f"This file is no picture that can be read here. Choose one of {', '.join(FORMATS)}."
        ) from error
    except Exception as error:  # Pillow raises many types of errors for damaged files
        raise PhotoError(f"This picture is damaged ({error}). Choose another.") from error
    return _without_transparency(image)


def _too_many(most: int = LARGEST_PIXELS) -> str:
    return f"more than {most / 1e6:.0f} million. Make it smaller."


def _check_size(opened: Image.Image, content: bytes) -> None:
    """Raise PhotoError if decoding the picture would take too much memory or time."""
    a_pixel = BYTES.get(opened.mode, 4) * COPIES.get(opened.format or "", 1)
    most = LARGEST_DECODED // a_pixel
    if opened.format in ("JPEG", "MPO"):
        most = LARGEST_PIXELS
        if _scans_apart(opened):  # all coefficients are kept: 2 bytes for each
            layers = opened.layer  # type: ignore[attr-defined]
            full = max(h for _, h, _, _ in layers) * max(v for _, _, v, _ in layers)
            most = int(LARGEST_DECODED / (2 * sum(h * v for _, h, v, _ in layers) / full))
            if content.count(SCAN) > MOST_SCANS:
                raise PhotoError("This JPEG has too many scans. Save it as an ordinary JPEG.")
    if opened.width * opened.height > most:
        raise PhotoError(f"This picture has {opened.width} × {opened.height} px, {_too_many(most)}")


def _scans_apart(jpeg: Image.Image) -> bool:
    """Whether a JPEG holds its picture in several scans: Pillow has read up to the first."""
    fp = jpeg.fp  # type: ignore[attr-defined]
    header = fp.read(3)
    fp.seek(-len(header), io.SEEK_CUR)
    return "progressive" in jpeg.info or header[2] < len(jpeg.getbands())


def _reduced(image: Image.Image) -> Image.Image:
    """Any image -> L or RGBA with a longer side of at most WORK_PX, converted strip by strip."""
    image.load()
    mode = "RGBA" if image.has_transparency_data else "L"
    width, height = image.size
    deep = image.mode.startswith(("I", "F"))
    scale = 1.0
    if deep:  # Pillow would clip more than 256 greys
        _, highest = cast(tuple[float, float], image.getextrema())  # one band: not a pair per band
        scale = 257 if highest > 255 else 1
    factor = max(1, max(image.size) // WORK_PX)
    rows = max(1, STRIP_PX // (width * factor)) * factor
    whole = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height)))
        if deep:
            values = np.asarray(strip, dtype=np.float32) / scale
            strip = Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8))
        whole.paste(strip.convert(mode).reduce(factor), (0, top // factor))
    whole.thumbnail((WORK_PX, WORK_PX), Image.Resampling.BOX)
    return whole


def _without_transparency(image: Image.Image) -> Image.Image:
    """L or RGBA -> grey, on a background that contrasts with the ink."""
    if image.mode == "L":
        return image
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
    inner = extremum(inked, 3, np.minimum)
    # A stroke has two sides, so its outline is twice as long as the stroke.
    outline = inked.sum() - inner.sum()
    thickness = 2 * inked.sum() / max(outline, 1)
    missing = round((STROKE_SHARE * side - thickness) / 2)
    if missing < 1:
        return digit
    return extremum(padded, 2 * missing + 1, np.maximum)


def _in_field(digit: np.ndarray) -> np.ndarray:
    scale = INK_PX * BOX_PX / FIELD_PX / max(digit.shape)
    size = [max(1, round(side * scale)) for side in digit.shape[::-1]]
    small = np.asarray(Image.fromarray(digit.astype(np.float32)).resize(size))
    field = np.zeros((INK_PX, INK_PX), dtype=np.float32)
    top, left = ((INK_PX - side) // 2 for side in small.shape)
    field[top : top + small.shape[0], left : left + small.shape[1]] = np.clip(small, 0, 1)
    return field
