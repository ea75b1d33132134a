"""One row a network, as in the two charts of the Draw page that take turns in one place."""

ROW_PX = 14
SELECTED = "row"  # the selection made by a click on a row: {"model": name}
# The vertical axis: the networks' names, in the order of the data.
NAMES = {
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
