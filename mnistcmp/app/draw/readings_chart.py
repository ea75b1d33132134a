"""The chart of readings: one row per network with its digit, confidence and ten probabilities."""

import pyarrow as pa

from mnistcmp.app.draw.network_rows import NAMES, ROW_PX, SELECTED
from mnistcmp.app.palette import INK, network_marks
from mnistcmp.inference import Consensus, Reading

DIGITS = list("0123456789")
DISAGREES = "#D55E00"

# Invisible, but read by screen readers.
UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"


def spec(reading: Reading, consensus: Consensus) -> dict[str, object]:
    """The chart as a Vega-Lite specification, with the rows in the order of `reading`.

    It is drawn many times per second. Building the same chart with Altair takes ten times as long.
    Only the data differ between readings, so the browser keeps the layout.
    """
    columns = ["is", "%", *DIGITS]
    x_axis = {
        "orient": "top",
        "labelAngle": 0,
        "labelOverlap": False,
        "ticks": False,
        "domain": False,
        "title": None,
    }
    text = {"type": "text", "fontSize": 11}
    colour = {"condition": {"test": "datum.disagrees", "value": DISAGREES}, "value": INK}
    return {
        "height": {"step": ROW_PX},
        "description": "For each network: the digit that it reads, its confidence, and its "
        "probabilities of the ten digits.",
        "datasets": {"readings": _rows(reading, consensus)},
        "data": {"name": "readings"},
        "layer": [
            {
                "transform": [{"fold": DIGITS, "as": ["digit", "probability"]}],
                "params": [{"name": SELECTED, "select": {"type": "point", "fields": ["model"]}}],
                "mark": {"type": "rect", "height": ROW_PX - 2},
                "encoding": {
                    "x": {
                        "field": "digit",
                        "type": "nominal",
                        "scale": {"domain": columns},
                        "axis": x_axis,
                    },
                    "y": NAMES,
                    "color": {
                        "field": "probability",
                        "type": "quantitative",
                        "scale": {"domain": [0, 1], "range": ["#80808018", "#0090D0"]},
                        "legend": None,
                    },
                    "tooltip": [
                        {"field": "model"},
                        {"field": "digit"},
                        {"field": "probability", "format": ".1%"},
                    ],
                },
            },
            {
                "mark": text | {"fontSize": 12, "fontWeight": "bold"},
                "encoding": {
                    "x": {"datum": "is"},
                    "y": NAMES,
                    "text": {"field": "reads"},
                    "color": colour,
                },
            },
            {
                "mark": text,
                "encoding": {
                    "x": {"datum": "%"},
                    "y": NAMES,
                    "text": {"field": "sure"},
                    "color": colour,
                },
            },
        ],
    }


def _rows(reading: Reading, consensus: Consensus) -> pa.Table:
    # The browser gets an Arrow table. Making it from a pandas table would take 3 ms.
    return pa.table(
        {
            "model": reading.models,
            "reads": [str(digit) for digit in reading.digits],
            "sure": [f"{100 * confidence:.0f}" for confidence in reading.confidences],
            "disagrees": [model in consensus.disagreeing for model in reading.models],
            **dict(zip(DIGITS, reading.probabilities.T, strict=True)),
        }
    )


def closer(reading: Reading, model: str) -> dict[str, object]:
    """The ten probabilities of one network as a Vega-Lite bar chart."""
    probabilities = reading.probabilities[reading.models.index(model)]
    rows = [
        {"digit": str(digit), "probability": round(float(p), 4)}
        for digit, p in enumerate(probabilities)
    ]
    x = {"field": "digit", "type": "nominal", "axis": {"labelAngle": 0}, "title": "digit"}
    y = {
        "field": "probability",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"format": "%", "tickCount": 5},
        "title": f"probability, {model}",
    }
    return {
        "height": 200,
        "description": f"The probability that {model} gives each digit: "
        + ", ".join(f"{row['digit']}: {row['probability']:.1%}" for row in rows),
        "data": {"values": rows},
        "encoding": {"x": x, "y": y},
        "layer": [
            {"mark": {"type": "bar", "color": network_marks()[model].colour}},
            {
                "mark": {"type": "text", "dy": -8, "color": INK},
                "encoding": {
                    "text": {"field": "probability", "type": "quantitative", "format": ".1%"}
                },
            },
        ],
    }


def in_words(reading: Reading, consensus: Consensus) -> str:
    """The readings as text for screen readers, in invisible HTML.

    It is not the chart's description, because a new description would change the chart's layout.
    """
    each = ", ".join(
        f"{model}: {digit} ({100 * confidence:.0f}%)"
        for model, digit, confidence in zip(
            reading.models, reading.digits, reading.confidences, strict=True
        )
    )
    together = "not sure" if consensus.digit is None else consensus.digit
    return f'<div style="{UNSEEN}">Consensus: {together}. {each}.</div>'
