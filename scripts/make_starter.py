"""Let the networks read the digit that the Draw page starts with, and write what they read.

    python scripts/make_starter.py

Run it again when networks were trained again. It writes mnistcmp/app/draw/starter.json.

The digit is a 4 by one of the writers whom no network saw in training (UCI pen digits, see
docs/DATA.md), made narrower by a tenth and turned by 10 degrees. Among 12,000 such variations it is
one of few on whose digit the networks of the recipe `drawn` are sure together, although four of
them, three of which are perceptrons, read another.
"""

import json

from mnistcmp import drawing
from mnistcmp.app.draw import starter
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.checkpoints import load_all
from mnistcmp.drawing import canvas, share_link
from mnistcmp.inference import read
from mnistcmp.records import default_folder
from mnistcmp.safe_files import write_whole

DRAWING = (  # as in a link
    "eNpFjosNxCAMQxcyUkz5HLNU7L_G2aG9k5BlHiH2fXOCjeiBQKGPnUxFtwyUCwulg4INvAzY0rfkOWIuUlNp8nm-"
    "a7k2dhtCg2jvdVqWCJ1IHheWKl41EJqmXFY69TaydB_KXw4qGVqy87_4_HVYGX2e-XoHh94DY-8vj8sxtA"
)


def content() -> starter.Content:
    """The content of starter.json for the trained networks. Raises CheckpointError."""
    pixels = drawing.to_pixels(canvas.render(share_link.from_text(DRAWING)))
    assert pixels is not None  # it has ink
    readings: dict[str, starter.Recorded] = {}
    for recipe in RECIPES:
        if networks := load_all(recipe):
            (reading,) = read(pixels[None], networks)
            rows = [[round(float(p), 4) for p in row] for row in reading.probabilities]
            readings[recipe] = {
                "weights": starter.weights_of(default_folder(), recipe),
                "probabilities": dict(zip(reading.models, rows, strict=True)),
            }
    return {"drawing": DRAWING, "readings": readings}


def as_text(found: starter.Content) -> str:
    """The content as JSON, with a line for each network."""
    text = json.dumps(found, indent=1)
    for row in (r for each in found["readings"].values() for r in each["probabilities"].values()):
        text = text.replace(json.dumps(row, indent=1).replace("\n", "\n    "), json.dumps(row))
    return text + "\n"


def main() -> None:
    """Write starter.json."""
    write_whole(starter.FILE, as_text(content()).encode())
    print(f"written to {starter.FILE}")


if __name__ == "__main__":
    main()
