"""The records of robustness: what is appended, what is believed, and the table made of it."""

import math

import pytest

from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS
from mnistcmp.records.robustness import COLUMNS, RobustnessRecords
from tests.made_up import stressed

EVERYTHING = {name: dict.fromkeys(dial.positions, 0.5) for name, dial in DIALS.items()}
SHIFT = {"shift": {0: 0.98, 4: 0.5, 8: 0.25}}


@pytest.fixture
def records(tmp_path):
    return RobustnessRecords(tmp_path / "results")


def rows(records, **wanted):
    """(kind, level, accuracy, n) of the rows with these values; -1 stands for no level."""
    table = records.table()
    for name, value in wanted.items():
        table = table[table[name] == value]
    parts = table[["kind", "level", "accuracy", "n"]].fillna(-1)
    return list(parts.itertuples(index=False, name=None))


def test_table_of_no_records_has_all_columns(records):
    assert records.table().empty
    assert tuple(records.table().columns) == COLUMNS
    assert records.problems() == []


def test_table_has_a_row_for_each_accuracy(records):
    records.append(stressed("mlp", ladders=SHIFT))
    records.append(stressed("cnn", 0.7, seed=2, recipe="drawn", images=2000, clean=0.97))
    assert rows(records, model="mlp", recipe="tuned", seed=0, dataset="mnist") == [
        ("clean", -1, 0.99, 10_000),
        ("fog", -1, 0.6, 10_000),
        ("stripe", -1, 0.6, 10_000),
        ("shift", 0, 0.98, 1000),
        ("shift", 4, 0.5, 1000),
        ("shift", 8, 0.25, 1000),
    ]
    assert rows(records, model="cnn", recipe="drawn", seed=2) == [
        ("clean", -1, 0.97, 2000),
        ("fog", -1, 0.7, 2000),
        ("stripe", -1, 0.7, 2000),
    ]
    assert len(records.table()) == 9


def test_newest_line_of_a_network_counts(records):
    records.append(stressed("mlp", 0.1, ladders=SHIFT))
    records.append(stressed("mlp", 0.2, seed=1))
    records.append(stressed("mlp", 0.3, sha256="ab" * 32))
    assert [entry["seed"] for entry in records.entries()] == [1, 0]
    assert [row[2] for row in rows(records, kind="fog")] == [0.2, 0.3]
    assert rows(records, kind="shift") == []


@pytest.mark.parametrize(
    "change, complete",
    [
        (lambda entry: None, True),
        (lambda entry: entry["corruptions"].pop("fog"), False),
        (lambda entry: entry["ladders"].pop("turn"), False),
        (lambda entry: entry["ladders"]["turn"].pop(), False),  # its ladder was another one then
        (lambda entry: entry.update(ladders={}), False),
    ],
)
def test_weights_are_complete_if_everything_in_the_catalogue_was_measured(
    records, change, complete
):
    entry = stressed("mlp", corruptions=dict.fromkeys(CORRUPTIONS, 0.5), ladders=EVERYTHING)
    change(entry)
    records.append(entry)
    records.append(stressed("cnn"))
    assert records.is_complete(entry["sha256"]) == complete
    assert not records.is_complete(stressed("cnn")["sha256"])
    assert not records.is_complete("ab" * 32)


def test_damaged_line_is_named_and_left_out(records):
    for model in ("mlp", "cnn", "fcn"):
        records.append(stressed(model, ladders=SHIFT))
    lines = records.path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"fog": 0.6', b'"fog": 0.9')
    records.path.write_bytes(b"".join(lines))
    (problem,) = records.problems()
    assert f"{records.path}, line 2, is left out: it was changed" in problem
    assert "mnistcmp robustness" in problem
    assert set(records.table()["model"]) == {"mlp", "fcn"}


def test_line_that_a_power_cut_left_incomplete_costs_no_other(records):
    records.append(stressed("mlp"))
    records.append(stressed("cnn"))
    records.path.write_bytes(records.path.read_bytes()[:-40])
    records.append(stressed("fcn"))
    assert "line 2, is left out: it is incomplete" in records.problems()[0]
    assert set(records.table()["model"]) == {"mlp", "fcn"}


@pytest.mark.parametrize(
    "wrong, reason",
    [
        ({"clean": 1.01}, "clean is 1.01, not from 0 to 1"),
        ({"clean": math.nan}, "clean is nan"),
        ({"images": 0}, "images is 0"),
        ({"sha256": "12"}, "sha256 is '12', not a sha256"),
        ({"model": "../mlp"}, "not the name of a file"),
        ({"corruptions": {"rain": 0.5}}, "there is no corruption 'rain'"),
        ({"corruptions": {"fog": -0.5}}, "corruptions.fog is -0.5"),
        ({"ladders": {"rain": [[1, 0.5]]}, "ladder_images": 9}, "there is no dial 'rain'"),
        ({"ladders": {"shift": [[99, 0.5]]}, "ladder_images": 9}, "not 99"),
        ({"ladders": {"shift": [[4, 0.5, 7]]}, "ladder_images": 9}, "has 3 values, not 2"),
        ({"ladders": {"shift": [[4, 0.5]]}}, "ladders are of no images"),
    ],
)
def test_append_refuses_what_cannot_be(records, wrong, reason):
    with pytest.raises(ValueError, match=reason):
        records.append(stressed("mlp") | wrong)
    assert not records.path.exists()


def test_csv_has_the_rows_of_the_table(records):
    records.append(stressed("mlp", ladders={"turn": {-10: 0.5, 0: 0.75}}))
    records.write_table()
    assert (records.folder / "robustness.csv").read_text().splitlines() == [
        "dataset,model,recipe,seed,kind,level,accuracy,n",
        "mnist,mlp,tuned,0,clean,,0.99,10000",
        "mnist,mlp,tuned,0,fog,,0.6,10000",
        "mnist,mlp,tuned,0,stripe,,0.6,10000",
        "mnist,mlp,tuned,0,turn,-10,0.5,1000",
        "mnist,mlp,tuned,0,turn,0,0.75,1000",
    ]
