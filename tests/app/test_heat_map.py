"""The heat map of the page "Break it": its tables, sentences, chart and clicks."""

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnistcmp.app.break_it import heat_map
from mnistcmp.app.break_it import heat_map_chart as chart
from mnistcmp.catalogue.corruptions import DIALS, SIDES
from mnistcmp.catalogue.networks import FAMILY_TITLES, MODELS, families
from mnistcmp.robustness import hold_out_search
from mnistcmp.robustness.holding_out import Held, HoldOut
from tests.helpers import APP, page

BY_TITLE = {side.title: side for side in SIDES}
SHIFT = BY_TITLE["Shift"]
THINNER, THICKER = BY_TITLE["Stroke width, thinner"], BY_TITLE["Stroke width, thicker"]


def held(*others: Held) -> tuple[Held, ...]:
    """A network that is right everywhere but on the sides of `others`."""
    by_side = {side: Held(side, side.levels[-1]) for side in SIDES}
    return tuple((by_side | {each.side: each for each in others}).values())


def result(**networks: tuple[Held, ...]) -> HoldOut:
    """A complete result for an image of a 7."""
    return HoldOut(7, tuple(networks), dict.fromkeys(networks, 7), networks, tuple(networks))


def cell(table: pd.DataFrame, model: str, dial: str) -> pd.Series:
    (row,) = table[(table["model"] == model) & (table["dial"] == dial)].to_dict("records")
    return row


def half_lost(shares: dict[str, float], model: str = "mlp") -> pd.DataFrame:
    """The rows of one network in the table of half-lost levels; 1 means never."""
    rows = []
    for side in SIDES:
        share = shares.get(side.title, 1.0)
        level = side.dial.rest + share * (side.levels[-1] - side.dial.rest)
        rows.append((model, "drawn", 0, side.title, level, level, level, share, share == 1, 1000))
    names = ["model", "recipe", "seed", "side", "level", "low", "high", "share", "never", "images"]
    return pd.DataFrame(rows, columns=names)


def test_table_of_an_image_has_every_network_and_dial():
    table = chart.of_image(result(mlp=held(Held(SHIFT, 7, 8, 2)), cnn=held()))
    assert len(table) == 2 * len(DIALS)
    assert cell(table, "mlp", "shift")["share"] == 0.5
    assert cell(table, "mlp", "shift")["detail"] == "right to 7 px, reads 2 at 8 px"
    assert cell(table, "cnn", "shift")["detail"] == "right at every level, to 14 px"


def test_table_names_both_sides_of_a_dial():
    mlp = held(Held(THINNER, 0, -0.25, 1), Held(THICKER, 1, 1.5, 8))
    row = cell(chart.of_image(result(mlp=mlp)), "mlp", "stroke")
    assert row["share"] == pytest.approx(0.125)
    assert (
        row["detail"] == "thinner: reads 1 at −0.25 px; thicker: right to 1 px, reads 8 at 1.5 px"
    )


def test_table_says_what_is_known_from_the_first_look_only():
    early = HoldOut(7, ("mlp", "cnn"), {"mlp": 7}, {"mlp": held()})
    table = chart.of_image(early)
    assert set(table["model"]) == {"mlp"}
    assert all(detail.endswith("(at first look)") for detail in table["detail"])


def test_table_says_who_misreads_the_unchanged_digit():
    rests = tuple(Held(side, side.dial.rest, side.dial.rest, 1) for side in SIDES)
    table = chart.of_image(HoldOut(7, ("mlp",), {"mlp": 1}, {"mlp": rests}, ("mlp",)))
    assert set(table["share"]) == {0}
    assert set(table["detail"]) == {"reads the unchanged digit as 1"}


def test_table_of_records_is_on_the_same_scale():
    levels = half_lost({"Shift": 0.25, "Stroke width, thinner": 0.5})
    table = chart.of_records(levels)
    assert list(table.columns) == list(chart.COLUMNS)
    assert cell(table, "mlp", "shift")["share"] == 0.25
    assert cell(table, "mlp", "shift")["detail"] == "half lost at 3.5 px"
    assert cell(table, "mlp", "stroke")["share"] == 0.75
    assert "thinner: half lost at −0.75 px" in cell(table, "mlp", "stroke")["detail"]
    assert "thicker: half are not lost, even at 4 px" in cell(table, "mlp", "stroke")["detail"]


def test_network_without_one_side_is_left_out_of_the_records():
    levels = pd.concat([half_lost({}), half_lost({}, "cnn").iloc[1:]])
    assert set(chart.of_records(levels)["model"]) == {"mlp"}
    assert chart.of_records(half_lost({}).iloc[:0]).empty


