"""Measure how many made photos of test digits are read correctly, by what else is on them.

    python scripts/benchmark_photos.py

The digits are those of the sample pack that every run reads correctly. Papers, pens, lines and
seeds were not used in development. The result is written to
checkpoints/results/benchmark_photos.json.
"""

import json

import numpy as np
from photo_cases import BENCHMARK, KINDS, case

from mnistcmp import drawing
from mnistcmp.checkpoints import load_all
from mnistcmp.data import sample_pack
from mnistcmp.drawing import canvas, photo
from mnistcmp.inference import consensus, read
from mnistcmp.records import default_folder
from mnistcmp.safe_files import write_whole

CASES, SEED = 300, 20_000
RECIPE = "drawn"


def pixels(content: bytes) -> np.ndarray | None:
    """A file -> what the networks see of it, as in the app; None if it was refused."""
    try:
        steps = drawing.stages(canvas.render([canvas.put(photo.read(content).ink)]))
    except photo.PhotoError:
        return None
    return None if steps is None else steps.pixels


def measure(cases: int = CASES, seed: int = SEED) -> dict[str, dict[str, int]]:
    """For each kind: photos, and how many were right, refused, unsure and surely wrong."""
    least = json.loads((default_folder() / "results" / "threshold.json").read_text())
    models = load_all(RECIPE)
    pack = sample_pack.load(sample_pack.path(default_folder(), "mnist"))
    easy = [place for digit in range(10) for place in pack.easy(digit)]
    results = {
        kind: dict.fromkeys(("photos", "right", "refused", "unsure", "surely_wrong"), 0)
        for kind in KINDS
    }
    order = np.random.default_rng(seed).permutation(cases) % len(easy)
    for number, choice in enumerate(order):
        kind, place = KINDS[number % len(KINDS)], easy[choice]
        result = results[kind]
        result["photos"] += 1
        seen = pixels(case(pack.images[place], kind, BENCHMARK, seed + number))
        if seen is None:
            result["refused"] += 1
            continue
        (reading,) = read(seen[None], models)
        best = int(reading.probabilities.mean(axis=0).argmax())
        sure = consensus(reading, least["least_certainty"]).digit is not None
        right = best == pack.labels[pack.index[place]]
        result["right"] += right
        result["unsure"] += not sure
        result["surely_wrong"] += sure and not right
    return {
        kind: {name: int(count) for name, count in counts.items()}
        for kind, counts in results.items()
    }


def main() -> None:
    """Measure, print and record."""
    results = measure()
    for kind, counts in results.items():
        print(f"{kind:32}", counts)
    right = sum(counts["right"] for counts in results.values())
    print(f"right: {right} of {CASES}")
    record = {"photos": CASES, "seed": SEED, "recipe": RECIPE, "right": right, "kinds": results}
    path = default_folder() / "results" / "benchmark_photos.json"
    write_whole(path, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
