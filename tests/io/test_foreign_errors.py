"""Whatever is passed for a table, the error is one of the library's own, in one sentence."""

from __future__ import annotations

import datetime
import decimal
import fractions
import os

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sparse

import hullwise as hw
from hullwise.errors import DataError, DataTypeError, FileError, HullwiseError
from hullwise.io.table_reader import read_table
from hullwise.io.table_writer import write_table
from hullwise.io.validation import check_rows, check_target


class RaisesOnRead:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no")


class GivesNoArray:
    def __array__(self, dtype=None, copy=None):
        return "nonsense"


class HasNoLength:
    def __len__(self):
        raise ValueError("no")

    def __getitem__(self, i):
        raise IndexError


def holds_itself():
    rows = []
    rows.append(rows)
    return rows


ODD = {
    "array that raises": RaisesOnRead(),
    "array that is none": GivesNoArray(),
    "no length": HasNoLength(),
    "list that holds itself": holds_itself(),
    "generator": (i for i in range(3)),
    "deep list": [[[[1]]]],
    "missing rows": [None, None],
    "text among numbers": [[1, "a"], [2, None]],
    "bytes": [b"ab", b"cd"],
    "surrogates": [["\ud800"]],
    "raw bytes": np.zeros((2, 2), "V8"),
    "objects": np.array([[object()]], object),
    "not a time": np.array([["NaT"]], "M8[s]"),
    "fields": np.zeros((2, 2), "i4,f4"),
    "complex list": [[1j]],
    "integer of 401 digits": [[10**400]],
    "decimal beyond float64": [[decimal.Decimal("1e400")]],
    "decimal NaN": [[decimal.Decimal("NaN")]],
    "fraction beyond float64": [[fractions.Fraction(10**400, 3)]],
    "duration": [[datetime.timedelta(1)]],
    "all masked": np.ma.masked_all((2, 2)),
    "ragged objects": np.array([[1], [1, 2]], dtype=object),
    "empty": np.zeros((0, 0)),
    "sparse": sparse.coo_array(np.eye(2)),
    "class": int,
    "module": np,
    "function": len,
    "ellipsis": ...,
    "number": 1.5,
    "dictionary": {"a": [1]},
    "set": {1},
    "arrow array": pa.array([1, 2]),
    "arrow chunks": pa.chunked_array([[1]]),
    "arrow schema": pa.schema([("a", pa.int64())]),
    "arrow dictionary": pa.table({"a": pa.array(["x"]).dictionary_encode()}),
    "arrow bytes": pa.table({"a": pa.array([b"x"])}),
    "arrow dates": pa.table({"a": pa.array([1], pa.date32())}),
    "arrow nulls": pa.table({"a": pa.nulls(2)}),
    "arrow lists": pa.table({"a": [[1]]}),
}


def odd_frames():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    two = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    return {
        "pandas empty": pd.DataFrame(),
        "pandas two levels": pd.DataFrame([["x", 1]], columns=two),
        "pandas objects": pd.DataFrame({"a": [object(), 1]}),
        "pandas intervals": pd.DataFrame({"a": pd.interval_range(0, 2)}),
        "pandas text": pd.DataFrame({"a": pd.array(["a"], dtype="string")}),
        "pandas times": pd.DataFrame({"a": pd.to_datetime(["2020"], utc=True)}),
        "pandas series": pd.Series([1]),
        "pandas index": pd.Index([1, 2]),
        "polars empty": pl.DataFrame(),
        "polars nulls": pl.DataFrame({"a": [None]}),
        "polars objects": pl.DataFrame({"a": [object()]}),
        "polars structs": pl.DataFrame({"a": [{"b": 1}]}),
        "polars bytes": pl.DataFrame({"a": [b"x"]}),
        "polars durations": pl.DataFrame({"a": [datetime.timedelta(1)]}),
        "polars wide": pl.DataFrame({"a": pl.Series([1], dtype=pl.Int128)}),
        "polars expression": pl.col("a"),
        "polars groups": pl.LazyFrame({"a": [1]}).group_by("a"),
    }


def odd_tensors():
    torch = pytest.importorskip("torch")
    return {
        "meta": torch.empty(2, 2, device="meta"),
        "sparse": torch.eye(2).to_sparse(),
        "complex": torch.zeros(2, 2, dtype=torch.complex64),
        "one number": torch.tensor(1.0),
        "quantized": torch.quantize_per_tensor(torch.zeros(2, 2), 0.1, 0, torch.quint8),
    }


def refused(call, X):
    with pytest.raises(HullwiseError) as caught:
        call(X)
    assert "\n" not in str(caught.value)
    assert 10 < len(str(caught.value)) < 600


@pytest.mark.parametrize("call", [check_rows, hw.Cloud])
@pytest.mark.parametrize("slug", ODD)
def test_odd_tables(slug, call):
    if slug == "sparse" and call is hw.Cloud:
        assert hw.Cloud(ODD[slug]).n == 2  # it is read where it fits in memory
        return
    refused(call, ODD[slug])


def test_odd_frames():
    for frame in odd_frames().values():
        refused(check_rows, frame)
        refused(hw.Cloud, frame)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_odd_tensors():
    for tensor in odd_tensors().values():
        refused(hw.Cloud, tensor)
        refused(check_rows, tensor)


def test_odd_targets():
    for slug in ("array that raises", "array that is none", "list that holds itself", "deep list"):
        with pytest.raises((DataError, DataTypeError)):
            check_target(ODD[slug], 1)


ODD_PATHS = ["", " ", ".", "/", "a\0b.csv", "a" * 5000 + ".csv", "~no-such-user-here/x.npy"]


@pytest.mark.parametrize("path", ODD_PATHS, ids=lambda p: repr(p)[:20])
@pytest.mark.parametrize(
    "call", [read_table, hw.Cloud, lambda path: write_table({"a": [1]}, path)], ids=["r", "c", "w"]
)
def test_odd_paths(tmp_path, monkeypatch, path, call):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError) as caught:
        call(path)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_paths_in_bytes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table({"a": [1, 2]}, b"bytes.csv")
    assert read_table(b"bytes.csv").values.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    "columns",
    [
        {"a": [1, "x", None]},
        {"a": [object()]},
        {"a": [{"b": 1}, 3]},
        {"a": np.zeros((2, 2))},
        {"a": [10**40]},
        {"a": ["\ud800"]},
    ],
    ids=["mixed", "objects", "nested", "two-dimensional", "large", "surrogates"],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_that_cannot_be_written_are_said_to_be(tmp_path, columns, suffix):
    path = tmp_path / f"out{suffix}"
    try:
        write_table(columns, path)
    except HullwiseError:
        assert os.listdir(tmp_path) == []
    else:
        assert os.listdir(tmp_path) == [path.name]
