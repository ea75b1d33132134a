"""The Studies page, run without a browser on made-up records."""

import subprocess
import sys

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app.plain_text import plain
from mnistcmp.catalogue.datasets import title
from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.data import sample_pack
from mnistcmp.records import Records
from tests.helpers import page
from tests.made_up import LABELS, epochs, falsify, record, run

PUT = {"cifar10-jpeg": "data/cifar10-jpeg"}  # the folder that the README names
DEPTH = {"depth_2": 0.75, "depth_4": 0.8, "depth_6": 0.85, "resnet_6": 0.9}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder for records, used by the app."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setenv("MNISTCMP_CHECKPOINTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def records(folder):
    return Records(folder / "results")


def shown(number: int) -> AppTest:
    """The page with this study chosen."""
    app = AppTest.from_file(page("studies"), default_timeout=120)
    app.run()
    app.selectbox(key="study").set_value(STUDIES[number]).run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(text.value for text in app.markdown)


def charts(app: AppTest) -> int:
    return len(app.get("vega_lite_chart"))


@pytest.mark.parametrize("number", STUDIES)
def test_studies_without_records_show_published_figures_and_the_training_command(number):
    app = shown(number)
    study = STUDIES[number]
    assert app.header[0].value == study.question
    assert [note.value for note in app.info] == [
        f"No runs on {title(dataset)} yet. Train with "
        f"`python scripts/train_all.py --study {number} --dataset {PUT.get(dataset, dataset)}`."
        for dataset in study.datasets
    ]
    assert ["Published results"] * study.has_figures == [part.value for part in app.subheader]
    assert [table.value["network"].tolist() for table in app.dataframe] == [
        list(study.models)
    ] * study.has_figures
    assert charts(app) == 0


@pytest.mark.parametrize("name", ["benchmarks", "studies"])
def test_pages_name_damaged_lines_and_show_the_other_runs(records, name):
    wrong = ({"params": "7791a"}, {"params": 10**300}, {"test_loss": "x"}, {"model": None})
    for seed, values in enumerate(({}, *wrong)):
        record(records, run("depth_2", 0.75, seed, dataset="mnist"))
        falsify(records, lambda entry, seed=seed, values=values: change(entry, seed, values))
    record(records, run("unknown", 0.75, dataset="mnist", recipe="unknown"))
    app = AppTest.from_file(page(name), default_timeout=120).run()
    assert not app.exception
    warning = app.warning[0]  # on Benchmarks, others say that there are no test images
    for line in range(2, 2 + len(wrong)):
        assert f"{records.path}, line {line}, is left out: run." in warning.value
    assert "7791a" in warning.value and "train_all.py --missing" in warning.value


def change(entry: dict, seed: int, values: dict[str, object]) -> None:
    if entry["run"]["seed"] == seed:
        entry["run"].update(values)


@pytest.mark.parametrize("number", STUDIES)
def test_studies_show_single_runs_of_each_network(number, records):
    study = STUDIES[number]
    for dataset in study.datasets:
        seen = {"dataset": dataset, "receptive_field_px": 8, "activation_mb": 2.5}
        record(records, *(run(model, 0.9, **seen) for model in study.models))
    app = shown(number)
    table = app.dataframe[0].value
    assert table["network"].tolist() == list(study.models)
    assert table["accuracy, %"].tolist() == pytest.approx([90] * len(study.models))
    assert "± SD" not in table
    assert "nan" not in said(app).lower()
    assert not app.info and charts(app) >= 7


def test_study_compares_with_the_published_results(records):
    rows = [
        run(model, mean + step, seed)
        for model, mean in DEPTH.items()
        for seed, step in enumerate((-0.001, 0, 0.001))
    ]
    record(records, *rows)
    app = shown(7)
    assert "**resnet_6 is the most accurate**: 90.00 %" in said(app)
    assert ":red-badge[contradicts] **Ranking**: ours resnet_6 > depth_6" in said(app)
    table = app.dataframe[0].value.set_index("network")
    assert table.loc["depth_6", "published on CIFAR-10, %"] == pytest.approx(68.4)
    assert table.loc["depth_6", "± SD"] == pytest.approx(0.1)
    assert table.loc["depth_6", "published gradient norm, last epoch"] == 1e-8
    assert "epochs until 74 %" in table


