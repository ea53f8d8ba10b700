"""Parquet and .npy files: as one table, and as rows read in blocks."""

from __future__ import annotations

import decimal
import pickle
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hullwise as hw
from hullwise.errors import FileError, MemoryLimitError
from hullwise.io.file_rows import NpyRows, ParquetRows, open_rows
from hullwise.io.table_reader import NumericTable, read_table

# ---- Parquet ------------------------------------------------------------------------------


def parquet(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize("reader", [read_table, open_rows, ParquetRows])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda b: b"", "empty", id="empty"),
        pytest.param(lambda b: b[:-20], "truncated", id="truncated-end"),
        pytest.param(lambda b: b[:5], "truncated", id="truncated-start"),
        pytest.param(lambda b: b"a,b\n1,2\n", "begins with b'a,b", id="mislabelled-csv"),
        pytest.param(lambda b: b[:-60] + b"\xff" * 40 + b[-20:], "damaged", id="damaged"),
    ],
)
def test_bad_parquet_is_one_sentence(tmp_path, reader, damage, words):
    path = parquet(tmp_path / "t.parquet", {"a": np.arange(100.0)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileError, match=words) as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reader", [read_table, ParquetRows])
@pytest.mark.parametrize(
    ("column", "kind"),
    [
        pytest.param(pa.array([[1.0], [2.0]]), "list", id="nested"),
        pytest.param(pa.array([{"x": 1}, {"x": 2}]), "struct", id="struct"),
        pytest.param(pa.array(["1", "x"]), "string", id="string"),
        pytest.param(pa.array([0, 1], pa.timestamp("s")), "timestamp", id="time"),
        pytest.param(pa.array(["x", "y"]).dictionary_encode(), "dictionary", id="category"),
    ],
)
def test_parquet_columns_without_numbers_are_listed(tmp_path, reader, column, kind):
    path = parquet(tmp_path / "t.parquet", {"a": [1.0, 2.0], "bad": column, "c": [3, 4]})
    with pytest.raises(FileError, match=rf"'bad' \({kind}.*columns=\['a', 'c'\]"):
        reader(path)
    assert reader(path, columns=["c", "a"]).columns == ("c", "a")


@pytest.mark.parametrize("kind", ["decimal32", "decimal64", "decimal128", "decimal256"])
def test_parquet_decimals_are_numbers(tmp_path, kind):
    if not hasattr(pa, kind):
        pytest.skip("this pyarrow has no such type")
    texts = ["0.10", "-12345.67", "0.29", "4503599.63"]
    column = pa.array([decimal.Decimal(t) for t in texts], getattr(pa, kind)(9, 2))
    path = parquet(tmp_path / "t.parquet", {"a": column, "b": [1, 2, 3, 4]}, row_group_size=2)
    expected = np.array([[float(t), b] for t, b in zip(texts, [1, 2, 3, 4])])
    np.testing.assert_array_equal(read_table(path).values, expected)
    rows = ParquetRows(path)
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows.block(0, 4), expected)
    np.testing.assert_array_equal(rows.take(np.array([3, 1])), expected[[3, 1]])


def test_parquet_decimals_are_rounded_once(tmp_path):
    rng = np.random.default_rng(0)
    texts = [f"{rng.integers(-(10**17), 10**17)}.{k:019d}" for k in rng.integers(0, 10**18, 200)]
    column = pa.array([decimal.Decimal(t) for t in texts], pa.decimal128(38, 19))
    path = parquet(tmp_path / "t.parquet", {"a": column})
    np.testing.assert_array_equal(read_table(path).values[:, 0], [float(t) for t in texts])


