"""Tables as they are: what a column is, whatever file, frame or record it came from."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from hullwise.errors import DataError, DataTypeError, FileError
from hullwise.io.mixed_column import ColumnKind, number_label
from hullwise.io.mixed_table import read_mixed

TEXT = """id,age,job,member,start,dose,code
a,41,nurse,True,2024-01-05,0.5,0123
b,,clerk,False,2024-02-01,,0456
c,37.0,,True,,2e-1,0789
d,NA,nurse,true,2024-03-09,+1,0011
"""
KINDS = {
    "id": ColumnKind.TEXT,
    "age": ColumnKind.NUMBER,
    "job": ColumnKind.TEXT,
    "member": ColumnKind.BOOLEAN,
    "start": ColumnKind.TIME,
    "dose": ColumnKind.NUMBER,
    "code": ColumnKind.TEXT,
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_kinds_of_a_text_file(path):
    table = read_mixed(path)
    assert {name: table.column(name).kind for name in table.names} == KINDS


def test_gaps_are_empty_cells_and_words_among_numbers(path):
    table = read_mixed(path)
    assert table.column("age").empty.tolist() == [False, True, False, True]
    assert table.column("job").empty.tolist() == [False, False, True, False]
    np.testing.assert_array_equal(table.column("age").numbers(), [41, np.nan, 37, np.nan])


def test_words_are_text_among_text_unless_named(tmp_path):
    path = tmp_path / "countries.csv"
    path.write_text("country\nNA\nBW\n", encoding="utf-8")
    assert read_mixed(path).column("country").labels(ColumnKind.TEXT).to_pylist() == ["NA", "BW"]
    named = read_mixed(path, gaps=["NA"]).column("country")
    assert named.labels(ColumnKind.TEXT).to_pylist() == [None, "BW"]


def frames(table):
    """The same table in several libraries."""
    frame = pd.DataFrame(table)
    return [frame, pl.DataFrame(table), pa.table(table), frame.to_dict("records")]


@pytest.mark.parametrize("number", range(4))
def test_the_same_columns_from_every_container(number):
    table = read_mixed(
        frames({"job": ["nurse", None, "clerk"], "n": [3, 4, 5], "ok": [True, False, True]})[number]
    )
    assert table.names == ("job", "n", "ok")
    assert table.column("job").labels(ColumnKind.TEXT).to_pylist() == ["nurse", None, "clerk"]
    np.testing.assert_array_equal(table.column("n").numbers(), [3, 4, 5])
    assert table.column("ok").labels(ColumnKind.BOOLEAN).to_pylist() == ["True", "False", "True"]


def test_a_number_has_one_label_however_it_is_stored():
    for cells in ([3, 4], [3.0, 4.0], ["3", "4"], ["3.0", "4.00"]):
        column = read_mixed(pd.DataFrame({"c": cells})).column("c")
        assert column.labels(ColumnKind.NUMBER).to_pylist() == ["3", "4"]
    assert number_label(0.1) == "0.1"
    assert number_label(-2.0) == "-2"


def test_booleans_have_one_label_however_they_are_stored():
    for cells in ([True, False], ["true", "FALSE"], [1, 0], [1.0, 0.0]):
        column = read_mixed(pd.DataFrame({"c": cells})).column("c")
        assert column.labels(ColumnKind.BOOLEAN).to_pylist() == ["True", "False"]


def test_what_a_cell_is_does_not_depend_on_the_other_rows():
    """A column of numbers with one bad cell is text, and the bad cell is named with its place."""
    column = read_mixed(pd.DataFrame({"c": [*map(str, range(30)), "12o5"]})).column("c")
    assert column.kind is ColumnKind.TEXT
    row, cell, share = column.bad_number()
    assert (row, cell) == (30, "12o5")
    assert share == pytest.approx(30 / 31)
    with pytest.raises(DataError, match=r"row 30, column 'c' holds '12o5', which is no number"):
        column.numbers()


def test_the_line_of_a_file_is_named(path):
    with pytest.raises(DataError, match=r"line 2, column 'job' holds 'nurse', which is no number"):
        read_mixed(path).column("job").numbers()


def test_days_are_utc_and_gaps_are_nan(path):
    days = read_mixed(path).column("start").days()
    np.testing.assert_array_equal(np.isnan(days), [False, False, True, False])
    assert days[1] - days[0] == 27
    stamps = pd.DataFrame({"t": pd.to_datetime(["2024-01-01T12:00", None])})
    np.testing.assert_array_equal(read_mixed(stamps).column("t").days()[0], 19723.5)
    zone = read_mixed([{"t": "2024-01-01T02:00+02:00"}]).column("t").days()
    np.testing.assert_array_equal(zone, [19723.0])


def test_integers_that_floats_would_round_are_refused():
    column = read_mixed(pd.DataFrame({"c": [1, 2**60]})).column("c")
    with pytest.raises(DataError, match=r"row 1, column 'c' holds 1152921504606846976"):
        column.numbers()


def test_infinite_numbers_are_refused():
    with pytest.raises(DataError, match="infinite"):
        read_mixed(pd.DataFrame({"c": [1.0, np.inf]})).column("c").numbers()


def test_a_pandas_index_is_kept_as_labels():
    table = read_mixed(pd.DataFrame({"c": [1, 2]}, index=["p", "q"]))
    assert list(table.labels) == ["p", "q"]
    assert list(table.take([1]).labels) == ["q"]


@pytest.mark.parametrize(
    ("table", "error", "says"),
    [
        (pd.DataFrame({0: [1], 1: [2]}), DataTypeError, "names that are no text"),
        (pd.DataFrame({"c": [[1], [2]]}), DataTypeError, "type list"),
        (np.zeros(3), DataError, "1D array"),
        (np.zeros((2, 2, 2)), DataError, "3D array"),
        ([{1: 2}], DataTypeError, "names that are no text"),
        ("nowhere.csv", FileError, "nowhere.csv"),
    ],
)
def test_what_is_no_table_is_refused(table, error, says):
    with pytest.raises(error, match=says):
        read_mixed(table).column("c").kind  # noqa: B018


def test_ordered_categoricals_keep_their_order():
    dtype = pd.CategoricalDtype(["low", "middle", "high"], ordered=True)
    frame = pd.DataFrame({"c": pd.Series(["high", "low"], dtype=dtype)})
    assert read_mixed(frame).column("c").ordered_levels == ("low", "middle", "high")
    plain = pd.DataFrame({"c": pd.Series(["high", "low"], dtype="category")})
    assert read_mixed(plain).column("c").ordered_levels is None


@pytest.mark.parametrize("kind", ["csr_array", "dok_matrix"])
def test_a_sparse_matrix_is_refused_in_words(kind):
    import scipy.sparse

    with pytest.raises(DataTypeError, match="is a sparse matrix"):
        read_mixed(getattr(scipy.sparse, kind)(np.eye(3)))


def test_a_column_without_a_name_is_not_dropped_in_silence(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,,b\n1,2,3\n4,5,6\n")
    with pytest.raises(FileError, match="entry 2 is empty"):
        read_mixed(path)
    path.write_text(",a,b\n0,2,3\n1,5,6\n")  # the index of a data frame
    assert read_mixed(path).names == ("a", "b")
