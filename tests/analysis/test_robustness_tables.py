"""Tables of robustness from made-up records, for which the right figures are known."""

import math

import pytest

from mnistcmp.analysis import robustness_tables as tables
from mnistcmp.catalogue.corruptions import DIALS, SIDES, Side
from mnistcmp.records.robustness import RobustnessRecords
from tests.made_up import measured


@pytest.fixture
def table(tmp_path):
    """The table of these records, as the app reads it."""

    def table(*entries):
        records = RobustnessRecords(tmp_path)
        for entry in entries:
            records.append(entry)
        return records.table()

    return table


def side(title: str) -> Side:
    (found,) = [side for side in SIDES if side.title == title]
    return found


def test_every_dial_has_its_sides_with_titles_that_differ():
    assert len({side.title for side in SIDES}) == len(SIDES)
    assert [s.title for s in SIDES if s.dial.name in ("turn", "shift")] == [
        "Turn, anticlockwise",
        "Turn, clockwise",
        "Shift",
    ]


def test_share_of_a_side_is_0_at_rest_and_1_at_its_end():
    for each in SIDES:
        assert each.share(each.dial.rest) == 0
        assert each.share(each.levels[-1]) == 1
        assert 0 < each.share(each.levels[0]) < 1
    assert side("Contrast").share(0.515) == pytest.approx(0.5)


def test_label_of_a_level_has_three_digits_or_says_beyond():
    assert side("Shift").label(3.14159) == "3.14 px"
    assert side("Shift").label(math.inf) == "beyond 14 px"


def test_corrupted_is_the_mean_under_all_corruptions(table):
    entry = measured("cnn", 0.6, clean=0.99, images=10_000)
    entry["corruptions"] |= {"fog": 0.3, "scale": 0.75}
    (row,) = tables.corrupted(table(entry)).to_dict("records")
    assert row == {
        "model": "cnn",
        "recipe": "tuned",
        "seed": 0,
        "clean": 0.99,
        "corrupted": pytest.approx((13 * 0.6 + 0.3 + 0.75) / 15),
        "images": 10_000,
    }


def test_networks_that_lack_a_corruption_are_left_out(table):
    half = measured("cnn")
    del half["corruptions"]["fog"]
    records = table(half, measured("mlp"))
    assert tables.corrupted(records)["model"].tolist() == ["mlp"]
    assert len(tables.by_corruption(records)) == 1
    assert tables.corrupted(records[:0]).empty


def test_half_lost_level_is_interpolated_on_either_side(table):
    records = table(measured("cnn", lost={"turn": 0.8, "shift": 1.0, "noise": 0.4}))
    rows = tables.half_lost_levels(records).set_index("side")
    assert rows.loc["Shift", "level"] == pytest.approx(7)
    assert rows.loc["Shift", "share"] == pytest.approx(0.5)
    assert rows.loc["Shift", "low"] < 7 < rows.loc["Shift", "high"]
    assert rows.loc["Turn, anticlockwise", "level"] == pytest.approx(-90 * 0.5 / 0.8)
    assert rows.loc["Turn, clockwise", "share"] == pytest.approx(0.5 / 0.8)
    assert rows.loc["Turn, clockwise", "images"] == 1000
    assert rows.loc["Noise", "never"] and rows.loc["Noise", "share"] == 1
    assert math.isnan(rows.loc["Noise", "level"])
    assert len(rows) == len(SIDES)


def test_networks_without_ladders_have_no_half_lost_levels(table):
    short = measured("cnn", seed=1) | {"ladders": {}, "ladder_images": 0}
    levels = tables.half_lost_levels(table(short))
    assert levels.empty and "share" in levels


def test_endurance_is_the_mean_share_with_the_longest_first(table):
    lost = dict.fromkeys(DIALS, 1.0)
    weak, strong = measured("cnn", lost=lost), measured("mlp", lost=lost | {"shift": 0.1})
    lasting = tables.endurance(tables.half_lost_levels(table(weak, strong)))
    assert lasting.index.tolist() == ["mlp", "cnn"]
    assert lasting["cnn"] == pytest.approx(0.5)
    assert lasting["mlp"] == pytest.approx(0.5 + 0.5 / len(SIDES))


def test_ladder_means_leave_out_the_rest_position(table):
    means = tables.ladder_means(table(measured("cnn", clean=1.0, lost={"shift": 1.0})))
    assert means.loc[("cnn", "tuned", 0), "Shift"] == pytest.approx(1 - 7.5 / 14)


def test_spreads_are_over_the_seeds(table):
    entries = [measured("cnn", seed=seed, clean=clean) for seed, clean in enumerate((0.8, 0.9, 1))]
    rows = tables.spreads(table(*entries), side("Shift")).set_index("level")
    assert rows.loc[0, ["mean", "low", "high", "networks"]].tolist() == pytest.approx(
        [0.9, 0.8, 1, 3]
    )
    assert len(rows) == 15


def test_overview_has_means_over_seeds_and_the_first_seed_s_levels(table):
    first = measured("mlp", 0.7, 1, lost={"shift": 1.0, "noise": 0.1})
    later = measured("mlp", 0.9, 2, lost={"shift": 0.5, "noise": 1.0}, images=2000)
    records = table(later, first, measured("cnn", recipe="drawn"), measured("cnn"))
    rows = tables.overview(records, tables.half_lost_levels(records))
    assert rows[["model", "recipe"]].values.tolist() == [
        ["mlp", "tuned"],
        ["cnn", "tuned"],
        ["cnn", "drawn"],
    ]
    row = rows.iloc[0]
    assert (row["networks"], row["images"]) == (2, 2000)
    assert row["corrupted"] == pytest.approx(0.8)
    assert row["Shift"] == pytest.approx(7)
    assert row["Noise"] == math.inf


def test_shipped_networks_are_those_with_seed_0(table):
    records = tables.shipped(table(measured("cnn"), measured("cnn", seed=1)))
    assert set(records["seed"]) == {0}