def test_parquet_decimals_that_would_be_rounded_are_refused(tmp_path):
    exact = [decimal.Decimal(2**53), decimal.Decimal(-5)]
    column = pa.array(exact, pa.decimal128(30, 0))
    path = parquet(tmp_path / "t.parquet", {"a": column})
    assert read_table(path).values[:, 0].tolist() == [float(v) for v in exact]
    large = [*exact, decimal.Decimal(2**53 + 1), None]
    path = parquet(tmp_path / "t.parquet", {"a": pa.array(large, pa.decimal128(30, 0))})
    with pytest.raises(FileError, match=r"row 2 .*column 'a' holds the integer 9.*2\*\*53"):
        read_table(path, bad_rows="keep")
    path = parquet(tmp_path / "t.parquet", {"a": pa.array(large[:3], pa.decimal128(30, 0))})
    with pytest.raises(FileError, match=r"row 2 .*2\*\*53"):
        ParquetRows(path).block(0, 3)


def test_parquet_decimals_may_be_missing(tmp_path):
    column = pa.array([decimal.Decimal("1.5"), None], pa.decimal128(5, 2))
    path = parquet(tmp_path / "t.parquet", {"a": column})
    with pytest.raises(FileError, match=r"row 1 .*column 'a' is empty"):
        read_table(path)
    table = read_table(path, bad_rows="keep")
    np.testing.assert_array_equal(table.values, [[1.5], [np.nan]])
    assert table.bad == {1: "NaN in column 'a'"}


# ---- several files as one table -------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for i in range(3):
        columns = {"id": [f"r{2 * i}", f"r{2 * i + 1}"], "a": [2.0 * i, 2 * i + 1], "b": [i, i]}
        parquet(tmp_path / f"part-{i}.parquet", columns)
    (tmp_path / "_SUCCESS").touch()
    return tmp_path


@pytest.mark.parametrize("pattern", ["", "*.parquet", "part-[0-2].parquet", "**/part-?.parquet"])
def test_a_folder_or_pattern_is_one_table(folder, pattern):
    path = folder / pattern if pattern else folder
    table = read_table(path, id_column="id")
    assert table.values[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert table.ids.tolist() == [f"r{i}" for i in range(6)]
    rows = open_rows(path, columns=["b", "a"])
    np.testing.assert_array_equal(rows.block(0, 6), table.values[:, ::-1])
    np.testing.assert_array_equal(hw.Cloud(table).take(np.arange(6)), table.values)


@pytest.mark.parametrize("reader", [read_table, open_rows])
@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("*.parq.parquet", "no file has a name of this pattern"),
        ("part-9.parquet", "no such file"),
        ("sub", "is a folder without .parquet files"),
    ],
)
def test_patterns_and_folders_without_a_table(folder, reader, pattern, words):
    (folder / "sub").mkdir()
    with pytest.raises(FileError, match=words) as caught:
        reader(folder / pattern)
    assert str(caught.value).startswith(str(folder / pattern))


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ("year=2020", r"is partitioned into folders such as 'year=2020'.*read_table"),
        ("deep", r"lie in folders such as 'deep'.*\*\*"),
    ],
)
def test_folders_of_folders_are_read_whole_and_not_in_blocks(tmp_path, inner, words):
    (tmp_path / inner).mkdir()
    parquet(tmp_path / inner / "x.parquet", {"a": [1.5, 2.5]})
    assert read_table(tmp_path, columns=["a"]).values[:, 0].tolist() == [1.5, 2.5]
    with pytest.raises(FileError, match=words):
        open_rows(tmp_path)


def test_a_file_whose_name_looks_like_a_pattern(tmp_path):
    path = parquet(tmp_path / "a[1].parquet", {"a": [7.0]})
    assert read_table(path).values.tolist() == [[7.0]]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        pytest.param([1.0, None, None], r"row 1 .*column 'b' is empty \(null\), 2", id="null"),
        pytest.param([1, None, 3], "row 1 .*column 'b' is empty", id="null-integer"),
        pytest.param([1, 2**53 + 1, 3], r"row 1 .*column 'b'.*2\*\*53", id="integer-too-large"),
        pytest.param([1.0, 2.0, np.nan], "contains NaN.*row 2, column 'b'", id="nan"),
        pytest.param([1.0, np.inf, 2.0], "contains infinity.*row 1, column 'b'", id="inf"),
    ],
)
def test_parquet_values_are_named(tmp_path, column, words):
    path = parquet(tmp_path / "t.parquet", {"a": [0.5, 1.5, 2.5], "b": column})
    with pytest.raises(FileError, match=words):
        read_table(path)
    if None in column or isinstance(column[1], int):
        with pytest.raises(FileError, match=words):
            ParquetRows(path).block(0, 3)


