"""Read a photo of a digit with every network: python examples/read_photo.py PHOTO"""

import sys
from collections import Counter

from mnistcmp import api


def main(file: str) -> None:
    """Print what each network reads, and what most of them read."""
    try:
        pixels = api.read_picture(file)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    reading = api.read(pixels, api.load_all("drawn"))
    for name, digit, sure in zip(reading.models, reading.digits, reading.confidences, strict=True):
        print(f"{name:20} {digit}  {sure:6.1%}")
    (digit, votes), *_ = Counter(reading.digits.tolist()).most_common(1)
    print(f"{votes} of {len(reading.models)} networks read {digit}.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
