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

from mnistcmp.analysis.comparisons import Gap
from mnistcmp.app import cached_records
from mnistcmp.app.benchmarks import charts, mistakes, pen_digits
from mnistcmp.app.charts import with_intervals
from mnistcmp.catalogue.recipes import RECIPES
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.records import Records, summarise
from tests import made_up
from tests.helpers import APP, page


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_data.clear()


def run() -> AppTest:
    return AppTest.from_file(page("benchmarks"), default_timeout=120).run()


def reported() -> pd.DataFrame:
    """The runs that the page shows."""
    return cached_records.reported_runs().query("dataset == 'mnist'")


def test_benchmarks_shows_every_model_with_its_recorded_accuracy():
    app = run()
    assert not app.exception
    runs = reported()
    expected = summarise(runs[runs["recipe"] == "tuned"]).set_index("model")["test_accuracy"]
    shown = {}
    for table, study in zip(app.dataframe, STUDIES.values(), strict=False):
        assert set(table.value["network"]) == set(study.models)
        shown |= dict(zip(table.value["network"], table.value["accuracy, %"], strict=True))
    assert shown == pytest.approx(dict(100 * expected))


def test_intervals_use_students_t_and_stay_between_0_and_100_percent():
    summary = pd.DataFrame(
        {
            "model": ["mlp", "cnn", "tiny_cnn", "strong_cnn"],
            "test_accuracy": [0.9, 0.99, 0.01, 0.5],
            "test_accuracy_sd": [0.01, 0.01, 0.01, np.nan],
            "seeds": [3, 3, 3, 1],
        }
    )
    rows = with_intervals(summary, summary["seeds"]).set_index("model")
    assert rows["accuracy"].tolist() == pytest.approx([90, 99, 1, 50])
    assert rows["low"].tolist()[:3] == pytest.approx([87.5159, 96.5159, 0], abs=1e-4)
    assert rows["high"].tolist()[:3] == pytest.approx([92.4841, 100, 3.4841], abs=1e-4)
    assert rows.loc["strong_cnn", ["low", "high"]].isna().all()


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([1, 5, 9], [1, 5, 9]),
        ([9, 1, 1.5], [9, 1, 3]),
        ([1, 1, 1, 4], [1, 3, 5, 7]),
        ([4, 2, 2.5, 9], [6, 2, 4, 9]),
    ],
)
def test_names_are_moved_up_until_they_are_far_enough_apart(values, spread):
    assert charts._spread(np.array(values, float), 2).tolist() == pytest.approx(spread)


def test_names_at_the_ends_of_curves_are_13_px_apart():
    epochs = pd.DataFrame({"model": ["mlp", "cnn"] * 2, "epoch": [1, 1, 2, 2]})
    epochs["train_accuracy"] = epochs["heldout_accuracy"] = [0.63, 0.7, 0.9, 0.9]
    names = charts.curves(epochs, "accuracy", None).layer[-1].data
    assert sorted(names["value"]) == pytest.approx([90, 91.3])  # 27 points on 270 px


@pytest.mark.parametrize("recipe", ["published", "drawn"])
def test_benchmarks_changes_with_the_recipe(recipe):
    app = run()
    before = app.dataframe[0].value["accuracy, %"].tolist()
    app.segmented_control(key="recipe").set_value(recipe).run()
    assert not app.exception
    assert app.dataframe[0].value["accuracy, %"].tolist() != before


def test_benchmarks_shows_the_mistakes_of_the_highlighted_network():
    app = run()
    app.selectbox(key="highlight").set_value("mlp").run()
    assert not app.exception
    assert app.selectbox(key="mistakes_of_mlp").value == "mlp"


