import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from mnistcmp.drawing.canvas import Picture, Stroke
from mnistcmp.drawing.fabric_js import from_fabric, to_fabric

SEVEN = Stroke([(60, 70), (200, 70), (180, 110), (130, 220)], 20)
CROSS = Stroke([(110, 150), (190, 150)], 12)
DOT = Stroke([(140, 40)], 30)

# As sent by the browser's canvas (fabric.js 7.4). It takes the centre of a path from cubic curves
# with both control points at the sample, which extend further than the drawn curves.
PATH = json.loads("""{
    "type": "Path", "originX": "center", "originY": "center", "left": 98.7134, "top": 125,
    "width": 97.4669, "height": 150.04, "strokeWidth": 20, "scaleX": 1, "scaleY": 1, "angle": 0,
    "flipX": false, "flipY": false, "path": [
        ["M", 49.98, 49.98], ["Q", 50, 50, 62.5, 53.5], ["Q", 75, 57, 87.5, 61],
        ["Q", 100, 65, 112.5, 68.5], ["Q", 125, 72, 137.5, 76], ["Q", 150, 80, 141.5, 100],
        ["Q", 133, 120, 116.5, 160], ["L", 99.98, 200.02]
    ]
}""")
SAMPLES = np.array([command[1:3] for command in PATH["path"]])
MIDDLE = np.array([PATH["left"], PATH["top"]])


def black_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (20, 10)).save(buffer, "PNG")
    return buffer.getvalue()


BLACK = black_png()


@pytest.mark.parametrize(
    ("changes", "matrix"),
    [
        ({}, [[1, 0], [0, 1]]),
        ({"left": 150.5, "top": 90}, [[1, 0], [0, 1]]),
        ({"scaleX": 1.5, "scaleY": 0.5}, [[1.5, 0], [0, 0.5]]),
        ({"angle": 90}, [[0, -1], [1, 0]]),
        ({"flipX": True}, [[-1, 0], [0, 1]]),
        ({"flipY": True, "angle": 90, "scaleX": 2, "left": 130}, [[0, 1], [2, 0]]),
    ],
    ids=["as drawn", "moved", "scaled", "rotated", "flipped", "everything"],
)
def test_path_of_the_web_canvas_keeps_its_visible_position(changes, matrix):
    (stroke,) = from_fabric([PATH | changes])
    place = [changes.get("left", PATH["left"]), changes.get("top", PATH["top"])]
    expected = (SAMPLES - MIDDLE) @ np.array(matrix).T + place
    np.testing.assert_allclose(stroke.points, expected, atol=0.01)
    assert stroke.brush_px == pytest.approx(20 * abs(np.linalg.det(matrix)) ** 0.5)


def test_path_of_three_samples_has_the_centre_of_its_curve():
    # For fabric.js, the curve goes from x = 0 via 100 to 50 and reaches at most 58.58 · √2 = 82.84.
    path = [["M", 0, 0], ["Q", 100, 100, 50, 150], ["L", 0, 200]]
    (stroke,) = from_fabric([PATH | {"path": path, "left": 140, "top": 140}])
    middle = (140 - 82.84 / 2, 40)
    np.testing.assert_allclose(stroke.points[0], middle, atol=0.01)


def test_image_of_the_web_canvas_becomes_a_picture_and_other_objects_are_ignored():
    source = "data:image/png;base64," + base64.b64encode(BLACK).decode()
    image = {"type": "Image", "src": source, "width": 20, "height": 10, "scaleX": 2, "scaleY": 3}
    middle = {"originX": "center", "originY": "center", "left": 100, "top": 50, "angle": 30}
    assert from_fabric([image | middle]) == [Picture(BLACK, 100, 50, 40, 30, 30)]
    corner = {"originX": "left", "originY": "top", "left": 100, "top": 50, "angle": 90}
    (picture,) = from_fabric([image | corner])
    assert (picture.x, picture.y) == pytest.approx((85, 70)), "it rotates about its corner"
    assert from_fabric([{"type": "circle", "left": 5}, {}]) == []


def test_round_trip_through_the_web_canvas_keeps_the_drawing():
    drawing = [SEVEN, Picture(BLACK, 100, 50, 40, 20, 90), CROSS]
    assert from_fabric(to_fabric(drawing)) == drawing
    (dot,) = from_fabric(to_fabric([DOT]))
    assert set(dot.points) == set(DOT.points)
    assert dot.brush_px == DOT.brush_px


def test_path_for_the_web_canvas_has_the_same_curves_as_its_own():
    points = [tuple(sample) for sample in SAMPLES.tolist()]
    (path,) = to_fabric([Stroke(points, 20)])
    for command, expected in zip(path["path"], PATH["path"], strict=True):
        assert command[0] == expected[0]
        assert command[1:] == pytest.approx(expected[1:], abs=0.02), "except for rounding"
    assert path["strokeWidth"] == 20
