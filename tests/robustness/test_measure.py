"""Accuracy on changed images, of a network whose right answers are known."""

import errno

import numpy as np
import pytest
import torch
from torch import nn

from mnistcmp.catalogue.corruptions import CORRUPTIONS, DIALS
from mnistcmp.robustness import measure, stressed_images
from mnistcmp.robustness.corruptions import corrupt
from mnistcmp.robustness.dials import apply
from mnistcmp.robustness.stressed_images import PART_IMAGES, Stress, StressedImages, all_stresses
from tests.helpers import FEW_DIALS, measure_little, toy_images


class PatchReader(nn.Module):
    """Reads a toy image: the patch that is brightest, among the ten at which a patch may be."""

    def __init__(self) -> None:
        super().__init__()
        patches = torch.zeros(10, 28 * 28)
        for label in range(10):
            top, left = 5 + 12 * (label // 5), 2 + 5 * (label % 5)
            patches[label].view(28, 28)[top : top + 5, left : left + 5] = 1
        self.patches = nn.Parameter(patches)

    def forward(self, pixels):
        return pixels.flatten(1) @ self.patches.T


@pytest.fixture
def few(monkeypatch):
    """Two corruptions and two dials with two levels each."""
    measure_little(monkeypatch)


@pytest.fixture
def images(tmp_path):
    return StressedImages(tmp_path, *toy_images(200, seed=5))


def test_measure_in_full_covers_every_corruption_and_level(images):
    found = measure.measure(PatchReader(), images, full=True)
    assert found["corruptions"].keys() == CORRUPTIONS.keys()
    assert found["ladders"].keys() == DIALS.keys()
    for name, ladder in found["ladders"].items():
        assert [level for level, _ in ladder] == list(DIALS[name].positions)
        assert dict(ladder)[DIALS[name].rest] == found["clean"] == 1
    assert (found["images"], found["ladder_images"]) == (200, 200)


def test_measure_counts_the_right_answers_to_changed_images(images):
    found = measure.measure(PatchReader(), images, full=True)
    pixels, labels = toy_images(200, seed=5)
    pixels = pixels.unsqueeze(1) / 255

    def share(changed):
        return round((PatchReader()(changed).argmax(1) == labels).double().mean().item(), 6)

    assert found["corruptions"]["translate"] == share(corrupt(pixels, "translate"))
    assert found["corruptions"]["glass_blur"] == share(corrupt(pixels, "glass_blur"))
    shifts, noises = dict(found["ladders"]["shift"]), dict(found["ladders"]["noise"])
    assert shifts[2] == share(apply(pixels, "shift", 2)) > 0.9
    assert noises[1] == share(apply(pixels, "noise", 1)) < 1
    # 5 px to the right lies the patch of the next label, or none.
    assert shifts[5] == share(apply(pixels, "shift", 5)) < 0.2


def test_measure_takes_a_fixed_random_sample_unless_in_full(few, tmp_path):
    pixels, labels = toy_images(2300, seed=5)
    labels[pixels.flatten(1).sum(1) % 2 == 0] = 10  # which cannot be read
    images = StressedImages(tmp_path, pixels, labels)
    found = measure.measure(PatchReader(), images, full=False)
    assert (found["images"], found["ladder_images"], found["ladders"]) == (2000, 0, {})
    readable = (images.labels < 10).double()
    assert found["clean"] == round(readable[:2000].mean().item(), 6)
    assert sorted(images.labels) == sorted(labels)
    assert images.labels[:2000].tolist() != labels[:2000].tolist()
    again = StressedImages(tmp_path / "other", pixels, labels)
    assert again.labels.tolist() == images.labels.tolist()
    full = measure.measure(PatchReader(), images, full=True)
    assert (full["images"], full["ladder_images"]) == (2300, 1000)
    assert full["clean"] == round(readable.mean().item(), 6)
    at_rest = round(readable[:1000].mean().item(), 6)
    assert {dict(full["ladders"][name])[dial.rest] for name, dial in FEW_DIALS.items()} == {at_rest}


def test_parts_are_what_dials_and_corruptions_make_of_the_images(tmp_path):
    pixels, labels = toy_images(PART_IMAGES + 30, seed=5)
    images = StressedImages(tmp_path, pixels, labels)
    clean = torch.cat([images.part(Stress(), number) for number in (0, 1)])
    assert len(images.part(Stress(), 1)) == 30
    assert sorted(map(bytes, (clean * 255).round().byte().numpy())) == sorted(
        map(bytes, pixels.numpy())
    )
    assert (PatchReader()(clean).argmax(1) == images.labels).all()
    for number, part in enumerate(clean.split(PART_IMAGES)):
        for _ in ("made", "read"):
            assert torch.equal(images.part(Stress("blur", 2), number), apply(part, "blur", 2))
            assert torch.equal(images.part(Stress("fog"), number), corrupt(part, "fog"))


def test_part_is_made_once_for_all_processes_that_share_the_folder(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        stressed_images, "corrupt", lambda images, name: made.append(name) or corrupt(images, name)
    )
    for _ in range(2):
        StressedImages(tmp_path, *toy_images(20, seed=5)).part(Stress("stripe"), 0)
    assert made == ["stripe"]


def test_preparing_makes_everything_that_measuring_needs(few, images, monkeypatch):
    for stress in all_stresses():
        measure.prepare_images(images, stress)
    monkeypatch.setattr(stressed_images, "apply", None)
    monkeypatch.setattr(stressed_images, "corrupt", None)
    assert measure.measure(PatchReader(), images, full=True)["clean"] == 1


def test_process_that_was_ended_while_it_wrote_leaves_no_part(images, tmp_path, monkeypatch):
    save = np.save

    def killed(file, *rest, **options):
        file.write(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        images.part(Stress("stripe"), 0)
    monkeypatch.setattr(np, "save", save)
    clean = images.part(Stress(), 0)
    assert torch.equal(images.part(Stress("stripe"), 0), corrupt(clean, "stripe"))


def test_full_disk_is_named_with_the_remedy(images, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left on device; free some space.*TMPDIR"):
        images.part(Stress("stripe"), 0)


def test_network_is_measured_in_evaluation_mode_and_fp32(images):
    seen = set()

    class Watched(PatchReader):
        def forward(self, pixels):
            seen.add((self.training, torch.backends.cudnn.allow_tf32, pixels.dtype))
            return super().forward(pixels)

    before = torch.backends.cudnn.allow_tf32
    assert measure.accuracy(Watched().train(), images, Stress(), 200) == 1
    assert seen == {(False, False, torch.float32)}
    assert torch.backends.cudnn.allow_tf32 == before
