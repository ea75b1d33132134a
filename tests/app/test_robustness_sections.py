"""What the Benchmarks and Studies pages say about robustness, run on made-up records."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app.benchmarks import robustness
from mnistcmp.app.studies.survival import EXPLANATION
from mnistcmp.catalogue.networks import MODELS
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.records import Records
from mnistcmp.records.nudges import NudgeRecords
from mnistcmp.records.robustness import RobustnessRecords
from tests import made_up
from tests.helpers import page
from tests.made_up import measured
from tests.records.test_nudge_records import entry as nudges

ZOO = list(MODELS)[:12]


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """The folder of records, used by the app, with a run of each network in ZOO."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setenv("MNISTCMP_CHECKPOINTS", str(tmp_path))
    records = Records(tmp_path / "results")
    made_up.record(records, *(made_up.run(model, 0.99, dataset="mnist") for model in ZOO))
    return records.folder


def stress(results, *entries) -> None:
    records = RobustnessRecords(results)
    for entry in entries:
        records.append(entry)


def stress_the_zoo(results, recipe="tuned") -> None:
    """The better a network is on clean digits, the better it is under corruption."""
    stress(
        results,
        *(
            measured(model, 0.5 + number / 40, clean=0.95 + number / 400, recipe=recipe)
            for number, model in enumerate(ZOO)
        ),
    )


def benchmarks(view: str = "Corruptions", recipe: str = "tuned", **state: object) -> AppTest:
    """The Benchmarks page with this view of the section on what breaks the networks."""
    app = AppTest.from_file(page("benchmarks"), default_timeout=120)
    for key, value in {"recipe": recipe, "view of what breaks them": view, **state}.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    return app


def study(number: int) -> AppTest:
    app = AppTest.from_file(page("studies"), default_timeout=120)
    app.query_params["study"] = str(number)
    app.run()
    assert not app.exception
    return app


def tab(number: int, title: str) -> AppTest:
    """A study with another tab of charts open."""
    app = study(number)
    app.session_state[f"charts_{number}"] = title
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(text.value for text in (*app.markdown, *app.caption))


def charts(app: AppTest) -> list[str]:
    """The descriptions of all charts."""
    return [json.loads(chart.proto.spec)["description"] for chart in app.get("vega_lite_chart")]


def test_benchmarks_without_robustness_say_how_to_measure_it(results):
    app = benchmarks()
    assert (
        "Robustness has not been measured yet for the recipe “tuned”. Measure it with "
        "`mnistcmp robustness`."
    ) in said(app)
    assert app.header[-1].value == "Everything"
    assert (
        "Nudges have not been measured yet for the recipe “tuned”. Measure them with "
        "`mnistcmp nudges`."
    ) in said(benchmarks("Nudges"))


@pytest.mark.parametrize("view", ["Each corruption", "Dials", "Nudges", "Whom nudges fool"])
def test_every_view_says_that_nothing_was_measured(results, view):
    assert "not been measured yet" in said(benchmarks(view))


def test_benchmarks_compare_clean_and_corrupted_accuracy(results):
    stress_the_zoo(results)
    text = said(app := benchmarks(**{"table of correlations": True}))
    assert "**Networks that are better on clean digits are better on corrupted ones, too.**" in text
    assert "12 trained networks, those with seed 0, which the app uses" in text
    assert "on 10,000 test digits each" in text
    (chart,) = [chart for chart in charts(app) if chart.startswith("Mean under corruption")]
    assert "of 12 trained networks; from 50.0 to 77.5 %" in chart
    correlations = app.dataframe[0].value
    assert correlations["recipe"].tolist() == ["tuned", "all"]
    assert correlations["correlation"].tolist() == pytest.approx([1, 1])


def test_benchmarks_leave_out_other_seeds_and_data_sets(results):
    stress_the_zoo(results)
    stress(
        results,
        measured("mlp", 0.01, seed=1),
        measured("mlp", 0.01) | {"dataset": "cifar10-jpeg"},
        measured("mlp", 0.01) | {"model": "unknown"},
    )
    app = benchmarks()
    assert "12 trained networks, those with seed 0" in said(app)
    assert any("of 12 trained networks; from 50.0 to" in chart for chart in charts(app))


def test_of_few_networks_no_correlation_is_claimed(results):
    stress(results, measured("mlp", 0.5), measured("cnn", 0.6))
    text = said(benchmarks())
    assert "2 trained networks" in text and "clean digits are" not in text


