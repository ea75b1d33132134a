"""The records: appended whole or not at all, and summarised when read."""

import errno
import math
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mnistcmp.results import EPOCH_COLUMNS, RUN_COLUMNS, Records, RecordsError, newest, summarise

MEASURES = dict.fromkeys(("train_accuracy", "test_accuracy", "pen_accuracy"), 0.98)
MEASURES |= dict.fromkeys(("train_loss", "test_loss", "pen_loss"), 0.05)
MEASURES |= {"train_seconds": 10.0, "ms_per_image": 0.1}


def run_row(run: str, **changes: object) -> dict[str, object]:
    row = {
        "run": run,
        "campaign": "c0ffee",
        "dataset": "mnist",
        "model": "mlp",
        "recipe": "tuned",
        "seed": 0,
        "protocol": "final",
        "status": "ok",
        "params": 25_450,
        "epochs": 2,
        "settings": '{"name": "tuned", "epochs": 2}',
    }
    return row | MEASURES | changes


def failed_row(run: str, status: str = "failed: killed", **changes: object) -> dict[str, object]:
    return run_row(run, status=status, **dict.fromkeys(MEASURES), **changes)


def epoch_rows(run: str) -> list[dict[str, object]]:
    return [
        {"run": run, "epoch": number, "seconds": 1.5, "gradient_norms": '{"head": 0.25}'}
        for number in (1, 2)
    ]


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "results")


def files(records: Records) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in records.folder.glob("*.csv")}


def test_records_come_back_as_they_were_appended(records):
    records.append(run_row("aa"), epoch_rows("aa"))
    records.append(run_row("bb", model="cnn", seed=3), epoch_rows("bb"))
    runs, epochs = records.runs(), records.epochs()
    assert tuple(runs.columns) == RUN_COLUMNS
    assert runs["run"].tolist() == ["aa", "bb"]
    assert runs["model"].tolist() == ["mlp", "cnn"]
    assert runs["seed"].tolist() == [0, 3]
    assert runs["test_accuracy"].tolist() == [0.98, 0.98]
    assert runs["settings"][1] == '{"name": "tuned", "epochs": 2}'
    assert tuple(epochs.columns) == EPOCH_COLUMNS
    assert epochs["run"].tolist() == ["aa", "aa", "bb", "bb"]
    assert epochs["epoch"].tolist() == [1, 2, 1, 2]
    assert epochs["gradient_norms"].tolist() == [{"head": 0.25}] * 4


@pytest.mark.parametrize("run", ["12e456789012", "000123456789"])
def test_records_keep_ids_that_look_like_numbers(records, run):
    records.append(run_row(run, campaign=run), epoch_rows(run))
    assert records.runs()[["run", "campaign"]].values.tolist() == [[run, run]]
    assert records.epochs()["run"].tolist() == [run, run]


def test_records_append_without_touching_what_is_there(records):
    records.append(run_row("aa"), epoch_rows("aa"))
    before = files(records)
    records.append(run_row("bb"), epoch_rows("bb"))
    for name, content in files(records).items():
        assert content.startswith(before[name])
        assert len(content) > len(before[name])


def test_records_of_an_empty_folder_are_empty(records):
    assert tuple(records.runs().columns) == RUN_COLUMNS
    assert tuple(records.epochs().columns) == EPOCH_COLUMNS
    assert len(records.runs()) == len(records.epochs()) == 0
    assert len(summarise(records.runs())) == 0
    assert not records.folder.exists()


@pytest.mark.parametrize(
    "status", ["failed: a, b", 'failed: said "no"', "failed: one\ntwo, “drei”", "failed: '"]
)
def test_records_keep_any_status(records, status):
    records.append(failed_row("aa", status))
    records.append(run_row("bb"))
    assert records.runs()["status"].tolist() == [status, "ok"]


def tear(path: Path, left: int) -> None:
    """Leave only the first bytes of a file, as a power cut may; without the last ones if < 0."""
    path.write_bytes(path.read_bytes()[:left])


