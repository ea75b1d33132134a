"""The records of an earlier version are converted with every value, or not at all."""

import csv
from pathlib import Path

import convert_records
import pytest

from mnistcmp.records import Records
from tests.made_up import record, run


@pytest.fixture
def old(tmp_path) -> Path:
    """A folder as an earlier version left it: the two tables and the predictions."""
    records = Records(tmp_path)
    record(records, run("mlp", 0.95, pen_accuracy=0.9, activation_mb=0.25), run("cnn", 0.9))
    records.write_tables()
    records.path.unlink()
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_conversion_keeps_every_value_and_the_predictions(old):
    before = files(old)
    assert convert_records.convert(old) == 2
    after = files(old)
    del after["runs.jsonl"]
    assert after == before
    records = Records(old)
    assert records.problems() == []
    assert records.runs()["test_accuracy"].tolist() == [0.95, 0.9]
    assert records.runs()["pen_accuracy"].tolist()[0] == 0.9
    assert len(records.epochs()) == 6
    for name in records.runs()["run"]:
        assert len(records.predictions(name)["test"]) == 1000


def test_conversion_refuses_to_overwrite(old):
    (old / "runs.jsonl").write_text("precious")
    with pytest.raises(ValueError, match=r"runs\.jsonl exists already"):
        convert_records.convert(old)
    assert (old / "runs.jsonl").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "column", "cell"),
    [
        ("runs.csv", "params", "7791a"),
        ("runs.csv", "test_accuracy", "95"),
        ("runs.csv", "test_loss", "nan"),
        ("runs.csv", "test_loss", "0.150"),
        ("runs.csv", "model", ""),
        ("epochs.csv", "seconds", "x"),
        ("epochs.csv", "gradient_norms", "{"),
        ("epochs.csv", "model", "another"),
    ],
)
def test_conversion_refuses_a_damaged_value_and_changes_nothing(old, name, column, cell):
    with (old / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0][column] = cell
    with (old / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    before = files(old)
    with pytest.raises(ValueError, match=rows[0]["run"]):
        convert_records.convert(old)
    assert files(old) == before


def test_conversion_refuses_other_columns(old):
    (old / "epochs.csv").write_text("what,is,this\n1,2,3\n")
    with pytest.raises(ValueError, match=r"epochs\.csv does not have the columns"):
        convert_records.convert(old)
    assert not (old / "runs.jsonl").exists()
