"""The dials and corruptions that change an image: names, units, levels, descriptions."""

from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import Any

# Shift is the one dial with a direction. Records measure the first.
SHIFT_DIRECTIONS = ("right", "down", "left", "up")


@dataclass(frozen=True)
class Dial:
    """One number that changes an image, the more the farther it is from `rest`.

    name, title: the name in records and links, and the name shown to readers.
    unit: what the number counts; see `label`.
    rest: the level at which the image is unchanged.
    ladder: the levels that are measured, ascending, on one or both sides of `rest`, without `rest`.
    description: what the dial does, in one sentence.
    random: whether the picture depends on a seed.
    lower, upper: words for what happens below and above `rest`.
    seen_by: the recipes whose training images show this change, at least a little.
    """

    name: str
    title: str
    unit: str
    rest: float
    ladder: tuple[float, ...]
    description: str
    random: bool = False
    lower: str = ""
    upper: str = ""
    seen_by: tuple[str, ...] = ()

    @property
    def positions(self) -> tuple[float, ...]:
        """The ladder and the rest position, ascending."""
        return tuple(sorted((*self.ladder, self.rest)))

    @property
    def sides(self) -> tuple[tuple[float, ...], ...]:
        """Each side's levels, from rest outwards: the lower side first, if there is one."""
        below = tuple(level for level in reversed(self.ladder) if level < self.rest)
        above = tuple(level for level in self.ladder if level > self.rest)
        return tuple(side for side in (below, above) if side)

    def check(self, level: Any) -> float:
        """The level as a float. Raises ValueError if it is no number or outside the dial."""
        lowest, highest = self.positions[0], self.positions[-1]
        expected = f"the dial {self.name} takes a number from {lowest:g} to {highest:g}"
        is_number = isinstance(level, Real) and not isinstance(level, bool)
        if not is_number:
            raise ValueError(f"{expected}, not {level!r}")
        if not lowest <= level <= highest:  # refuses NaN, too
            raise ValueError(f"{expected}, not {level}")
        return float(level)

    def label(self, level: float) -> str:
        """A level for readers: `8 px`, `20°`, `× 0.5`, `σ 0.3`, `15 %`."""
        number = f"{level:g}".replace("-", "−")
        if self.unit == "%":  # the level itself is a share, in [0, 1]
            return f"{100 * level:g} %"
        if self.unit == "°":
            return f"{number}°"
        return f"{self.unit} {number}" if self.unit in ("×", "σ") else f"{number} {self.unit}"


@dataclass(frozen=True)
class Corruption:
    """One of the corruptions after MNIST-C, at one strength.

    name, title: the name in records and links, and the name shown to readers.
    description: what it does, in one sentence.
    """

    name: str
    title: str
    description: str


MOVED = ("tuned", "drawn", "hardened")  # their training images are moved a little

