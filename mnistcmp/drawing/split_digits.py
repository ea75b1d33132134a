"""A drawing of a number -> one drawing for each of its digits.

Digits are told apart by the space between them. Digits that touch are not guessed: they stay one
picture, because a digit that is cut in two would be misread. How often the split is right is
measured by scripts/benchmark_numbers.py and recorded in checkpoints/results/benchmark_numbers.json.
"""

import numpy as np
from PIL import Image, ImageFilter

from mnistcmp.drawing import preprocess
from mnistcmp.drawing.blots import Blots, find_blots

MOST_DIGITS = 6  # more separate marks than these are a scribble or a text

REDUCED = 2  # times smaller: half the time, and a space of 2 px is no space
# Chosen on the writers used for training.
JOINED = 0.03  # of the height of all ink: what is closer is one mark, such as an open 4
TALL = 0.5  # of the tallest mark's height: a lower one is part of a digit, a dot or noise
SHARED = 0.5  # of the narrower mark's columns: two that share more are parts of one digit


def split(rgba: np.ndarray) -> list[np.ndarray]:
    """uint8 RGBA (H, W, 4) -> the digits from left to right, each uint8 RGBA (H, W, 4).

    The background is left where the other digits were. A drawing of one digit, a blank one and one
    with more than MOST_DIGITS marks are returned as they are: `[rgba]`.
    Raises TypeError and ValueError as `preprocess.stages` does.
    """
    ink = preprocess.find_ink(rgba)
    if ink is None:
        return [rgba]
    blots = _marks(ink > preprocess.FAINTEST_INK)
    digits = _digits(blots)
    count = digits.max() + 1
    if not 1 < count <= MOST_DIGITS:
        return [rgba]
    background = np.median(preprocess.border(rgba), axis=0).astype(np.uint8)
    # -1, where there is no ink, becomes the last entry.
    owner = np.append(digits, -1)[blots.labels]
    height, width = ink.shape
    owner = owner.repeat(REDUCED, axis=0).repeat(REDUCED, axis=1)[:height, :width]
    pictures = []
    for digit in range(count):
        picture = rgba.copy()
        picture[(owner >= 0) & (owner != digit)] = background
        pictures.append(picture)
    return pictures


def _marks(inked: np.ndarray) -> Blots:
    """The connected marks of bool (h, w), reduced; what is close is one mark."""
    reduced = Image.fromarray(np.uint8(255) * inked).reduce(REDUCED)
    rows = np.flatnonzero(inked.any(axis=1))
    reach = round(JOINED * (rows[-1] + 1 - rows[0]) / REDUCED / 2)
    joined = reduced.filter(ImageFilter.MaxFilter(2 * reach + 1))
    return find_blots(np.asarray(reduced) > 0, np.asarray(joined) > 0)


def _digits(blots: Blots) -> np.ndarray:
    """For each mark the number of its digit, from the left, int (marks,)."""
    tall = np.flatnonzero(blots.height >= TALL * blots.height.max())
    tall = tall[np.argsort(blots.left[tall])]
    digits = np.zeros(len(blots.area), int)
    digit, right, width = 0, blots.right[tall[0]], blots.width[tall[0]]
    for mark in tall[1:]:
        shared = min(right, blots.right[mark]) - blots.left[mark]
        if shared > SHARED * min(width, blots.width[mark]):
            right = max(right, blots.right[mark])
            width = max(width, blots.width[mark])
        else:
            digit, right, width = digit + 1, blots.right[mark], blots.width[mark]
        digits[mark] = digit
    for mark in np.setdiff1d(np.arange(len(digits)), tall):
        # Negative where both have ink in the same columns.
        apart = np.maximum(blots.left[tall], blots.left[mark]) - np.minimum(
            blots.right[tall], blots.right[mark]
        )
        digits[mark] = digits[tall[apart.argmin()]]
    return digits
