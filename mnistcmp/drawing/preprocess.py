"""A drawing on a canvas -> 28x28 pixels, prepared as MNIST was from scanned digits.

Networks read only what looks like their training data, so a drawing takes the same steps: tight
crop, longer side scaled to 20 px, anti-aliased, centre of mass moved to the centre of 28x28 px.
Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
Proc. IEEE 1998, section III.A. Details that it omits were measured on MNIST's training images.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

FIELD_PX = 28
BOX_PX = 20

# The pixel index of MNIST's centre. The 60,000 training images have their centre of mass in
# (13.5, 14.5] on both axes, so it was rounded to index 14, not to the field's centre at 13.5.
MIDDLE = 14

# If the pen's colour is closer than this to the background's, the canvas counts as blank.
FAINTEST_PEN = 0.1

# The crop keeps all ink above this. MNIST digits have faint edges: of 1,500, magnified ten times
# and processed again, 99.9 % are unchanged with 0.02, but only 86 % with 0.1.
FAINTEST_INK = 0.02

# Of Pillow's filters, this one is closest to MNIST's grey levels. The histograms of 1,500 replayed
# pen digits and of MNIST digits with the same label and amount of ink differ by 0.7 % of the pixels
# (BICUBIC 0.8 %, which overshoots; HAMMING 3.5 %, LANCZOS 4.3 %, BILINEAR 5.7 %).
FILTER = Image.Resampling.BOX

# Less ink than this is a speck. A dot of a 12 px brush has 113 px, the thinnest digit far more.
SMALLEST_DRAWING_PX = 10


@dataclass(frozen=True)
class Stages:
    """The stages of a drawing's preprocessing; all float32 in [0, 1], 0 background, 1 full ink.

    ink: (H, W), the canvas without colours.
    crop: (h, w), the tight bounding box of the ink.
    box: (20, w) or (h, 20), the crop with its longer side scaled to 20 px, keeping the aspect.
    pixels: (28, 28), the box with its centre of mass in the centre: the input of the networks.
    """

    ink: np.ndarray
    crop: np.ndarray
    box: np.ndarray
    pixels: np.ndarray


def stages(rgba: np.ndarray) -> Stages | None:
    """uint8 RGBA (H, W, 4) -> every stage on the way to (28, 28) pixels; None if blank.

    If most of the border is fully transparent, ink is the opacity, whatever the colour. Otherwise
    the canvas is composited on white, the border's median colour is the background, and ink is the
    distance from it in the colour channel that differs most. The strongest ink becomes 1. So pen
    and background may have any colours, including light on dark.
    Blank: no contrast above 0.1 of the full range, or less ink in total than 10 full pixels.

    Raises TypeError if `rgba` is not a uint8 array, ValueError if its shape is not (H, W, 4).
    """
    ink = find_ink(rgba)
    if ink is None:
        return None
    crop = _crop(ink)
    box = _fit(crop, BOX_PX)
    return Stages(ink=ink, crop=crop, box=box, pixels=_centre(box))


def to_pixels(rgba: np.ndarray) -> np.ndarray | None:
    """uint8 RGBA (H, W, 4) -> float32 (28, 28) in [0, 1], bright ink as in MNIST; None if blank.

    Takes about a millisecond for a canvas of 280x280. See `stages` for the steps and exceptions.
    """
    steps = stages(rgba)
    return None if steps is None else steps.pixels


def bounding_box(steps: Stages) -> np.ndarray:
    """A simpler preprocessing, for comparison: the crop with its longer side scaled to 28 px.

    float32 (28, 28) ink in [0, 1], with the crop centred.
    """
    box = _fit(steps.crop, FIELD_PX)
    field = np.zeros((FIELD_PX, FIELD_PX), dtype=np.float32)
    top, left = ((FIELD_PX - side) // 2 for side in box.shape)
    field[top : top + box.shape[0], left : left + box.shape[1]] = box
    return field


def whole_canvas(steps: Stages) -> np.ndarray:
    """The simplest preprocessing, for comparison: the entire canvas, scaled to 28 px a side.

    float32 (28, 28) ink in [0, 1].
    """
    return np.asarray(Image.fromarray(steps.ink).resize((FIELD_PX, FIELD_PX), FILTER))


def _check(rgba: np.ndarray) -> None:
    if not isinstance(rgba, np.ndarray):
        raise TypeError(f"expected a numpy array, got {type(rgba).__name__}: use np.asarray")
    if rgba.dtype != np.uint8:
        raise TypeError(f"expected uint8 in 0..255, got {rgba.dtype}: scale and convert it")
    if rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.size == 0:
        raise ValueError(
            f"expected shape (H, W, 4), got {rgba.shape}: convert with PIL's .convert('RGBA')"
        )


def find_ink(rgba: np.ndarray) -> np.ndarray | None:
    """uint8 RGBA (H, W, 4) -> float32 (H, W) in [0, 1]; None if blank. See `stages`."""
    _check(rgba)
    canvas = Image.fromarray(rgba)
    if np.median(border(rgba[..., 3])) == 0:
        contrast = canvas.getchannel("A")
    else:
        if rgba[..., 3].min() < 255:  # rarely; compositing takes as long as all the rest
            canvas = Image.alpha_composite(Image.new("RGBA", canvas.size, "white"), canvas)
        opaque = canvas.convert("RGB")
        background = tuple(np.median(border(np.asarray(opaque)), axis=0).astype(int).tolist())
        difference = ImageChops.difference(opaque, Image.new("RGB", canvas.size, background))
        red, green, blue = difference.split()
        contrast = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    values = np.asarray(contrast, dtype=np.float32)
    strongest = values.max()
    if strongest <= FAINTEST_PEN * 255:
        return None
    ink = values / strongest
    return ink if ink.sum() >= SMALLEST_DRAWING_PX else None


def border(image: np.ndarray) -> np.ndarray:
    """(H, W, ...) -> (2H + 2W, ...): the outermost pixels, in one row."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _crop(ink: np.ndarray) -> np.ndarray:
    inked = ink > FAINTEST_INK
    rows = np.flatnonzero(inked.any(axis=1))
    columns = np.flatnonzero(inked.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit(crop: np.ndarray, side_px: int) -> np.ndarray:
    """Scale the longer side to `side_px`; the other keeps at least 1 px."""
    height, width = crop.shape
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(crop).resize(size, FILTER))


def _centre(box: np.ndarray) -> np.ndarray:
    field = np.zeros((FIELD_PX, FIELD_PX), dtype=np.float32)
    top, left = (_offset(box.sum(axis=1 - axis)) for axis in (0, 1))
    field[top : top + box.shape[0], left : left + box.shape[1]] = box
    return field


def _offset(profile: np.ndarray) -> int:
    """The box's start along one axis that brings its centre of mass closest to MIDDLE.

    Clipped, because a digit with nearly all its ink at one end would extend beyond the field.
    """
    centre = profile @ np.arange(len(profile), dtype=np.float32) / profile.sum()
    # floor(x + 1/2) puts the centre in (13.5, 14.5], as in MNIST; round() rounds halves to even,
    # so the result would depend on the parity of the offset.
    return min(max(math.floor(MIDDLE + 0.5 - centre), 0), FIELD_PX - len(profile))
