"""Data frames of several libraries: names and labels are kept, odd columns are named."""

from __future__ import annotations

import datetime
import decimal
import subprocess
import sys

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError, DataTypeError, DataWarning, MemoryLimitError
from hullwise.io.validation import check_rows

NAN = float("nan")
DAY = datetime.datetime(2020, 1, 1)


def frames():
    return [pytest.param(kind, id=kind) for kind in ("pandas", "polars", "pyarrow")]


def make(kind, columns):
    module = pytest.importorskip(kind)
    return module.table(columns) if kind == "pyarrow" else module.DataFrame(columns)


@pytest.mark.parametrize("kind", frames())
def test_frame_of_numbers(kind):
    frame = make(kind, {"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    checked = check_rows(frame)
    assert checked.columns == ("a", "b", "c")
    assert checked.labels is None
    assert checked.values.dtype == np.float64
    np.testing.assert_array_equal(checked.values, [[1, 0.5, 1], [2, 1.5, 0]])
    assert repr(checked) == "LabelledArray(2 x 3 float64, columns='a', 'b', 'c')"


@pytest.mark.parametrize("kind", frames())
def test_frame_keeps_a_shared_dtype(kind):
    frame = make(kind, {c: np.arange(3, dtype=np.float32) for c in "ab"})
    assert check_rows(frame).values.dtype == np.float32
    frame = make(kind, {"a": np.arange(3, dtype=np.uint8), "b": np.arange(3, dtype=np.int16)})
    assert check_rows(frame).values.dtype == np.int16


@pytest.mark.parametrize("kind", frames())
@pytest.mark.parametrize(
    ("column", "words"),
    [
        pytest.param([0.5, None], "NaN.*row 1, column 'bad'", id="null-float"),
        pytest.param([1, None], "NaN.*row 1, column 'bad'", id="null-integer"),
        pytest.param([True, None], "NaN.*row 1, column 'bad'", id="null-bool"),
        pytest.param([None, None], "NaN.*Column 'bad' has no value", id="null-column"),
        pytest.param([1, 2**53 + 1], r"row 1, column 'bad'.*2\*\*53", id="int64-next-to-float"),
        pytest.param(["x", "y"], "text type: 'bad'", id="text"),
        pytest.param(["1", "2"], r"text type: 'bad'.*\.astype\(float\)", id="numeric-strings"),
        pytest.param([DAY, DAY], "time type: 'bad'.*seconds since a date", id="times"),
        pytest.param([DAY - DAY, DAY - DAY], "time type: 'bad'", id="durations"),
        pytest.param([[1], [2]], "'bad'", id="nested"),
    ],
)
def test_frame_columns_are_refused_by_name(kind, column, words):
    frame = make(kind, {"a": [0.5, 1.5], "bad": column})
    if kind == "pandas" and isinstance(column[0], list):
        with pytest.raises(DataTypeError, match=r"column 'bad'.*'list'"):
            check_rows(frame)
        return
    with pytest.raises(DataError, match=words):
        check_rows(frame)


@pytest.mark.parametrize("kind", ["Int64", "Float64", "boolean", "int64[pyarrow]"])
def test_pandas_nullable_dtypes(kind):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": pd.array([1, 0], dtype=kind), "b": pd.array([1, 1], dtype=kind)})
    np.testing.assert_array_equal(check_rows(frame).values, [[1, 1], [0, 1]])
    frame.loc[1, "b"] = pd.NA
    with pytest.raises(DataError, match="NaN: 1 missing value, in row 1, column 'b'"):
        check_rows(frame)


def test_pandas_categories_and_others_are_refused():
    pd = pytest.importorskip("pandas")
    for column, words, error in [
        (pd.Categorical([1, 2]), "category type: 'c'.*one-hot", DataError),
        (pd.arrays.SparseArray([0.0, 1.0]), r"sparse type: 'c'.*to_dense", DataTypeError),
        (np.array([1j, 2]), "Complex data not supported", DataError),
        (pd.period_range("2020", periods=2, freq="D"), "time type: 'c'", DataError),
        (np.array([1.5, "x"], object), "row 1, column 'c'.*'x'", DataError),
    ]:
        with pytest.raises(error, match=words):
            check_rows(pd.DataFrame({"a": [1.0, 2.0], "c": column}))


def test_polars_categories_and_wide_integers_are_refused():
    pl = pytest.importorskip("polars")
    for column, words in [
        (pl.Series(["x", "y"], dtype=pl.Categorical), "category type: 'c'"),
        (pl.Series([1, 2], dtype=pl.Int128), "128-bit integer type: 'c'"),
        (pl.Series([{"x": 1}, {"x": 2}]), "nested type: 'c'"),
    ]:
        with pytest.raises(DataError, match=words):
            check_rows(pl.DataFrame({"a": [1.0, 2.0], "c": column}))


def test_a_lazy_frame_of_polars_is_collected_and_answered_in_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.5, 5.0], "b": [0.0, 3.0, 1.0, 1.0]})
    lazy = frame.lazy().filter(pl.col("a") < 4)
    np.testing.assert_array_equal(check_rows(lazy).values, [[1, 0], [2, 3], [3.5, 1]])
    answers = [
        hw.locate(lazy, lazy),
        hw.locate(frame, frame),
        hw.Domain(reference=0).fit(frame.lazy()).locate(lazy),
        hw.Domain(reference=0).fit(frame).locate(frame),
    ]
    assert [type(answer.to_frame()) for answer in answers] == [pl.DataFrame] * 4


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_series_says_to_frame(kind):
    series = pytest.importorskip(kind).Series([1.0, 2.0])
    with pytest.raises(
        DataError, match=r"Expected 2D array.*Reshape your data with X\.to_frame\(\)"
    ):
        check_rows(series)