DIALS = {
    dial.name: dial
    for dial in (
        Dial(
            "turn",
            "Turn",
            "°",
            0,
            (-90, -70, -50, -40, -30, -20, -10, 10, 20, 30, 40, 50, 70, 90),
            "The digit turns about the middle of the image.",
            lower="anticlockwise",
            upper="clockwise",
            seen_by=MOVED,
        ),
        Dial(
            "shift",
            "Shift",
            "px",
            0,
            tuple(range(1, 15)),
            "The digit moves towards one side; what leaves the image is lost.",
            seen_by=MOVED,
        ),
        Dial(
            "size",
            "Size",
            "×",
            1,
            (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2),
            "The digit shrinks or grows about the middle of the image; what leaves it is lost.",
            lower="smaller",
            upper="larger",
            seen_by=MOVED,
        ),
        Dial(
            "slant",
            "Slant",
            "px per px",
            0,
            (-1.6, -1.3, -1, -0.8, -0.6, -0.4, -0.2, 0.2, 0.4, 0.6, 0.8, 1, 1.3, 1.6),
            "The digit leans to one side, and what leaves the image is lost.",
            lower="to the left",
            upper="to the right",
            seen_by=MOVED,
        ),
        Dial(
            "stroke",
            "Stroke width",
            "px",
            0,
            (-1.5, -1.25, -1, -0.75, -0.5, -0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4),
            "The edges of the strokes move inwards or outwards by this distance.",
            lower="thinner",
            upper="thicker",
        ),
        Dial(
            "noise",
            "Noise",
            "σ",
            0,
            (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
            "A random number from a normal distribution with this standard deviation is added to "
            "each pixel, where paper is 0 and ink is 1.",
            random=True,
            seen_by=("hardened",),
        ),
        Dial(
            "salt_and_pepper",
            "Salt and pepper",
            "%",
            0,
            (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6),
            "This share of the pixels, chosen at random, becomes pure ink or pure paper.",
            random=True,
        ),
        Dial(
            "blur",
            "Blur",
            "px",
            0,
            (0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6),
            "The image is blurred by a Gaussian function with this standard deviation.",
        ),
        Dial(
            "contrast",
            "Contrast",
            "×",
            1,
            (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8),
            "The ink fades to this fraction of its strength.",
            seen_by=("hardened",),
        ),
        Dial(
            "exchange",
            "Ink and paper exchanged",
            "%",
            0,
            (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.8, 1),
            "The image is mixed with its negative: at 50 % all is the same grey, and at 100 % ink "
            "and paper have changed places.",
        ),
        Dial(
            "square",
            "Covering square",
            "px",
            0,
            tuple(range(2, 25, 2)),
            "A square of blank paper with sides of this length covers a place near the middle of "
            "the digit.",
            random=True,
        ),
        Dial(
            "coarse",
            "Coarser pixels",
            "px",
            1,
            (1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 14),
            "The image is divided into squares with sides of this length, and each takes its mean "
            "grey.",
        ),
    )
}


@dataclass(frozen=True)
class Side:
    """One side of a dial; `levels` go from the one beside rest outwards."""

    dial: Dial
    levels: tuple[float, ...]

    @property
    def title(self) -> str:
        """The dial's title, with the word for the side if there are two."""
        return f"{self.dial.title}, {self.word}" if len(self.dial.sides) > 1 else self.dial.title

    @property
    def word(self) -> str:
        """The word for the side; empty if the dial has one only."""
        return self.dial.upper if self.levels[-1] > self.dial.rest else self.dial.lower

    def label(self, level: float) -> str:
        """A level for readers, with three digits; inf, which is never reached, is “beyond”."""
        if level == inf:
            return f"beyond {self.dial.label(self.levels[-1])}"
        return self.dial.label(float(f"{level:.3g}"))

    def share(self, level: float) -> float:
        """How much of the side's range a level is: 0 at rest, 1 at the last level."""
        return (level - self.dial.rest) / (self.levels[-1] - self.dial.rest)


SIDES = tuple(Side(dial, levels) for dial in DIALS.values() for levels in dial.sides)

CORRUPTIONS = {
    corruption.name: corruption
    for corruption in (
        Corruption(
            "shot_noise",
            "Shot noise",
            "Random grains in the ink, as in a photo taken in poor light.",
        ),
        Corruption(
            "impulse_noise",
            "Impulse noise",
            "Some pixels, chosen at random, become pure ink or pure paper.",
        ),
        Corruption(
            "glass_blur",
            "Glass blur",
            "Neighbouring pixels change places at random, as behind frosted glass.",
        ),
        Corruption(
            "motion_blur",
            "Motion blur",
            "The digit is smeared in one direction, as if the camera had moved.",
        ),
        Corruption("shear", "Shear", "The digit leans to the left or to the right."),
        Corruption("scale", "Scale", "The digit is smaller."),
        Corruption("rotate", "Rotate", "The digit is turned clockwise or anticlockwise."),
        Corruption("brightness", "Brightness", "The whole image, paper included, is brighter."),
        Corruption("translate", "Translate", "The digit is moved towards a corner of the image."),
        Corruption(
            "stripe",
            "Stripe",
            "Ink and paper change places at the left and at the right of the image.",
        ),
        Corruption("fog", "Fog", "Bright clouds lie over the whole image."),
        Corruption("spatter", "Spatter", "Grey spots, as of mud, cover parts of the image."),
        Corruption("dotted_line", "Dotted line", "A dotted line crosses the image."),
        Corruption("zigzag", "Zigzag", "A zigzag line crosses the image."),
        Corruption("canny_edges", "Canny edges", "Only the outlines of the strokes are left."),
    )
}


def find_dial(name: str) -> Dial:
    """The dial called `name`. Raises ValueError if there is none."""
    if name not in DIALS:
        raise ValueError(f"there is no dial {name!r}: choose from {', '.join(DIALS)}")
    return DIALS[name]


def find_corruption(name: str) -> Corruption:
    """The corruption called `name`. Raises ValueError if there is none."""
    if name not in CORRUPTIONS:
        raise ValueError(f"there is no corruption {name!r}: choose from {', '.join(CORRUPTIONS)}")
    return CORRUPTIONS[name]
