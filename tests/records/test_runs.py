"""The records: appended completely or not at all, and summarised when read."""

import hashlib
import json
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mnistcmp.records import (
    EPOCH_COLUMNS,
    RUN_COLUMNS,
    Entry,
    Records,
    RecordsError,
    default_folder,
    newest,
    run_line,
    summarise,
)
from mnistcmp.safe_files import DamagedFile
from tests.made_up import falsify

MEASURES = dict.fromkeys(("train_accuracy", "test_accuracy", "pen_accuracy"), 0.98)
MEASURES |= dict.fromkeys(("train_loss", "test_loss", "pen_loss"), 0.05)
OF_EPOCH = {"train_loss": 0.2, "train_accuracy": 0.9, "heldout_loss": 0.1, "seconds": 1.5}
OF_EPOCH["heldout_accuracy"] = 0.95
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
    row |= dict.fromkeys(("finished", "precision", "device", "trained_on"), "something")
    row |= {"workers": 1, "machine": "abacus", "versions": "torch"}
    return row | MEASURES | changes


def failed_row(run: str, status: str = "failed: killed", **changes: object) -> dict[str, object]:
    return run_row(run, status=status, **dict.fromkeys(MEASURES), **changes)


def epoch_rows(run: str) -> list[dict[str, object]]:
    return [
        {"run": run, "epoch": number, "gradient_norms": '{"head": 0.25}'} | OF_EPOCH
        for number in (1, 2)
    ]


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "results")


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
    before = records.path.read_bytes()
    records.append(run_row("bb"), epoch_rows("bb"))
    assert records.path.read_bytes().startswith(before)
    assert len(records.path.read_bytes().splitlines()) == 2


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


def test_times_on_a_gpu_do_not_mix_with_those_on_a_cpu(records):
    for seed, (device, seconds) in enumerate([("cpu", 50), ("cuda", 2), ("cuda", 4)]):
        records.append(run_row(f"a{seed}", seed=seed, device=device, train_seconds=seconds))
    for seed, seconds in enumerate([2, 4]):
        row = run_row(f"b{seed}", seed=seed, device="cuda", train_seconds=seconds)
        records.append(row | {"recipe": "drawn"})
    records.append(failed_row("c0", seed=2) | {"recipe": "drawn", "device": "cpu"})
    rows = summarise(records.runs()).set_index("recipe")
    assert rows["train_seconds"].tolist() == [50, 3]
    assert rows["seeds"].tolist() == [3, 2]


def test_summary_has_means_and_standard_deviations_and_median_times(records):
    for seed, (accuracy, seconds) in enumerate([(0.5, 10), (0.6, 11), (1.0, 90)]):
        records.append(
            run_row(f"run {seed}", seed=seed, test_accuracy=accuracy, train_seconds=seconds)
        )
    (row,) = summarise(records.runs()).itertuples()
    assert row.test_accuracy == pytest.approx(0.7)
    assert row.test_accuracy_sd == pytest.approx(0.264575, rel=1e-5)  # square root of 0.14 / 2
    assert (row.train_seconds, row.params, row.epochs) == (11, 25_450, 2)


@pytest.mark.parametrize("left", [1, 40, -2, -40])
def test_torn_line_is_left_out_and_named_and_the_next_append_keeps_it(records, left):
    records.append(run_row("aa"), epoch_rows("aa"))
    before = records.path.read_bytes()
    records.append(run_row("bb"), epoch_rows("bb"))
    torn = before + records.path.read_bytes()[len(before) :][:left]  # as after a power cut
    records.path.write_bytes(torn)
    assert records.runs()["run"].tolist() == ["aa"]
    records.append(run_row("cc"), epoch_rows("cc"))
    assert records.path.read_bytes().startswith(torn + b"\n")
    assert records.runs()["run"].tolist() == ["aa", "cc"]
    assert records.epochs()["run"].tolist() == ["aa", "aa", "cc", "cc"]
    (problem,) = records.problems()
    assert f"{records.path}, line 2, is left out: it is incomplete" in problem