def test_benchmarks_order_networks_by_how_long_they_hold_out(results):
    stress(
        results,
        measured("mlp", lost={"shift": 0.0, "noise": 1.0}),
        measured("cnn", lost={"noise": 1.0}),
    )
    text = said(app := benchmarks("Dials", **{"table of dials": True}))
    mlp, cnn = MODELS["mlp"].title, MODELS["cnn"].title
    assert f"**“{mlp}” holds out longest**" in text
    assert f"and “{cnn}”, which holds out least, at" in text
    (spec,) = [
        spec
        for chart in app.get("vega_lite_chart")
        if (spec := json.loads(chart.proto.spec))["description"].startswith("Where each of 2")
    ]
    assert spec["layer"][0]["encoding"]["y"]["sort"] == [mlp, cnn]
    assert "1,000 test digits" in text
    table = app.dataframe[0].value
    shift = table[(table["network"] == "mlp") & (table["dial"] == "Shift")]
    assert shift["half lost at"].tolist() == ["beyond 14 px"]


def test_benchmarks_show_the_chosen_recipe(results):
    made_up.record(Records(results), made_up.run("mlp", 0.9, dataset="mnist", recipe="drawn"))
    stress(results, measured("mlp", 0.75), measured("cnn", 0.25, recipe="drawn"))
    app = benchmarks("Each corruption")
    assert "these 1 networks read 75 % on average" in said(app)
    app.segmented_control(key="recipe").set_value("drawn").run()
    assert "these 1 networks read 25 % on average" in said(app)
    assert f"**“{MODELS['cnn'].title}” holds out longest**" in said(benchmarks("Dials", "drawn"))


def record_nudges(results) -> None:
    """Small nudges for one network, large ones for another."""
    records = NudgeRecords(results)
    for model, other, fooled, norm in (("mlp", "cnn", 1, 1.0), ("cnn", "mlp", 2, 3.0)):
        transfers = {other: {"fooled": fooled, "fooled_doubled": fooled + 1, "digits": 4}}
        records.append(nudges(model, norms=[norm] * 20, transfers=transfers))


def test_benchmarks_show_how_large_nudges_are(results):
    record_nudges(results)
    text = said(app := benchmarks("Nudges"))
    mlp, cnn = MODELS["mlp"].title, MODELS["cnn"].title
    assert f"**“{cnn}” takes nudges 3.0 times as large as “{mlp}”**" in text
    assert "For 20 fixed test digits" in text and "gives an upper bound" in text
    assert any(chart.startswith("Median smallest nudge") for chart in charts(app))


def test_benchmarks_show_whom_nudges_fool(results):
    record_nudges(results)
    text = said(app := benchmarks("Whom nudges fool"))
    mlp, cnn = MODELS["mlp"].title, MODELS["cnn"].title
    assert "fools another in 38 % of the cases; twice as large, in 62 %." in text
    assert f"**Nudges of “{cnn}” fool “{mlp}” most often**, in 75 % of the cases" in text
    assert f"those of “{mlp}” fool “{cnn}” least often, in 50 %." in text
    assert "2 pairs of networks" in text
    assert any("doubled nudges of one of 2" in chart for chart in charts(app))


def test_everything_measured_can_be_downloaded(results):
    def offered() -> list[str]:
        return [button.proto.label for button in benchmarks().get("download_button")]

    assert offered() == ["This table", "All measures"]
    stress_the_zoo(results)
    record_nudges(results)
    assert offered()[2:] == [
        "Clean and corrupted accuracy",
        "Half-lost levels",
        "Accuracy by corruption",
        "Sizes of the nudges",
        "Whom nudges fool",
    ]
    rows = {name: make() for name, (_, make) in robustness.downloads("tuned").items()}
    assert len(rows["corrupted"]) == len(rows["corruptions-tuned"]) == 12
    assert rows["nudges-tuned"]["median_norm"].tolist() == [1, 3]
    assert len(rows["nudge-transfers-tuned"]) == 2
    assert set(rows["half-lost-tuned"]["model"]) == set(ZOO)


def test_damaged_lines_of_robustness_are_named(results):
    stress_the_zoo(results)
    with (results / "robustness.jsonl").open("a") as file:
        file.write("half a line\n")
    app = benchmarks()
    assert any("robustness.jsonl, line 13, is left out" in note.value for note in app.warning)
    assert "12 trained networks" in said(app)


