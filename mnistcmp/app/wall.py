"""The wall of readings: one row a network, its digit, how sure it is, its ten probabilities."""

from mnistcmp.app.colours import COLOUR_OF
from mnistcmp.reading import Consensus, Reading

ROW_PX = 14
DISSENT = "#D55E00"
INK = "#888888"  # readable on white and on black

SELECTED = "row"  # the selection that a click on a row makes: {"model": name}


def spec(reading: Reading, consensus: Consensus) -> dict[str, object]:
    """The wall as a Vega-Lite specification, rows in the order of `reading`.

    A dictionary and no Altair chart: it is drawn many times a second, and Altair takes ten times
    as long to make the same.
    """
    rows = [
        {
            "model": model,
            "digit": str(digit),
            "probability": round(float(probability), 4),
        }
        for model, probabilities in zip(reading.models, reading.probabilities, strict=True)
        for digit, probability in enumerate(probabilities)
    ]
    verdicts = [
        {
            "model": model,
            "reads": str(digit),
            "sure": f"{100 * confidence:.0f}",
            "dissents": model in consensus.dissenters,
        }
        for model, digit, confidence in zip(
            reading.models, reading.digits, reading.confidences, strict=True
        )
    ]
    y = {
        "field": "model",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {
            "labelLimit": 130,
            "labelFontSize": 11,
            "labelOverlap": False,
            "labelFlush": False,
            "ticks": False,
            "domain": False,
        },
    }
    columns = ["is", "%", *map(str, range(10))]
    x_axis = {
        "orient": "top",
        "labelAngle": 0,
        "labelOverlap": False,
        "ticks": False,
        "domain": False,
        "title": None,
    }
    text = {"type": "text", "fontSize": 11}
    colour = {"condition": {"test": "datum.dissents", "value": DISSENT}, "value": INK}
    return {
        "height": {"step": ROW_PX},
        "description": _in_words(reading, consensus),
        "layer": [
            {
                "data": {"values": rows},
                "params": [{"name": SELECTED, "select": {"type": "point", "fields": ["model"]}}],
                "mark": {"type": "rect", "height": ROW_PX - 2},
                "encoding": {
                    "x": {
                        "field": "digit",
                        "type": "nominal",
                        "scale": {"domain": columns},
                        "axis": x_axis,
                    },
                    "y": y,
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
                "data": {"values": verdicts},
                "mark": text | {"fontSize": 12, "fontWeight": "bold"},
                "encoding": {
                    "x": {"datum": "is"},
                    "y": y,
                    "text": {"field": "reads"},
                    "color": colour,
                },
            },
            {
                "data": {"values": verdicts},
                "mark": text,
                "encoding": {
                    "x": {"datum": "%"},
                    "y": y,
                    "text": {"field": "sure"},
                    "color": colour,
                },
            },
        ],
    }


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
        "description": f"How probable {model} holds each digit: "
        + ", ".join(f"{row['digit']}: {row['probability']:.1%}" for row in rows),
        "data": {"values": rows},
        "encoding": {"x": x, "y": y},
        "layer": [
            {"mark": {"type": "bar", "color": COLOUR_OF[model]}},
            {
                "mark": {"type": "text", "dy": -8, "color": INK},
                "encoding": {
                    "text": {"field": "probability", "type": "quantitative", "format": ".1%"}
                },
            },
        ],
    }


def _in_words(reading: Reading, consensus: Consensus) -> str:
    """What a screen reader says of the wall."""
    each = ", ".join(
        f"{model}: {digit} ({confidence:.0%})"
        for model, digit, confidence in zip(
            reading.models, reading.digits, reading.confidences, strict=True
        )
    )
    together = "not sure" if consensus.digit is None else f"a {consensus.digit}"
    return f"Together the networks read {together}. {each}."
