"""Update the generated text of README.md and docs/RESULTS.md from the records.

python scripts/update_docs.py
"""

import json
from collections.abc import Iterable
from pathlib import Path

import benchmark_app
import pandas as pd

from mnistcmp.analysis import robustness_tables
from mnistcmp.analysis.benchmark_tables import elsewhere, markdown, overview
from mnistcmp.analysis.text import NOTHING, listed
from mnistcmp.catalogue.corruptions import CORRUPTIONS
from mnistcmp.catalogue.datasets import title
from mnistcmp.catalogue.recipes import RECIPES, recipe_for, recipes_of
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.drawing.threshold import read as read_threshold
from mnistcmp.models import MODELS
from mnistcmp.records import Records, default_folder, newest, summarise
from mnistcmp.robustness_records import RobustnessRecords

REPOSITORY = Path(__file__).resolve().parent.parent
README = REPOSITORY / "README.md"
RESULTS = REPOSITORY / "docs" / "RESULTS.md"
PHOTOS = "cifar10-jpeg"


def filled(page: str, parts: Iterable[str], results: Path) -> str:
    """The Markdown text `page`, with new text between `<!-- PART -->` and `<!-- end -->`.

    `parts` are names from PARTS; `results` is the folder of the records.
    Raises ValueError if a start marker is missing in `page`.
    """
    for part in parts:
        start, end = f"<!-- {part} -->\n", "<!-- end -->"
        before, found, rest = page.partition(start)
        if not found:
            raise ValueError(f"the page has no {start.strip()}: add it where the text belongs")
        page = f"{before}{start}{PARTS[part](results)}\n{end}{rest.partition(end)[2]}"
    return page


def zoo(results: Path) -> str:
    """The number of networks, their sizes, and the number of runs."""
    runs = _reported(results)
    sizes = runs.groupby("model")["params"].last().sort_values()
    photos = len(_reported(results, PHOTOS))
    also = f" and {photos} on {title(PHOTOS)}" if photos else ""
    return (
        f"There are {len(sizes)} networks, from `{sizes.index[0]}` with {sizes.iloc[0]:,} "
        f"parameters to `{sizes.index[-1]}` with {sizes.iloc[-1]:,}. The results come from "
        f"{len(runs)} training runs on MNIST{also}."
    )


def recipes(_: Path) -> str:
    """The settings that all recipes share, and the exceptions."""
    rows = pd.DataFrame(
        [
            vars(recipe_for(name, model)) | {"model": model}
            for model in MODELS
            for name in recipes_of(model)
        ]
    )
    epochs = " or ".join(map(str, sorted(rows["epochs"].unique())))
    usual = rows["batch_size"].mode()[0]
    others = rows[rows["batch_size"] != usual]
    others = others.groupby(["batch_size", "name"])["model"].agg(", ".join).reset_index()
    others = others.groupby(["batch_size", "model"])["name"].agg(" and ".join)
    exceptions = "".join(
        f" Exception: batch size {size} for {models} ({names})."
        for (size, models), names in others.items()
    )
    return (
        f"On MNIST, every recipe trains for {epochs} epochs with the Adam optimiser and a batch "
        f"size of {usual}.{exceptions}"
    )


def duration(results: Path) -> str:
    """How long training takes without further arguments, on a CPU."""
    runs = _reported(results)
    runs = runs[runs["device"] == "cpu"]
    workers, networks = runs["workers"].max(), summarise(runs)
    minutes = networks.groupby("recipe")["train_seconds"].sum() / workers / 60
    planned = sum(len(recipes_of(model)) for model in MODELS)
    trained = len(networks)
    which = f"{planned} runs" if trained == planned else f"{trained} of {planned} runs"
    return (
        f"One run of each network with each recipe ({which}) takes about {minutes.sum():.0f} "
        f"minutes of training with {workers} processes in parallel on "
        f"{', '.join(sorted(set(runs['machine'])))}. Of these, {minutes.get('drawn', 0):.0f} "
        "minutes are for the recipe `drawn`, which needs a file of pen strokes and is skipped "
        "without it. Evaluation takes additional time."
    )