def test_parquet_without_rows(tmp_path):
    path = parquet(tmp_path / "t.parquet", {"a": pa.array([], pa.float64())})
    for reader in (read_table, ParquetRows):
        with pytest.raises(FileError, match="no rows"):
            reader(path)


def test_parquet_table(tmp_path):
    path = parquet(
        tmp_path / "t.parquet",
        {"id": ["x", "y"], "a.b": pa.array([1, 2], pa.float32()), "a": pa.array([3, 4], "float32")},
    )
    table = read_table(path, id_column="id")
    assert table.values.dtype == np.float32
    assert table.columns == ("a.b", "a")
    assert table.ids.tolist() == ["x", "y"]
    np.testing.assert_array_equal(table.values, [[1, 3], [2, 4]])
    both = parquet(tmp_path / "u.parquet", {"a": pa.array([1], pa.float32()), "b": [True]})
    assert read_table(both).values.dtype == np.float64


def test_parquet_pandas_index_is_a_label(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=["r", "s"])
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table.columns == ("a",)
    assert table.ids.tolist() == ["r", "s"]
    assert open_rows(tmp_path / "t.parquet").columns == ("a",)


# ---- rows in blocks -----------------------------------------------------------------------


@pytest.fixture(params=["npy", "npy-fortran", "npy-big-endian", "parquet", "parquet-one-group"])
def stored(request, tmp_path):
    X = np.random.default_rng(0).normal(size=(1000, 7)).astype(np.float32)
    if request.param.startswith("npy"):
        order = "F" if "fortran" in request.param else "C"
        dtype = ">f4" if "endian" in request.param else "f4"
        np.save(tmp_path / "x.npy", np.asarray(X, dtype=dtype, order=order))
        return open_rows(tmp_path / "x.npy"), X
    size = 130 if request.param == "parquet" else 1000
    names = [f"c{j}" for j in range(7)]
    table = dict(zip(names, X.T, strict=True))
    parquet(tmp_path / "x.parquet", table, row_group_size=size)
    return open_rows(tmp_path / "x.parquet"), X


def test_blocks_and_rows_equal_the_array(stored):
    rows, X = stored
    assert (rows.n, rows.d, rows.dtype.kind, rows.dtype.itemsize) == (1000, 7, "f", 4)
    for start, stop in [(0, 1000), (0, 1), (129, 131), (130, 260), (100, 700), (990, 1000), (5, 5)]:
        np.testing.assert_array_equal(rows.block(start, stop), X[start:stop])
    rng = np.random.default_rng(1)
    for count in (0, 1, 50, 3000):
        wanted = rng.integers(0, 1000, count)
        taken = rows.take(wanted)
        assert taken.dtype == np.float64
        assert taken.dtype.isnative
        np.testing.assert_array_equal(taken, X[wanted])


def test_pickle_holds_the_path_and_no_data(stored):
    rows, X = stored
    data = pickle.dumps(rows)
    assert len(data) < 1000
    again = pickle.loads(data)
    np.testing.assert_array_equal(again.block(100, 300), X[100:300])
    assert again.columns == rows.columns


def test_pickle_notices_another_file(stored):
    rows, _ = stored
    data = pickle.dumps(rows)
    if rows.path.suffix == ".npy":
        np.save(rows.path, np.eye(3))
    else:
        parquet(rows.path, {f"c{j}": [1.0] for j in range(7)})
    with pytest.raises(FileError, match="has changed"):
        pickle.loads(data)


