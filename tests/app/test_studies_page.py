"""The Studies page, run without a browser on made-up records."""

import json
import re
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
    app.query_params["study"] = str(number)
    app.run()
    assert not app.exception
    return app


def opened(app: AppTest, tab: str) -> AppTest:
    """The page with another tab of charts open."""
    (number,) = [each.number for each in STUDIES.values() if each.question == app.title[0].value]
    app.session_state[f"charts_{number}"] = tab
    return app.run()


def cards(app: AppTest) -> list[str]:
    """The HTML of all cards."""
    return [part.proto.body for part in app.get("html") if "<h2>" in part.proto.body]


def said(app: AppTest) -> str:
    return "\n".join(text.value for text in app.markdown)


def charts(app: AppTest) -> int:
    return len(app.get("vega_lite_chart"))


@pytest.mark.parametrize("number", STUDIES)
def test_studies_without_records_show_published_figures_and_the_training_command(number):
    app = shown(number)
    study = STUDIES[number]
    assert app.title[0].value == study.question
    assert [note.value for note in app.info] == [
        f"No runs on {title(dataset)} yet. Train with "
        f"`python scripts/train_all.py --study {number} --dataset {PUT.get(dataset, dataset)}`."
        for dataset in study.datasets
    ]
    assert ["Published results"] * study.has_figures == [part.value for part in app.header]
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
    assert not app.info and charts(app) == 1
    table = app.dataframe[0].value
    assert table["network"].tolist() == list(study.models)
    assert table["accuracy, %"].tolist() == pytest.approx([90] * len(study.models))
    assert "± SD" not in table
    assert "nan" not in said(app).lower()
    tabs = [tab.label for tab in app.tabs]
    assert tabs[:4] == ["Accuracy", "Each change", "Cost", "Learning curves"]
    assert ("Gradients" in tabs) == study.show_gradients
    drawn = {tab: charts(opened(app, tab)) for tab in tabs}
    assert not app.exception
    assert drawn["Each change"] == 1 and drawn["Cost"] == len(study.against)
    assert drawn["Learning curves"] == 4


def test_study_compares_with_the_published_results(records):
    rows = [
        run(model, mean + step, seed)
        for model, mean in DEPTH.items()
        for seed, step in enumerate((-0.001, 0, 0.001))
    ]
    record(records, *rows)
    app = shown(7)
    assert "“6 deep, shortcuts” is the most accurate on the test images, 5.00 points" in said(app)
    assert ":red[✖] **Contradicts.** The **ranking by accuracy** is not as published." in said(app)
    assert "Ours: “6 deep, shortcuts” > “6 layers deep”" in said(app)
    table = app.dataframe[0].value.set_index("network")
    assert table.loc["depth_6", "published on CIFAR-10, %"] == pytest.approx(68.4)
    assert table.loc["depth_6", "± SD"] == pytest.approx(0.1)
    assert table.loc["depth_6", "published gradient norm, last epoch"] == 1e-8
    assert "epochs until 74 %" in table


