"""Write what README.md says of the results anew, from the records.

python scripts/update_readme.py
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd

from mnistcmp.catalogue.datasets import title
from mnistcmp.catalogue.recipes import recipe_for, recipes_of
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.checkpoints import CHECKPOINTS
from mnistcmp.models import MODELS
from mnistcmp.report import elsewhere, markdown, overview
from mnistcmp.results import Records, newest, summarise
from scripts import benchmark_app

README = CHECKPOINTS.parent / "README.md"
PHOTOS = "cifar10-jpeg"


def filled(page: str, results: Path) -> str:
    """The Markdown text `page`, each part between `<!-- NAME -->` and `<!-- end -->` made anew.

    The names are those of PARTS; `results` is the folder of the records.
    """
    for name, make in PARTS.items():
        start, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, found, rest = page.partition(start)
        if not found:
            raise ValueError(f"the page has no {start.strip()}: put it back where the text belongs")
        page = f"{before}{start}{make(results)}\n{end}{rest.partition(end)[2]}"
    return page


def zoo(results: Path) -> str:
    """How many networks there are, how large, and how often each was trained."""
    runs = _reported(results)
    sizes = runs.groupby("model")["params"].last().sort_values()
    photos = len(_reported(results, PHOTOS))
    also = f", and in {photos} on the small photos of {title(PHOTOS)}" if photos else ""
    return (
        f"There are {len(sizes)} networks, from `{sizes.index[0]}` of {sizes.iloc[0]:,} weights to "
        f"`{sizes.index[-1]}` of {sizes.iloc[-1]:,}, trained in {len(runs)} runs on MNIST's "
        f"handwritten digits{also}."
    )


def recipes(_: Path) -> str:
    """What the recipes have in common, and for which networks they differ in it."""
    rows = pd.DataFrame(
        [
            vars(recipe_for(name, model)) | {"model": model}
            for model in MODELS
            for name in recipes_of(model)
        ]
    )
    epochs = " or ".join(map(str, sorted(rows["epochs"].unique())))
    usual = rows["batch_size"].mode()[0]
    others = "".join(
        f"; {name} in batches of {size} for {', '.join(part['model'])}"
        for (name, size), part in rows[rows["batch_size"] != usual].groupby(["name", "batch_size"])
    )
    return f"Every recipe takes {epochs} epochs with Adam, in batches of {usual}{others}:"


def duration(results: Path) -> str:
    """How long the command without arguments trains."""
    runs = _reported(results)
    workers, networks = runs["workers"].max(), summarise(runs)
    minutes = networks.groupby("recipe")["train_seconds"].sum() / workers / 60
    planned = sum(len(recipes_of(model)) for model in MODELS)
    trained = len(networks)
    which = f"these {planned}" if trained == planned else f"{trained} of these {planned}"
    return (
        f"On the machine of the results below, {workers} at a time, {which} runs "
        f"take {minutes.sum():.0f} minutes of training, {minutes.get('drawn', 0):.0f} of them for "
        "the recipe `drawn`, which needs a file of pen strokes (below) and is left out without; "
        "measuring comes on top."
    )


def results(results: Path) -> str:
    """The table of all models, and what it was made on."""
    runs = _reported(results)
    return (
        f"{markdown(overview(summarise(runs)))}\n\n"
        f"From {len(runs)} runs, {_seeds(runs)} of each network and recipe; a dash stands where "
        "nothing was published or trained. Training seconds are those of one run on one core, the "
        "median over the runs; beside some of them the machine did other work. "
        f"Made on: {_made_on(runs)}."
    )


def photos(results: Path) -> str:
    """The table of the networks that were trained on photos, and how."""
    runs = _reported(results, PHOTOS)
    models = {
        model for study in STUDIES.values() if PHOTOS in study.datasets for model in study.models
    }
    runs = runs[(runs["recipe"] == "tuned") & runs["model"].isin(models)]
    if runs.empty:
        return "Not trained yet."
    recipe = recipe_for("tuned", runs["model"].iloc[0], PHOTOS)
    return (
        f"Accuracy on the 10,000 test images of the {title(PHOTOS)} in percent, mean ± standard "
        "deviation where there are several runs. The recipe `tuned` "
        f"takes {recipe.epochs} epochs here, with images mirrored by chance and moved by up to "
        f"{recipe.augmentation.shift_px} px, and weights that decay (AdamW, "
        f"{recipe.weight_decay:g}).\n\n"
        f"{markdown(elsewhere(summarise(runs), PHOTOS))}\n\n"
        f"From {len(runs)} runs. Made on: {_made_on(runs)}."
    )


def threshold(results: Path) -> str:
    """When the app says "not sure", and how often that is right."""
    found = json.loads((results / "threshold.json").read_text())
    shipped = found["shipped"]["drawn"]
    chosen_on = found["validation"]
    return (
        f"Where the networks together hold no digit for more than {found['least_certainty']:.1%} "
        "probable, the app says “not sure”. With the networks of the recipe `drawn` that turns "
        f"away {shipped['test_digits_rejected']:.1%} of MNIST's {shipped['test_digits']:,} test "
        f"digits and {shipped['pen_digits_rejected']:.1%} of {shipped['pen_digits']:,} pen digits, "
        f"and lets {shipped['nondigits_accepted']:.0%} of {shipped['nondigits']:,} generated "
        "scribbles, shapes, letters and animals pass for a digit. The threshold was chosen on "
        f"other images: {chosen_on['digits']:,} training digits held out, read by "
        f"{found['networks']} networks (`scripts/find_threshold.py`)."
    )


def speed(results: Path) -> str:
    """The engine against the textbook loop."""
    path = results / "benchmark_training.json"
    if not path.exists():
        return "Not measured yet."
    benchmark = json.loads(path.read_text())
    rows = pd.DataFrame(benchmark["epochs"])
    texts = pd.DataFrame(
        {
            "model": rows["model"],
            "precision": rows["precision"],
            "textbook, s an epoch": rows["textbook_seconds"].map("{:.1f}".format),
            "engine, s an epoch": rows["engine_seconds"].map("{:.2f}".format),
            "times as fast": rows["ratio"].map("{:.1f}".format),
            "textbook, %": rows["textbook_share_of_peak"].map("{:.0%}".format),
            "engine, %": rows["engine_share_of_peak"].map("{:.0%}".format),
        }
    )
    peaks = benchmark["peak_flops"]
    text = (
        f"{markdown(texts)}\n\n"
        f"Median of {benchmark['rounds']} rounds, in turns, with {benchmark['threads']} threads or "
        f"processes. Percent: of the speed of a large matrix product, {peaks['fp32'] / 1e9:.0f} "
        f"GFLOP/s in fp32, {peaks['bf16'] / 1e9:.0f} in bf16. Made on: {benchmark['machine']}; "
        f"{benchmark['versions']}."
    )
    if whole := benchmark.get("end_to_end"):
        text += (
            f" All {whole['runs']} runs of studies 1 and 2 with the published recipe and one seed, "
            f"from the start to the last record, take {whole['textbook_seconds']:.0f} s by the "
            f"textbook and {whole['engine_seconds']:.0f} s by the engine: {whole['ratio']:.1f} "
            "times as fast."
        )
    return text


def app_speed(results: Path) -> str:
    """How fast the app answers, each figure with its goal."""
    path = results / "benchmark_app.json"
    if not path.exists():
        return "Not measured yet."
    benchmark = json.loads(path.read_text())
    rows = [row for row in benchmark_app.rows(benchmark) if row[2]]
    table = pd.DataFrame(rows, columns=["", "measured", "goal", "goal is"])
    options = benchmark["options"]
    return (
        f"{markdown(table)}\n\n"
        f"{benchmark['networks']} networks, {options['sessions']} visitors without browsers, "
        f"{options['seconds']:.0f} s of each load, {options['strokes']} strokes in a real browser. "
        f"Made on: {benchmark['machine']}; {benchmark['versions']}."
    )


PARTS = {
    "zoo": zoo,
    "recipes": recipes,
    "duration": duration,
    "threshold": threshold,
    "results": results,
    "photos": photos,
    "speed": speed,
    "app speed": app_speed,
}


def _reported(results: Path, dataset: str = "mnist") -> pd.DataFrame:
    runs = newest(Records(results).runs())
    return runs[(runs["dataset"] == dataset) & (runs["status"] == "ok")]


def _made_on(runs: pd.DataFrame) -> str:
    return "; ".join(sorted(set(runs["machine"] + "; " + runs["versions"])))


def _seeds(runs: pd.DataFrame) -> str:
    """How many runs there are of each network and recipe: "3 to 5"."""
    counts = runs.groupby(["model", "recipe"]).size()
    return " to ".join(str(count) for count in sorted({counts.min(), counts.max()}))


def main() -> None:
    """Update the file in place."""
    README.write_text(filled(README.read_text(), CHECKPOINTS / "results"))


if __name__ == "__main__":
    main()
