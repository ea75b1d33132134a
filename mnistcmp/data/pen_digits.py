"""Pen strokes -> a drawing on the canvas -> the pixels that a network reads."""

import contextlib
import glob
import hashlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
import torch

from mnistcmp.catalogue.datasets import HELD_OUT_WRITERS
from mnistcmp.data import unipen
from mnistcmp.data.download import say
from mnistcmp.data.unipen import PenDigit, read
from mnistcmp.drawing import canvas, preprocess
from mnistcmp.drawing.canvas import CANVAS_PX, USUAL_BRUSHES_PX
from mnistcmp.safe_files import DamagedFile, read_arrays, write_whole

# The ink, including the brush's width, fills as much of the canvas as an MNIST digit of its image.
DIGIT_PX = CANVAS_PX * preprocess.BOX_PX // preprocess.FIELD_PX

BRUSH_SEED = 0
PARTS = ("training", "held_out")


class PenPixels(NamedTuple):
    """N digits as networks read them: bright ink on black.

    images: uint8 (N, 28, 28). labels: int64 (N,), 0..9. writers: int64 (N,), 1..30.
    """

    images: torch.Tensor
    labels: torch.Tensor
    writers: torch.Tensor


def load(path: str | Path) -> tuple[PenPixels, PenPixels]:
    """UNIPEN file -> (training, held out): the pixels of each digit drawn on the canvas.

    Training: all writers except HELD_OUT_WRITERS, each digit twice in a row with two brushes.
    Held out: those five writers, each digit once. Brush widths are uniform in 12..26 px; the n-th
    digit of the file has the same brushes in every call. Takes seconds: keep the result.
    Raises as `unipen.read` does, and ValueError if a digit leaves no ink.
    """
    digits = read(path)
    brushes_px = np.random.default_rng(BRUSH_SEED).uniform(*USUAL_BRUSHES_PX, size=(len(digits), 2))
    training, held_out = [], []
    for digit, (first_px, second_px) in zip(digits, brushes_px, strict=True):
        if digit.writer in HELD_OUT_WRITERS:
            held_out.append((digit, first_px))
        else:
            training += [(digit, first_px), (digit, second_px)]
    return _pen_pixels(training), _pen_pixels(held_out)


def load_kept(path: Path) -> tuple[PenPixels, PenPixels]:
    """As `load`, but the pixels are kept beside the file for the next time.

    They are used again as long as neither the file nor the code that draws it changes.
    """
    kept = path.with_name(f"{path.name}-{_digest(path)}.npz")
    with contextlib.suppress(DamagedFile, KeyError):  # or they are replayed
        arrays = read_arrays(kept)
        training, held_out = (
            PenPixels(*(torch.from_numpy(arrays[f"{part}.{field}"]) for field in PenPixels._fields))
            for part in PARTS
        )
        return training, held_out
    say("Replaying pen strokes on the canvas, once …")
    loaded = load(path)
    arrays = {
        f"{part}.{field}": tensor.numpy()
        for part, pixels in zip(PARTS, loaded, strict=True)
        for field, tensor in pixels._asdict().items()
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    with contextlib.suppress(OSError):  # a folder that cannot be written costs only time
        write_whole(kept, buffer.getvalue())
        for former in path.parent.glob(f"{glob.escape(path.name)}-*.npz"):
            if former != kept:
                former.unlink()
    return loaded


def _digest(path: Path) -> str:
    """A digest of all that the pixels depend on."""
    code = [Path(str(module.__file__)) for module in (unipen, canvas, preprocess)]
    digest = hashlib.sha256(f"{PIL.__version__} {np.__version__}".encode())
    for file in (path, *code, Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def replay(digit: PenDigit, brush_px: float) -> np.ndarray:
    """Pen strokes -> uint8 RGBA (280, 280, 4): black ink on white, as the web canvas draws it.

    The ink is centred, and the longer side of its bounding box, including the brush's width, is
    200 px. Strokes have round caps and joins. They are straight segments here, while the canvas's
    fabric.js draws quadratic curves through the midpoints of the pointer samples. The tablet's
    samples are so dense that the difference is 0.4 px on average and 1.4 px at the 99th percentile:
    a seventh of a pixel of the 28x28 image.
    Raises ValueError if `brush_px` is not in (0, 200).
    """
    if not 0 < brush_px < DIGIT_PX:
        raise ValueError(f"brush_px is {brush_px}, must be between 0 and {DIGIT_PX}: try 20")
    points = np.concatenate(digit.strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    # A single point has no extent, so any scale is right.
    scale = (DIGIT_PX - brush_px) / max(float((high - low).max()), 1.0)
    flip = np.array([scale, -scale], dtype=np.float32)  # y points up on the tablet
    middle = (low + high) / 2
    placed = [(stroke - middle) * flip + CANVAS_PX / 2 for stroke in digit.strokes]
    return canvas.opaque(
        canvas.paint(([tuple(xy) for xy in stroke.tolist()], brush_px) for stroke in placed)
    )


def _pen_pixels(drawings: list[tuple[PenDigit, float]]) -> PenPixels:
    images = np.empty((len(drawings), preprocess.FIELD_PX, preprocess.FIELD_PX), dtype=np.uint8)
    for image, (digit, brush_px) in zip(images, drawings, strict=True):
        pixels = preprocess.to_pixels(replay(digit, brush_px))
        if pixels is None:
            raise ValueError(
                f"a {digit.label} of writer {digit.writer} leaves no ink with a brush of "
                f"{brush_px:.1f} px: fix or remove it in the file"
            )
        image[:] = np.rint(pixels * 255)
    return PenPixels(
        images=torch.from_numpy(images),
        labels=torch.tensor([digit.label for digit, _ in drawings], dtype=torch.int64),
        writers=torch.tensor([digit.writer for digit, _ in drawings], dtype=torch.int64),
    )
