"""Files: every hostile one is refused in one sentence that starts with its path."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import sys
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hullwise.data._files import NpyRows, ParquetRows, open_rows
from hullwise.data._table import Table, read_table, write_table
from hullwise.errors import DataError, FileError, MemoryLimitError

BOM = b"\xef\xbb\xbf"


def case(slug, data, words, **options):
    return pytest.param(data, words, options, id=slug)


REFUSED = [
    case("truncated-csv-row", "a,b\n1,2\n3\n4,5\n", ["line 3", "1 value where 2"]),
    case("truncated-last-row", "a,b\n1,2\n3,4\n5", ["line 4", "cut off"]),
    case("truncated-row-after-blank-lines", "a,b\n\n1,2\n\n3\n4,5\n", ["line 5"]),
    case("too-long-row", "a,b\n1,2\n3,4,5\n", ["line 3", "3 values where 2"]),
    case("wrong-separator-semicolon", "a;b\n1;2\n", ["';'", "--sep"]),
    case("wrong-separator-tab", "a\tb\n1\t2\n", ["tab", "--sep"]),
    case("wrong-separator-pipe", "a|b\n1|2\n", ["'|'", "--sep"]),
    case("wrong-separator-comma", "a,b\n1,2\n", ["','", "--sep"], sep=";"),
    case("wrong-separator-spaces", "a b\n1 2\n", ["spaces"]),
    case("excel-separator-line", "sep=;\na;b\n1;2\n", ["line 1", "delete"]),
    case("decimal-comma", "a;b\n1,5;2\n", ["line 2", "'1,5'", "--decimal ,"], sep=";"),
    case("decimal-comma-quoted", 'a,b\n2,1\n"1,5",2\n', ["line 3", "--decimal ,"]),
    case("decimal-comma-unquoted", "a,b\n1,5,2,5\n", ["line 2", "decimal marks"]),
    case("decimal-point-for-comma", "a;b\n1.5;2\n", ["--decimal ."], sep=";", decimal=","),
    case("missing-header", "1,2\n3,4\n", ["numbers only", "--no-header"]),
    case("header-only", "a,b\n", ["no rows"]),
    case("header-only-without-newline", "a,b", ["no rows"]),
    case("empty-file", "", ["empty"]),
    case("blank-file", "\n \n", ["empty"]),
    case("bom-only", BOM, ["empty"]),
    case("utf-16", "a,b\n1,2\n".encode("utf-16"), ["UTF-16", "iconv"]),
    case("utf-16-without-mark", "a,b\n1,2\n".encode("utf-16-le"), ["UTF-16", "iconv"]),
    case("latin-1-header", "ä,b\n1,2\n".encode("latin-1"), ["line 1", "0xe4", "Latin-1"]),
    case("latin-1-cell", "a,b\n1,2\n1,é\n".encode("latin-1"), ["line 3", "0xe9"]),
    case("latin-1-id", "a,b\n1,2\n1,é\n".encode("latin-1"), ["line 3", "Latin-1"], id_column="b"),
    case("text-cell", "a,b\n1,2\nabc,3\n4,x\n", ["line 3", "'a'", "'abc'", "2 cells"]),
    case("na-cell", "a,b\n1,2\n2,NA\n", ["line 3", "'b'", "'NA'", "1 cell", "never filled in"]),
    case("nan-cell", "a,b\n1,2\nnan,3\n", ["line 3", "'a'", "'nan'"]),
    case("inf-cell", "a,b\n1,2\n2,-inf\n", ["line 3", "'b'", "'-inf'", "infinite"]),
    case("overflowing-cell", "a,b\n1,2\n2,1e400\n", ["line 3", "'1e400'", "infinite"]),
    case("empty-cell", "a,b\n1,2\n,3\n4,\n", ["line 3", "'a'", "empty", "2 values"]),
    case("quoted-empty-cell", 'a,b\n1,2\n"",3\n', ["line 3", "'a'", "empty"]),
    case("empty-column", "a,b\n1,\n2,\n", ["without any value", "'b'", "--columns"]),
    case("blank-line-in-one-column", "a\n1\n\n2\n", ["line 3", "'a'", "empty"]),
    case("thousands-separators", 'a,b\n1,2\n"1,234,567",2\n', ["line 3", "thousands"]),
    case("thousands-or-decimal", 'a,b\n"1,234",2\n', ["thousands", "--decimal ,"]),
    case("thousands-spaces", "a,b\n1 234,2\n", ["'1 234'", "thousands"]),
    case("dates", "a,d\n1,2020-01-01\n", ["'d'", "line 2", "2020-01-01", "seconds"]),
    case("integer-too-large", "a,b\n1,2\n9007199254740993,3\n", ["line 3", "2**53", "offset"]),
    case("integer-too-large-negative", "a\n-9007199254740993\n", ["line 2", "2**53"]),
    case("integer-too-large-among-decimals", "a\n0.5\n9007199254740993\n", ["line 3", "2**53"]),
    case("integer-beyond-int64", "a\n1\n12345678901234567890\n", ["line 3", "2**53"]),
    case("duplicate-names", "a,a\n1,2\n", ["duplicate", "'a'"]),
    case("duplicate-names-but-for-spaces", "a, a\n1,2\n", ["duplicate", "'a'"]),
    case("unnamed-column", ",a\n0,1\n", ["column 1", "no name", "--id"]),
    case("missing-target", "a,b\n1,2\n", ["no column 'y'", "'a', 'b'"], drop=["y"]),
    case("missing-feature", "a,b\n1,2\n", ["no column 'c'", "'a', 'b'"], columns=["a", "c"]),
    case("missing-id", "a,b\n1,2\n", ["no column 'i'", "'a', 'b'"], id_column="i"),
    case("repeated-feature", "a,b\n1,2\n", ["more than once", "'a'"], columns=["a", "a"]),
    case("nothing-left", "a,b\n1,2\n", ["no feature"], drop=["a", "b"]),
    case("parquet-named-csv", b"PAR1 and so on", ["Parquet", ".parquet"]),
    case("numpy-named-csv", b"\x93NUMPY and so on", ["NumPy", ".npy"]),
    case("excel-named-csv", b"PK\x03\x04 and so on", ["Excel"]),
    case("zstd-named-csv", b"\x28\xb5\x2f\xfd and so on", ["zstd"]),
    case("truncated-gzip", gzip.compress(os.urandom(9999).hex().encode())[:999], ["truncated"]),
    case("damaged-gzip", b"\x1f\x8bnothing of the kind", ["gzip", "damaged"]),
    case("repeated-header", "a,b\n1,2\na,b\n3,4\n", ["line 3", "'a'", "2 columns"]),
]


@pytest.mark.parametrize(("data", "words", "options"), REFUSED)
def test_refused_csv(tmp_path, data, words, options):
    path = tmp_path / "table.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(FileError) as caught:
        read_table(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert [w for w in words if w not in message] == []


READ = [
    case("plain", "a,b\n1,2\n3,4.5\n", [[1, 2], [3, 4.5]]),
    case("bom", BOM + b"a,b\n1,2\n", [[1, 2]]),
    case("bom-without-header", BOM + b"1,2\n3,4\n", [[1, 2], [3, 4]], header=False),
    case("quoted-numbers", '"a","b"\n"1","2.5"\n', [[1, 2.5]]),
    case("spaces-and-plus", "a, b\n 1 , +2.5\n", [[1, 2.5]]),
    case("carriage-returns", "a,b\r\n1,2\r\n", [[1, 2]]),
    case("old-mac-lines", "a,b\r1,2\r", [[1, 2]]),
    case("no-final-newline", "a,b\n1,2", [[1, 2]]),
    case("blank-lines", "\na,b\n\n1,2\n\n\n", [[1, 2]]),
    case("one-column-blank-end", "a\n1\n2\n\n\n", [[1], [2]]),
    case("booleans", "a,b\ntrue,1\nfalse,0\n", [[1, 1], [0, 0]]),
    case("semicolons", "a;b\n1;2\n", [[1, 2]], sep=";"),
    case("decimal-comma", "a;b\n1,5;2\n", [[1.5, 2]], sep=";", decimal=","),
    case("tab-as-typed-in-a-shell", "a\tb\n1\t2\n", [[1, 2]], sep="\\t"),
    case("large-decimals", "a\n1e300\n12345678901234567890.5\n", [[1e300], [12345678901234567890]]),
    case("largest-exact-integer", "a\n9007199254740992\n", [[2**53]]),
    case("gzip-named-csv", gzip.compress(b"a,b\n1,2\n"), [[1, 2]]),
    case("columns-in-order", "a,b,c\n1,2,x\n", [[2, 1]], columns=["b", "a"]),
    case("target-dropped", "a,b,y\n1,2,x\n", [[1, 2]], drop=["y"]),
    case("latin-1-in-a-dropped-column", "a,y\n1,é\n".encode("latin-1"), [[1]], drop=["y"]),
    case("line-break-in-a-name", 'a,"b\nc"\n1,2\n', [[1, 2]]),
]


@pytest.mark.parametrize(("data", "values", "options"), READ)
def test_read_csv(tmp_path, data, values, options):
    path = tmp_path / "table.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    table = read_table(path, **options)
    assert table.values.dtype == np.float64
    np.testing.assert_array_equal(table.values, values)
    assert len(table.columns) == table.d


@pytest.mark.parametrize(
    ("cells", "ids"),
    [
        pytest.param(["7", "8"], [7, 8], id="numbers"),
        pytest.param(["007", "8"], ["007", "8"], id="leading-zeros-kept"),
        pytest.param(["é", "x y"], ["é", "x y"], id="text"),
        pytest.param(["", "b"], ["", "b"], id="empty"),
        pytest.param(["12345678901234567890123", "1"], [12345678901234567890123, 1], id="huge"),
    ],
)
@pytest.mark.parametrize("name", ["id", ""])
def test_ids_are_kept_as_given(tmp_path, cells, ids, name):
    path = tmp_path / "table.csv"
    path.write_text(f"{name},a\n" + "".join(f"{c},{i}\n" for i, c in enumerate(cells)), "utf-8")
    table = read_table(path, id_column=name)
    assert table.ids.tolist() == ids
    assert table.columns == ("a",)
    assert repr(table) == "Table(2 rows, 1 features, float64 from 'table.csv')"


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "A.TSV", "a.tsv.gz"])
def test_tabs_by_name(tmp_path, name):
    path = tmp_path / name
    data = b"a\tb\n1\t2\n"
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    np.testing.assert_array_equal(read_table(path).values, [[1, 2]])


def test_line_number_in_the_middle_of_many_rows(tmp_path):
    path = tmp_path / "table.csv"
    rows = [f'"{i}",{i}.5' for i in range(100_000)]
    rows[70_000] = "1,oops"
    path.write_text("a,b\n" + "\n".join(rows) + "\n")
    with pytest.raises(FileError, match="line 70002, column 'b' holds 'oops'"):
        read_table(path)
    rows[70_000] = "1"
    path.write_text("a,b\n" + "\n".join(rows) + "\n")
    with pytest.raises(FileError, match="line 70002 has 1 value"):
        read_table(path)


def test_many_columns(tmp_path):
    path = tmp_path / "wide.csv"
    d = 20_000
    path.write_text(",".join(f"c{i}" for i in range(d)) + "\n" + ",".join(["1.25"] * d) + "\n")
    assert read_table(path).values.shape == (1, d)


# ---- paths --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("nothing.csv", "no such file", id="missing"),
        pytest.param("tabel.csv", "did you mean 'table.csv'", id="misspelt"),
        pytest.param("no/table.csv", "there is no folder", id="missing-folder"),
        pytest.param("folder", "is a folder", id="directory"),
        pytest.param("broken.csv", "is a link to", id="broken-link"),
        pytest.param("table.xyz", "unknown kind of file", id="unknown-suffix"),
        pytest.param("https://example.org/a.csv", "web address", id="web-address"),
        pytest.param("a\0b.csv", "cannot be opened", id="zero-byte-in-name"),
    ],
)
@pytest.mark.parametrize("reader", [read_table, open_rows])
def test_each_bad_path_has_its_sentence(tmp_path, monkeypatch, name, words, reader):
    monkeypatch.chdir(tmp_path)
    for made in ("table.csv", "table.xyz"):
        (tmp_path / made).write_text("a\n1\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.csv").symlink_to("nowhere.csv")
    if reader is open_rows:
        if name in ("folder", "table.xyz"):
            pytest.skip("decided by the suffix")
        name = name.replace(".csv", ".npy")
        (tmp_path / "table.npy").touch()
        (tmp_path / "broken.npy").symlink_to("nowhere.npy")
        words = words.replace(".csv", ".npy")
    with pytest.raises(FileError, match=words) as caught:
        reader(name)
    assert str(caught.value).startswith(name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_no_permission(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n")
    path.chmod(0)
    with pytest.raises(FileError, match="no permission"):
        read_table(path)


def test_spaces_unicode_and_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "größe und maß.csv").write_text("größe,b\n1,2\n", encoding="utf-8")
    assert read_table("~/größe und maß.csv").columns == ("größe", "b")
    np.save(tmp_path / "x.npy", np.eye(2))
    assert open_rows("~/x.npy").n == 2


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n")], ids=["text", "gz"])
def test_standard_input(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    np.testing.assert_array_equal(read_table("-").values, [[1, 2]])


def test_standard_input_names_itself(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,x\n")))
    with pytest.raises(FileError, match=r"^standard input: line 2, column 'b'"):
        read_table("-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_named_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"a,b\n1,2\n3,x\n",))
    writer.start()
    with pytest.raises(FileError, match="line 3, column 'b'"):
        read_table(path)
    writer.join()


def test_too_large_for_memory(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,2\n" * 1000)
    monkeypatch.setattr("hullwise.data._memory.available_memory", lambda: 1000)
    with pytest.raises(MemoryLimitError, match=r"needs .* \(\d+ bytes\), but about 1000 bytes"):
        read_table(path)


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
        pytest.param(pa.array([1, 2], pa.decimal128(5, 2)), "decimal128", id="decimal"),
        pytest.param(pa.array([0, 1], pa.timestamp("s")), "timestamp", id="time"),
        pytest.param(pa.array(["x", "y"]).dictionary_encode(), "dictionary", id="category"),
    ],
)
def test_parquet_columns_without_numbers_are_listed(tmp_path, reader, column, kind):
    path = parquet(tmp_path / "t.parquet", {"a": [1.0, 2.0], "bad": column, "c": [3, 4]})
    with pytest.raises(FileError, match=rf"'bad' \({kind}.*--columns: 'a', 'c'"):
        reader(path)
    assert reader(path, columns=["c", "a"]).columns == ("c", "a")


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


def test_parquet_keeps_two_groups(tmp_path):
    path = parquet(tmp_path / "x.parquet", {"a": np.arange(100.0)}, row_group_size=10)
    rows = ParquetRows(path)
    rows.block(0, 100)
    rows.take(np.arange(0, 100, 3))
    assert len(rows._cache) == 2
    assert np.shares_memory(rows.block(0, 5), rows.block(2, 9))


def test_parquet_stored_dtypes(tmp_path):
    small = parquet(tmp_path / "a.parquet", {"a": np.arange(3, dtype=np.uint8)})
    mixed = parquet(tmp_path / "b.parquet", {"a": np.arange(3), "b": np.arange(3.0)})
    assert ParquetRows(small).dtype == np.uint8
    assert ParquetRows(mixed).dtype == np.float64
    assert ParquetRows(mixed).block(0, 3).tolist() == [[0, 0], [1, 1], [2, 2]]


def test_huge_row_group_says_how_to_rewrite(tmp_path, monkeypatch):
    path = parquet(tmp_path / "x.parquet", {"a": np.arange(1000.0)})
    monkeypatch.setattr("hullwise.data._files.available_memory", lambda: 12_000)
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
    assert isinstance(table, Table)
    assert table.columns == ("x0", "x2")
    np.testing.assert_array_equal(table.values, [[0, 2], [3, 5]])
    assert NpyRows(tmp_path / "x.npy", ["a", "b", "c"]).columns == ("a", "b", "c")
    with pytest.raises(FileError, match="2 names were given for 3"):
        NpyRows(tmp_path / "x.npy", ["a", "b"])
    np.save(tmp_path / "x.npy", [[1.0, np.nan]])
    with pytest.raises(FileError, match=r"NaN.*row 0, column 'x1'"):
        read_table(tmp_path / "x.npy")


# ---- writing ------------------------------------------------------------------------------

COLUMNS = {
    "id": np.array(["a,b", 'q"', "é"], dtype=object),
    "x": np.array([0.1 + 0.2, 1e-310, -1e22]),
    "k": np.array([1, -2, 3], dtype=np.int8),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_written_tables_read_the_same(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    write_table(COLUMNS, path)
    table = read_table(path, id_column="id")
    assert table.columns == ("x", "k")
    assert table.ids.tolist() == COLUMNS["id"].tolist()
    np.testing.assert_array_equal(table.values, np.c_[COLUMNS["x"], COLUMNS["k"]])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_existing_output_needs_force(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("mine")
    with pytest.raises(FileError, match="--force"):
        write_table(COLUMNS, path)
    assert path.read_text() == "mine"
    write_table(COLUMNS, path, force=True)
    assert read_table(path, id_column="id").n == 3


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(28, "No space left on device"), ValueError("late")]
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_failed_write_leaves_nothing(tmp_path, monkeypatch, suffix, error):
    def fail(*_args):
        raise error

    path = tmp_path / f"out{suffix}"
    path.write_text("mine")
    monkeypatch.setattr("hullwise.data._table._write_csv", fail)
    monkeypatch.setattr("pyarrow.parquet.write_table", fail)
    expected = FileError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected, match="No space left" if expected is FileError else None):
        write_table(COLUMNS, path, force=True)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "mine"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device")
def test_disk_full():
    with pytest.raises(FileError, match=r"^/dev/full: .*No space left"):
        write_table(COLUMNS, "/dev/full")


def test_bad_outputs(tmp_path):
    for name, words in [("no/out.csv", "no folder"), ("out.xlsx", r"\.csv or \.parquet")]:
        with pytest.raises(FileError, match=words):
            write_table(COLUMNS, tmp_path / name)
    with pytest.raises(FileError, match="is a folder"):
        write_table(COLUMNS, tmp_path)
    with pytest.raises(DataError, match="unequal length"):
        write_table({"a": [1], "b": [1, 2]}, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_output_through_a_link(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_table({"a": [1]}, tmp_path / "link.csv", force=True)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "a\n1\n"


def test_standard_output(capsys):
    write_table({"a": [1, None], "b": np.array([0.5, np.nan])}, "-")
    assert capsys.readouterr().out == "a,b\n1,0.5\n,nan\n"
