"""The user's own images: what a folder becomes, and the errors for folders that cannot be used."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor

from mnistcmp.data import image_folder
from mnistcmp.data.load import load_dataset, short_name

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}


def save(
    path: Path, colour: tuple[int, ...] | int, size: tuple[int, int] = (6, 4), **options
) -> None:
    """Save an image of one colour or grey level; `size` is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(path, **options)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three classes with 1, 2 and 3 training images and one test image each, all 6×4 px."""
    folder = tmp_path / "my [own] images"
    for count, (name, colour) in enumerate(COLOURS.items(), start=1):
        for number in range(count):
            save(folder / "train" / name / f"{number}.png", colour)
        save(folder / "test" / name / "0.png", colour)
    return folder


@pytest.fixture
def load(folder, tmp_path):
    return lambda: load_dataset(str(folder), tmp_path / "data")


def kept(tmp_path) -> Path:
    (path,) = (tmp_path / "data" / "decoded").iterdir()
    return path


def forbid_decoding(monkeypatch):
    def fail(*_):
        raise AssertionError("the images were decoded again")

    monkeypatch.setattr(image_folder, "_decode", fail)


def test_folder_becomes_tensors_in_alphabetical_order(load):
    loaded = load()
    assert loaded.class_names == ("blue", "green", "red")
    assert loaded.train_labels.tolist() == [0, 1, 1, 2, 2, 2]
    assert loaded.test_labels.tolist() == [0, 1, 2]
    assert loaded.train_labels.dtype == torch.int64
    assert loaded.train_images.dtype == torch.uint8
    assert loaded.train_images.shape == (6, 3, 4, 6)
    assert loaded.test_images.shape == (3, 3, 4, 6)
    assert (loaded.in_shape, loaded.classes) == ((3, 4, 6), 3)
    for images, labels in (loaded[:2], loaded[2:4]):
        expected = torch.tensor([COLOURS[loaded.class_names[label]] for label in labels])
        assert (images == expected[:, :, None, None]).all()


def test_pixels_keep_their_positions(folder, load):
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    Image.fromarray(pixels).save(folder / "test" / "blue" / "0.png")
    assert np.array_equal(load().test_images[0].numpy(), pixels.transpose(2, 0, 1))


def test_greyscale_images_have_one_channel(tmp_path):
    for part in ("train", "test"):
        save(tmp_path / "grey" / part / "dark" / "0.png", 50)
        save(tmp_path / "grey" / part / "light" / "0.png", (200, 200, 200))
    loaded = load_dataset(str(tmp_path / "grey"), tmp_path)
    assert loaded.train_images.shape == (2, 1, 4, 6)
    assert loaded.train_images[:, 0, 0, 0].tolist() == [50, 200]


def test_one_coloured_image_makes_all_rgb(tmp_path):
    for part in ("train", "test"):
        save(tmp_path / "mixed" / part / "dark" / "0.png", 50)
        save(tmp_path / "mixed" / part / "light" / "0.png", 200)
    save(tmp_path / "mixed" / "test" / "light" / "1.png", (200, 200, 201))
    loaded = load_dataset(str(tmp_path / "mixed"), tmp_path)
    assert loaded.train_images.shape == (2, 3, 4, 6)
    assert loaded.test_images[2, :, 0, 0].tolist() == [200, 200, 201]


def test_image_is_rotated_upright_by_its_exif_orientation(folder, load):
    exif = Image.Exif()
    exif[0x0112] = 3  # orientation: upside down
    image = Image.new("RGB", (6, 4))
    image.putpixel((0, 0), (9, 8, 7))
    image.save(folder / "test" / "blue" / "0.png", exif=exif)
    assert load().test_images[0, :, 3, 5].tolist() == [9, 8, 7]


def test_files_that_are_no_images_are_skipped_and_named_in_one_line(folder, load, capsys):
    before = load()
    (folder / "train" / ".DS_Store").write_bytes(b"?")
    (folder / "train" / "red" / ".DS_Store").write_bytes(b"?")
    (folder / "train" / "red" / ".hidden.png").write_bytes(b"?")
    (folder / "train" / "red" / "Thumbs.db").write_bytes(b"?")
    (folder / "train" / "green" / "desktop.ini").write_bytes(b"?")
    (folder / "test" / "green" / "labels.txt").write_bytes(b"?")
    (folder / "train" / "notes.txt").write_text("no class")
    (folder / "test" / ".ipynb_checkpoints").mkdir()
    (folder / "test" / "red" / ".ipynb_checkpoints").mkdir()
    capsys.readouterr()
    after = load()
    assert after.class_names == before.class_names
    assert torch.equal(after.train_images, before.train_images)
    assert capsys.readouterr().err == (
        f"Skipping 7 files in {folder} that are no images: .DS_Store, .hidden.png, Thumbs.db, "
        "desktop.ini, labels.txt, notes.txt\n"
    )


def test_first_ten_kinds_of_skipped_files_are_named(folder, load, capsys):
    for number in range(12):
        (folder / "test" / "red" / f"{number:02}.txt").touch()
    load()
    assert "09.txt and 2 more\n" in capsys.readouterr().err


def test_class_without_images_names_the_files_that_it_has(folder, load):
    (folder / "test" / "red" / "0.png").rename(folder / "test" / "red" / "0.heic")
    with pytest.raises(ValueError, match=r"red holds no images \(0.heic is no image\): put some"):
        load()


def transparent(mode: str, ink: str) -> Image.Image:
    """6×4 px, transparent but for one pixel of ink in the corner."""
    image = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    image.putpixel((0, 0), (*ImageColor.getrgb(ink), 255))
    return image.quantize() if mode == "P" else image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_images_are_put_on_white(folder, load, mode):
    transparent(mode, "black").save(folder / "test" / "blue" / "0.png")
    image = load().test_images[0]
    assert image[:, 0, 0].tolist() == [0, 0, 0]
    assert (image.flatten(1)[:, 1:] == 255).all()


def test_colour_that_stands_for_transparency_becomes_white(folder, load):
    image = Image.new("RGB", (6, 4), (9, 9, 9))
    image.putpixel((0, 0), (1, 2, 3))
    image.save(folder / "test" / "blue" / "0.png", transparency=(9, 9, 9))
    image = load().test_images[0]
    assert image[:, 0, 0].tolist() == [1, 2, 3]
    assert (image.flatten(1)[:, 1:] == 255).all()


def test_half_transparent_ink_is_mixed_with_white(folder, load):
    Image.new("RGBA", (6, 4), (0, 0, 0, 51)).save(folder / "test" / "blue" / "0.png")
    assert (load().test_images[0] == 204).all()


@pytest.mark.parametrize("part", ["train", "test"])
def test_images_that_are_all_of_one_shade_are_refused(folder, load, part, tmp_path):
    for file in (folder / part).rglob("*.png"):
        transparent("RGBA", "white").save(file)
    reason = "are of one shade (255, 255, 255 of 255), so there is nothing to tell them apart"
    with pytest.raises(ValueError, match=re.escape(f"all images in {folder / part} {reason}")):
        load()
    assert not (tmp_path / "data").exists()


def test_pixels_that_an_older_version_kept_are_not_used(load, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(image_folder, "DECODING", b"")
        load()
    before = kept(tmp_path)
    load()
    assert kept(tmp_path) != before


def test_second_load_decodes_nothing(load, monkeypatch):
    first = load()
    forbid_decoding(monkeypatch)
    second = load()
    assert all(torch.equal(a, b) for a, b in zip(first[:4], second[:4], strict=True))
    assert first.class_names == second.class_names


def test_changed_folder_is_decoded_again_and_its_old_pixels_deleted(folder, load, tmp_path):
    load()
    before = kept(tmp_path)
    file = folder / "train" / "blue" / "0.png"
    moment = file.stat().st_mtime_ns
    save(file, (0, 0, 254))
    os.utime(file, ns=(moment + 1, moment + 1))
    assert load().train_images[0, 2, 0, 0] == 254
    assert kept(tmp_path) != before


def test_pixels_of_another_folder_are_kept(folder, load, tmp_path):
    other = folder.rename(folder.with_name("cats"))
    load_dataset(str(other), tmp_path / "data")
    longer = other.rename(folder.with_name("cats-and-dogs"))
    load_dataset(str(longer), tmp_path / "data")
    assert len(list((tmp_path / "data" / "decoded").iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "other"])
def test_damaged_cache_is_named_and_images_decoded_again(load, tmp_path, capsys, damage):
    first = load()
    path = kept(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    intact = path.read_bytes()
    damaged = {"cut": intact[:-40], "bit": bytes(content), "empty": b"", "other": b"PK\x03\x04?"}
    path.write_bytes(damaged[damage])
    capsys.readouterr()
    second = load()
    assert f"{path} is damaged" in capsys.readouterr().err
    assert torch.equal(first.train_images, second.train_images)
    assert path.read_bytes() == intact


def test_progress_is_shown_on_stderr(load, capsys):
    load()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "decoding my [own] images" in printed.err
    assert "9/9" in printed.err


def without(folder: Path, *entries: str) -> None:
    for entry in entries:
        path = folder / entry
        for file in [path] if path.is_file() else sorted(path.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        if path.is_dir():
            path.rmdir()


@pytest.mark.parametrize(
    "entries, message",
    [
        (["test"], "there is no folder {0}/test: lay the images out as {0}/train/CLASS"),
        (["train"], "there is no folder {0}/train: lay the images out as {0}/train/CLASS"),
        (["train/red", "train/blue"], "{0}/train has 1 subfolders, .* 2 to 256 are needed"),
        (
            ["train/red", "train/blue", "train/green"],
            "{0}/train has 0 subfolders, .* lay the images out as {0}/train/CLASS",
        ),
        (["test/red"], "{0}/test lacks classes that {0}/train has: red; both need the same"),
        (["train/red"], "{0}/train lacks classes that {0}/test has: red; both need the same"),
        (["train/blue/0.png"], "{0}/train/blue holds no images: put some there"),
        (["test/red/0.png"], "{0}/test/red holds no images: put some there"),
    ],
)
def test_incomplete_folder_is_refused_with_the_remedy(folder, load, entries, message):
    without(folder, *entries)
    with pytest.raises(ValueError, match=message.format(re.escape(str(folder)))):
        load()


def test_image_outside_the_class_folders_is_refused_by_name(folder, load):
    (folder / "train" / "img1.jpg").touch()
    with pytest.raises(
        ValueError, match=r"train/img1.jpg is in no class folder: lay the images out as"
    ):
        load()


def test_too_many_classes_for_the_records_are_refused(folder, load, monkeypatch):
    monkeypatch.setattr(image_folder, "MOST_CLASSES", 2)
    with pytest.raises(ValueError, match="has 3 subfolders, .* 2 to 2 are needed"):
        load()


def test_images_of_two_sizes_are_refused_by_name(folder, load):
    save(folder / "test" / "green" / "0.png", (0, 255, 0), size=(5, 4))
    with pytest.raises(ValueError) as raised:
        load()
    message = str(raised.value)
    first, other = folder / "train" / "blue" / "0.png", folder / "test" / "green" / "0.png"
    assert "1 of 9 images cannot be used" in message
    assert f"{other} (it has 5×4 px, {first} has 6×4 px: make all images the same size)" in message


def animation(path: Path) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in COLOURS.values()]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])


def half_a_file(path: Path) -> None:
    Image.effect_noise((6, 4), 50).convert("RGB").save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda path: path.write_text("no image"), "cannot identify image file"),
        (lambda path: path.write_bytes(b""), "cannot identify image file"),
        (half_a_file, "truncated"),
        (lambda path: path.mkdir(), "it is not a file"),
        (lambda path: os.mkfifo(path), "it is not a file"),
        (lambda path: path.symlink_to("gone.png"), "it is a link to a file that is missing"),
        (lambda path: path.symlink_to(path), "it is a link to a file that is missing"),
        (animation, "animation of 3 images"),
        (lambda path: Image.new("I;16", (6, 4), 999).save(path, "PNG"), "more than 8 bits"),
    ],
)
def test_unusable_file_is_refused_by_name(folder, load, tmp_path, make, reason):
    path = folder / "test" / "green" / "1.png"
    make(path)
    message = f"1 of 10 images cannot be used, replace or delete them:\n  {re.escape(str(path))}"
    with pytest.raises(ValueError, match=rf"{message} \(.*{reason}.*\)$"):
        load()
    assert not (tmp_path / "data").exists()


def test_all_unusable_files_are_refused_at_once_and_the_first_ten_by_name(folder, load):
    paths = [folder / "train" / "red" / f"bad {number:02}.png" for number in range(12)]
    for path in paths:
        path.write_text("no image")
    with pytest.raises(ValueError, match="12 of 21 images cannot be used") as raised:
        load()
    message = str(raised.value)
    assert [str(path) in message for path in paths] == [True] * 10 + [False] * 2
    assert message.endswith("and 2 more")


def undecodable(path: Path, size: tuple[int, int]) -> None:
    """Save an image whose pixels cannot be decoded, so that trying it gives another error."""
    save(path, (0, 255, 0), size)
    path.write_bytes(path.read_bytes()[:-30])


def test_image_of_another_size_is_refused_before_it_is_decoded(folder, load):
    path = folder / "test" / "green" / "0.png"
    undecodable(path, (600, 400))
    with pytest.raises(ValueError, match=r"it has 600×400 px, .* has 6×4 px"):
        load()
    undecodable(path, (6, 4))
    with pytest.raises(ValueError, match="truncated"):
        load()


def test_image_on_its_side_is_compared_upright(folder, load):
    path = folder / "test" / "green" / "0.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by 90 degrees
    save(path, (0, 255, 0), (4, 6), exif=exif)
    assert load().test_images.shape == (3, 3, 4, 6)
    save(path, (0, 255, 0), (6, 4), exif=exif)
    with pytest.raises(ValueError, match=r"it has 4×6 px, .* has 6×4 px"):
        load()


def test_image_with_too_many_pixels_is_refused_before_it_is_decoded(folder, load):
    first = folder / "train" / "blue" / "0.png"
    undecodable(first, (2001, 2000))
    with pytest.raises(ValueError, match=r"it has 2001×2000 px, more than 4,000,000: make it"):
        load()


# The image has 24 px. Pillow warns above the limit and refuses above twice the limit.
@pytest.mark.parametrize("limit_px", [10, 20])
def test_huge_image_is_refused_by_name(folder, load, monkeypatch, limit_px):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit_px)
    with pytest.raises(ValueError, match=r"9 of 9 .*\n.*0\.png \(.*exceeds limit"):
        load()


def test_images_above_the_memory_limit_are_refused(folder, load, monkeypatch):
    monkeypatch.setattr(image_folder, "MOST_BYTES", 9 * 6 * 4 * 3 - 1)
    with pytest.raises(ValueError, match="9 images of 6×4 px .* make them smaller"):
        load()


def test_interrupted_decoding_leaves_nothing(load, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(image_folder, "_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load()
    assert not (tmp_path / "data").exists()


def test_validation_holds_out_a_tenth_of_a_small_training_set(folder, load):
    for number in range(3, 17):
        save(folder / "train" / "red" / f"{number}.png", COLOURS["red"])
    train_images, train_labels, heldout_images, heldout_labels = load().split("validation")
    assert (len(train_images), len(heldout_images)) == (18, 2)
    assert torch.cat([train_labels, heldout_labels]).bincount().tolist() == [1, 2, 17]


def test_short_name_of_a_folder_is_its_last_part(folder, monkeypatch):
    assert short_name(str(folder)) == "my [own] images"
    monkeypatch.chdir(folder)
    assert short_name(".") == "my [own] images"


def test_folder_with_the_name_of_a_data_set_is_refused(tmp_path):
    (tmp_path / "MNIST").mkdir()
    with pytest.raises(ValueError, match="the folder .*MNIST would look like MNIST: rename it"):
        short_name(str(tmp_path / "MNIST"))


@pytest.mark.parametrize("name", ["back\\slash", "not valid \udcff"])
def test_folder_whose_name_the_records_cannot_hold_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match="cannot be recorded under its name .*: rename it"):
        short_name(str(tmp_path / name))


def test_folder_without_a_name_is_refused():
    with pytest.raises(ValueError, match="cannot be recorded under its name ''"):
        short_name("/")
