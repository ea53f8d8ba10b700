"""Dictionaries of rows and of columns are the same tables as frames of them."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

import hullwise as hw
from hullwise.io.mixed_table import read_mixed

COLUMNS = {
    "size": [1.5, 2.0, None, 4.25],
    "job": ["nurse", "smith", "", "nurse"],
    "day": [datetime.date(2024, 1, k) for k in range(1, 5)],
}


@pytest.mark.parametrize(
    "kind", [list, tuple, pd.Series, pl.Series, lambda cells: np.array(cells, dtype=object)]
)
def test_a_dictionary_of_columns_is_their_table(kind):
    read = read_mixed({name: kind(cells) for name, cells in COLUMNS.items()})
    records = read_mixed([dict(zip(COLUMNS, row)) for row in zip(*COLUMNS.values())])
    assert read.n == 4
    for name in COLUMNS:
        assert read.column(name).kind is records.column(name).kind, name
        assert read.column(name).cells.to_pylist() == records.column(name).cells.to_pylist()


def test_arrays_of_numbers_and_times_keep_their_types():
    read = read_mixed(
        {"x": np.arange(3.0), "at": np.array(["2024-01-01", "2024-01-02", "NaT"], "M8[ns]")}
    )
    assert read.column("at").cells.to_pylist()[2] is None
    assert str(read.arrow.schema.field("at").type).startswith("timestamp")
    np.testing.assert_array_equal(read.column("x").cells.to_pylist(), [0.0, 1.0, 2.0])


def test_one_row_is_still_a_row():
    for row in ({"a": 1.0, "job": "nurse"}, {"a": np.float64(1.0), "job": np.str_("nurse")}):
        assert read_mixed(row).n == 1


def test_columns_of_several_lengths_are_refused_with_these():
    with pytest.raises(hw.DataError, match=r"several lengths \('a' 3, 'b' 2\)"):
        read_mixed({"a": [1, 2, 3], "b": [1, 2]})


def test_names_that_are_no_text_are_refused():
    with pytest.raises(hw.DataTypeError, match="names that are no text"):
        read_mixed({1: [1, 2], "b": [1, 2]})


def test_a_domain_of_a_dictionary_is_that_of_the_frame():
    rng = np.random.default_rng(0)
    columns = {"a": rng.normal(size=60), "b": rng.choice(["x", "y"], size=60)}
    new = {"a": [0.0, 9.0], "b": ["x", "z"]}
    one = hw.Domain().fit(columns).locate(new)
    two = hw.Domain().fit(pd.DataFrame(columns)).locate(pd.DataFrame(new))
    columns = one.to_dict(), two.to_dict()
    assert columns[0] == columns[1]
