"""The page "Lesson" without a browser: all steps, right and wrong answers, what is missing."""

import shutil

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app.lesson.evidence import CHANGES
from mnistcmp.app.sample_images import STARTER
from mnistcmp.records import Records
from mnistcmp.records.robustness import RobustnessRecords
from tests.helpers import APP, page
from tests.made_up import around, measured, record, run

LAST = 4
SEVEN = [
    {"type": "Path", "path": [["M", 70, 60], ["L", 210, 60], ["L", 120, 240]], "strokeWidth": 20}
]


@pytest.fixture(autouse=True, scope="module")
def empty_caches():
    st.cache_data.clear()
    st.cache_resource.clear()


def lesson(step: str | None = None, **state: object) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=120)
    for key, value in state.items():
        app.session_state[key] = value
    app.run()
    app.switch_page(page("lesson"))
    if step is not None:
        app.query_params["step"] = step
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    shown = [*app.markdown, *app.header, *app.success, *app.info, *app.warning]
    return "\n".join(each.value for each in shown)


def click(app: AppTest, label: str) -> None:
    (found,) = [button for button in app.button if button.label == label]
    found.click().run()
    assert not app.exception


def question(app: AppTest):
    """The radio buttons of the step's question."""
    return app.radio[-1]


def answer(app: AppTest, right: bool) -> str:
    """Give a right or a wrong answer -> the option that was chosen."""
    for option in question(app).options:
        question(app).set_value(option).run()
        assert not app.exception
        if bool(app.success) == right:
            return option
    raise AssertionError(f"no answer is {'right' if right else 'wrong'}")


@pytest.mark.parametrize("drawn", [[], SEVEN], ids=["example", "drawing"])
def test_lesson_goes_to_its_end_and_back(drawn):
    app = lesson(drawing=drawn)
    titles = []
    for step in range(1, LAST + 1):
        titles.append(app.header[0].value)
        assert [*app.query_params.get("step", "1")] == [str(step)]
        question(app).set_value(question(app).options[0]).run()
        assert len(app.success) + len(app.info) == 1
        click(app, "Next")
    assert app.header[0].value == "What you have seen"
    assert f"You answered {LAST} of {LAST} questions" in texts(app)
    click(app, "Back")
    assert app.header[0].value == titles[-1]
    assert question(app).value == question(app).options[0]


@pytest.mark.parametrize("step", range(1, LAST + 1))
def test_exactly_one_answer_is_right_and_every_answer_is_explained(step):
    app = lesson(str(step))
    verdicts = []
    for option in question(app).options:
        question(app).set_value(option).run()
        assert not app.exception
        verdicts.append(bool(app.success))
        said = (app.success or app.info)[0].value
        assert len(said) > 80
        if not app.success:
            assert "The answer is: " in said
    assert verdicts.count(True) == 1


def test_only_the_first_try_counts():
    app = lesson("1")
    answer(app, right=False)
    answer(app, right=True)
    app.query_params["step"] = "2"
    app.run()
    question(app).set_value("Perceptron 32").run()
    assert app.success
    app.query_params["step"] = "5"
    app.run()
    assert not app.exception
    assert "You answered 2 of 4 questions, 1 of them right at the first try." in texts(app)
    assert "784: one for each pixel" in texts(app)


def test_drawing_is_the_digit_of_every_step():
    app = lesson("2", drawing=SEVEN)
    assert "who still reads the 7" in texts(app)
    assert not [link for link in app.get("page_link") if "Draw one of your own" in link.proto.label]


@pytest.mark.parametrize("state", [{}, {"starter": []}], ids=["starter", "blank"])
def test_without_a_drawing_a_test_image_is_read_and_leads_to_the_canvas(state):
    app = lesson("2", **state)
    assert f"who still reads the {STARTER}" in texts(app)
    assert [link for link in app.get("page_link") if "Draw one of your own" in link.proto.label]


def figures(app: AppTest) -> str:
    (shown,) = [each.proto.body for each in app.get("html") if "<figure" in each.proto.body]
    return shown


def test_pixels_are_shown_as_numbers():
    app = lesson("1", drawing=SEVEN)
    assert "the digit as the network sees it" in figures(app)
    app.toggle[0].set_value(True).run()
    shown = figures(app)
    assert "the digit as the network sees it" not in shown
    assert shown.count('<span style="background:rgb') == 784
    assert "ten probabilities of “Tiny CNN”" in shown


@pytest.mark.parametrize("step", ["0", "6", "x", "9" * 99])
def test_unknown_step_is_named_and_the_first_is_shown(step):
    app = lesson(step)
    assert step[:40] in app.warning[0].value and "9" * 41 not in app.warning[0].value
    assert app.header[0].value == "From pixels to a reading"


def test_summary_leads_to_all_other_pages():
    app = lesson("5")
    labels = [link.proto.label.partition(":")[0] for link in app.get("page_link")]
    assert labels == ["Draw", "Break it", "Benchmarks", "Studies", "Inside a network"]


def test_without_networks_the_remedy_is_named_and_the_lesson_goes_on(copy):
    shutil.rmtree(copy)
    app = lesson("1")
    assert "no networks trained with the recipe" in texts(app)
    click(app, "Next")
    click(app, "Next")
    assert "do not have the networks of this step" in texts(app)
    click(app, "Next")
    click(app, "Next")
    assert app.header[0].value == "What you have seen"


def made_up(results, gain: float, runs: int) -> None:
    """Replace the records: kernels of 7×7 gain so much on clean digits, others nothing."""
    shutil.rmtree(results, ignore_errors=True)
    records, robustness = Records(results), RobustnessRecords(results)
    for model in {model for pair in CHANGES.values() for model in pair}:
        mean = 0.95 + gain * (model == "kernel_7")
        rows = [
            run(model, accuracy, seed, dataset="mnist")
            for seed, accuracy in enumerate(around(mean)[:runs])
        ]
        record(records, *rows)
        robustness.append(measured(model))


def test_answer_about_changes_follows_the_records(copy):
    made_up(copy / "results", gain=0.02, runs=3)
    app = lesson("3")
    assert answer(app, right=True) == "7×7 kernels instead of 3×3"
    made_up(copy / "results", gain=0.0, runs=3)
    app = lesson("3")
    assert answer(app, right=True) == "None of them"


def test_too_few_runs_skip_the_question_and_the_lesson_goes_on(copy):
    made_up(copy / "results", gain=0.02, runs=2)
    app = lesson("3")
    assert "not enough evidence for a question" in texts(app)
    click(app, "Next")
    assert app.header[0].value == "What breaks them"
