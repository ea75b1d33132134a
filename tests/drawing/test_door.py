"""What comes from outside: it is a drawing that can be painted, or it is refused."""

import tracemalloc

import hostile_canvas
import pytest
from PIL import Image

from mnistcmp.drawing import canvas
from mnistcmp.drawing.canvas import DrawingError, Picture, Stroke
from mnistcmp.drawing.fabric_js import from_fabric, read_report

DOT = Stroke([(140, 140)], 20)
PICTURE = Picture(hostile_canvas.picture(), 140, 140, 280, 280)


@pytest.mark.parametrize("seed", range(400))
def test_malformed_report_is_a_drawing_or_refused(seed):
    state = hostile_canvas.malformed(seed)
    try:
        report = read_report(state.get("drawing"))
    except DrawingError as error:
        assert "\n" not in str(error) and len(str(error)) < 200
        return
    assert canvas.render(from_fabric(report.objects)).shape == (280, 280, 4)
    assert report.rgba is None or report.rgba.shape[2] == 4


def test_generator_makes_good_and_bad_reports():
    refused = 0
    for seed in range(400):
        try:
            read_report(hostile_canvas.malformed(seed).get("drawing"))
        except DrawingError:
            refused += 1
    assert 200 < refused < 400
    assert len(read_report(hostile_canvas.STATE["drawing"]).objects) == 2


@pytest.mark.parametrize("state", hostile_canvas.too_much().values(), ids=lambda _: "state")
def test_report_that_costs_too_much_is_refused_before_it_costs_anything(state, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it decodes the picture"))
    tracemalloc.start()
    with pytest.raises(DrawingError):
        read_report(state["drawing"])
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()