def test_study_judges_single_runs_by_their_predictions(folder, records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    too_close = "All four networks are too close to be told apart"
    assert too_close in said(shown(7))  # no labels to compare with
    sample_pack.save(folder / "cifar10-jpeg" / "samples.npz", sample_pack.labels_only(LABELS))
    assert "“6 deep, shortcuts” is the most accurate on the test images, 5.00 points" in said(
        shown(7)
    )


def test_study_says_if_intervals_are_over_test_images_only(folder, records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    note_text = "the interval reflects only the sampling of test images"
    assert any(note_text in note.value for note in opened(shown(7), "Each change").caption)
    record(records, *(run(model, mean, seed) for model, mean in DEPTH.items() for seed in (1, 2)))
    assert not any(note_text in note.value for note in opened(shown(7), "Each change").caption)


@pytest.mark.parametrize("number", STUDIES)
def test_only_studies_with_published_figures_speak_of_them(number, records):
    study = STUDIES[number]
    dataset = study.datasets[0]
    record(records, *(run(model, 0.9, dataset=dataset) for model in study.models))
    app = shown(number)
    headings = [part.value for part in app.subheader]
    assert ("Compared with the source" in headings) == study.has_figures
    assert ("The verdict on the card" in said(app)) == study.has_figures


def test_study_10_shows_what_is_trained_of_it_with_each_recipe(records):
    for recipe in ("tuned", "hardened"):
        record(records, run("base_cnn", 0.99, dataset="mnist", recipe=recipe))
    record(records, run("base_pooled", 0.97, dataset="mnist", recipe="hardened"))
    app = shown(10)
    assert "So far only “Baseline” has been trained." in said(app)
    assert "“Baseline” 99.00 %." in said(app)
    assert "Not trained yet: base_norm, base_pooled, base_pooled_norm." in app.info[0].value
    app.segmented_control(key="recipe").set_value("hardened").run()
    assert not app.exception
    accuracies = app.dataframe[0].value.set_index("network")["accuracy, %"].dropna()
    assert accuracies.to_dict() == pytest.approx({"base_cnn": 99, "base_pooled": 97})


def test_study_ignores_predictions_for_other_images(folder, records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    sample_pack.save(folder / "cifar10-jpeg" / "samples.npz", sample_pack.labels_only(LABELS[:-20]))
    assert "All four networks are too close to be told apart" in said(shown(7))


def test_study_shows_a_network_whose_layers_are_dead(records):
    of_run = [e | {"gradient_norms": '{"a": 0.0, "b": 0.0}'} for e in epochs(run("depth_6", 0.1))]
    records.append(run("depth_6", 0.1), of_run)
    record(records, run("depth_2", 0.7))
    notes = [note.value for note in opened(shown(7), "Gradients").caption]
    assert "In some layers of 6 layers deep the gradient is 0: no mark on this scale." in notes


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
    missing = (
        "Not trained yet: kernel_5, kernel_7, kernel_1_3. Train with `python scripts/train_all"
    )
    assert app.info[0].value.startswith(missing) and "--study 6" in app.info[0].value
    assert app.segmented_control(key="recipe").value == "drawn"
    assert "“Kernel 3×3” 75.00 %." in said(app)
    app.segmented_control(key="recipe").set_value("tuned").run()
    assert "“Kernel 3×3” 80.00 %; “Kernel 5×5” 70.00 %" in said(app)
    app.segmented_control(key="dataset_6").set_value("mnist").run()
    assert "“Kernel 3×3” 99.00 %." in said(app)
    assert "Training recipe: tuned, the only one on MNIST." in said(app)
    assert not app.exception


def test_study_shows_the_users_own_data_set(records):
    record(records, run("kernel_3", 0.97, dataset="mnist"), run("kernel_3", 0.6, dataset="leaves"))
    app = shown(6)
    assert "No runs on CIFAR-10 (JPEG copy) yet" in app.info[0].value
    assert app.segmented_control(key="dataset_6").options == ["MNIST", "leaves"]
    app.segmented_control(key="dataset_6").set_value("leaves").run()
    assert "“Kernel 3×3” 60.00 %." in said(app)
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
    assert f"the only one on {plain(name)}." in said(app)
    assert f"- **Data.** {plain(name)}. No test image" in said(app)
    assert (
        f"Train with `` python scripts/train_all.py --study 6 --dataset PATH/OF/{name} --"
        in "".join(note.value for note in app.info)
    )
    assert not app.exception


@pytest.mark.parametrize("address", ["7", "7 Depth"])  # the second is that of earlier versions
def test_study_is_taken_from_the_address(address):
    app = AppTest.from_file(page("studies"), default_timeout=120)
    app.query_params["study"] = address
    app.run()
    assert app.title[0].value == STUDIES[7].question


@pytest.mark.parametrize(
    "address",
    ["", "0", "11", "seven", "-7", "7x", "\N{ARABIC-INDIC DIGIT SEVEN}", "9" * 5000, "<b>*7*"],
)
def test_address_of_no_study_is_named_above_the_cards(address):
    app = AppTest.from_file(page("studies"), default_timeout=120)
    app.query_params["study"] = address
    app.run()
    assert not app.exception
    assert app.error[0].value == (
        f"There is no study “{plain(address[:40])}”: choose one of those below, 1 to 10."
    )
    assert len(cards(app)) == len(STUDIES)


def test_first_page_has_a_card_of_every_study_also_without_records():
    app = AppTest.from_file(page("studies"), default_timeout=120).run()
    assert not app.exception
    assert app.title[0].value == "Studies"
    for study, card in zip(STUDIES.values(), cards(app), strict=True):
        assert f"<h2>{study.question}</h2>" in card
        assert "None of its networks has been trained yet." in card
        assert "study-chart" not in card


def test_card_shows_the_answer_a_chart_and_the_verdict(records):
    record(
        records,
        *(run(model, mean, seed) for model, mean in DEPTH.items() for seed in range(3)),
    )
    app = AppTest.from_file(page("studies"), default_timeout=120).run()
    card = cards(app)[list(STUDIES).index(7)]
    assert "<p>“6 deep, shortcuts” is the most accurate on the test images, 5.00 points" in card
    assert 'aria-label="Accuracy: 2 layers deep 75.00 %, 4 layers deep 80.00 %, ' in card
    assert "CIFAR-10 (JPEG copy), recipe tuned." in card
    verdict = "With the recipe tuned, our accuracies **agree in part** with the published ones"
    assert f":orange[◐] {verdict}" in said(app)
    assert said(app).count("No published figures") == len(STUDIES) - 1


def test_marks_of_a_card_stand_at_their_accuracies(records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    app = AppTest.from_file(page("studies"), default_timeout=120).run()
    card = cards(app)[list(STUDIES).index(7)]
    # The line goes from 70 to 100 %.
    assert re.findall(r"left: ([\d.]+)%", card) == ["16.67", "33.33", "50.00", "66.67"]


def test_button_of_a_card_opens_the_study_and_a_button_leads_back(records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    app = AppTest.from_file(page("studies"), default_timeout=120).run()
    answer = re.search(r"</h2><p>(.+?)</p>", cards(app)[list(STUDIES).index(7)])[1]
    app.button(key="open_7").click().run()
    assert app.query_params["study"] == "7"
    assert app.title[0].value == STUDIES[7].question
    assert f"**{answer}**" in said(app)
    app.button(key="all_studies").click().run()
    assert "study" not in app.query_params
    assert app.title[0].value == "Studies"


def test_parts_of_a_study_are_in_order(records):
    record(records, *(run(model, mean) for model, mean in DEPTH.items()))
    kinds = {"title": "question", "vega_lite_chart": "chart", "dataframe": "table"}
    app = shown(7)
    order = [
        kinds.get(part.type) or part.value if part.type != "expander" else part.label
        for part in walk(app.main)
        if part.type in (*kinds, "header", "expander")
    ]
    assert order == [
        *("question", "chart", "Findings", "Figures behind the findings"),
        *("Table", "table", "How it was done"),
    ]


def walk(block):
    """Every element and block of a page, in the order of the page."""
    for part in block.children.values():
        yield part
        if hasattr(part, "children"):
            yield from walk(part)


def test_comparison_stays_with_its_recipe_whichever_is_chosen(records):
    means = {"mlp_100": 0.95, "conv_maxpool": 0.97, "conv_batchnorm": 0.98}
    for recipe, best in (("published", "conv_batchnorm"), ("drawn", "conv_maxpool")):
        accuracies = means | {best: 0.99}
        record(
            records,
            *(
                run(model, mean, seed, dataset="mnist", recipe=recipe)
                for model, mean in accuracies.items()
                for seed in range(3)
            ),
        )
    app = shown(2)
    assert "**“3 conv., max pooling” is the most accurate on clean digits" in said(app)
    assert "trained with the recipe published. There, “3 conv., batch norm” **is the" in said(app)
    assert ":green[●] **Agrees.** The **ranking by accuracy** is as published." in said(app)


def test_chosen_recipe_stays_for_a_study_that_has_another_only(records):
    record(records, *(run("kernel_3", 0.8, recipe=recipe) for recipe in ("tuned", "drawn")))
    record(records, run("depth_2", 0.7))
    app = shown(6)
    assert app.session_state["recipe"] == "drawn"
    app.query_params["study"] = "7"
    app.run()
    assert "Training recipe: tuned, the only one on CIFAR-10" in said(app)
    assert app.session_state["recipe"] == "drawn"


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


def test_axis_of_accuracies_holds_every_interval(records):
    spread = {"depth_2": (0.60, 0.75, 0.90), "resnet_6": (0.86, 0.9, 0.94)}
    for model, accuracies in spread.items():
        record(records, *(run(model, value, seed) for seed, value in enumerate(accuracies)))
    chart = json.loads(shown(7).get("vega_lite_chart")[0].proto.spec)
    low, high = chart["layer"][0]["encoding"]["x"]["scale"]["domain"]
    # Three runs with a standard deviation of .15: the 95 % interval is ± 37 points.
    assert low == 35 and high == 100
