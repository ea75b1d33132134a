"""The Benchmarks page, run without a browser."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.analysis.text import named
from mnistcmp.app import cached_records
from mnistcmp.app.benchmarks import (
    mistakes,
)
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.recipes import RECIPES, USUAL_RECIPE
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.records import Records, summarise
from tests import made_up
from tests.helpers import APP, page


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_data.clear()


def run(**state: object) -> AppTest:
    """The page, in a session with this state."""
    app = AppTest.from_file(page("benchmarks"), default_timeout=120)
    for key, value in state.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    return app


def reported(recipe: str = USUAL_RECIPE) -> pd.DataFrame:
    """The runs that the page shows."""
    runs = cached_records.reported_runs()
    return runs[(runs["dataset"] == "mnist") & (runs["recipe"] == recipe)]


def said(app: AppTest) -> str:
    return "\n".join(text.value for text in (*app.markdown, *app.caption))


def figures(app: AppTest) -> pd.DataFrame:
    """The table with all figures, the only one that is open at first."""
    (table,) = app.dataframe
    return table.value


def test_page_begins_with_chart_and_sentence_and_ends_with_all_figures():
    app = run()
    assert [header.value for header in app.header] == [
        "Accuracy and size",
        "What breaks them",
        "Digits drawn with a pen",
        "Training time",
        "Mistakes",
        "Do two networks differ?",
        "Learning curves",
        "Everything",
    ]
    first = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    assert first["description"].startswith("Test accuracy in percent against parameters")
    assert "factor of 10 in parameters adds" in app.markdown[0].value


def test_links_lead_to_every_section():
    app = run()
    anchors = re.findall('href="#([a-z-]+)"', app.get("html")[0].proto.body)
    assert anchors == [header.proto.anchor for header in app.header]


def test_benchmarks_shows_every_model_with_its_recorded_accuracy():
    expected = 100 * summarise(reported()).set_index("model")["test_accuracy"]
    table = figures(run())
    for study in STUDIES.values():
        rows = table[table["study"] == study.title].set_index("network")
        assert set(rows.index) == set(study.models)
        assert rows["accuracy, %"].to_dict() == pytest.approx(expected[rows.index].to_dict())


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("size", "parameters"),
        ("time", "training, s"),
        ("budgets of params", "model"),
        ("pen", "difference"),
        ("two networks", "lowest"),
        ("curves", "first epoch, %"),
        ("mistakes", "misread"),
        ("origin", "machine"),
    ],
)
def test_table_is_made_when_it_is_opened(name, column):
    tables = [table.value for table in run(**{f"table of {name}": True}).dataframe]
    assert len(tables) == 2
    assert any(column in table for table in tables)


def test_table_of_sizes_has_the_recorded_figures():
    app = run(**{"table of size": True})
    summary = summarise(reported()).set_index("model")
    table = app.dataframe[0].value.set_index("network")
    assert table["parameters"].to_dict() == summary["params"].to_dict()
    assert table["runs"].to_dict() == summary["seeds"].to_dict()
    assert table["accuracy, %"].to_dict() == pytest.approx(
        (100 * summary["test_accuracy"]).to_dict()
    )


@pytest.mark.parametrize("recipe", ["published", "tuned"])
def test_benchmarks_changes_with_the_recipe(recipe):
    app = run()
    before = figures(app)["accuracy, %"].tolist()
    app.segmented_control(key="recipe").set_value(recipe).run()
    assert not app.exception
    assert figures(app)["accuracy, %"].tolist() != before
    assert f"Trained with “{recipe}”, " in said(app)


def test_benchmarks_shows_the_mistakes_of_the_highlighted_network():
    app = run(highlight="strong_cnn")
    assert app.selectbox(key="mistakes_of_strong_cnn").value == "strong_cnn"
    labels, run_id = (
        cached_records.sample_pack("mnist").labels,
        reported().query("model == 'strong_cnn' and seed == 0")["run"].iloc[0],
    )
    wrong = (cached_records.predictions(run_id)["test"] != labels).sum()
    assert f"{named('strong_cnn')} misreads **{wrong} of 10,000 test digits**" in said(app)


def test_images_of_an_error_are_shown_when_it_is_chosen():
    app = run(highlight="mlp")
    error = app.selectbox(key=mistakes.ERROR)
    digit, read_as, count = map(int, re.findall(r"\d+", error.options[0]))
    error.set_value((digit, read_as)).run()
    assert not app.exception
    bodies = [element.proto.body for element in app.get("html")]
    (pictures,) = [body for body in bodies if "test digit no." in body]
    assert pictures.count("<img") == min(count, mistakes.GALLERY)


def test_two_most_accurate_networks_are_compared_at_first():
    app = run()
    accuracy = summarise(reported()).set_index("model")["test_accuracy"].sort_values()
    chosen = {app.selectbox(key=key).value for key in ("first", "second")}
    assert accuracy[sorted(chosen)].min() >= accuracy.iloc[-2]


def test_benchmarks_says_whether_two_networks_differ():
    app = run(first="mlp", second="strong_cnn")
    runs = reported()
    runs = runs[runs["seed"] == 0].set_index("model")["run"]
    labels = cached_records.sample_pack("mnist").labels
    first, second = (
        cached_records.predictions(runs[m])["test"] == labels for m in ("mlp", "strong_cnn")
    )
    one, other = named("mlp"), named("strong_cnn")
    assert f"**{other} is more accurate than {one}**, by " in said(app)
    assert (
        f"Of 10,000 test images, {(first & ~second).sum()} are read correctly by {one} alone, and "
        f"{(second & ~first).sum()} by {other} alone"
    ) in said(app)


def test_network_with_predictions_for_other_images_is_left_out_and_named():
    read, problems = cached_records.readings(reported(), 9_999)
    assert not read
    assert any(
        "mlp is left out" in problem and "10000 test images, not these 9999" in problem
        for problem in problems
    )


def test_benchmarks_leaves_out_networks_with_damaged_predictions(copy):
    runs = reported().query("seed == 0").set_index("model")["run"]
    (copy / "results" / "predictions" / f"{runs['mlp']}.npz").write_bytes(b"PK half")
    failed = {
        "dataset": "mnist",
        "recipe": USUAL_RECIPE,
        "run": "another",
        "finished": "2999-01-01T00:00:00+00:00",  # after the shipped runs
        "status": "failed: killed",
    }
    Records(copy / "results").append(made_up.run("cnn", 0.5, **failed))
    app = run()
    assert not app.exception
    assert any("mlp is left out of what follows" in note.value for note in app.warning)
    offered = app.selectbox(key="mistakes_of_None").options
    assert {MODELS[model].title for model in ("mlp", "cnn")} & set(offered) == set()
    assert MODELS["strong_cnn"].title in offered


def test_damaged_records_are_named_on_the_page(copy):
    path = copy / "results" / "runs.jsonl"
    path.write_text("what,is,this\n1,2,3\n")
    app = AppTest.from_file(APP, default_timeout=120).run()
    app.switch_page(page("benchmarks")).run()
    assert not app.exception
    assert f"{path}, line 2, is left out: it is incomplete" in app.warning[0].value


def test_published_figures_stand_only_beside_those_of_the_same_data_set():
    table = figures(run())
    published = table.set_index("study")["published, %"].notna().groupby(level=0).any()
    assert published[STUDIES[4].title] and not published[STUDIES[5].title]


def test_benchmarks_shows_the_effect_of_recipes_on_pen_digits():
    app = run(**{"view of pen digits": "By recipe", "table of recipes": True})
    runs = cached_records.reported_runs().query("dataset == 'mnist'").dropna(subset="pen_accuracy")
    means = runs.groupby(["model", "recipe"])["pen_accuracy"].mean().unstack()
    both = means[["tuned", "drawn"]].dropna()
    before, after = 100 - 100 * both.mean()
    assert (
        f"**What helps most: {RECIPES['drawn'].adds}.** Of {len(both)} networks, the mean error "
        f"falls from {before:.1f} % to {after:.1f} %."
    ) in said(app)
    table = app.dataframe[0].value.set_index("recipe")
    assert table.loc["drawn", "mean error after"] == pytest.approx(after)
    descriptions = [
        json.loads(chart.proto.spec)["description"] for chart in app.get("vega_lite_chart")
    ]
    assert any(f"for {runs['model'].nunique()} networks" in text for text in descriptions)


def test_benchmarks_shows_a_recipe_that_only_some_networks_have(copy):
    records = Records(copy / "results")
    records.path.write_text("")
    for model in STUDIES[10].models:
        for recipe, accuracy in {"tuned": 0.99, "hardened": 0.98}.items():
            other = {"dataset": "mnist", "recipe": recipe, "pen_accuracy": accuracy - 0.02}
            made_up.record(records, made_up.run(model, accuracy, **other))
    made_up.record(records, made_up.run("mlp", 0.97, dataset="mnist"))
    app = run(highlight="mlp", recipe="hardened")
    assert set(figures(app)["network"]) == set(STUDIES[10].models)


def test_benchmarks_asks_for_two_different_networks():
    app = run(first="mlp", second="mlp")
    assert [note.value for note in app.info] == ["Choose two different networks."]


def test_benchmarks_without_records_names_the_training_command(copy):
    shutil.rmtree(copy / "results")
    app = run()
    assert not app.exception
    assert "python scripts/train_all.py" in app.info[0].value


def test_benchmarks_works_without_the_pack_of_images(copy):
    (copy / "mnist" / "samples.npz").write_bytes(b"damaged")
    app = run()
    assert not app.exception
    assert "samples.npz is damaged" in app.warning[0].value
    assert app.header[-1].value == "Everything"


def test_benchmarks_needs_neither_torch_nor_torchvision():
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({page('benchmarks')!r}, default_timeout=120).run()\n"
        "assert not app.exception\n"
        "print('imported:', sorted({'torch', 'torchvision'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["imported: []"], done.stderr[-2000:]


def test_pack_has_every_image_that_a_reported_run_misread():
    pack = cached_records.sample_pack("mnist")
    runs = cached_records.reported_runs().query("dataset == 'mnist'")
    assert pack.runs == len(runs)
    for run_id in runs["run"]:
        misread = np.flatnonzero(cached_records.predictions(run_id)["test"] != pack.labels)
        assert set(misread) <= set(pack.index)
