import io
import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from mnistcmp.drawing import canvas, find_digit, photo
from mnistcmp.drawing.blots import find_blots
from mnistcmp.drawing.photo import PhotoError
from tests.photos import (
    ALIKE,
    TENTH_PX,
    USUAL_PX,
    assert_reads,
    every_digit,
    file,
    grey,
    overlap,
    painted,
    scan,
    x,
    y,
)

BOLD_PX = 26  # too bold to be thickened


@every_digit
@pytest.mark.parametrize("brush_px", [BOLD_PX, USUAL_PX, 6])
def test_digit_fills_the_field_like_an_mnist_digit(digit, brush_px):
    ink = photo.read(file(scan(digit, brush_px))).ink
    rows, columns = (np.flatnonzero((ink > 0.5).any(axis=axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(60, abs=1), "20 of 28 px"
    assert rows[0] + rows[-1] == pytest.approx(83, abs=2), "centred"
    assert columns[0] + columns[-1] == pytest.approx(83, abs=2)


def test_separate_parts_of_a_digit_are_kept():
    body, bar = [(100, 80), (95, 140), (180, 160), (150, 230), (90, 215)], [(145, 60), (210, 60)]
    ink = 1 - np.asarray(canvas.paint([(body, USUAL_PX), (bar, USUAL_PX)])) / 255
    assert overlap(photo.read(file(230 - 200 * ink)).ink, ink) > ALIKE


@every_digit
@pytest.mark.parametrize("brush_px", [2, 3, 6, 10])
@pytest.mark.parametrize("light", [230, 200 + 30 * x, 160 + 80 * x * y], ids=["even", "x", "xy"])
def test_thin_lines_become_as_thick_as_in_mnist(digit, brush_px, light):
    thin = painted(digit, brush_px)
    assert overlap(thin, painted(digit, TENTH_PX)) < 0.65, "they need to be thickened"
    assert_reads(file(light * (1 - 0.7 * thin)), digit, TENTH_PX)


@every_digit
@pytest.mark.parametrize("brightness", [0, 120, 255])
def test_ink_of_any_brightness_on_transparent_background_is_read(digit, brightness):
    alpha = 255 * painted(digit)
    image = grey(np.full_like(alpha, brightness)).convert("RGBA")
    image.putalpha(grey(alpha))
    assert_reads(file(image), digit)


@every_digit
@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(2, "FLIP_LEFT_RIGHT"), (3, "ROTATE_180"), (6, "ROTATE_90"), (8, "ROTATE_270")],
)
def test_photo_is_rotated_upright(digit, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = grey(scan(digit)).transpose(Image.Transpose[turn])
    assert overlap(np.asarray(turned) < 128, painted(digit)) < 0.5, "it needs to be rotated"
    assert_reads(file(turned, "JPEG", exif=exif), digit)


def sixteen_bit(pixels: Image.Image | np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(np.asarray(pixels) * 257.0).astype(np.uint16))


TURNED = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0)
KINDS = {
    "palette": lambda image: file(image.quantize(8)),
    "palette with transparency": lambda image: file(image.quantize(2), transparency=1),
    "black and white": lambda image: file(image.convert("1", dither=Image.Dither.NONE)),
    "16 bit": lambda image: file(sixteen_bit(image)),
    "16 bit TIFF": lambda image: file(sixteen_bit(image), "TIFF"),
    "16 bit, rotated": lambda image: file(
        sixteen_bit(image.transpose(Image.Transpose.ROTATE_90)), exif=b"Exif\0\0" + TURNED
    ),
    "CMYK JPEG": lambda image: file(image.convert("CMYK"), "JPEG"),
    "progressive JPEG": lambda image: file(image, "JPEG", progressive=True),
    "WEBP": lambda image: file(image, "WEBP"),
    "BMP": lambda image: file(image, "BMP"),
    "GIF": lambda image: file(image, "GIF"),
    "TIFF": lambda image: file(image.convert("RGB"), "TIFF", compression="tiff_lzw"),
    "large": lambda image: file(image.resize((2000, 2000))),
    "large JPEG": lambda image: file(image.resize((3000, 3000)), "JPEG"),
    "on a sheet": lambda image: file(ImageOps.expand(image, (500, 300), 230)),
    "small": lambda image: file(image.resize((56, 56))),
    "blurred": lambda image: file(image.filter(ImageFilter.GaussianBlur(3))),
    # Phones store a second image, of the brightness, after the visible one.
    "phone": lambda image: file(
        image, "MPO", save_all=True, append_images=[Image.new("L", (70, 70))]
    ),
}


@every_digit
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_read(digit, kind):
    assert_reads(KINDS[kind](grey(scan(digit))), digit)


def says_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a larger size than its data."""
    content = bytearray(file(scan("7")))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def tiff_with_an_empty_page() -> bytes:
    content = bytearray(file(scan("7"), "TIFF"))
    (directory,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, directory)
    struct.pack_into("<I", content, directory + 2 + 12 * entries, len(content))
    return bytes(content) + bytes(6)


def exif_with_a_word_for(tag: int) -> bytes:
    """Exif data for a rotation by 90 degrees, with a text where a number is required."""
    entries = struct.pack("<HHII", 0x0112, 3, 1, 6) + struct.pack("<HHI4s", tag, 2, 4, b"one\0")
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)


NOISE = np.random.default_rng(2).normal(0, 4, x.shape)
TWO_VIEWS = {"save_all": True, "append_images": [grey(scan("4"))]}
JPEG, PNG = file(scan("7"), "JPEG"), file(scan("7"))
UNREADABLE = {
    "empty": (b"", "empty"),
    "text": (b"This is not a picture.\n" * 50, "no picture .* PNG, JPEG"),
    "truncated JPEG": (JPEG[: len(JPEG) // 2], "damaged .*another"),
    "truncated PNG": (PNG[: len(PNG) // 2], "damaged .*another"),
    "animated GIF": (file(scan("7"), "GIF", **TWO_VIEWS), "animated or has pages"),
    "animated PNG": (file(scan("7"), "PNG", **TWO_VIEWS), "animated or has pages"),
    "pages": (file(scan("7"), "TIFF", **TWO_VIEWS), "animated or has pages"),
    "page without size": (tiff_with_an_empty_page(), "damaged|pages"),
    "too many bytes": (JPEG + bytes(11_000_000 - len(JPEG)), "11 MB; the limit is 10"),
    "56 million pixels": (says_size(8_000, 7_000), "more than 36 million"),
    "54 million pixels, upright": (says_size(6_000, 9_000), "more than 36 million"),
    "400 million pixels": (says_size(20_000, 20_000), "more than 50 million"),
    "one colour": (file(np.full((280, 280), 180)), "No digit stands out"),
    "noise": (file(180 + NOISE), "No digit stands out"),
    "16 bit noise": (file(sixteen_bit(180 + NOISE)), "No digit stands out"),
    "transparent": (file(Image.new("RGBA", (50, 50))), "No digit stands out"),
    "thread": (file(np.zeros((1, 3000))), "No digit stands out"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_file_without_a_readable_digit_raises_with_a_remedy(content, message):
    with pytest.raises(PhotoError, match=message):
        photo.read(content)


def test_file_of_exactly_the_maximum_size_is_read():
    assert_reads(PNG + bytes(10_000_000 - len(PNG)), "7")
    with pytest.raises(PhotoError, match="the limit is 10"):
        photo.read(PNG + bytes(10_000_001 - len(PNG)))


@pytest.mark.parametrize("step", [1, 257])
def test_sixteen_bit_greys_keep_their_scale(step):
    greys = np.array([[0, 100, 200, 255]], np.uint16)
    small = photo._reduced(Image.fromarray(greys * np.uint16(step)))
    assert np.asarray(small).tolist() == greys.tolist()


def test_transparent_margin_gets_the_colour_of_the_background():
    pixels = np.full((20, 20, 4), 180, np.uint8)
    pixels[..., 3] = 0
    pixels[2:18, 2:18, 3] = 255
    pixels[8:12, 8:12, :3] = 20
    grey = np.asarray(photo._without_transparency(Image.fromarray(pixels)))
    assert grey[0, 0] == grey[4, 4] == 180
    assert grey[10, 10] == 20


def test_crop_contains_pixels_of_more_than_half_ink():
    ink = np.zeros((6, 8))
    ink[1:4, 2], ink[5, 7] = 0.6, 0.5
    assert (photo._cropped(ink) == [[0.6], [0.6], [0.6]]).all()


@pytest.mark.parametrize(
    ("counts", "threshold"),
    [
        ({10: 50, 20: 50, 200: 10}, 20.5),
        ({10: 1000, 20: 1000, 40: 5}, 10.5),
        ({0: 5, 20: 1000, 40: 1000}, 20.5),
    ],
)
def test_otsus_threshold_weighs_both_groups(counts, threshold):
    values = np.repeat(list(counts), list(counts.values())).astype(np.uint8)
    assert find_digit._otsu(values) == threshold


def test_blots_are_connected_components_with_diagonals():
    inked = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0]], bool)
    numbers = find_blots(inked).labels
    assert (numbers[~inked] == -1).all()
    assert numbers[0, 0] == numbers[1, 1]
    assert numbers[0, 3] == numbers[1, 3]
    assert numbers[3, 0] == numbers[3, 1]
    assert len(np.unique(numbers)) == 4


@pytest.mark.parametrize("width", [4, 8, 10])
def test_bar_becomes_a_tenth_of_its_height_thick(width):
    bar = np.ones((100, width), np.float32)
    inked = photo._thickened(bar) > 0.5
    assert np.ptp(np.flatnonzero(inked.any(axis=0))) + 1 == 10
    assert np.ptp(np.flatnonzero(inked.any(axis=1))) + 1 == 100 + 10 - width


def test_soft_edges_do_not_shrink_a_stroke():
    blurred = grey(scan("7", BOLD_PX)).filter(ImageFilter.GaussianBlur(4))
    area = (find_digit.find(np.asarray(blurred)).ink > 0.5).sum() / (
        painted("7", BOLD_PX) > 0.5
    ).sum()
    assert 0.95 < area < 1.1


@pytest.mark.parametrize("tag", [0x0100, 0x011A], ids=["width", "resolution"])
def test_photo_with_an_invalid_tag_is_read_or_raises(tag):
    turned = grey(scan("7")).transpose(Image.Transpose.ROTATE_90)
    content = file(turned, "JPEG", exif=exif_with_a_word_for(tag))
    with Image.open(io.BytesIO(content)) as image:
        assert image.getexif()[tag] == "one"
    try:
        assert_reads(content, "7")
    except PhotoError as error:
        assert "damaged" in str(error)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The file with a few bytes changed, added or removed, most near the start, or truncated."""
    content = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        place = rng.randrange(rng.choice([len(content), min(150, len(content))]))
        content[place : place + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 2))
    return bytes(content[: rng.randrange(len(content))] if rng.random() < 0.2 else content)


def test_huge_sixteen_bit_picture_is_reduced_before_processing():
    content = file(Image.new("I;16", (4200, 4200), 60_000))
    assert len(content) < 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(PhotoError, match="No digit stands out"):
            photo.read(content)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 30_000_000


@pytest.mark.filterwarnings("ignore")
def test_damaged_file_is_read_or_raises():
    rng = random.Random(7)
    small = grey(scan("7")).resize((70, 70))
    files = [KINDS[kind](small) for kind in KINDS if "large" not in kind]
    read = 0
    for _ in range(200):
        try:
            ink = photo.read(damaged(rng.choice(files), rng)).ink
        except PhotoError:
            continue
        assert ink.shape == (84, 84)
        assert 0 <= ink.min() <= ink.max() <= 1
        read += 1
    assert 10 < read < 150, "some damage is harmless"