def test_duplicate_column_names_are_listed():
    pd = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="duplicate column names: 'a'"):
        check_rows(pd.DataFrame(np.eye(3), columns=["a", "b", "a"]))
    import pyarrow as pa

    with pytest.raises(DataError, match="duplicate column names: 'a'"):
        check_rows(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))


def test_column_names_of_mixed_types():
    pd = pytest.importorskip("pandas")
    with pytest.raises(DataTypeError, match=r"mixed types \(int, str\)"):
        check_rows(pd.DataFrame(np.eye(2), columns=["a", 1]))
    assert check_rows(pd.DataFrame(np.eye(2))).columns is None
    assert check_rows(pd.DataFrame(np.eye(2), columns=[2019, 2020])).columns is None


def test_pandas_index_is_kept_as_labels():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=["p", "q", "r"])
    assert check_rows(frame).labels.tolist() == ["p", "q", "r"]
    assert check_rows(frame.reset_index(drop=True)).labels is None
    assert check_rows(frame.reset_index(drop=True).iloc[1:]).labels.tolist() == [1, 2]
    frame.loc["q", "a"] = NAN
    with pytest.raises(DataError, match=r"row 1 \(label 'q'\), column 'a'"):
        check_rows(frame)


def test_pandas_block_is_shared():
    pd = pytest.importorskip("pandas")
    X = np.ones((5, 3))
    assert np.shares_memory(check_rows(pd.DataFrame(X, copy=False)).values, X)


def test_empty_frame():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1.0]})
    assert check_rows(frame.clear(), allow_empty=True).values.shape == (0, 1)
    with pytest.raises(DataError, match=r"0 sample\(s\)"):
        check_rows(frame.clear())
    with pytest.raises(DataError, match=r"0 (sample|feature)\(s\)"):
        check_rows(pl.DataFrame())