def test_sentence_names_who_holds_out_longest_and_the_dial_that_breaks_first_most_often():
    noise = BY_TITLE["Noise"]
    table = chart.of_image(
        result(
            mlp=held(Held(SHIFT, 2, 3, 2), Held(noise, 0.5, 0.6, 3)),
            cnn=held(Held(SHIFT, 3, 4, 2)),
            fcn=held(Held(noise, 0.2, 0.3, 3)),
        )
    )
    text = chart.in_words(table)
    mean = (11 + 3 / 14) / 12
    assert f"**Small CNN** holds out longest: it survives {100 * mean:.0f} % of a dial" in text
    assert "The hardest dial is **Shift**: 2 of 3 networks give up earliest on it." in text


def test_sentence_says_nothing_where_there_is_nothing():
    assert chart.in_words(chart.nothing()) == ""
    assert "No dial breaks a network" in chart.in_words(chart.of_image(result(mlp=held())))


def test_progress_says_how_far_the_search_is():
    assert heat_map.progress(None) == "Changing the digit …"
    early = HoldOut(7, ("mlp", "cnn"), {"mlp": 7}, {"mlp": held()})
    assert heat_map.progress(early) == "First look: 1 of 2 networks …"
    both = {"mlp": held(), "cnn": held()}
    later = HoldOut(7, ("mlp", "cnn"), {"mlp": 7, "cnn": 7}, both, ("mlp",))
    assert heat_map.progress(later) == "Every level: 1 of 2 networks …"
    rests = tuple(Held(side, side.dial.rest, side.dial.rest, 1) for side in SIDES)
    done = HoldOut(
        7, ("mlp", "cnn"), {"mlp": 1, "cnn": 7}, {"mlp": rests, "cnn": held()}, ("mlp", "cnn")
    )
    assert "**Small CNN** holds out longest" in heat_map.progress(done)
    assert "“Perceptron 32” misreads the unchanged digit" in heat_map.progress(done)


def test_only_the_cells_of_the_grid_change_as_more_is_known():
    models = ["mlp", "cnn"]
    none = chart.as_data(chart.nothing(), models, "This digit")
    known = chart.as_data(chart.of_image(result(mlp=held(), cnn=held())), models, "This digit")
    assert none.pop("cells") == {}
    assert len(known.pop("cells")) == 2 * len(DIALS)
    assert none == known


def test_cell_says_network_dial_share_and_detail():
    data = chart.as_data(chart.of_image(result(mlp=held(Held(SHIFT, 7, 8, 2)))), ["mlp"], "")
    assert data["cells"]["mlp shift"] == {
        "share": 0.5,
        "text": "Perceptron 32, Shift: 50 %; right to 7 px, reads 2 at 8 px",
    }


def test_rows_are_grouped_by_family_and_columns_are_all_dials():
    data = chart.as_data(chart.nothing(), chart.in_family_order(MODELS), "")
    assert {
        family["title"]: [row["name"] for row in family["rows"]] for family in data["families"]
    } == {FAMILY_TITLES[family]: members for family, members in families().items()}
    assert [dial["title"] for dial in data["dials"]] == [dial.title for dial in DIALS.values()]


@pytest.mark.parametrize(
    "value",
    [
        *(None, 7, {}, {"cell": None}, {"cell": []}, {"cell": 7}, {"cell": {}}),
        {"cell": {"model": "mlp", "dial": "nosuch"}},
        {"cell": {"model": ["mlp"], "dial": "shift"}},
        {"cell": {"model": "<script>", "dial": "shift"}},
    ],
)
def test_click_that_names_no_cell_is_ignored(value):
    assert chart.chosen_cell(value) is None


def test_click_names_dial_and_network():
    clicked = {"cell": {"model": "mlp", "dial": "shift"}}
    assert chart.chosen_cell(clicked) == ("shift", "mlp")


@pytest.fixture
def on_page(monkeypatch, background) -> AppTest:
    """The page "Break it", with a search that is done after two pieces."""
    st.cache_data.clear()
    st.cache_resource.clear()

    def search(pixels, digit, networks):
        each = held(Held(SHIFT, 7, 8, 2))
        names = tuple(networks)
        yield HoldOut(digit, names, {names[0]: digit}, {names[0]: each})
        yield HoldOut(digit, names, dict.fromkeys(names, digit), dict.fromkeys(names, each), names)

    monkeypatch.setattr(hold_out_search, "search", search)
    app = AppTest.from_file(APP, default_timeout=120).run()
    app.switch_page(page("break_it")).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption, *app.info])


def test_page_shows_how_far_the_search_is_and_then_what_it_found(on_page, background):
    assert "Changing the digit …" in texts(on_page)
    background.step()
    on_page.run()
    assert "First look: 1 of" in texts(on_page)
    while background.step():
        pass
    on_page.run()
    assert not on_page.exception
    assert "holds out longest" in texts(on_page)
    assert "First look" not in texts(on_page)
    table = on_page.dataframe[0].value
    assert set(table["Shift"]) == {50} and set(table["Noise"]) == {100}


def test_page_without_records_says_how_to_measure(copy, on_page):
    (copy / "results" / "robustness.jsonl").unlink(missing_ok=True)
    on_page.run()
    assert "mnistcmp robustness" in texts(on_page)