def test_every_changed_byte_of_a_line_is_noticed(records):
    for run in ("aa", "bb"):
        records.append(run_row(run), epoch_rows(run))
    content = records.path.read_bytes()
    end = content.index(b"\n")
    for at in range(0, end, 7):
        changed = bytearray(content)
        changed[at] ^= 1
        records.path.write_bytes(changed)
        assert records.runs()["run"].tolist() == ["bb"]
        assert len(records.epochs()) == 2
        assert ", line 1, is left out: it " in records.problems()[0]


def changed_run(**values: object) -> Callable[[Entry], object]:
    return lambda entry: entry["run"].update(values)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed_run(params="7791a"), "run.params is '7791a', not a whole number"),
        (changed_run(params=-1), "run.params is -1, not from 0 to 1,000,000,000,000"),
        (changed_run(params=10**300), "run.params is 1000"),
        (changed_run(params=True), "run.params is True"),
        (changed_run(params=1.5), "run.params is 1.5"),
        (changed_run(test_accuracy=98), "run.test_accuracy is 98, not from 0 to 1"),
        (changed_run(test_accuracy=float("nan")), "run.test_accuracy is nan"),
        (changed_run(test_loss=float("inf")), "run.test_loss is inf, not a finite number"),
        (changed_run(test_loss=10**400), "run.test_loss is 1000.*, not a finite number"),
        (changed_run(test_loss=-0.1), "run.test_loss is -0.1, not 0 or more"),
        (changed_run(test_loss=None), "run.test_loss is None"),
        (changed_run(model=7), "run.model is 7, not a text"),
        (changed_run(machine="\udcff"), "run.machine .* is not valid Unicode"),
        (changed_run(run="../../etc"), "run.run is '../../etc', not the name of a file"),
        (changed_run(speed=7), "run has the unknown field 'speed'"),
        (lambda entry: entry["run"].pop("machine"), "it lacks machine"),
        (lambda entry: entry["run"].pop("test_loss"), "it lacks test_loss"),
        (lambda entry: entry.pop("epochs"), "epochs is missing"),
        (lambda entry: entry.update(run=[]), "run is \\[\\], not an object"),
        (lambda entry: entry.update(epochs=7), "epochs is 7, not a list"),
        (lambda entry: entry["epochs"][1].pop("seconds"), r"epochs\[1\].seconds is missing"),
        (
            lambda entry: entry["epochs"][0]["gradient_norms"].update(head="big"),
            r"epochs\[0\].gradient_norms.head is 'big', not a finite number",
        ),
        (lambda entry: entry.update(predictions="12ab"), "predictions is '12ab', not a sha256"),
    ],
)
def test_wrong_value_is_left_out_and_named_though_the_checksum_fits(records, change, reason):
    records.append(run_row("aa"), epoch_rows("aa"))
    falsify(records, change)
    records.append(run_row("bb"), epoch_rows("bb"))
    assert records.runs()["run"].tolist() == ["bb"]
    assert records.epochs()["run"].tolist() == ["bb", "bb"]
    assert len(summarise(records.runs())) == 1
    (problem,) = records.problems()
    assert re.search(f", line 1, is left out: {reason}", problem)
    assert "restore the file from git" in problem.lower() and "--missing" in problem


def test_deeply_nested_line_is_left_out(records):
    records.append(run_row("aa"))
    text = b'{"run": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    checksum = hashlib.sha256(text).hexdigest().encode()
    with records.path.open("ab") as file:
        file.write(text[:-1] + b', "checksum": "' + checksum + b'"}\n')
    assert records.runs()["run"].tolist() == ["aa"]
    assert "line 2, is left out: it is nested too deeply" in records.problems()[0]


def test_run_that_is_recorded_twice_counts_once(records):
    records.append(run_row("aa"), epoch_rows("aa"))
    records.path.write_bytes(2 * records.path.read_bytes())
    assert records.runs()["run"].tolist() == ["aa"]
    assert "line 2, is left out: run aa is recorded twice" in records.problems()[0]


def test_checksum_is_that_of_the_rest_as_json(records):
    records.append(run_row("aa"), epoch_rows("aa"))
    content = json.loads(records.path.read_text())
    checksum = content.pop("checksum")
    assert checksum == hashlib.sha256(json.dumps(content).encode()).hexdigest()


