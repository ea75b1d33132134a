"""Arrays as pictures: colours, transparency and positions."""

import subprocess
import sys

import numpy as np
import pytest

from mnistcmp.app import pictures

ABOVE, BELOW = [213, 94, 0], [0, 144, 208]


def test_diverging_shows_the_sign_by_colour_and_0_is_transparent():
    values = np.array([2, -2, 9, -9], np.float32)
    assert pictures.diverging(values, 2).tolist() == [
        [*ABOVE, 255],
        [*BELOW, 255],
        [*ABOVE, 255],
        [*BELOW, 255],
    ]
    assert pictures.diverging(np.zeros(1), 2)[0, 3] == 0
    assert f"#{bytes(ABOVE).hex().upper()}" == pictures.ABOVE
    assert f"#{bytes(BELOW).hex().upper()}" == pictures.BELOW


def test_diverging_is_half_as_opaque_at_half_the_value():
    assert pictures.diverging(np.array([1, -1], np.float32), 2).tolist() == [
        [*ABOVE, 128],
        [*BELOW, 128],
    ]


def test_diverging_of_zeros_is_transparent():
    assert not pictures.diverging(np.zeros((2, 3)), 0)[..., 3].any()


def test_heat_is_the_map_over_the_ink_in_grey():
    values, ink = np.array([[0, 0, 2, 1]]), np.array([[0, 1, 1, 1]], np.float32)
    blank, inked, covered, mixed = pictures.heat(values, ink, 2)[0].tolist()
    assert blank[3] == 0
    assert inked == [136, 136, 136, 128]
    assert covered == [*ABOVE, 255]
    # Half the colour, and half of the ink of which the map lets through a half: 3/4 in all.
    assert mixed[3] == pytest.approx(255 * 3 / 4, abs=1)
    assert mixed[:3] == pytest.approx([(2 * c + 136) / 3 for c in ABOVE], abs=1)


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 1)), (10, (2, 5)), (32, (4, 8)), (100, (10, 10)), (7, (1, 7))]
)
def test_grid_is_as_square_as_the_count_allows_and_in_reading_order(count, shape):
    values = np.arange(count)
    found = pictures.grid(values)
    assert found.shape == shape
    assert found.flatten().tolist() == values.tolist()


def test_legend_has_the_colours_of_the_pictures():
    assert f"linear-gradient(90deg,{pictures.BELOW},transparent,{pictures.ABOVE})" in (
        pictures.legend("low", "high")
    )


def test_grey_is_light_where_ink_is():
    assert pictures.grey(np.array([[0, 0.2, 1]], np.float32)).tolist() == [[0, 51, 255]]


def test_figure_escapes_its_alternative_text():
    html = pictures.figure(np.zeros((5, 2), np.uint8), 3, "caption", '"><script>', 100)
    assert 'alt="&quot;&gt;&lt;script&gt;"' in html and "width:6px" in html


def test_pictures_and_diagrams_need_no_torch():
    code = (
        "import sys; from mnistcmp.app import cached_records, pictures; "
        "from mnistcmp.app.inside import flow, layer_card; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