def test_benchmarks_says_whether_two_networks_differ():
    app = run()
    app.selectbox(key="first").set_value("mlp")
    app.selectbox(key="second").set_value("strong_cnn").run()
    runs = reported()
    runs = runs[(runs["recipe"] == "tuned") & (runs["seed"] == 0)].set_index("model")["run"]
    labels = cached_records.sample_pack("mnist").labels
    first, second = (
        cached_records.predictions(runs[m])["test"] == labels for m in ("mlp", "strong_cnn")
    )
    sentence = f"{(first & ~second).sum()} by mlp, {(second & ~first).sum()} by strong_cnn."
    assert any(sentence in text.value for text in app.markdown)
    assert any("**strong_cnn is significantly better**" in text.value for text in app.markdown)


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [
        (
            Gap(0.01, 0.005, "5 runs", over_runs=True),
            "**new is significantly better**: +1.00 points",
        ),
        (
            Gap(-0.01, 0.005, "5 runs", over_runs=True),
            "**old is significantly better**: +1.00 points",
        ),
        (
            Gap(-0.01, 0.02, "5 runs", over_runs=True),
            "**The difference may be due to chance**: +1.00",
        ),
        (Gap(0.01, 0.005, "seed 0"), "**This run of new is significantly better**; other"),
    ],
)
def test_verdict_on_two_networks_follows_the_gap(gap, verdict):
    text = mistakes._verdict("old", "new", gap)
    assert text.startswith(verdict)
    assert text.endswith(f"from {gap.grounds}.")
    if abs(gap.share) > gap.half:
        assert "95 % interval +0.50 to +1.50" in text


def test_captions_of_the_hardest_digits_name_a_wrong_digit(monkeypatch):
    captions = []

    def gallery(pack, numbers, caption):
        captions.extend(caption(number) for number in numbers)

    monkeypatch.setattr(mistakes, "_gallery", gallery)
    pack, runs = cached_records.sample_pack("mnist"), reported().query("recipe == 'drawn'")
    read, _ = cached_records.readings(runs, len(pack.labels))
    mistakes._hardest(read, pack)
    digits = [re.match(r"(\d), read as (\d)\. Correct: ", text) for text in captions]
    assert len(digits) == mistakes.GALLERY
    assert all(found[1] != found[2] for found in digits)


def test_network_with_predictions_for_other_images_is_left_out_and_named():
    runs = reported().query("recipe == 'tuned'")
    read, problems = cached_records.readings(runs, 9_999)
    assert not read
    assert any(
        "mlp is left out" in problem and "10000 test images, not these 9999" in problem
        for problem in problems
    )


def test_benchmarks_leaves_out_networks_with_damaged_predictions(copy):
    runs = reported().query("recipe == 'tuned' and seed == 0").set_index("model")["run"]
    (copy / "results" / "predictions" / f"{runs['mlp']}.npz").write_bytes(b"PK half")
    failed = {"dataset": "mnist", "run": "another", "status": "failed: killed"}
    Records(copy / "results").append(made_up.run("cnn", 0.5, **failed))
    app = run()
    assert not app.exception
    assert any("mlp is left out of what follows" in note.value for note in app.warning)
    offered = app.selectbox(key="first").options
    assert {"mlp", "cnn"} & set(offered) == set()
    assert "strong_cnn" in offered


def test_damaged_records_are_named_on_the_page(copy):
    path = copy / "results" / "runs.jsonl"
    path.write_text("what,is,this\n1,2,3\n")
    app = AppTest.from_file(APP, default_timeout=120).run()
    app.switch_page(page("benchmarks")).run()
    assert not app.exception
    assert f"{path}, line 2, is left out: it is incomplete" in app.warning[0].value


def test_studies_on_photos_show_no_published_figures_for_mnist():
    tables = dict(zip(STUDIES, (table.value for table in run().dataframe), strict=False))
    assert "published, %" in tables[4]
    assert "published, %" not in tables[5]


def test_benchmarks_shows_the_effect_of_recipes_on_pen_digits():
    app = run()
    runs = reported().dropna(subset="pen_accuracy")
    means = runs.groupby(["model", "recipe"])["pen_accuracy"].mean().unstack()
    title = "The effect of recipe and training data on pen digits"
    assert title in [heading.value for heading in app.subheader]
    (text,) = [text.value for text in app.markdown if "mean error rates" in text.value]
    both = means[["tuned", "drawn"]].dropna()
    errors = 100 - 100 * both.mean()
    gain = 100 * (both["drawn"] - both["tuned"])
    assert (
        f"{RECIPES['drawn'].adds.capitalize()}: {gain.mean():+.1f} points on average "
        f"(n = {len(both)}), from "
    ) in text
    assert f"to {gain.max():+.1f} ({gain.idxmax()});" in text
    assert f"{errors['tuned']:.1f} % (tuned) and {errors['drawn']:.1f} % (drawn)." in text
    chart = json.loads(app.get("vega_lite_chart")[-1].proto.spec)
    assert f"for {runs['model'].nunique()} networks" in chart["description"]


