"""Turn every dial until each network misreads a digit: python examples/break_a_network.py"""

from pathlib import Path

from mnistcmp import api
from mnistcmp.catalogue.corruptions import DIALS

PHOTO, DIGIT = Path(__file__).with_name("seven.png"), 7
NETWORKS = ("mlp", "cnn", "strong_cnn", "base_pooled")


def main() -> None:
    """Print the first level of each dial at which each network is wrong."""
    pixels = api.read_picture(PHOTO)
    networks = {name: api.load(name) for name in NETWORKS}
    print(f"{'':24}", *(f"{name:>24}" for name in NETWORKS))
    for dial in DIALS.values():
        cells = []
        for network in networks.values():
            breaks = api.break_digit(network, pixels, DIGIT, dial.name)
            levels = ["never" if level is None else dial.label(level) for level in breaks]
            cells.append(" / ".join(levels))
        print(f"{dial.title:24}", *(f"{cell:>24}" for cell in cells))


if __name__ == "__main__":
    main()
