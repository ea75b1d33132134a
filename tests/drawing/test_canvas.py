import base64
import io
import json
import random
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mnistcmp.drawing import canvas, share_link
from mnistcmp.drawing.canvas import DrawingError, Picture, Stroke

SEVEN = Stroke([(60, 70), (200, 70), (180, 110), (130, 220)], 20)
CROSS = Stroke([(110, 150), (190, 150)], 12)
DOT = Stroke([(140, 40)], 30)


def png(grey: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, colour_type: int) -> bytes:
    data = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", data)


LEFT_HALF_BLACK = png(np.repeat([[0, 255]], 10, axis=0).repeat(10, axis=1))
BLACK = png(np.zeros((10, 20)))
PICTURE = Picture(LEFT_HALF_BLACK, 100, 50, 40, 20, 90)
ONE_PIXEL = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def pack(content: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(content, 9)).decode().rstrip("=")


def pack_parts(*parts) -> str:
    return pack(json.dumps(parts).encode())


def pack_picture(png: bytes) -> str:
    return pack_parts([base64.b64encode(png).decode(), 140, 140, 280, 280, 0])


def darkness(drawing) -> np.ndarray:
    return 1 - canvas.render(drawing)[..., 0] / 255


def random_stroke(count: int) -> Stroke:
    points = np.random.default_rng(1).integers(0, 280, (count, 2))
    return Stroke([tuple(point) for point in points.tolist()], 20)


def from_line(start, end) -> np.ndarray:
    """The distance of the centre of every pixel from a line, px."""
    y, x = np.mgrid[:280, :280] + 0.5
    (x0, y0), (x1, y1) = start, end
    length = (x1 - x0) ** 2 + (y1 - y0) ** 2
    along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / (length or 1), 0, 1)
    return np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))


@pytest.mark.parametrize(
    "drawing",
    [[], [SEVEN], [SEVEN, CROSS], [DOT], [PICTURE], [CROSS, PICTURE, DOT]],
    ids=["nothing", "stroke", "strokes", "dot", "picture", "all"],
)
def test_text_round_trip_keeps_the_drawing(drawing):
    text = share_link.to_text(drawing)
    assert share_link.from_text(text) == drawing
    assert re.fullmatch(r"[\w-]+", text, re.ASCII), "it needs no escapes in a URL"


def test_text_rounds_to_whole_px_without_accumulating_errors():
    points = [(10 + 0.4 * step, 200.6 - 0.7 * step) for step in range(200)]
    (stroke,) = share_link.from_text(share_link.to_text([Stroke(points, 19.7)]))
    assert stroke.brush_px == 20
    assert stroke.points == [(round(x), round(y)) for x, y in points]


def test_stroke_that_was_made_thin_stays_readable():
    (stroke,) = share_link.from_text(share_link.to_text([Stroke([(5, 5)], 0.2)]))
    assert stroke.brush_px == 1


def test_text_of_nearly_the_maximum_length_is_read_completely():
    text = share_link.to_text([random_stroke(1350)])
    assert 5_500 < len(text) <= 6_000
    assert share_link.from_text(text) == [random_stroke(1350)]


def test_too_long_drawing_raises_with_its_length():
    drawing = [random_stroke(3000)]
    with pytest.raises(DrawingError, match="6,000") as error:
        share_link.to_text(drawing)
    text = share_link.to_text(drawing, longest=1_000_000)
    assert f"{len(text):,} characters" in str(error.value)
    with pytest.raises(DrawingError, match="more than 6,000"):
        share_link.from_text(text)
    assert share_link.from_text(text, longest=len(text)) == drawing


def test_text_may_have_exactly_the_maximum_length():
    text = share_link.to_text([SEVEN])
    assert share_link.to_text([SEVEN], len(text)) == text
    assert share_link.from_text(text, len(text)) == [SEVEN]
    for act, given in ((share_link.to_text, [SEVEN]), (share_link.from_text, text)):
        with pytest.raises(DrawingError, match="characters"):
            act(given, len(text) - 1)


@pytest.mark.parametrize(
    "part",
    [Stroke([(5, 5)], 1), Stroke([(5, 5)], 100), Stroke([(-2800, 2800)], 20)]
    + [Picture(png(np.zeros(shape)), 140, 140, 9, 9) for shape in ((280, 10), (10, 280))]
    + [Picture(BLACK, 140, 140, *size) for size in ((560, 1), (1, 560))],
    ids=lambda part: type(part).__name__,
)
def test_text_round_trip_keeps_parts_at_the_limits(part):
    assert share_link.from_text(share_link.to_text([part])) == [part]
    assert share_link.from_text(share_link.to_text([part] * 4)) == [part] * 4