@pytest.mark.parametrize(
    ("tuned", "drawn", "verdict"),
    [
        (0.90, 0.98, f"What helps most: {RECIPES['drawn'].adds}."),
        (0.90, 0.91, f"What helps most: {RECIPES['tuned'].adds}."),
        (0.79, 0.74, "No recipe improves on the one that it builds on."),
    ],
)
def test_conclusion_on_recipes_follows_the_figures(tuned, drawn, verdict):
    shares = {"published": [0.80, 0.88], "tuned": [tuned, 0.85], "drawn": [drawn, 0.88]}
    text = pen_digits.conclusion(pd.DataFrame(shares, index=["one", "other"]))
    assert text.startswith(f"**{verdict}**")
    assert f"{100 * (tuned - 0.80):+.1f} (one)" in text
    assert "-3.0 (other)" in text
    assert text.count("(n = 2)") == 2
    after = f"{100 - 50 * (tuned + 0.85):.1f} % (tuned)"
    assert f"mean error rates 16.0 % (published) and {after}." in text


def test_conclusion_on_recipes_compares_each_with_the_one_that_it_builds_on():
    shares = {
        "published": [0.80, np.nan, np.nan],
        "tuned": [0.90, 0.90, 0.80],
        "drawn": [0.95, 0.95, 0.95],
        "hardened": [np.nan, 0.92, 0.84],
    }
    text = pen_digits.conclusion(pd.DataFrame(shares, index=["one", "two", "three"]))
    assert f"{RECIPES['tuned'].adds.capitalize()}: +10.0 points on average (n = 1)," in text
    assert "+8.3 points on average (n = 3)" in text
    assert (
        f"{RECIPES['hardened'].adds.capitalize()}: +3.0 points on average (n = 2), "
        "from +2.0 (two) to +4.0 (three); mean error rates 15.0 % (tuned) and 12.0 % (hardened)."
    ) in text


@pytest.mark.parametrize(
    "shares", [{"drawn": [0.9]}, {"published": [np.nan, 0.9], "tuned": [0.9, np.nan]}]
)
def test_conclusion_on_recipes_says_nothing_if_no_network_has_two(shares):
    assert pen_digits.conclusion(pd.DataFrame(shares)) == ""


def test_benchmarks_shows_a_recipe_that_only_some_networks_have(copy):
    records = Records(copy / "results")
    records.path.write_text("")
    for model in STUDIES[10].models:
        for recipe, accuracy in {"tuned": 0.99, "hardened": 0.98}.items():
            other = {"dataset": "mnist", "recipe": recipe, "pen_accuracy": accuracy - 0.02}
            made_up.record(records, made_up.run(model, accuracy, **other))
    made_up.record(records, made_up.run("mlp", 0.97, dataset="mnist"))
    app = run()
    app.selectbox(key="highlight").set_value("mlp")
    app.segmented_control(key="recipe").set_value("hardened").run()
    assert not app.exception
    shown = {model for table in app.dataframe for model in table.value.get("network", [])}
    assert shown == set(STUDIES[10].models)


def test_benchmarks_asks_for_two_different_networks():
    app = run()
    app.selectbox(key="first").set_value("mlp")
    app.selectbox(key="second").set_value("mlp").run()
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
    assert app.header[-1].value == "Where this was trained"


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
    pack, runs = cached_records.sample_pack("mnist"), reported()
    assert pack.runs == len(runs)
    for run_id in runs["run"]:
        misread = np.flatnonzero(cached_records.predictions(run_id)["test"] != pack.labels)
        assert set(misread) <= set(pack.index)
