"""Uploads: what a file may cost, and which files cannot be read."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageFilter

from mnistcmp.drawing import photo
from mnistcmp.drawing.photo import PhotoError
from tests.photos import file, scan

LARGE = {
    "black and white": lambda: file(Image.new("1", (5900, 5900), 1)),
    "palette": lambda: file(Image.new("P", (5900, 5900)), "GIF"),
    "grey with transparency": lambda: file(Image.new("LA", (2950, 2950), (255, 255))),
    "CMYK": lambda: file(Image.new("CMYK", (2100, 2100)), "TIFF", compression="tiff_lzw"),
    "WebP": lambda: file(Image.new("RGB", (1490, 1490)), "WEBP"),
    "JPEG": lambda: file(Image.new("RGB", (7000, 7000)), "JPEG"),
    "progressive": lambda: file(
        Image.new("RGB", (2440, 2440)), "JPEG", progressive=True, subsampling=0
    ),
}

FIVE_AT_ONCE = """
import resource, sys, threading
from mnistcmp.drawing import photo
def read(content):
    try:
        photo.read(content)
    except photo.PhotoError as error:
        assert str(error) == photo.NOTHING, error
def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
small, *large = (open(path, "rb").read() for path in sys.argv[1:])
read(small)
before = most()
for content in large:
    threads = [threading.Thread(target=read, args=(content,)) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(most() - before)
"""


def test_five_uploads_at_once_need_less_than_100_megabytes(tmp_path):
    contents = [file(scan("7")), *(make() for make in LARGE.values())]
    paths = [tmp_path / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    command = [sys.executable, "-c", FIVE_AT_ONCE, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 100


LARGER = {
    "black and white": (lambda: file(Image.new("1", (6100, 6100), 1)), "6100 × 6100 .*36 million"),
    "palette": (lambda: file(Image.new("P", (6100, 6100)), "GIF"), "6100 × 6100 .*36 million"),
    "colours": (lambda: file(Image.new("RGB", (3100, 3100))), "3100 × 3100 .*9 million"),
    "WebP": (lambda: file(Image.new("RGB", (1600, 1600)), "WEBP"), "1600 × 1600 .*2 million"),
    "JPEG": (lambda: file(Image.new("L", (7100, 7100)), "JPEG"), "7100 × 7100 .*50 million"),
    "progressive": (
        lambda: file(Image.new("RGB", (2500, 2500)), "JPEG", progressive=True, subsampling=0),
        "2500 × 2500 .*6 million",
    ),
}


@pytest.mark.parametrize("kind", LARGER)
def test_picture_too_large_for_its_format_is_refused_before_decoding(kind, monkeypatch):
    make, message = LARGER[kind]
    content = make()
    monkeypatch.setattr(photo, "_reduced", None)
    with pytest.raises(PhotoError, match=message):
        photo.read(content)


def test_scans_of_a_jpeg_are_limited():
    content = file(scan("7"), "JPEG", progressive=True)
    end = content.rindex(photo.SCAN)
    many = content[:end] + content[end:-2] * 40 + content[-2:]
    with pytest.raises(PhotoError, match="too many scans"):
        photo.read(many)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1", b"avif"])
def test_photo_of_an_iphone_names_the_remedy(brand):
    content = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(1000)
    with pytest.raises(PhotoError, match="JPEG or PNG.*Settings, Camera, Formats, Most Compatible"):
        photo.read(content)


def test_strokes_are_thickened_as_by_one_large_filter():
    digit = np.zeros((120, 80), np.float32)
    digit[:, 40:43] = 1
    digit[::30] = 0.7
    padded = Image.fromarray(np.rint(np.pad(digit, 16) * 255).astype(np.uint8))
    expected = np.asarray(padded.filter(ImageFilter.MaxFilter(11))) / np.float32(255)
    np.testing.assert_allclose(photo._thickened(digit), expected, atol=0.01)


def test_strips_join_without_a_seam(monkeypatch):
    image = Image.fromarray(np.arange(1200 * 700, dtype=np.uint32).reshape(1200, 700) % 251 * 1.0)
    image = image.convert("L")
    whole = np.asarray(photo._reduced(image.copy()))
    monkeypatch.setattr(photo, "STRIP_PX", 10_000)
    np.testing.assert_array_equal(np.asarray(photo._reduced(image)), whole)