def results(results: Path) -> str:
    """The table of all networks on MNIST."""
    runs = _reported(results)
    summary = summarise(runs)
    table = overview(summary)
    table["runs"] = table["model"].map(_runs_of_each_recipe(summary))
    pen_digits = len(Records(results).predictions(runs["run"].iloc[0])["pen"])
    return (
        "Accuracy is given in percent on MNIST's 10,000 test images and on "
        f"{pen_digits:,} pen digits, as mean ± standard deviation over n training runs. The last "
        f"column gives n for {listed(RECIPES)}; with n = 1 there is no "
        "standard deviation. Training time is the median over the runs on a CPU, in seconds, for "
        "one process on one core; the median, because other work on the machine can slow down "
        "single runs. Time per image is the median in milliseconds for one image at a time "
        "on one thread. A dash means not published or not trained.\n\n"
        f"{markdown(table)}\n\n"
        f"Number of runs: {len(runs)}, of which {(runs['device'] != 'cpu').sum()} on a GPU. "
        f"Measured on: {_measured_on(runs)}."
    )


def robustness(results: Path) -> str:
    """What each network on MNIST survives, with two recipes."""
    records = RobustnessRecords(results)
    table = records.table()
    table = table[(table["dataset"] == "mnist") & table["model"].isin(list(MODELS))]
    recipes = [name for name in ("tuned", "drawn") if name in set(table["recipe"])]
    if not recipes:
        return "Not measured yet."
    texts = {name: robustness_tables.in_text(table[table["recipe"] == name]) for name in recipes}
    measured = sorted({f"{entry['machine']}; {entry['versions']}" for entry in records.entries()})
    return (
        f"*Under corruption* is the mean accuracy under {len(CORRUPTIONS)} corruptions after "
        f"MNIST-C ({', '.join(CORRUPTIONS).replace('_', ' ')}), in percent, like *clean*. Both are "
        "means over the trained networks, on this number of test images. The last columns are the "
        "levels of dials at which one trained network (seed 0) reads only half as many of "
        f"{table.loc[table['level'].notna(), 'n'].max():,} test digits as without the change.\n\n"
        + "\n\n".join(f"Recipe `{name}`:\n\n{markdown(text)}" for name, text in texts.items())
        + f"\n\nMeasured on: {' and '.join(measured)}."
    )


def photos(results: Path) -> str:
    """The table of the networks trained on photos, with their recipe."""
    runs = _reported(results, PHOTOS)
    models = {
        model for study in STUDIES.values() if PHOTOS in study.datasets for model in study.models
    }
    runs = runs[(runs["recipe"] == "tuned") & runs["model"].isin(models)]
    if runs.empty:
        return "Not trained yet."
    recipe = recipe_for("tuned", runs["model"].iloc[0], PHOTOS)
    return (
        f"Accuracy is given in percent on the 10,000 test images of {title(PHOTOS)}, as mean ± "
        "standard deviation over n training runs; the last column gives n. The accuracy on the "
        "training images is the mean. Training time is the median in seconds per epoch, for one "
        f"process on one core. The recipe `tuned` trains for {recipe.epochs} epochs on this data "
        "set. Images are mirrored at random and shifted by up to "
        f"{recipe.augmentation.shift_px} px, and the weight decay is {recipe.weight_decay:g} "
        "(AdamW).\n\n"
        f"{markdown(elsewhere(summarise(runs), PHOTOS))}\n\n"
        f"Number of runs: {len(runs)}. Measured on: {_measured_on(runs)}."
    )


def threshold(results: Path) -> str:
    """When the app says "not sure", and how often this is right and wrong."""
    found = read_threshold(results)
    if not found:
        return "Not measured yet."
    shipped = found["shipped"]["drawn"]
    chosen_on = found["validation"]
    return (
        "The app averages the probabilities of all networks. If the highest average is below "
        f"{found['least_certainty']:.1%}, it says “not sure”. With the {shipped['networks']} "
        "networks of the recipe `drawn`, this rejects "
        f"{shipped['test_digits_rejected']:.1%} of MNIST's {shipped['test_digits']:,} test images "
        f"and {shipped['pen_digits_rejected']:.1%} of {shipped['pen_digits']:,} pen digits, and "
        f"accepts {shipped['nondigits_accepted']:.0%} of {shipped['nondigits']:,} generated "
        "drawings that are not digits (scribbles, shapes, letters, animals). The threshold was "
        f"chosen on {chosen_on['digits']:,} held-out training images, by "
        "`scripts/find_threshold.py`."
    )


