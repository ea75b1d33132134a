"""README.md and docs/: the generated text, the published figures, the examples and the links."""

import ast
import importlib
import math
import re
from pathlib import Path

import pytest
import update_docs
from PIL import Image, ImageSequence

from mnistcmp.app import main
from mnistcmp.catalogue.networks import ModelSpec, Tuning
from mnistcmp.catalogue.recipes import recipe_for
from mnistcmp.catalogue.settings import Recipe
from mnistcmp.catalogue.studies import STUDIES, Published
from mnistcmp.json_files import base_type
from mnistcmp.models import MODELS
from mnistcmp.records import Records, RunRow, default_folder
from mnistcmp.records.robustness import RobustnessRecords
from tests.made_up import measured

DOCS = update_docs.RESULTS.parent
PUBLISHED = DOCS / "PUBLISHED.md"
README_MOST_LINES = 200
MOVING_MOST_BYTES = 3_000_000  # the light and the dark one together
MOVING_LEAST_FRAMES = 10
MOVING_SECONDS = (8, 20)
BLANK = {name: base_type(kind)() for name, kind in RunRow.__annotations__.items()}  # 0 or ""


@pytest.fixture
def results(tmp_path):
    """The records of three networks, one of them run twice, and of a fourth on other images."""
    records = Records(tmp_path)
    row = BLANK | {"protocol": "final", "status": "ok", "device": "cpu"}
    row |= {"dataset": "mnist", "recipe": "tuned", "workers": 2, "train_seconds": 60}
    row |= {"machine": "abacus", "versions": "torch"}
    for model, seeds in {"cnn": 1, "mlp": 1, "strong_cnn": 2}.items():
        for seed in range(seeds):
            run = {"model": model, "seed": seed, "params": MODELS[model].params}
            records.append(row | run | {"run": f"{model} {seed}"})
    records.append(row | {"run": "photos", "model": "fcn", "dataset": "cifar10", "params": 9**9})
    return tmp_path


@pytest.mark.parametrize("path", update_docs.PAGES, ids=lambda path: path.name)
def test_pages_show_the_records(path):
    page = path.read_text()
    assert update_docs.filled(page, update_docs.PAGES[path], default_folder() / "results") == page


def test_every_part_is_on_a_page():
    assert {part for parts in update_docs.PAGES.values() for part in parts} == set(
        update_docs.PARTS
    )


def test_filled_replaces_what_is_between_the_markers_and_nothing_else(results):
    page = "before\n<!-- zoo -->\nold\n<!-- end -->\nafter\n<!-- end -->\n"
    text = update_docs.zoo(results)
    assert update_docs.filled(page, ["zoo"], results) == (
        f"before\n<!-- zoo -->\n{text}\n<!-- end -->\nafter\n<!-- end -->\n"
    )


def test_filled_names_the_marker_that_a_page_lacks(results):
    with pytest.raises(ValueError, match="<!-- zoo -->"):
        update_docs.filled("no markers", ["zoo"], results)


def test_zoo_counts_the_networks_and_runs_on_mnist(results):
    text = update_docs.zoo(results)
    assert "3 networks, from `mlp` with 25,450 parameters to `strong_cnn` with 467,818." in text
    assert text.endswith("The results come from 4 training runs on MNIST.")


def test_duration_adds_up_one_run_of_each_network(results):
    text = update_docs.duration(results)
    assert f"(3 of {planned_runs()} runs) takes about 2 minutes of training" in text
    assert "with 2 processes in parallel on abacus. Of these, 0 minutes are for" in text


def planned_runs() -> int:
    return sum(len(update_docs.recipes_of(model)) for model in MODELS)