@pytest.mark.parametrize("count", [1, 40])
def test_torn_last_row_is_ignored_and_cut_at_the_next_append(records, count):
    for run in ("aa", "bb"):
        records.append(run_row(run), epoch_rows(run))
    for name in ("runs.csv", "epochs.csv"):
        tear(records.folder / name, -count)
    assert records.runs()["run"].tolist() == ["aa"]
    assert records.epochs()["run"].tolist() == ["aa", "aa"]
    records.append(run_row("cc"), epoch_rows("cc"))
    assert records.runs()["run"].tolist() == ["aa", "cc"]
    assert records.epochs()["run"].tolist() == ["aa", "aa", "cc", "cc"]


def test_torn_last_row_may_have_a_status_of_several_lines(records):
    records.append(run_row("aa"))
    records.append(failed_row("bb", "failed: one\ntwo"))
    path = records.folder / "runs.csv"
    tear(path, path.read_bytes().index(b"two"))
    assert records.runs()["run"].tolist() == ["aa"]
    records.append(run_row("cc"))
    assert records.runs()["run"].tolist() == ["aa", "cc"]


@pytest.mark.parametrize("left", [0, 30])
def test_torn_header_is_an_empty_record(records, left):
    records.append(run_row("aa"), epoch_rows("aa"))
    for name in ("runs.csv", "epochs.csv"):
        tear(records.folder / name, left)
    assert len(records.runs()) == len(records.epochs()) == 0
    records.append(run_row("bb"), epoch_rows("bb"))
    assert records.runs()["run"].tolist() == ["bb"]
    assert records.epochs()["run"].tolist() == ["bb", "bb"]


def test_epochs_of_a_run_that_was_never_recorded_are_not_returned(records):
    records.append(run_row("aa"), epoch_rows("aa"))
    records.append(run_row("bb"), epoch_rows("bb"))
    path = records.folder / "runs.csv"
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rows[:-1]))  # interrupted before the run's own row
    assert records.epochs()["run"].tolist() == ["aa", "aa"]


@pytest.mark.parametrize("name", ["runs.csv", "epochs.csv"])
@pytest.mark.parametrize(
    "old, new, named",
    [
        (b"seed,", b"seed,dropout,", "dropout"),
        (b"seed,", b"", "seed"),
        (b"dataset,model", b"model,dataset", "order"),
    ],
)
def test_columns_of_another_version_are_refused_by_file_and_column(records, name, old, new, named):
    records.append(run_row("aa"), epoch_rows("aa"))
    path = records.folder / name
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    before = files(records)[name]
    expected = rf"{name} .*\b{named}\b.*--out"
    with pytest.raises(RecordsError, match=expected):
        records.runs() if name == "runs.csv" else records.epochs()
    with pytest.raises(RecordsError, match=expected):
        records.append(run_row("bb"), epoch_rows("bb"))
    assert files(records)[name] == before