def test_frames_need_no_import_for_arrays():
    code = (
        "import sys, numpy; from hullwise.io.validation import check_rows; "
        "check_rows(numpy.eye(2)); check_rows([[1, 2]]); "
        "print([m for m in ('narwhals', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- tables that come in other ways ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "pandas-arrow", "polars", "pyarrow"])
def test_decimals_are_numbers(kind):
    texts = ["0.29", "-12345.67", "4503599.63"]
    column = [decimal.Decimal(t) for t in texts]
    frame = {"a": column, "b": [1.5, 2.5, 3.5]}
    if kind == "pandas-arrow":
        pd = pytest.importorskip("pandas")
        import pyarrow as pa

        frame["a"] = pd.array(column, dtype=pd.ArrowDtype(pa.decimal128(9, 2)))
    module = pytest.importorskip(kind.partition("-")[0])
    table = module.table(frame) if kind == "pyarrow" else module.DataFrame(frame)
    checked = check_rows(table)
    assert checked.values.dtype == np.float64
    np.testing.assert_array_equal(checked.values[:, 0], [float(t) for t in texts])


def test_decimals_that_are_missing_or_would_be_rounded():
    pl = pytest.importorskip("polars")
    one, large = decimal.Decimal("1.5"), decimal.Decimal(2**53 + 1)
    with pytest.raises(DataError, match=r"NaN.*row 1, column 'c'"):
        check_rows(pl.DataFrame({"c": [one, None]}))
    with pytest.raises(DataError, match=r"row 1, column 'c'.*2\*\*53"):
        check_rows(pl.DataFrame({"c": [decimal.Decimal(1), large]}))
    with pytest.raises(DataError, match=r"row 0, column 0.*NaN|NaN.*row 0, column 0"):
        check_rows(np.array([[decimal.Decimal("sNaN")]], object))
    with pytest.raises(DataError, match=r"row 0, column 0.*of \d+ bits"):
        check_rows(np.array([[10**5000]], object))


def test_record_batches_are_read():
    import pyarrow as pa

    batch = pa.record_batch({"a": [1, 2], "b": [0.5, 1.5]})
    for X in (batch, pa.RecordBatchReader.from_batches(batch.schema, [batch, batch])):
        checked = check_rows(X)
        assert checked.columns == ("a", "b")
        np.testing.assert_array_equal(checked.values[:2], [[1, 0.5], [2, 1.5]])
        assert len(checked.values) in (2, 4)
    reader = pa.RecordBatchReader.from_batches(batch.schema, [batch] * 3)
    assert hw.Cloud(reader).n == 6


def test_a_reader_of_more_batches_than_fit_is_refused(monkeypatch):
    import pyarrow as pa

    batch = pa.record_batch({"a": np.zeros(1000)})
    monkeypatch.setattr("hullwise._core.memory.available_memory", lambda: 100_000)
    with pytest.raises(MemoryLimitError, match="X: its first 13000 rows"):
        check_rows(pa.RecordBatchReader.from_batches(batch.schema, iter([batch] * 1000)))


class Stream:
    """An object of a library of its own that brings Arrow batches."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def plan(kind, tmp_path):
    import pyarrow as pa

    if kind == "dask":
        frames = pytest.importorskip("dask.dataframe")
        pd = pytest.importorskip("pandas")
        return frames.from_pandas(pd.DataFrame({"a": [1.0, 2.0, 3.0]}), npartitions=2)
    query = "select a, 2 as b from (values (1.5), (2.5)) as t(a)"
    if kind == "duckdb":
        return pytest.importorskip("duckdb").sql(query)
    if kind == "result":
        return pytest.importorskip("duckdb").connect().execute(query)
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    table = pa.table({"a": [1.5, 2.5], "b": [2, 2]})
    if kind == "stream":
        return Stream(table)
    if kind == "files":
        pq.write_table(table, tmp_path / "a.parquet")
        return ds.dataset(tmp_path)
    dataset = ds.dataset(table)
    return dataset.scanner() if kind == "scanner" else dataset


@pytest.mark.parametrize("kind", ["duckdb", "result", "dataset", "files", "scanner", "stream"])
def test_what_holds_a_plan_or_a_stream_is_read(kind, tmp_path):
    table = check_rows(plan(kind, tmp_path))
    assert table.columns == ("a", "b")
    assert table.values.tolist() == [[1.5, 2.0], [2.5, 2.0]]
    assert hw.Domain(reference=0).fit(plan(kind, tmp_path)).fitted_.values.shape[0] == 2


@pytest.mark.parametrize("call", [check_rows, hw.Cloud])
def test_plans_of_other_libraries_say_what_to_call(call, tmp_path):
    with pytest.raises(DataTypeError, match=r"a dask\w* DataFrame.*call \.compute\(\) first"):
        call(plan("dask", tmp_path))


@pytest.mark.parametrize("X", [hw.Cloud(np.eye(3)), object(), lambda: 1], ids=str)
def test_other_objects_are_named(X):
    with pytest.raises(
        DataTypeError, match=rf"X is an? {type(X).__name__}: pass the rows"
    ) as caught:
        check_rows(X)
    assert "scalar" not in str(caught.value)


@pytest.mark.parametrize("kind", frames())
@pytest.mark.parametrize("name", ["Unnamed: 0", "index", "row_id", "ID", "row number"])
def test_columns_that_count_the_rows_are_noted(kind, name):
    frame = make(kind, {name: np.arange(5), "a": np.arange(5.0) ** 2})
    with pytest.warns(DataWarning, match=f"X: column '{name}' counts the rows .0, 1 to 4.*drop"):
        check_rows(frame)
    check_rows(frame, columns=[name, "a"])  # new rows, in the columns of the training data
    for values in ([0, 1, 2, 3, 5], [5, 6, 7, 8, 9], [0.5, 1.5, 2.5, 3.5, 4.5]):
        check_rows(make(kind, {name: values, "a": np.arange(5.0)}))
    check_rows(make(kind, {"step": np.arange(5), "a": np.arange(5.0) ** 2}))
