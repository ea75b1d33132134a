"""What the sections of the Benchmarks page share: what they show, views, tables and names."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from mnistcmp.analysis.text import Finding
from mnistcmp.catalogue.networks import MODELS

NUMBER = st.column_config.NumberColumn


@dataclass(frozen=True)
class Shown:
    """What the page shows.

    highlight: the network that stands out in every chart, if any. runs: the reported runs on MNIST
    with this recipe. all_recipes: `records.summarise` of the runs with any recipe, and summary: the
    rows of this one.
    """

    recipe: str
    highlight: str | None
    runs: pd.DataFrame
    all_recipes: pd.DataFrame

    @property
    def summary(self) -> pd.DataFrame:
        return self.all_recipes[self.all_recipes["recipe"] == self.recipe]

    @property
    def models(self) -> list[str]:
        """The networks with this recipe, in the order of the catalogue."""
        recorded = set(self.runs["model"])
        return [model for model in MODELS if model in recorded]


def view(section: str, views: Mapping[str, Callable[..., None]]) -> Callable[..., None]:
    """The choice among the views of a section; only the chosen one is computed."""
    chosen = st.segmented_control(
        f"Charts of {section}",
        list(views),
        default=next(iter(views)),
        required=True,
        label_visibility="collapsed",
        key=f"view of {section}",
    )
    assert chosen is not None  # there is a default, and it cannot be deselected
    return views[chosen]


def chart(make: Callable[..., alt.TopLevelMixin], *arguments: object, **options: Any) -> None:
    """Show the chart that `make` builds; `options` are those of st.vega_lite_chart."""
    name = f"{make.__module__}.{make.__qualname__}"
    st.vega_lite_chart(spec=_specification(name, make, *arguments), **options)


# To build a chart takes Altair up to 0.1 s.
@st.cache_data(max_entries=100, show_spinner=False)
def _specification(
    name: str, _make: Callable[..., alt.TopLevelMixin], *arguments: object
) -> dict[str, Any]:
    return _make(*arguments).to_dict()


@st.fragment
def table(
    of: str,
    make: Callable[[], pd.DataFrame],
    columns: Mapping[str, Any] | None = None,
    label: str = "Table",
) -> None:
    """A table behind an expander, made when it is opened; `of` says which of the page's tables."""
    with st.expander(label, key=f"table of {of}", on_change="rerun") as expander:
        if expander.open:
            st.dataframe(make(), hide_index=True, placeholder="–", column_config=columns)


def say(findings: Iterable[Finding | None]) -> None:
    """The findings as a paragraph; None is left out."""
    st.markdown(" ".join(finding.text for finding in findings if finding is not None))


def title(model: str) -> str:
    """A network's title, as the charts and the choices show it."""
    return MODELS[model].title
