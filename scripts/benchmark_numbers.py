"""Measure how well `split_digits` tells one digit from several.

    python scripts/benchmark_numbers.py

Three questions: how many single pen digits of held-out writers are taken for several; how many
single test digits of MNIST; and how many made numbers fall into exactly their digits. A made number
is two or three pen digits of one writer side by side, as large as they were written, with a space
of 5 to 40 % of the number's height. The lengths in `split_digits` were chosen on the other writers,
with `--choosing`, except for one: JOINED was settled after the made numbers of the held-out writers
were seen, so the figures of made numbers may be a little too good. The result is written to
checkpoints/results/benchmark_numbers.json.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mnistcmp.catalogue.datasets import HELD_OUT_WRITERS
from mnistcmp.data import unipen
from mnistcmp.data.load import load_dataset
from mnistcmp.data.pen_digits import replay
from mnistcmp.data.unipen import PenDigit
from mnistcmp.drawing import canvas
from mnistcmp.drawing.canvas import CANVAS_PX, USUAL_BRUSHES_PX
from mnistcmp.drawing.split_digits import split
from mnistcmp.records import default_folder, home
from mnistcmp.safe_files import write_whole

PEN_FILE = "pendigits/pendigits-orig.tra"
SEED = 15
NUMBERS = 500  # of two digits, and as many of three
LONGEST_PX = 260  # of a made number
SPACES = 0.05, 0.40  # between its digits, of its height
NARROW = 0.10  # spaces below this are counted separately

Strokes = list[np.ndarray]


def share(count: int, total: int) -> dict[str, float | int]:
    """A count with its total and share."""
    return {"of": total, "count": count, "share": round(count / total, 5)}


def taken_for_several(drawings: Iterator[np.ndarray], total: int) -> dict[str, float | int]:
    """How many of these drawings of one digit, uint8 RGBA, are split."""
    return share(sum(len(split(rgba)) > 1 for rgba in drawings), total)


def place(digits: list[PenDigit], space: float, brush_px: float) -> list[Strokes]:
    """The strokes of each digit on the canvas, side by side, their lower ends on a line.

    `space`: between the inks of neighbours, as a share of the height of the number's ink.
    """
    corners = [np.concatenate(digit.strokes) for digit in digits]
    lows, highs = (np.array([way(points, 0) for points in corners]) for way in (np.min, np.max))
    wide, high = (highs - lows).T
    count, height = len(digits), high.max()
    # Ink is a brush wider than its strokes: (count - 1) spaces and `count` brushes.
    across = wide.sum() + (count - 1) * space * height
    brushes_px = count * brush_px + (count - 1) * space * brush_px
    scale = min((LONGEST_PX - brushes_px) / across, (LONGEST_PX - brush_px) / height)
    space_px = space * (scale * height + brush_px)
    left_px = (CANVAS_PX - scale * wide.sum() - count * brush_px - (count - 1) * space_px) / 2
    bottom_px = (CANVAS_PX + scale * height) / 2
    placed = []
    for digit, low, width in zip(digits, lows, wide, strict=True):
        left_px += brush_px / 2
        offset = np.array([left_px, bottom_px])
        # y points up on the tablet.
        placed.append([(stroke - low) * [scale, -scale] + offset for stroke in digit.strokes])
        left_px += scale * width + brush_px / 2 + space_px
    return placed


def paint(strokes: Strokes, brush_px: float) -> np.ndarray:
    """The strokes as the web canvas draws them: uint8 RGBA (280, 280, 4)."""
    lines = (([tuple(xy) for xy in stroke.tolist()], brush_px) for stroke in strokes)
    return canvas.opaque(canvas.paint(lines))


def made_numbers(
    digits: list[PenDigit], count: int, seed: int
) -> Iterator[tuple[float, list[np.ndarray]]]:
    """NUMBERS made numbers of `count` digits: the space, and the picture of each digit alone."""
    generator = np.random.default_rng((seed, count))
    by_writer: dict[int, list[PenDigit]] = {}
    for digit in digits:
        by_writer.setdefault(digit.writer, []).append(digit)
    for _ in range(NUMBERS):
        own = by_writer[int(generator.choice(list(by_writer)))]
        chosen = [own[number] for number in generator.integers(len(own), size=count)]
        space, brush_px = generator.uniform(*SPACES), generator.uniform(*USUAL_BRUSHES_PX)
        placed = place(chosen, space, brush_px)
        yield space, [paint(strokes, brush_px) for strokes in placed]


def is_found(alone: list[np.ndarray]) -> bool:
    """Whether the number made of these digits is split into exactly them."""
    found = split(np.minimum.reduce(alone))
    return len(found) == len(alone) and all(map(np.array_equal, found, alone))


def numbers_found(digits: list[PenDigit], count: int, seed: int) -> dict[str, object]:
    """How many made numbers of `count` digits are found right, by the space between digits."""
    spaces, found = [], []
    for space, alone in made_numbers(digits, count, seed):
        spaces.append(space)
        found.append(is_found(alone))
    narrow, right = np.array(spaces) < NARROW, np.array(found)
    return {
        f"space below {NARROW:.0%} of the height": share(
            int(right[narrow].sum()), int(narrow.sum())
        ),
        f"space from {NARROW:.0%}": share(int(right[~narrow].sum()), int((~narrow).sum())),
    }


def milliseconds(drawings: list[np.ndarray]) -> float:
    """The mean time of the processor for one split."""
    began = time.process_time()
    for rgba in drawings:
        split(rgba)
    return round(1000 * (time.process_time() - began) / len(drawings), 2)


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=home() / "data", metavar="DIR")
    parser.add_argument(
        "--choosing", action="store_true", help="the writers used for training; records nothing"
    )
    options = parser.parse_args()
    digits = [
        digit
        for digit in unipen.read(options.data / PEN_FILE)
        if (digit.writer in HELD_OUT_WRITERS) != options.choosing
    ]
    dataset = load_dataset("mnist", options.data)
    images = dataset.split("validation")[2] if options.choosing else dataset.test_images
    brushes_px = np.random.default_rng(SEED).uniform(*USUAL_BRUSHES_PX, size=len(digits))
    pairs = list(zip(digits, brushes_px, strict=True))
    result = {
        "single pen digits taken for several": taken_for_several(
            (replay(digit, brush_px) for digit, brush_px in pairs), len(digits)
        ),
        "single MNIST digits taken for several": taken_for_several(
            (canvas.render([canvas.put(image / np.float32(255))]) for image in images.numpy()),
            len(images),
        ),
        **{
            f"numbers of {count} digits found": numbers_found(digits, count, SEED)
            for count in (2, 3)
        },
        "milliseconds of the processor": milliseconds([replay(*pair) for pair in pairs[:200]]),
    }
    text = json.dumps(result, indent=1) + "\n"
    print(text)
    if not options.choosing:
        write_whole(default_folder() / "results" / "benchmark_numbers.json", text.encode())


if __name__ == "__main__":
    main()