def test_study_without_robustness_says_how_to_measure_it(results):
    text = said(study(1))
    assert (
        "Robustness has not been measured yet. Measure it with "
        "`mnistcmp robustness --models mlp tiny_cnn cnn strong_cnn`." in text
    )


def test_study_says_what_its_steps_change_for_single_networks(results):
    stress(
        results,
        measured("mlp", 0.5, lost={"shift": 1.0}),
        measured("tiny_cnn", 0.6, lost={"shift": 0.7}),
        measured("cnn", 0.6, lost={"shift": 0.7}),
    )
    app = study(1)
    text = said(app)
    assert "on 10,000 test digits each; trained networks of each kind: 1." in text
    assert "The accuracy under corruption **rises** with convolutions." in text
    assert "convolutions: +10.00 points, 95 % interval" in text
    assert "half are lost later under shift (7 px → 10 px)" in text
    assert "**No clear change** under corruption comes with a hidden layer." in text
    assert "under corruption, “Small CNN” still reads" in text or "“Tiny CNN” still reads" in text
    gains = tab(1, "Each change")
    assert "the interval reflects only the sampling of test images" in said(gains)
    assert any(
        chart.startswith("Gain under corruption, points, by change: convolutions +10.00")
        for chart in charts(gains)
    )
    table = app.dataframe[1].value
    assert table["network"].tolist() == ["mlp", "tiny_cnn", "cnn"]
    assert table["under corruption, %"].tolist() == pytest.approx([50, 60, 60])
    assert table["half lost: shift"].tolist() == ["7 px", "10 px", "10 px"]
    assert any(
        chart == "Accuracy under corruption, %, by network: Perceptron 32 50.00, Tiny CNN 60.00, "
        "Small CNN 60.00."
        for chart in charts(app)
    )


def test_study_on_photos_says_nothing_about_robustness(results):
    made_up.record(Records(results), made_up.run("kernel_3", 0.8))
    app = study(6)
    assert [chart.partition(",")[0] for chart in charts(app)] == ["Test accuracy"]
    assert "under corruption" not in said(app)


def study_10(results, seeds: int) -> AppTest:
    """A world in which the head decides about shift and training about noise."""
    for model in STUDIES[10].models:
        for recipe in ("tuned", "hardened"):
            lost = {
                "shift": 0.2 if "pooled" in model else 0.8,
                "noise": 0.2 if recipe == "hardened" else 0.8,
            }
            for seed in range(seeds):
                clean = 0.95 + 0.01 * seed
                stress(results, measured(model, 0.8, seed, recipe=recipe, clean=clean, lost=lost))
                run = made_up.run(model, clean, seed, dataset="mnist", recipe=recipe)
                made_up.record(Records(results), run)
    return study(10)


def dials_and_effects() -> tuple[AppTest, AppTest]:
    """Study 10 with the tab of each of them open."""
    return tab(10, "Each dial"), tab(10, "Parts and training")


def test_study_10_says_what_only_architecture_and_what_only_training_gives(results):
    app = study_10(results, seeds=3)
    text = said(app)
    assert (
        "**Under “shift”, only the architecture decides how well digits are read; under “noise”, "
        "only training improves how well digits are read.**" in text
    )
    assert "shift (pooled head +30.9 ± " in text
    dials, parts = dials_and_effects()
    text = said(dials)
    assert "**Noise**, seen in training with hardened" in text
    assert "**Blur**, not seen in training" in text
    assert "**Shift**, seen in training with tuned and hardened" in text
    assert "Mean over 3 trained networks each" in text
    assert f"**Known explanation, not a finding of this study.** {EXPLANATION}" in said(parts)
    assert "Accuracy in percent by shift, of 4 networks with 2 recipes." in charts(dials)
    assert "Change in mean accuracy, points, by dial, of batch norm." in charts(parts)


def test_study_10_with_one_seed_makes_no_claim(results):
    text = said(study_10(results, seeds=1))
    assert "architecture decides" not in text and "**Pooled head**" not in text
    dials, parts = dials_and_effects()
    assert "One trained network each: other seeds may differ." in said(dials)
    assert "This needs at least 3 trained networks of each kind" in said(parts)


def test_study_10_without_robustness_shows_its_runs(results):
    made_up.record(
        Records(results),
        *(made_up.run(model, 0.9, dataset="mnist") for model in STUDIES[10].models),
    )
    app = study(10)
    text = said(app)
    assert text.count("Robustness has not been measured yet.") == 1
    assert "architecture decides" not in text
    assert "Each dial" not in [tab.label for tab in app.tabs]