def test_study_judges_single_runs_by_their_predictions(folder, records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    assert "**No clear best network**" in said(shown(7))  # no labels to compare with
    sample_pack.save(folder / "cifar10-jpeg" / "samples.npz", sample_pack.labels_only(LABELS))
    assert "**resnet_6 is the most accurate**: 90.00 %, +5.00 points" in said(shown(7))


def test_study_says_if_intervals_are_over_test_images_only(folder, records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    note_text = "the interval reflects only the sampling of test images"
    assert any(note_text in note.value for note in shown(7).caption)
    record(records, *(run(model, mean, seed) for model, mean in DEPTH.items() for seed in (1, 2)))
    assert not any(note_text in note.value for note in shown(7).caption)


@pytest.mark.parametrize("number", STUDIES)
def test_only_studies_with_published_figures_speak_of_them(number, records):
    study = STUDIES[number]
    dataset = study.datasets[0]
    record(records, *(run(model, 0.9, dataset=dataset) for model in study.models))
    app = shown(number)
    headings = [part.value for part in app.subheader]
    assert ("Comparison with the published results" in headings) == study.has_figures
    assert ("All figures, ours and published" in headings) == study.has_figures
    below = next(note.value for note in app.caption if note.value.startswith("Source: "))
    assert ("beside the published ones" in below) == study.has_figures
    notes = "\n".join(note.value for note in app.caption)
    if not study.has_figures:
        assert "ublished" not in notes.replace(below, "")


def test_study_10_shows_what_is_trained_of_it_with_each_recipe(records):
    for recipe in ("tuned", "hardened"):
        record(records, run("base_cnn", 0.99, dataset="mnist", recipe=recipe))
    record(records, run("base_pooled", 0.97, dataset="mnist", recipe="hardened"))
    app = shown(10)
    assert "Only **base_cnn** has been trained so far: 99.00 %" in said(app)
    assert "Not trained yet: base_norm, base_pooled, base_pooled_norm." in app.info[0].value
    app.segmented_control(key="recipe_10").set_value("hardened").run()
    assert not app.exception
    accuracies = app.dataframe[0].value.set_index("network")["accuracy, %"].dropna()
    assert accuracies.to_dict() == pytest.approx({"base_cnn": 99, "base_pooled": 97})


def test_study_ignores_predictions_for_other_images(folder, records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    sample_pack.save(folder / "cifar10-jpeg" / "samples.npz", sample_pack.labels_only(LABELS[:-20]))
    assert "**No clear best network**" in said(shown(7))


def test_study_shows_a_network_whose_layers_are_dead(records):
    of_run = [e | {"gradient_norms": '{"a": 0.0, "b": 0.0}'} for e in epochs(run("depth_6", 0.1))]
    records.append(run("depth_6", 0.1), of_run)
    record(records, run("depth_2", 0.7))
    notes = [note.value for note in shown(7).caption]
    assert "In some layers of depth_6 the gradient is 0: no mark on this scale." in notes


def test_study_switches_data_sets_and_recipes(records):
    record(
        records,
        run("kernel_3", 0.8),
        run("kernel_5", 0.7),
        run("kernel_3", 0.75, recipe="drawn"),
        run("kernel_3", 0.99, dataset="mnist"),
    )
    app = shown(6)
    assert "published on CIFAR-10, %" in app.dataframe[0].value
    assert (
        "Not trained yet: kernel_7, kernel_1_3. Train with `python scripts/train_all.py --study 6"
        in (app.info[0].value)
    )
    app.segmented_control(key="recipe_6").set_value("drawn").run()
    assert "Only **kernel_3** has been trained so far: 75.00 %" in said(app)
    app.segmented_control(key="dataset_6").set_value("mnist").run()
    assert "Only **kernel_3** has been trained so far: 99.00 %" in said(app)
    assert not app.exception


def test_study_shows_the_users_own_data_set(records):
    record(records, run("kernel_3", 0.97, dataset="mnist"), run("kernel_3", 0.6, dataset="leaves"))
    app = shown(6)
    assert "No runs on CIFAR-10 (JPEG copy) yet" in app.info[0].value
    assert app.segmented_control(key="dataset_6").options == ["MNIST", "leaves"]
    app.segmented_control(key="dataset_6").set_value("leaves").run()
    assert "Only **kernel_3** has been trained so far: 60.00 %" in said(app)
    assert not app.exception


@pytest.mark.parametrize("also", [[], ["base_norm"]])
def test_data_set_of_another_study_is_offered_only_for_a_comparison(records, also):
    on_photos = (run(model, 0.77, dataset="cifar10-jpeg") for model in ["base_cnn", *also])
    record(records, run("base_cnn", 0.99, dataset="mnist"), *on_photos)
    offered = [choice.key for choice in shown(10).segmented_control]
    assert ("dataset_10" in offered) == bool(also)


def test_name_of_a_folder_with_markup_is_shown_as_text(records):
    name = "*a* <b>c [d](e) :red[f] `g` _h_"
    record(records, run("kernel_3", 0.97, dataset="mnist"), run("kernel_3", 0.6, dataset=name))
    app = shown(6)
    assert app.segmented_control(key="dataset_6").options == ["MNIST", plain(name)]
    app.segmented_control(key="dataset_6").set_value(name).run()
    assert any(f"ours on {plain(name)}, trained" in note.value for note in app.caption)
    assert (
        f"Train with `` python scripts/train_all.py --study 6 --dataset PATH/OF/{name} --"
        in "".join(note.value for note in app.info)
    )
    assert not app.exception


def test_study_is_taken_from_the_address(records):
    app = AppTest.from_file(page("studies"), default_timeout=120)
    app.query_params["study"] = "7 Depth"
    app.run()
    assert app.header[0].value == STUDIES[7].question


def test_studies_need_neither_torch_nor_torchvision():
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({page('studies')!r}, default_timeout=120).run()\n"
        "assert not app.exception\n"
        "print('imported:', sorted({'torch', 'torchvision'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["imported: []"], done.stderr[-2000:]
