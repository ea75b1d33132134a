"""One digit of a drawing, and what the networks read."""

from typing import NamedTuple

from mnistcmp.drawing import Stages
from mnistcmp.inference import Consensus, Reading


class DigitRead(NamedTuple):
    """One digit of a drawing, and what the networks read."""

    steps: Stages
    reading: Reading
    together: Consensus
