"""Part of the Benchmarks page: accuracy against what it costs: parameters, training, reading."""

import pandas as pd
import streamlit as st

from mnistcmp.analysis.frontier import farthest_below, tenfolds, what_tenfolds_add
from mnistcmp.analysis.statistics import half_interval
from mnistcmp.app import palette, session
from mnistcmp.app.benchmarks import charts
from mnistcmp.app.benchmarks.section import NUMBER, Shown, chart, say, table

COST_NAMES = {
    "params": "parameters",
    "train_seconds": "training time",
    "ms_per_image": "time per image",
}
TIMES = ["train_seconds", "ms_per_image"]
UNITS = {"params": "parameters", "train_seconds": "seconds", "ms_per_image": "ms"}
FORMATS = {"params": "localized", "train_seconds": "%.0f", "ms_per_image": "%.3f"}


def against_parameters(shown: Shown) -> None:
    """The section on the size of the networks."""
    _against("params", shown)
    left, right = st.columns(2)
    with left:
        table("size", lambda: _sizes(shown.summary), _SIZE_COLUMNS)
    with right:
        _budgets("params", shown.summary)


def against_time(shown: Shown) -> None:
    """The section on the time that training takes, or reading one image."""
    cost = st.segmented_control(
        "Which time",
        TIMES,
        default=TIMES[0],
        required=True,
        format_func=COST_NAMES.__getitem__,
        label_visibility="collapsed",
        key="which time",
    )
    assert cost is not None  # there is a default, and it cannot be deselected
    _against(cost, shown)
    left, right = st.columns(2)
    with left:
        table("time", lambda: _times(shown.summary), _TIME_COLUMNS)
    with right:
        _budgets(cost, shown.summary)


def _against(cost: str, shown: Shown) -> None:
    of = COST_NAMES[cost]
    say(find(shown.runs, shown.summary, cost, of) for find in (_tenfolds_add, _farthest_below))
    st.html(palette.family_legend(shown.summary["model"]))
    # A chart takes its selection anew with every recipe and cost.
    key = f"{session.SCATTER} {cost}"
    chart(
        charts.accuracy_against,
        cost,
        shown.summary,
        shown.highlight,
        key=key,
        on_select=lambda: _take_highlight(key),
        selection_mode=charts.SELECTED,
    )
    st.caption(
        "Measured on digits that the networks have never seen. Further left is cheaper, higher is "
        "better; no network that is as cheap is better than those on the dashed line. Vertical "
        "lines: 95 % intervals over the runs. Click a network to highlight it on the whole page."
    )


def _take_highlight(key: str) -> None:
    points = st.session_state[key]["selection"][charts.SELECTED]
    st.session_state[session.HIGHLIGHT] = points[0]["model"] if points else None


def _sizes(summary: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "network": summary["model"],
            "parameters": summary["params"],
            **_accuracies(summary),
            "runs": summary["seeds"],
        }
    ).sort_values("parameters")


def _times(summary: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "network": summary["model"],
            "training, s": summary["train_seconds"],
            "per image, ms": summary["ms_per_image"],
            **_accuracies(summary),
        }
    ).sort_values("training, s")


def _accuracies(summary: pd.DataFrame) -> dict[str, object]:
    half = map(half_interval, summary["test_accuracy_sd"], summary["seeds"])
    return {
        "accuracy, %": 100 * summary["test_accuracy"],
        "± (95 %)": [100 * each for each in half],
    }


def _budgets(cost: str, summary: pd.DataFrame) -> None:
    """The best network for at most 10 times, 100 times … the cost of the cheapest one."""
    table(
        f"budgets of {cost}",
        lambda: tenfolds(summary, cost),
        {
            "at_most": NUMBER(f"at most, {UNITS[cost]}", format=FORMATS[cost]),
            "model": "best network",
            "accuracy": NUMBER("accuracy, %", format="%.2f"),
            "points": NUMBER("points gained", format="%.2f"),
        },
        label="What each further factor of 10 adds",
    )


_ACCURACIES = {name: NUMBER(format="%.2f") for name in ("accuracy, %", "± (95 %)")}
_SIZE_COLUMNS = {"parameters": NUMBER(format="localized"), **_ACCURACIES}
_TIME_COLUMNS = {
    "training, s": NUMBER(format="%.1f"),
    "per image, ms": NUMBER(format="%.3f"),
    **_ACCURACIES,
}
_tenfolds_add = st.cache_data(what_tenfolds_add)
_farthest_below = st.cache_data(farthest_below)