def test_photos_describe_their_recipe_or_are_not_trained(results):
    assert update_docs.photos(results) == "Not trained yet."
    row = BLANK | {"protocol": "final", "status": "ok", "recipe": "tuned", "device": "cpu"}
    run = {
        "run": "p",
        "model": "fcn",
        "dataset": "cifar10-jpeg",
        "test_accuracy": 0.54,
        "epochs": 9,
    }
    Records(results).append(row | run | {"machine": "abacus", "versions": "torch", "params": 1234})
    text = update_docs.photos(results)
    recipe = recipe_for("tuned", "fcn", "cifar10-jpeg")
    assert "10,000 test images of CIFAR-10 (JPEG copy)" in text
    assert f"trains for {recipe.epochs} epochs" in text
    assert "| 5 | fcn | 1,234 | 51.90 | 54.00 | 0.00 | 0 | 1 |" in text
    assert "Number of runs: 1. Measured on: abacus; torch." in text
    assert update_docs.zoo(results).endswith("runs on MNIST and 1 on CIFAR-10 (JPEG copy).")


def test_robustness_has_a_table_for_each_of_two_recipes(tmp_path):
    assert update_docs.robustness(tmp_path) == "Not measured yet."
    records = RobustnessRecords(tmp_path)
    for recipe in ("tuned", "drawn", "published"):
        lost = {"shift": 1.0, "noise": 0.0}
        records.append(measured("cnn", 0.5, recipe=recipe, clean=0.98, lost=lost))
        records.append(measured("cnn", 0.75, seed=1, recipe=recipe, clean=0.98, images=2000))
    records.append(measured("fcn", dataset="kmnist"))
    text = update_docs.robustness(tmp_path)
    assert text.count("| cnn | 2 | 2,000 | 98.00 | 62.50 | 7 px | beyond σ 1 |") == 2
    assert text.index("Recipe `tuned`:") < text.index("Recipe `drawn`:")
    assert "under 15 corruptions after MNIST-C (shot noise, impulse noise, " in text
    assert "1,000 test digits" in text and text.endswith("Measured on: none; none.")
    assert "fcn" not in text


def test_recipes_name_the_common_settings_and_the_exceptions(monkeypatch, tmp_path):
    def recipe_for(name: str, model: str) -> Recipe:
        special = (name, model) == ("tuned", "mlp")
        return Recipe(name, epochs=7, batch_size=16 if special else 48)

    monkeypatch.setattr(update_docs, "recipe_for", recipe_for)
    assert update_docs.recipes(tmp_path) == (
        "On MNIST, every recipe trains for 7 epochs with the Adam optimiser and a batch size of "
        "48. Exception: batch size 16 for mlp (tuned)."
    )


def sections() -> dict[int, str]:
    """Table number -> its section of PUBLISHED.md, heading included."""
    parts = re.split(r"^(?=## Table \d+: )", PUBLISHED.read_text(), flags=re.MULTILINE)
    return {int(part.split()[2].rstrip(":")): part for part in parts[1:]}


def test_published_page_has_a_table_for_each_study_with_its_networks():
    tables = sections()
    with_source = {number: study for number, study in STUDIES.items() if study.table}
    for number, study in with_source.items():
        assert tables[number].startswith(f"## Table {number}: {study.title}\n")
        rows = re.findall(r"^\| `(\w+)` \|", tables[number], flags=re.MULTILINE)
        assert list(dict.fromkeys(rows)) == list(study.models)
    assert set(tables) == set(with_source)


def shown(published: Published) -> list[float]:
    """The published figures of one network as PUBLISHED.md writes them."""
    factors = {
        "test_accuracy": 100,
        "train_accuracy": 100,
        "repeated_accuracy": 100,
        "mnist_accuracy": 100,
        "params": 1e-6,
    }
    return [
        value * factors.get(name, 1)
        for name, value in vars(published).items()
        if isinstance(value, float | int)
    ]


@pytest.mark.parametrize(
    "number, model",
    [(number, model) for number, study in STUDIES.items() if study.table for model in study.models],
)
def test_published_page_has_the_figures_of_the_studies(number, model):
    rows = re.findall(rf"^\| `{model}` \|(.*)$", sections()[number], flags=re.MULTILINE)
    there = [float(text) for text in re.findall(r"\d+(?:\.\d+)?(?:e-\d+)?", " ".join(rows))]
    for figure in shown(STUDIES[number].models[model]):
        assert any(math.isclose(figure, value, rel_tol=1e-9) for value in there), figure