def test_rows_from_several_threads(stored):
    rows, X = stored
    wrong = []

    def read(seed):
        rng = np.random.default_rng(seed)
        for _ in range(50):
            wanted = rng.integers(0, 1000, 5)
            if not np.array_equal(rows.take(wanted), X[wanted]):
                wrong.append(seed)

    threads = [threading.Thread(target=read, args=(s,)) for s in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_parquet_keeps_a_few_groups(tmp_path, monkeypatch):
    for name, value in (("MIN_CACHED_GROUPS", 2), ("GROUP_CACHE_BYTES", 0), ("READ_UNIT_BYTES", 0)):
        monkeypatch.setattr(f"hullwise.io.file_rows.{name}", value)
    path = parquet(tmp_path / "x.parquet", {"a": np.arange(100.0)}, row_group_size=10)
    rows = ParquetRows(path)
    rows.block(0, 100)
    rows.take(np.arange(0, 100, 3))
    assert len(rows._groups) <= 2
    assert np.shares_memory(rows.block(0, 5), rows.block(2, 9))


def test_parquet_stored_dtypes(tmp_path):
    small = parquet(tmp_path / "a.parquet", {"a": np.arange(3, dtype=np.uint8)})
    mixed = parquet(tmp_path / "b.parquet", {"a": np.arange(3), "b": np.arange(3.0)})
    assert ParquetRows(small).dtype == np.uint8
    assert ParquetRows(mixed).dtype == np.float64
    assert ParquetRows(mixed).block(0, 3).tolist() == [[0, 0], [1, 1], [2, 2]]


def test_huge_row_group_says_how_to_rewrite(tmp_path, monkeypatch):
    path = parquet(tmp_path / "x.parquet", {"a": np.arange(1000.0)})
    monkeypatch.setattr("hullwise.io.file_rows.available_memory", lambda: 12_000)
    with pytest.raises(MemoryLimitError, match=r"24000 bytes.*row_group_size=125"):
        ParquetRows(path)
    pq.write_table(pq.read_table(path), path, row_group_size=125)
    assert ParquetRows(path).block(0, 1000).shape == (1000, 1)


@pytest.mark.parametrize("reader", [read_table, NpyRows])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda b: b"", "empty", id="empty"),
        pytest.param(lambda b: b[:-8], "truncated", id="truncated-data"),
        pytest.param(lambda b: b[:50], "truncated", id="truncated-header"),
        pytest.param(lambda b: b"a,b\n1,2\n", "not a .npy", id="mislabelled-csv"),
        pytest.param(lambda b: b"PK\x03\x04xx", "npz", id="mislabelled-npz"),
    ],
)
def test_bad_npy_is_one_sentence(tmp_path, reader, damage, words):
    path = tmp_path / "x.npy"
    np.save(path, np.eye(4))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileError, match=words) as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param(np.array([[1, "a"]], object), "Python objects", id="objects"),
        pytest.param(np.array([["a"]]), "text", id="text"),
        pytest.param(np.eye(2) + 1j, "Complex", id="complex"),
        pytest.param(np.zeros((2, 2), "M8[s]"), "times", id="times"),
        pytest.param(np.zeros(3), "2D", id="one-dimensional"),
        pytest.param(np.zeros((0, 3)), "2D", id="no-rows"),
    ],
)
def test_npy_without_a_table_of_numbers(tmp_path, values, words):
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(FileError, match=words):
        NpyRows(tmp_path / "x.npy")


def test_npy_table_and_names(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(6).reshape(2, 3))
    table = read_table(tmp_path / "x.npy", drop=["x1"])
    assert isinstance(table, NumericTable)
    assert table.columns == ("x0", "x2")
    np.testing.assert_array_equal(table.values, [[0, 2], [3, 5]])
    assert NpyRows(tmp_path / "x.npy", ["a", "b", "c"]).columns == ("a", "b", "c")
    with pytest.raises(FileError, match="2 names were given for 3"):
        NpyRows(tmp_path / "x.npy", ["a", "b"])
    np.save(tmp_path / "x.npy", [[1.0, np.nan]])
    with pytest.raises(FileError, match=r"NaN.*row 0, column 'x1'"):
        read_table(tmp_path / "x.npy")
