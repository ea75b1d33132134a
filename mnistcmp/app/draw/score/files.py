"""The score and the labelled drawings as files to download."""

import io
import zipfile
from collections import Counter
from collections.abc import Sequence

import pandas as pd
from PIL import Image

from mnistcmp.app.draw.score.tally import Kept, score
from mnistcmp.catalogue.networks import MODELS

# Of the drawings with the same label, the 2nd is a test image, and then every 5th one.
TEST_EVERY, FIRST_TEST = 5, 2
FEWEST_LABELS = 2  # a network needs something to tell apart
UNUSED = "not_used"


def trainable(kept: Sequence[Kept]) -> list[int]:
    """The digits with a drawing to train on and one to test on."""
    counts = Counter(each.label for each in kept)
    return sorted(label for label, count in counts.items() if count >= FIRST_TEST)


def paths(kept: Sequence[Kept]) -> list[str]:
    """The path of each drawing in the ZIP file, in the layout that `mnistcmp train` reads.

    train/LABEL/NUMBER.png and test/LABEL/NUMBER.png; both need the same labels, so that a drawing
    whose label has no other is in not_used/LABEL/.
    """
    usable, seen, found = trainable(kept), Counter[int](), []
    for number, each in enumerate(kept, start=1):
        seen[each.label] += 1
        is_test = seen[each.label] % TEST_EVERY == FIRST_TEST
        part = UNUSED if each.label not in usable else "test" if is_test else "train"
        found.append(f"{part}/{each.label}/{number:03}.png")
    return found


def as_zip(kept: Sequence[Kept]) -> bytes:
    """The drawings as grey PNG files of 28×28 px in folders by label."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for path, each in zip(paths(kept), kept, strict=True):
            picture = io.BytesIO()
            Image.fromarray(each.pixels).save(picture, "PNG")
            files.writestr(path, picture.getvalue())
    return archive.getvalue()


def as_csv(right: pd.DataFrame) -> bytes:
    """The score of each network as a CSV file; `right` as from `tally.right`."""
    table = score(right).rename(columns={"low": "low_95", "high": "high_95"})
    table.insert(0, "title", [MODELS[name].title for name in table.index])
    return table.to_csv(index_label="network", float_format="%.4f").encode()