def readme_call(name: str) -> ast.Call:
    """The one call of `name` in the Python examples of README.md."""
    blocks = re.findall(r"^```python\n(.*?)^```", update_docs.README.read_text(), re.M | re.S)
    nodes = [node for block in blocks for node in ast.walk(ast.parse(block))]
    (call,) = [node for node in nodes if isinstance(node, ast.Call) and called(node) == name]
    return call


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def constants(call: ast.Call) -> dict[str, object]:
    """Its keywords that are constants; those that are calls are left out."""
    found = {}
    for keyword in call.keywords:
        try:
            found[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:
            continue
    return found


def test_example_network_has_the_number_of_parameters_that_it_states():
    call = readme_call("ModelSpec")
    name, architecture = map(ast.literal_eval, call.args)
    assert name not in MODELS
    module, _, class_name = architecture.partition(".")
    network_class = getattr(importlib.import_module(f"mnistcmp.models.{module}"), class_name)
    entry = constants(call)
    network = network_class((1, 28, 28), 10, **entry["settings"])
    assert sum(weights.numel() for weights in network.parameters()) == entry["params"]
    assert entry["caption"]
    assert ModelSpec(name, architecture, **entry, tuning=Tuning(1e-3)).title  # no field is missing
    assert entry["title"] not in {spec.title for spec in MODELS.values()}


def test_example_study_compares_networks_that_exist():
    call = readme_call("Study")
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    models = [ast.literal_eval(key) for key in keywords["models"].keys]
    example = ast.literal_eval(readme_call("ModelSpec").args[0])
    assert set(models) <= {*MODELS, example}
    assert example in models
    for step in keywords["changes"].elts:
        assert {ast.literal_eval(model) for model in step.args[:2]} <= set(models)
    assert ast.literal_eval(keywords["number"]) == max(STUDIES) + 1


def test_readme_stays_short():
    assert len(update_docs.README.read_text().splitlines()) < README_MOST_LINES


@pytest.mark.parametrize("path", sorted(DOCS.glob("moving-*.webp")), ids=lambda path: path.name)
def test_moving_picture_moves_and_repeats(path):
    with Image.open(path) as picture:
        assert picture.n_frames > MOVING_LEAST_FRAMES
        assert picture.info["loop"] == 0  # for ever
        durations_ms = []
        for frame in ImageSequence.Iterator(picture):
            frame.load()
            durations_ms.append(picture.info["duration"])
    low, high = MOVING_SECONDS
    assert low <= sum(durations_ms) / 1000 <= high


def test_readme_begins_with_the_moving_pictures_and_says_what_they_show():
    top = update_docs.README.read_text().partition("\n## ")[0]
    shown = re.findall(r'(?:src|srcset)="docs/(moving-\w+\.webp)"', top)
    assert sorted(shown) == sorted(path.name for path in DOCS.glob("moving-*.webp"))
    assert sum((DOCS / name).stat().st_size for name in shown) < MOVING_MOST_BYTES
    assert re.search(r'<img src="docs/moving-light\.webp" alt="[^"]{20,}">', top)
    assert 'media="(prefers-reduced-motion: reduce)"' in top


def test_readme_shows_a_picture_of_each_page():
    readme = update_docs.README.read_text()
    for name, file in vars(main).items():
        if name.isupper() and str(file).endswith("page.py"):
            page = Path(file).parent.name.removesuffix("_it")
            for scheme in ("light", "dark"):
                assert f"docs/{page}-{scheme}.png" in readme


def anchors(page: str) -> set[str]:
    """The anchors of a Markdown page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "path", [update_docs.README, *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name
)
def test_links_lead_to_files_and_headings_that_exist(path):
    page = path.read_text()
    links = re.findall(r'(?:\]\(|src="|srcset=")([^)"]+)', page)
    for link in links:
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.title)
def test_study_links_its_table_of_published_facts(study):
    if study.table is None:
        assert not study.has_figures  # each figure needs its source
    else:
        assert study.table in anchors(PUBLISHED.read_text())