def speed(results: Path) -> str:
    """The time per epoch of this project's training and of the textbook loop."""
    path = results / "benchmark_training.json"
    if not path.exists():
        return "Not measured yet."
    benchmark = json.loads(path.read_text())
    rows = pd.DataFrame(benchmark["epochs"])
    texts = pd.DataFrame(
        {
            "model": rows["model"],
            "precision": rows["precision"],
            "textbook, s per epoch": rows["textbook_seconds"].map("{:.1f}".format),
            "mnistcmp, s per epoch": rows["engine_seconds"].map("{:.2f}".format),
            "speed-up": rows["ratio"].map("{:.1f}".format),
            "textbook, % of matrix product": _percent(rows["textbook_share_of_peak"]),
            "mnistcmp, % of matrix product": _percent(rows["engine_share_of_peak"]),
        }
    )
    rates = ", ".join(
        f"{rate / 1e9:.0f} GFLOP/s in {precision}"
        for precision, rate in benchmark["peak_flops"].items()
    )
    text = (
        f"Seconds per epoch are the median of n = {benchmark['rounds']} alternating rounds, with "
        f"{benchmark['threads']} threads for the textbook loop and {benchmark['threads']} "
        "single-threaded processes for mnistcmp. The last two columns give the rate of "
        "floating-point operations in percent of the rate of a large matrix product in the same "
        f"precision ({rates}); the textbook loop always runs in fp32. A value above 100 means that "
        "the network ran at a higher rate than the matrix product.\n\n"
        f"{markdown(texts)}\n\n"
        f"Measured on: {benchmark['machine']}; {benchmark['versions']}."
    )
    if runs := benchmark.get("end_to_end"):
        text += (
            f"\n\nThe {runs['runs']} runs of studies 1 and 2 (published recipe, one seed), timed "
            f"once from start to last record, take {runs['textbook_seconds']:.0f} s with the "
            f"textbook loop and {runs['engine_seconds']:.0f} s with mnistcmp, which is "
            f"{runs['ratio']:.1f} times as fast."
        )
    return text


def app_speed(results: Path) -> str:
    """The response times and memory of the app, with their targets."""
    path = results / "benchmark_app.json"
    if not path.exists():
        return "Not measured yet."
    benchmark = json.loads(path.read_text())
    rows = [row for row in benchmark_app.rows(benchmark) if row[2]]
    table = pd.DataFrame(rows, columns=["figure", "measured", "target", "result"])
    options, load = benchmark["options"], benchmark["load"]
    groups = [str(count) for count in options["sessions"]]
    paced, overload = (
        "n = " + listed(f"{load[count][phase]['readings']:,}" for count in groups)
        for phase in ("paced", "overload")
    )
    return (
        f"Response times of the app with {benchmark['networks']} networks, as the median or the "
        "95th percentile (p95). Times after mouse-up are measured in a real browser, over "
        f"n = {options['strokes']} strokes. Times of the server are measured with simulated "
        f"visitors for {options['seconds']:.0f} s each: one visitor "
        f"(n = {load['alone']['readings']} readings), and {listed(groups)} visitors who send one "
        f"drawing per second each ({paced}). In overload, each of them sends the next drawing "
        f"as soon as the previous one is answered ({overload}). Memory is in MB (10⁶ bytes).\n\n"
        f"{markdown(table)}\n\n"
        f"Measured on: {benchmark['machine']}; {benchmark['versions']}."
    )


PARTS = {
    "zoo": zoo,
    "duration": duration,
    "results": results,
    "robustness": robustness,
    "recipes": recipes,
    "photos": photos,
    "threshold": threshold,
    "speed": speed,
    "app speed": app_speed,
}
PAGES = {
    README: ("zoo", "duration"),
    RESULTS: tuple(part for part in PARTS if part != "duration"),
}


def _reported(results: Path, dataset: str = "mnist") -> pd.DataFrame:
    runs = newest(Records(results).runs())
    return runs[(runs["dataset"] == dataset) & (runs["status"] == "ok")]


def _measured_on(runs: pd.DataFrame) -> str:
    return "; ".join(sorted(set(runs["machine"] + "; " + runs["versions"])))


def _runs_of_each_recipe(summary: pd.DataFrame) -> dict[str, str]:
    """Network -> the number of runs with each recipe: "5 / 5 / 3"."""
    counts = summary.set_index(["model", "recipe"])["seeds"].astype(str).to_dict()
    return {
        model: " / ".join(counts.get((model, recipe), NOTHING) for recipe in RECIPES)
        for model in summary["model"]
    }


def _percent(shares: pd.Series) -> pd.Series:
    return shares.map(lambda share: f"{100 * share:.0f}")


def main() -> None:
    """Update the pages in place."""
    for path, parts in PAGES.items():
        path.write_text(filled(path.read_text(), parts, default_folder() / "results"))


if __name__ == "__main__":
    main()