# JSON that is not a drawing: not a list, no parts, impossible brushes and coordinates.
CONTENTS = """ [[20,1,1] 5 null "" "drawing" {} {"20":[1,1]} [20] [[]] [[20]] [[20,5]]
    [[20,[10],10]] [[20,null,10]] [[20,1000000,10]] [[20,10,-1000000]] [[20,10,-Infinity]]
    [[20,NaN,10]] [[0,10,10]] [[1000,10,10]] [[-20,10,10]] [[NaN,10,10]] [["",1,1,1,1,0]] """
UNREADABLE = {
    "empty": "",
    "garbage": "what is this?",
    "not ASCII": "eJyLé" * 4,
    "half a surrogate": "\ud800",
    "not zlib": base64.urlsafe_b64encode(b"this is not a zlib stream").decode(),
    "truncated": share_link.to_text([SEVEN, CROSS])[:-20],
    "bomb": pack(b"[[20,1,1]" + b" " * 2 * share_link.LARGEST_TEXT + b"]"),
    "nested too deeply": pack(b"[" * 90_000),
    "too many strokes": pack_parts(*[[20, 1, 1]] * 201),
    "too many points": pack_parts([20, *[1, -1] * 20_001]),
    "text for a number": pack_parts([20, "1", 1]),
    "true for a number": pack_parts([True, 1, 1]),
    "steps far outside": pack_parts([20, *[2800, 0] * 50]),
    "larger than a float": pack(b"[[20,1" + b"0" * 400 + b",10]]"),
    "more digits than Python accepts": pack(b"[[20,1" + b"0" * 5000 + b",10]]"),
    "picture is not base64": pack_parts(["abcde", 140, 140, 280, 280, 0]),
    "picture is not a PNG": pack_picture(png(np.zeros((10, 20)), "GIF")),
    "picture is truncated": pack_picture(BLACK[:45]),
    "picture is damaged": pack_picture(BLACK.replace(b"IDAT", b"IDAT\1")),
    "picture wider than the canvas": pack_picture(png(np.zeros((10, 281)))),
    "picture higher than the canvas": pack_picture(png(np.zeros((281, 10)))),
    "picture of a huge width": pack_parts([base64.b64encode(BLACK).decode(), 1, 1, 561, 1, 0]),
    "picture of a huge height": pack_parts([base64.b64encode(BLACK).decode(), 1, 1, 1, 561, 0]),
    "one picture too many": pack_parts(*[[base64.b64encode(BLACK).decode(), 1, 1, 9, 9, 0]] * 5),
    "picture claims 40000 px": pack_picture(header(40_000, 40_000, 0) + ONE_PIXEL),
    "picture has a short profile": pack_picture(
        header(1, 1, 0) + ONE_PIXEL[:-12] + chunk(b"iCCP", b"name\0")
    ),
} | {content: pack(content.encode()) for content in CONTENTS.split()}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable_text_raises_drawing_error(text):
    with pytest.raises(DrawingError, match="cannot be read"):
        share_link.from_text(text)


def test_picture_without_its_palette_can_be_painted():
    png = header(1, 1, 3) + chunk(b"tRNS", b"\0") + ONE_PIXEL
    assert canvas.render(share_link.from_text(pack_picture(png))).shape == (280, 280, 4)


def test_error_does_not_quote_the_link():
    text = pack_parts([20, "[Your session expired](http://evil.example)"])
    with pytest.raises(DrawingError) as caught:
        share_link.from_text(text)
    assert "evil" not in str(caught.value)


def test_truncated_text_is_the_drawing_or_an_error():
    """The last characters are a checksum, so a text may be complete without them."""
    text = share_link.to_text([SEVEN, DOT])
    read = 0
    for length in range(len(text)):
        try:
            assert share_link.from_text(text[:length]) == [SEVEN, DOT]
            read += 1
        except DrawingError:
            pass
    assert read < 10


def mutated(text: bytes, rng: random.Random) -> bytes:
    """The text with a few characters changed, added or removed."""
    characters = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(characters))
        characters[place : place + rng.randint(0, 1)] = rng.choices(text, k=rng.randint(0, 1))
    return bytes(characters)


