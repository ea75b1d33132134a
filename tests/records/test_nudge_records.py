"""The records of nudges: lines that are appended, checked and read without torch."""

import pytest

from mnistcmp.records import RecordsError
from mnistcmp.records.nudges import MOST_BYTES, Entry, NudgeRecords


def entry(model: str = "cnn", **other: object) -> Entry:
    usual = {
        "dataset": "mnist",
        "model": model,
        "recipe": "tuned",
        "seed": 0,
        "sha256": "a" * 64,
        "compared": "b" * 64,
        "device": "cpu",
        "steps": 60,
        "norms": [1.5, 0.0, None, 2.5],
        "transfers": {"mlp": {"fooled": 1, "fooled_doubled": 2, "digits": 2}},
    }
    return usual | other


def test_records_are_empty_before_anything_is_measured(tmp_path):
    records = NudgeRecords(tmp_path)
    assert (records.entries(), records.problems()) == ([], [])


def test_newest_entry_of_each_network_counts(tmp_path):
    records = NudgeRecords(tmp_path)
    for each in (entry(), entry("mlp"), entry(norms=[3.0]), entry(recipe="drawn")):
        each["transfers"] = {}
        records.append(each)
    found = {(each["model"], each["recipe"]): each["norms"] for each in records.entries()}
    usual = entry()["norms"]
    assert found == {("cnn", "tuned"): [3.0], ("mlp", "tuned"): usual, ("cnn", "drawn"): usual}


def test_entry_is_read_as_it_was_written(tmp_path):
    NudgeRecords(tmp_path).append(entry())
    assert NudgeRecords(tmp_path).entries() == [entry()]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("norms", [-1.0], "norms\\[0\\] is -1.0, not 0 or more"),
        ("norms", ["1"], "norms\\[0\\] is '1'"),
        ("sha256", "abc", "sha256 is 'abc'"),
        ("model", "../cnn", "model is '../cnn'"),
        ("transfers", {"mlp": {"fooled": 3, "fooled_doubled": 0, "digits": 2}}, "transfers.mlp"),
        ("transfers", {"mlp": {"fooled": 0, "fooled_doubled": 3, "digits": 2}}, "transfers.mlp"),
        ("transfers", {"mlp": {"fooled": 1, "fooled_doubled": 1, "digits": 5}}, "transfers.mlp"),
    ],
)
def test_wrong_entry_is_refused_and_nothing_is_written(tmp_path, field, value, reason):
    records = NudgeRecords(tmp_path)
    with pytest.raises(ValueError, match=reason):
        records.append(entry(**{field: value}))
    assert not records.path.exists()


def test_damaged_line_is_named_and_left_out(tmp_path):
    records = NudgeRecords(tmp_path)
    records.append(entry())
    records.append(entry("mlp"))
    content = records.path.read_bytes()
    records.path.write_bytes(content.replace(b"2.5", b"2.6", 1))
    assert [each["model"] for each in records.entries()] == ["mlp"]
    (problem,) = records.problems()
    assert "line 1, is left out: it was changed" in problem
    assert "run mnistcmp nudges" in problem


def test_file_that_is_too_large_is_refused(tmp_path):
    records = NudgeRecords(tmp_path)
    with records.path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(RecordsError, match="restore it from git"):
        records.entries()