def full_disk_from(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let `count` files be synchronised to the disk, and then no more."""
    left = iter(range(count))

    def fsync(descriptor: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("synchronised", [0, 1, 2], ids=["predictions", "epochs", "runs"])
def test_full_disk_harms_no_record(records, monkeypatch, synchronised):
    predictions = {"test": np.zeros(4, np.uint8)}
    records.append(run_row("aa"), epoch_rows("aa"), predictions)
    before = files(records)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        full_disk_from(patch, synchronised)
        records.append(run_row("bb"), epoch_rows("bb"), predictions)
    assert files(records)["runs.csv"] == before["runs.csv"]
    assert records.runs()["run"].tolist() == ["aa"]
    assert records.epochs()["run"].tolist() == ["aa", "aa"]
    assert records.predictions("aa")["test"].tolist() == [0] * 4
    assert not list(records.folder.rglob("*.part"))
    records.append(run_row("bb"), epoch_rows("bb"), predictions)
    assert records.runs()["run"].tolist() == ["aa", "bb"]


def test_full_disk_at_the_first_run_leaves_empty_records(records, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        full_disk_from(patch, 1)
        records.append(run_row("aa"), epoch_rows("aa"))
    assert len(records.runs()) == len(records.epochs()) == 0


@pytest.mark.parametrize("room", [0, 20, 250])
def test_disk_that_fills_up_within_a_row_leaves_the_file_as_it_was(records, room):
    # A limit on the size of a file makes the system write a part of the row and then refuse.
    resource = pytest.importorskip("resource")
    for run in ("aa", "bb"):
        records.append(run_row(run))
    before = files(records)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["runs.csv"]) + room, limits[1]))
    try:
        with pytest.raises(OSError) as caught:
            records.append(run_row("cc", machine="x" * 300))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG
    assert files(records) == before


def table(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))


def test_newest_takes_the_last_row_of_each_seed():
    rows = [
        *(run_row("aa"), run_row("bb", seed=1), run_row("cc")),
        run_row("dd", recipe="drawn"),
        run_row("ee", dataset="kmnist"),
        run_row("ff", protocol="validation"),
    ]
    assert newest(table(*rows))["run"].tolist() == ["bb", "cc", "dd", "ee"]
    assert newest(table(*rows), "validation")["run"].tolist() == ["ff"]


def test_summary_leaves_out_a_seed_whose_newest_run_failed():
    runs = table(run_row("aa"), run_row("bb", seed=1, test_accuracy=0.5), failed_row("cc"))
    assert newest(runs)["status"].tolist() == ["ok", "failed: killed"]
    (row,) = summarise(runs).to_dict("records")
    assert (row["seeds"], row["test_accuracy"]) == (1, 0.5)


def test_summary_has_mean_and_standard_deviation_over_the_seeds(records):
    accuracies = np.array([0.971, 0.975, 0.968, 0.98])
    records.append(run_row("ff", test_accuracy=0.1))  # superseded
    for seed, accuracy in enumerate(accuracies):
        records.append(run_row(f"a{seed}", seed=seed, test_accuracy=accuracy))
    records.append(failed_row("bb", seed=9))
    records.append(run_row("cc", model="cnn", params=26_698, pen_accuracy=None))
    many, one = summarise(records.runs()).to_dict("records")
    assert (many["dataset"], many["model"], many["recipe"]) == ("mnist", "mlp", "tuned")
    assert (many["seeds"], many["params"], many["epochs"]) == (4, 25_450, 2)
    assert many["test_accuracy"] == pytest.approx(accuracies.mean())
    assert many["test_accuracy_sd"] == pytest.approx(accuracies.std(ddof=1))
    assert (many["test_loss"], many["test_loss_sd"]) == (0.05, 0)
    assert (one["model"], one["seeds"], one["params"]) == ("cnn", 1, 26_698)
    assert one["test_accuracy"] == 0.98
    assert math.isnan(one["test_accuracy_sd"])
    assert math.isnan(one["pen_accuracy"])


def test_predictions_come_back_as_bytes_by_run(records):
    labels = {"test": np.arange(10, dtype=np.uint8), "pen": np.array([7], np.uint8)}
    records.append(run_row("aa"), (), labels)
    records.append(run_row("bb"), (), {"test": np.array([1, 2], np.uint8)})
    found = records.predictions("aa")
    assert found.keys() == labels.keys()
    for name, array in found.items():
        assert array.dtype == np.uint8
        np.testing.assert_array_equal(array, labels[name])
    assert records.predictions("bb").keys() == {"test"}


class Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_predictions_are_never_unpickled(records, tmp_path):
    marker, path = tmp_path / "marker", records.predictions_path("aa")
    path.parent.mkdir(parents=True)
    np.savez(path, test=np.array([Bomb(marker)], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        records.predictions("aa")
    path.write_bytes(pickle.dumps(Bomb(marker)))
    with pytest.raises(ValueError, match="allow_pickle|[Pp]ickle"):
        records.predictions("aa")
    assert not marker.exists()