@pytest.mark.parametrize("packed", [True, False], ids=["text", "content"])
def test_mutated_text_is_a_drawing_or_an_error(packed):
    rng = random.Random(5)
    text = share_link.to_text([CROSS, PICTURE, DOT]).encode()
    content = zlib.decompress(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    read = 0
    for _ in range(300):
        damaged = mutated(text, rng).decode() if packed else pack(mutated(content, rng))
        try:
            drawing = share_link.from_text(damaged)
        except DrawingError:
            continue
        assert all(isinstance(part, Stroke | Picture) for part in drawing)
        assert canvas.render(drawing).shape == (280, 280, 4)
        read += 1
    assert read < 250, "most damage is detected"


def test_empty_drawing_is_white():
    assert (canvas.render([]) == 255).all()


@pytest.mark.parametrize("stroke", [CROSS, DOT, Stroke([(60, 70), (200, 230)], 26)])
def test_ink_is_only_where_the_stroke_is(stroke):
    rgba = canvas.render([stroke])
    assert rgba.shape == (280, 280, 4)
    assert rgba.dtype == np.uint8
    assert (rgba[..., 3] == 255).all()
    assert (rgba[..., :3] == rgba[..., :1]).all()
    away = from_line(stroke.points[0], stroke.points[-1]) - stroke.brush_px / 2
    assert (rgba[away < -1.5, 0] == 0).all()
    assert (rgba[away > 1.5, 0] == 255).all()
    assert len(np.unique(rgba[..., 0])) > 2, "edges are anti-aliased"


@pytest.mark.parametrize(("brush_px", "drawn_px"), [(12.2, 12), (12.4, 12.5), (12.7, 12.5)])
def test_stroke_width_is_rounded_to_half_a_px(brush_px, drawn_px):
    grey = np.asarray(canvas.paint([([(140, 40), (140, 240)], brush_px)]))
    assert (1 - grey[140] / 255).sum() == pytest.approx(drawn_px, abs=0.01)


def test_curve_is_quadratic_between_midpoints_in_four_pieces():
    (start, *curve, end) = canvas._curve([(60, 60), (220, 60), (220, 220)])
    assert (start, end) == ((60, 60), (220, 220))
    assert curve == [(130, 65), (180, 80), (210, 105), (220, 140)]
    along = [x for x, _ in canvas._curve([(0, 0), (10, 0), (20, 0), (30, 0)])]
    assert len(along) == 10
    assert along == sorted(along)


def test_stroke_rounds_a_corner_like_the_web_canvas():
    ink = darkness([Stroke([(60, 60), (220, 60), (220, 220)], 10)])
    for x, y in [(60, 60), (180, 80), (220, 140), (220, 220)]:  # of the curve through (220, 140)
        assert ink[y, x] == 1
    assert not ink[:75, 205:].any()


def test_overlapping_strokes_combine():
    together = darkness([SEVEN, CROSS])
    darker = np.maximum(darkness([SEVEN]), darkness([CROSS]))
    assert (together >= darker).all()
    np.testing.assert_array_equal(together > 0, darker > 0)


@pytest.mark.parametrize(
    ("degrees", "rows", "columns"),
    [(0, (40, 60), (80, 100)), (90, (30, 50), (90, 110)), (180, (40, 60), (100, 120))],
)
def test_picture_is_placed_and_rotated_clockwise(degrees, rows, columns):
    ink = darkness([Picture(LEFT_HALF_BLACK, 100, 50, 40, 20, degrees)])
    expected = np.zeros((280, 280))
    expected[slice(*rows), slice(*columns)] = 1
    assert np.abs(ink - expected).sum() < 0.1 * expected.sum(), "except for a smooth edge"


def test_background_of_a_rotated_picture_covers_nothing():
    line = Stroke([(40, 140), (240, 140)], 8)
    picture = Picture(png(np.full((20, 20), 255)), 140, 140, 100, 100, 45)
    np.testing.assert_array_equal(darkness([line, picture]), darkness([line]))


@pytest.mark.parametrize("shape", [(28, 28), (84, 84), (20, 10), (10, 20), (280, 280)])
def test_ink_put_on_the_canvas_fills_it(shape):
    ink = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    picture = canvas.put(ink)
    scale = 280 / max(shape)
    assert (picture.height, picture.width) == (shape[0] * scale, shape[1] * scale)
    assert (picture.x, picture.y, picture.degrees) == (140, 140, 0)
    with Image.open(io.BytesIO(picture.png)) as opened:
        grey = np.asarray(opened.convert("L"))
    assert len(np.unique(grey)) <= 16
    np.testing.assert_allclose(1 - grey / 255, ink, atol=1 / 16)
