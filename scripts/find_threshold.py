"""Find the certainty below which the app says "not sure".

    python scripts/find_threshold.py
    python scripts/find_threshold.py --keep    # keep the threshold and measure its effect again

Every network is trained once with the recipe `drawn` on the training images, except 5,000 held-out
images (seed 0). All networks then read the held-out images and 5,000 drawings that are not digits.
The threshold is the highest certainty that rejects at most 3 % of the held-out digits: a rejected
digit annoys people more than a scribble that is read as a digit. The effect of the threshold is
then measured for the shipped networks of each recipe, on the test images, on the pen digits of
held-out writers, and on non-digits of another seed. The result is written to
checkpoints/results/threshold.json, which the app reads.
"""

import argparse
import json
from math import floor
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from rich.console import Console
from torch import nn

from mnistcmp.campaign import schedule
from mnistcmp.campaign.jobs import Job, Materials, probe_job, run_job
from mnistcmp.campaign.workers.executors import Call
from mnistcmp.campaign.workers.worker_pool import Crew
from mnistcmp.catalogue.recipes import RECIPES, recipe_for
from mnistcmp.checkpoints import load_all
from mnistcmp.data import pen_digits
from mnistcmp.data.load import load_dataset
from mnistcmp.drawing import non_digits
from mnistcmp.drawing.threshold import Threshold
from mnistcmp.inference import certainty, probabilities
from mnistcmp.json_files import read_json
from mnistcmp.models import MODELS, build
from mnistcmp.records import default_folder, home
from mnistcmp.safe_files import write_whole

RECIPE = "drawn"
MOST_REJECTED = 0.03
NONDIGITS = 5_000
CHOOSING_SEED, MEASURING_SEED = 1, 2
PEN_FILE = "pendigits/pendigits-orig.tra"


def trained_for_validation(materials: Materials, console: Console) -> dict[str, nn.Module]:
    """Every network, trained without the validation images."""
    jobs = [Job("mnist", name, recipe_for(RECIPE, name), 0, "validation") for name in MODELS]
    networks = {}
    with Crew(torch.get_num_threads(), materials, "cpu") as crew:
        probed = {call.arguments[0]: seconds for call, seconds in crew.each(map(_probe, jobs))}
        jobs.sort(key=lambda job: -probed[job].steps * probed[job].seconds["fp32"])
        calls = [
            Call(run_job, (job, schedule.choose_precision(probed[job].seconds))) for job in jobs
        ]
        with console.status("Training …") as status:
            for call, outcome in crew.each(calls):
                if isinstance(outcome, BaseException):
                    raise outcome
                name = call.arguments[0].model
                networks[name] = build(name)
                networks[name].load_state_dict(safetensors.torch.load(outcome.weights))
                networks[name].eval()
                status.update(f"Training … {len(networks)} of {len(jobs)}: {name} done")
    return {name: networks[name] for name in MODELS}


def _probe(job: Job) -> Call:
    return Call(probe_job, (job,))


def certainties(images: np.ndarray, networks: dict[str, nn.Module]) -> np.ndarray:
    """uint8 or float (N, 28, 28) -> the joint certainty of the networks for each image, (N,)."""
    scale = 255 if images.dtype == np.uint8 else 1
    parts = [
        certainty(probabilities(part.astype(np.float32) / scale, networks))
        for part in np.array_split(images, max(1, len(images) // 500))
    ]
    return np.concatenate(parts)


def drawings(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Kinds (N,) and float32 pixels (N, 28, 28) of drawings that are not digits."""
    kinds, pixels = zip(*non_digits.generate(NONDIGITS, seed), strict=True)
    return np.array(kinds), np.stack(pixels)


def found(materials: Materials, validation: np.ndarray, console: Console) -> dict[str, object]:
    """The threshold, and its effect on the images that it was chosen on."""
    networks = trained_for_validation(materials, console)
    digits = certainties(validation, networks)
    others = certainties(drawings(CHOOSING_SEED)[1], networks)
    threshold = floor(1000 * np.quantile(digits, MOST_REJECTED)) / 1000
    return {
        "least_certainty": threshold,
        "recipe": RECIPE,
        "networks": len(networks),
        "validation": {
            "digits": len(digits),
            "digits_rejected": round(float((digits < threshold).mean()), 5),
            "nondigits": len(others),
            "nondigits_accepted": round(float((others >= threshold).mean()), 5),
        },
    }


def measured(recipe: str, threshold: float, materials: Materials) -> dict[str, object]:
    """The effect of the threshold for the shipped networks of a recipe, on images new to them."""
    networks = load_all(recipe)
    kinds, pixels = drawings(MEASURING_SEED)
    test = certainties(materials.dataset.test_images.numpy(), networks)
    pen = certainties(materials.pen_heldout.images.numpy(), networks)
    others = certainties(pixels, networks)
    accepted = {
        kind: round(float((others[kinds == kind] >= threshold).mean()), 5)
        for kind in non_digits.KINDS
    }
    return {
        "networks": len(networks),
        "test_digits": len(test),
        "test_digits_rejected": round(float((test < threshold).mean()), 5),
        "pen_digits": len(pen),
        "pen_digits_rejected": round(float((pen < threshold).mean()), 5),
        "nondigits": len(others),
        "nondigits_accepted": round(float((others >= threshold).mean()), 5),
        "nondigits_accepted_by_kind": accepted,
    }


def main() -> None:
    """Train, choose, measure and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=home() / "data", metavar="DIR")
    parser.add_argument(
        "--keep", action="store_true", help="train nothing and keep the recorded threshold"
    )
    options = parser.parse_args()
    path = default_folder() / "results" / "threshold.json"
    if options.keep and not path.exists():
        parser.error(f"{path} does not exist: run this without --keep")
    console = Console(highlight=False)
    dataset = load_dataset("mnist", options.data)
    materials = Materials(dataset, *pen_digits.load(options.data / PEN_FILE))
    if options.keep:
        result = dict(read_json(path, Threshold))
    else:
        result = found(materials, dataset.split("validation")[2].numpy(), console)
    threshold = result["least_certainty"]
    result["shipped"] = {recipe: measured(recipe, threshold, materials) for recipe in RECIPES}
    text = json.dumps(result, indent=1) + "\n"
    write_whole(path, text.encode())
    console.print(text)


if __name__ == "__main__":
    main()
