"""Tables of nudges from made-up records."""

import math

import numpy as np

from mnistcmp.analysis import nudge_tables
from tests.test_nudge_records import entry


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
            entry(transfers={"mlp": {"fooled": 1, "digits": 4}}),
            entry("mlp", transfers={"cnn": {"fooled": 0, "digits": 0}}),
        ]
    )
    first, second = table.itertuples()
    assert (first.recipe, first.model, first.other, first.n) == ("tuned", "cnn", "mlp", 4)
    assert first.share == 0.25
    assert (second.model, second.other) == ("mlp", "cnn") and math.isnan(second.share)
