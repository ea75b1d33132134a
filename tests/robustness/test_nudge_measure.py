"""Measuring nudges: what counts, what is measured again, what is recorded."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mnistcmp import checkpoints, cli
from mnistcmp.records import default_folder
from mnistcmp.records.nudges import NudgeRecords
from mnistcmp.robustness import nudge_measure
from mnistcmp.robustness.nudge_measure import Zoo, measure, measure_all, unmeasured
from tests.helpers import InlineExecutor, toy_materials


class Threshold(nn.Module):
    """Answers 1 if the first pixel is above a threshold, 0 otherwise; it has a gradient."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, images: Tensor) -> Tensor:
        first = images[:, 0, 0, 0] - self.threshold
        return torch.stack([-first, first], dim=1)


def pixel(*values: float) -> Tensor:
    """Images whose first pixel has these values, grey elsewhere."""
    images = torch.full((len(values), 1, 28, 28), 0.5)
    images[:, 0, 0, 0] = torch.tensor(values)
    return images


@pytest.fixture
def zoo() -> Zoo:
    networks = {"low": Threshold(0.4), "high": Threshold(0.6), "blind": Threshold(2.0)}
    # All are zeros in truth, except the last; "low" misreads the second, "blind" the last.
    return Zoo.of(networks, pixel(0.1, 0.5, 0.3, 0.9), torch.tensor([0, 0, 0, 1]))


def test_norms_are_0_for_misread_digits_and_none_where_no_nudge_exists(zoo):
    norms, _ = measure(zoo, "low")
    assert norms == pytest.approx([0.3, 0, 0.1, 0.5], abs=0.002)
    assert norms[1] == 0
    assert measure(zoo, "blind")[0] == [None, None, None, 0]


def test_transfers_count_digits_that_both_read_correctly(zoo):
    # The nudges of "high" take the first three pixels to 0.6, where "low" answers 1, too, and the
    # last to 0.6, where "low" still answers 1; doubled, they take the last to 0.3, where it answers
    # 0. "low" misreads the second digit without any nudge.
    _, transfers = measure(zoo, "high")
    assert transfers["low"] == {"fooled": 2, "fooled_doubled": 3, "digits": 3}
    # "blind" is not fooled, and misreads the last.
    assert transfers["blind"] == {"fooled": 0, "fooled_doubled": 0, "digits": 3}
    assert "high" not in transfers
    # The nudges of "low" take the first and third pixel to 0.4, doubled to 0.7 and 0.5, of which
    # only 0.7 fools "high". They take the last pixel below both thresholds.
    assert measure(zoo, "low")[1]["high"] == {"fooled": 1, "fooled_doubled": 2, "digits": 3}
    assert measure(zoo, "blind")[1]["low"] == {"fooled": 0, "fooled_doubled": 0, "digits": 0}


def test_fixed_digits_are_always_the_same_and_lie_between_0_and_1():
    images = torch.arange(2560, dtype=torch.int64).remainder(256).to(torch.uint8).view(-1, 1, 1)
    drawn, labels = nudge_measure.fixed_digits(images, torch.arange(2560))
    assert drawn.shape == (200, 1, 1, 1) and drawn.max() <= 1 and drawn.dtype == torch.float32
    assert torch.equal((drawn[:, 0, 0, 0] * 255).round().long(), labels % 256)
    assert (
        labels[:3].tolist()
        == nudge_measure.fixed_digits(images, torch.arange(2560))[1][:3].tolist()
    )
    assert len(labels.unique()) == 200


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    """Two shipped networks, and toy images for MNIST."""
    folder = tmp_path / "checkpoints"
    kept = [
        each
        for each in checkpoints.read_manifest()
        if each.recipe == "tuned" and each.model in ("mlp", "tiny_cnn") and each.dataset == "mnist"
    ]
    for each in kept:
        (folder / each.file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(default_folder() / each.file, folder / each.file)
    checkpoints._write_manifest(folder, kept)
    monkeypatch.setattr(nudge_measure, "load_dataset", lambda *_: toy_materials().dataset)
    monkeypatch.setattr(nudge_measure, "DIGITS", 10)
    monkeypatch.setattr(nudge_measure, "ProcessPoolExecutor", lambda *_, **__: InlineExecutor())
    nudge_measure._zoo.cache_clear()
    yield folder
    nudge_measure._zoo.cache_clear()


def record(folder: Path) -> list[str]:
    """Measure and record what lacks a record, in this process -> the names of the networks."""
    left = unmeasured(folder, ["tuned", "drawn"])
    entries = measure_all(left, folder, folder, workers=1, device="cpu")
    return sorted(entry["model"] for entry in entries)


def test_command_measures_and_says_what_it_found(small, capsys):
    command = ["nudges", "--checkpoints", str(small), "--recipe", "tuned", "--device", "cpu"]
    assert cli.main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:3] for line in lines[:2]] == ["1/2", "2/2"]
    assert {line[5:].partition(":")[0] for line in lines[:2]} == {"mlp, tuned", "tiny_cnn, tuned"}
    assert len(NudgeRecords(small / "results").entries()) == 2
    assert cli.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_entries_are_recorded_once(small):
    assert record(small) == ["mlp", "tiny_cnn"]
    assert record(small) == []
    entries = NudgeRecords(small / "results").entries()
    others = {entry["model"]: list(entry["transfers"]) for entry in entries}
    assert others == {"mlp": ["tiny_cnn"], "tiny_cnn": ["mlp"]}
    assert all(len(entry["norms"]) == 10 for entry in entries)


def test_all_networks_are_measured_again_when_one_has_other_weights(small):
    record(small)
    one = checkpoints.read_manifest(small)[0]
    weights = (small / one.file).read_bytes()
    facts = {name: value for name, value in vars(one).items() if name not in ("file", "sha256")}
    # A changed value of the last weight.
    checkpoints.save(small, weights[:-1] + bytes([weights[-1] ^ 1]), **facts)
    assert {each.model for each in unmeasured(small, ["tuned"])} == {"mlp", "tiny_cnn"}
