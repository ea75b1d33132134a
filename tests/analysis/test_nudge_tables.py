"""Tables of nudges from made-up records."""

import math

import numpy as np
import pandas as pd

from mnistcmp.analysis import nudge_tables
from mnistcmp.catalogue.networks import MODELS
from tests.made_up import said
from tests.records.test_nudge_records import entry


def median(norms: list[float | None]) -> dict[str, object]:
    (row,) = nudge_tables.medians([entry(norms=norms)]).to_dict("records")
    return row


def test_median_leaves_out_misread_digits():
    row = median([0.0, 0.0, 0.0, *np.arange(1.0, 10.0)])
    assert (row["median_norm"], row["n"], row["misread"], row["not_found"]) == (5, 9, 3, 0)
    # P(at most 1 of 9 values is below the median) = 10/512 = 2 %; of at most 2, 9 %.
    assert (row["low"], row["high"]) == (2, 8)


def test_nudge_that_was_not_found_counts_as_longer_than_all_others():
    row = median([3.0, 1.0, 2.0, None, None])
    assert (row["median_norm"], row["n"], row["not_found"]) == (3, 5, 2)
    assert math.isnan(median([1.0, None, None])["median_norm"])


def test_median_of_a_network_that_misreads_everything_is_unknown():
    row = median([0.0, 0.0])
    assert math.isnan(row["median_norm"]) and (row["n"], row["misread"]) == (0, 2)


def test_tables_of_no_records_have_their_columns():
    assert list(nudge_tables.medians([])) == nudge_tables.MEDIAN_COLUMNS
    assert nudge_tables.transfers([]).empty


def test_transfers_have_a_row_per_pair_with_its_share():
    table = nudge_tables.transfers(
        [
            entry(transfers={"mlp": {"fooled": 1, "fooled_doubled": 3, "digits": 4}}),
            entry("mlp", transfers={"cnn": {"fooled": 0, "fooled_doubled": 0, "digits": 0}}),
        ]
    )
    first, second = table.itertuples()
    assert (first.recipe, first.model, first.other, first.n) == ("tuned", "cnn", "mlp", 4)
    assert (first.share, first.share_doubled) == (0.25, 0.75)
    assert (second.model, second.other) == ("mlp", "cnn") and math.isnan(second.share)


def shares(*rows: list[float]) -> pd.DataFrame:
    models = ["mlp", "fcn", "cnn", "simple_cnn"]
    return pd.DataFrame(rows, models, models)


TWO_CLUSTERS = shares(
    [math.nan, 0.1, 0.8, 0.1],
    [0.1, math.nan, 0.1, 0.9],
    [0.7, 0.2, math.nan, 0.1],
    [0.1, 0.8, 0.1, math.nan],
)


def test_matrix_has_a_row_for_the_network_whose_nudges_fool_the_column():
    pairs = nudge_tables.transfers(
        [
            entry("cnn", transfers={"mlp": {"fooled": 1, "fooled_doubled": 2, "digits": 4}}),
            entry("mlp", transfers={"cnn": {"fooled": 3, "fooled_doubled": 4, "digits": 4}}),
        ]
    )
    matrix = nudge_tables.matrix(pairs)
    assert matrix.index.tolist() == matrix.columns.tolist() == ["mlp", "cnn"]
    assert (matrix.loc["cnn", "mlp"], matrix.loc["mlp", "cnn"]) == (0.5, 1)
    assert math.isnan(matrix.loc["mlp", "mlp"])


def test_networks_that_the_same_nudges_fool_stand_together():
    assert nudge_tables.alike_together(TWO_CLUSTERS)[0] in ("mlp", "cnn")
    assert set(nudge_tables.alike_together(TWO_CLUSTERS)[:2]) == {"mlp", "cnn"}
    backwards = TWO_CLUSTERS.iloc[::-1, ::-1]
    assert set(nudge_tables.alike_together(backwards)[:2]) == {"simple_cnn", "fcn"}
    assert nudge_tables.alike_together(TWO_CLUSTERS.iloc[:2, :2]) == ["mlp", "fcn"]


def test_sentences_about_transfers_name_means_and_extremes():
    doubled = TWO_CLUSTERS.rename_axis(index="model", columns="other").stack()
    pairs = doubled.rename("share_doubled").reset_index().assign(share=0.03)
    text = said(nudge_tables.say_transfers(pairs), None)
    assert "fools another in 3 % of the cases; twice as large, in 34 %." in text
    # mlp and fcn are perceptrons, cnn and simple_cnn convolutional.
    assert "fool the other network in 10 % of the cases; between families, in 46 %." in text
    fcn, simple_cnn = (MODELS[name].title for name in ("fcn", "simple_cnn"))
    assert f"**Nudges of “{fcn}” fool “{simple_cnn}” most often**, in 90 % of the cases" in text
    assert nudge_tables.say_transfers(pairs[:0]) == []


def test_sentence_about_the_range_of_nudges_is_silent_where_intervals_overlap():
    table = pd.DataFrame(
        {"model": ["mlp", "cnn"], "median_norm": [0.5, 2.0], "low": [0.4, 1.5], "high": [0.6, 2.5]}
    )
    title = MODELS["cnn"].title
    text = nudge_tables.say_range(table).text
    assert f"**“{title}” takes nudges 4.0 times as large as “{MODELS['mlp'].title}”**" in text
    assert nudge_tables.say_range(table.assign(low=[0.4, 0.6])) is None
    assert nudge_tables.say_range(table[:0]) is None
