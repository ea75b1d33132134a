"""Part of the Studies page: what changed images do to a study's networks."""

import pandas as pd
import streamlit as st

from mnistcmp.analysis import robustness_tables as tables
from mnistcmp.analysis.comparisons import ENOUGH_RUNS
from mnistcmp.analysis.robustness_findings import say_steps, stressed_steps
from mnistcmp.app import cached_records
from mnistcmp.app.plain_text import code, plain
from mnistcmp.app.studies import robustness_charts as charts
from mnistcmp.catalogue.corruptions import SIDES
from mnistcmp.catalogue.studies import Study
from mnistcmp.records import RecordsError
from mnistcmp.robustness_records import COMMAND

half_lost_levels = st.cache_data(tables.half_lost_levels)


def records_of(study: Study, recipes: tuple[str, ...]) -> pd.DataFrame:
    """The records of the study's networks with these recipes; says so if there are none."""
    try:
        records = cached_records.robustness()
    except RecordsError as error:
        st.warning(plain(error))
        return pd.DataFrame()
    rows = records[records["model"].isin(list(study.models)) & records["recipe"].isin(recipes)]
    if tables.corrupted(rows).empty:
        names = " ".join(study.models)
        command = code(f"{COMMAND} --models {names}")
        st.caption(f"Robustness has not been measured yet. Measure it with {command}.")
        return pd.DataFrame()
    return rows


def show(study: Study, recipe: str) -> None:
    """Accuracy under corruption of the study's networks, the gain of each step, and findings."""
    st.subheader("Accuracy under corruption")
    records = records_of(study, (recipe,))
    if records.empty:
        return
    networks, levels = tables.corrupted(records), half_lost_levels(records)
    st.caption(_caption(networks))
    left, right = st.columns(2, gap="large")
    order = [model for model in study.models if model in set(networks["model"])]
    left.altair_chart(charts.under_corruption(networks, order))
    steps = stressed_steps(study, networks, levels)
    if steps:
        left.altair_chart(charts.gains(steps))
        right.markdown("\n".join(f"- {one.text}" for one in say_steps(steps)))
    _table(study, records, levels)


def _caption(networks: pd.DataFrame) -> str:
    counts, images = networks.groupby("model").size(), networks["images"]
    least = "" if images.nunique() == 1 else "at least "
    trained = " to ".join(map(str, sorted({counts.min(), counts.max()})))
    text = (
        "The mean over fifteen corruptions after MNIST-C (Mu and Gilmer, 2019), written anew, on "
        f"{least}{images.min():,} test digits each; trained networks of each kind: {trained}. Grey "
        "ticks: clean digits."
    )
    if counts.max() > 1:
        text += " Lines in the upper chart: from the lowest to the highest of them."
    if counts.min() < ENOUGH_RUNS:
        text += (
            f" With fewer than {ENOUGH_RUNS} trained networks, the interval of a gain covers the "
            "choice of the test images, not of the training run: other seeds may differ. It is on "
            "the safe side, because both networks read the same images."
        )
    return text + (
        " “Half are lost”: the level of a dial at which only half as many digits are read as "
        "without the change; one trained network each."
    )


def _table(study: Study, records: pd.DataFrame, levels: pd.DataFrame) -> None:
    table = tables.overview(records, levels)
    shown = {
        "network": table["model"],
        "trained networks": table["networks"],
        "images": table["images"],
        "clean, %": 100 * table["clean"],
        "under corruption, %": 100 * table["corrupted"],
    }
    for side in SIDES:
        if table[side.title].notna().any():
            shown[f"half lost: {side.title.lower()}"] = table[side.title].map(
                side.label, na_action="ignore"
            )
    with st.expander("Table"):
        st.caption(
            "“Half lost”: the level of a dial at which the network reads only half as many test "
            "digits as without the change; one trained network each."
        )
        st.dataframe(
            pd.DataFrame(shown),
            hide_index=True,
            placeholder="–",
            column_config={
                "network": st.column_config.TextColumn(pinned=True),
                "clean, %": st.column_config.NumberColumn(format="%.2f"),
                "under corruption, %": st.column_config.NumberColumn(format="%.2f"),
            },
        )
    name = f"study-{study.number}-robustness.csv"
    content = table.to_csv(index=False)
    st.download_button("Robustness as CSV", content, name, "text/csv", on_click="ignore")
