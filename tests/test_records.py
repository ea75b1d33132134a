"""The records: appended completely or not at all, and summarised when read."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from mnistcmp.records import EPOCH_COLUMNS, RUN_COLUMNS, Records, RecordsError, newest, summarise
from mnistcmp.safe_files import DamagedFile

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


def test_records_are_read_as_they_were_appended(records):
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


def test_append_does_not_change_earlier_records(records):
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


def test_only_the_newest_record_of_a_run_counts(records):
    records.append(run_row("aa", test_accuracy=0.5))
    records.append(run_row("bb", seed=1, test_accuracy=0.8))
    records.append(run_row("cc", test_accuracy=0.9))
    records.append(run_row("dd", protocol="validation", test_accuracy=0.1))
    assert newest(records.runs())["run"].tolist() == ["bb", "cc"]
    (row,) = summarise(records.runs()).itertuples()
    assert (row.seeds, row.test_accuracy) == (2, pytest.approx(0.85))


def test_summary_ignores_runs_whose_newest_record_is_a_failure(records):
    for run, seed in (("aa", 0), ("bb", 1), ("cc", 2)):
        records.append(run_row(run, seed=seed, test_accuracy=0.9))
    records.append(failed_row("dd", seed=1))
    (row,) = summarise(records.runs()).itertuples()
    assert row.seeds == 2


def test_summary_has_means_and_standard_deviations_and_median_times(records):
    for seed, (accuracy, seconds) in enumerate([(0.5, 10), (0.6, 11), (1.0, 90)]):
        records.append(
            run_row(f"run {seed}", seed=seed, test_accuracy=accuracy, train_seconds=seconds)
        )
    (row,) = summarise(records.runs()).itertuples()
    assert row.test_accuracy == pytest.approx(0.7)
    assert row.test_accuracy_sd == pytest.approx(0.264575, rel=1e-5)  # square root of 0.14 / 2
    assert (row.train_seconds, row.params, row.epochs) == (11, 25_450, 2)


def tear(path: Path, left: int) -> None:
    """Keep only `path.read_bytes()[:left]`, as a power cut may."""
    path.write_bytes(path.read_bytes()[:left])


@pytest.mark.parametrize("count", [1, 40])
def test_incomplete_last_row_is_ignored_and_removed_by_the_next_append(records, count):
    for run in ("aa", "bb"):
        records.append(run_row(run), epoch_rows(run))
    for name in ("runs.csv", "epochs.csv"):
        tear(records.folder / name, -count)
    assert records.runs()["run"].tolist() == ["aa"]
    assert records.epochs()["run"].tolist() == ["aa", "aa"]
    records.append(run_row("cc"), epoch_rows("cc"))
    assert records.runs()["run"].tolist() == ["aa", "cc"]
    assert records.epochs()["run"].tolist() == ["aa", "aa", "cc", "cc"]


@pytest.mark.parametrize("torn_at", [b"two", b"three"])
def test_incomplete_last_row_may_have_a_status_of_several_lines(records, torn_at):
    records.append(run_row("aa"))
    records.append(failed_row("bb", "failed: one\ntwo\nthree"))
    path = records.folder / "runs.csv"
    tear(path, path.read_bytes().index(torn_at))
    assert records.runs()["run"].tolist() == ["aa"]
    records.append(run_row("cc"))
    assert records.runs()["run"].tolist() == ["aa", "cc"]


@pytest.mark.parametrize("left", [0, 30])
def test_incomplete_header_is_an_empty_record(records, left):
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


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("runs.csv", "1,2,3" + 90 * ",4"),
        ("epochs.csv", "1,2,3" + 90 * ",4"),
        ("epochs.csv", "aa,mnist,mlp,tuned,0,3,1,1,1,1,1,no JSON"),
        ("runs.csv", "\udcff"),
    ],
)
def test_damaged_records_are_named_with_the_remedy(records, name, row):
    records.append(run_row("aa"), epoch_rows("aa"))
    path = records.folder / name
    path.write_bytes(path.read_bytes() + row.encode(errors="surrogateescape") + b"\n")
    with pytest.raises(RecordsError, match=f"{name} is damaged .*restore it from git"):
        records.epochs()


class Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_predictions_are_never_unpickled(records, tmp_path):
    marker, path = tmp_path / "marker", records.predictions_path("aa")
    path.parent.mkdir(parents=True)
    np.savez(path, test=np.array([Bomb(marker)], dtype=object))
    with pytest.raises(DamagedFile, match="allow_pickle"):
        records.predictions("aa")
    path.write_bytes(pickle.dumps(Bomb(marker)))
    with pytest.raises(DamagedFile, match="allow_pickle|[Pp]ickle"):
        records.predictions("aa")
    assert not marker.exists()