def test_append_refuses_what_cannot_be_read_back(records):
    for wrong in ({"test_accuracy": 1.2}, {"test_loss": float("nan")}, {"model": None}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            records.append(run_row("aa", **wrong))
    assert not records.folder.exists()


def test_records_of_an_earlier_version_are_refused_with_the_remedy(records):
    records.folder.mkdir()
    (records.folder / "runs.csv").write_text("run\n")
    for use in (records.runs, records.problems, lambda: records.append(run_row("aa"))):
        with pytest.raises(RecordsError, match=r"convert.*scripts/convert_records\.py") as caught:
            use()
        assert str(records.folder) in str(caught.value)


def test_pipe_in_place_of_the_records_is_refused(records):
    records.folder.mkdir()
    os.mkfifo(records.path)
    with pytest.raises(RecordsError, match=r"runs\.jsonl .*not a regular file.*restore"):
        records.runs()


def test_tables_are_written_from_the_lines(records):
    records.append(run_row("aa"), epoch_rows("aa"))
    records.append(failed_row("bb", 'failed: said "no", twice'))
    records.write_tables()
    runs = pd.read_csv(records.folder / "runs.csv", dtype={"run": str})
    epochs = pd.read_csv(records.folder / "epochs.csv")
    assert tuple(runs.columns) == RUN_COLUMNS
    assert runs["status"].tolist() == ["ok", 'failed: said "no", twice']
    assert runs["test_accuracy"].tolist()[0] == 0.98
    assert tuple(epochs.columns) == EPOCH_COLUMNS
    assert epochs["gradient_norms"].tolist() == ['{"head": 0.25}'] * 2


def test_shipped_tables_are_those_of_the_lines(tmp_path):
    shipped = default_folder() / "results"
    records = Records(tmp_path)
    records.path.write_bytes((shipped / "runs.jsonl").read_bytes())
    records.write_tables()
    for name in ("runs.csv", "epochs.csv"):
        assert (tmp_path / name).read_bytes() == (shipped / name).read_bytes()
    assert not records.problems()


def test_columns_have_types_even_without_rows(records):
    records.append(run_row("aa"), epoch_rows("aa"))
    full, empty = records, Records(records.folder / "none")
    missing = {"pen_accuracy", "pen_loss", "peak_memory_mb", "activation_mb", "receptive_field_px"}
    for name in set(RUN_COLUMNS) - missing:
        assert full.runs().dtypes[name] == empty.runs().dtypes[name], name
    assert full.runs().dtypes["params"] == "int64"
    assert full.epochs().dtypes.equals(empty.epochs().dtypes)


def test_predictions_that_were_changed_are_refused(records):
    labels = np.arange(5, dtype=np.uint8)
    records.append(run_row("aa"), predictions={"test": labels})
    assert records.predictions("aa")["test"].tolist() == [0, 1, 2, 3, 4]
    path = records.predictions_path("aa")
    np.savez_compressed(path, test=labels[::-1])
    with pytest.raises(DamagedFile, match=r"aa\.npz is damaged \(its sha256"):
        records.predictions("aa")
    path.unlink()
    with pytest.raises(DamagedFile, match=r"aa\.npz is missing"):
        records.predictions("aa")
    os.mkfifo(path)
    with pytest.raises(DamagedFile, match=r"aa\.npz .*not a regular file"):
        records.predictions("aa")
    with pytest.raises(DamagedFile, match=r"bb\.npz is not on record"):
        records.predictions("bb")


def test_predictions_are_labels(records):
    records.append(run_row("aa"), predictions={"test": np.zeros((2, 2))})
    with pytest.raises(DamagedFile, match="something else than labels"):
        records.predictions("aa")


class Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_predictions_are_never_unpickled(records, tmp_path):
    marker, path = tmp_path / "marker", records.predictions_path("aa")
    path.parent.mkdir(parents=True)
    np.savez(tmp_path / "bomb.npz", test=np.array([Bomb(marker)], dtype=object))
    for bomb in ((tmp_path / "bomb.npz").read_bytes(), pickle.dumps(Bomb(marker))):
        path.write_bytes(bomb)
        records.path.write_bytes(run_line(run_row("aa"), [], bomb))  # with the right sha256
        with pytest.raises(DamagedFile, match="allow_pickle|[Pp]ickle"):
            records.predictions("aa")
    assert not marker.exists()
