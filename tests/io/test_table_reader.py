"""Files: every hostile one is refused in one sentence that starts with its path."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hullwise.errors import DataError, DataWarning, FileError, MemoryLimitError
from hullwise.io.file_rows import open_rows
from hullwise.io.table_reader import read_table

BOM = b"\xef\xbb\xbf"


def case(slug, data, words, **options):
    return pytest.param(data, words, options, id=slug)


REFUSED = [
    case("truncated-csv-row", "a,b\n1,2\n3\n4,5\n", ["line 3", "1 value where 2"]),
    case("truncated-last-row", "a,b\n1,2\n3,4\n5", ["line 4", "cut off"]),
    case("truncated-row-after-blank-lines", "a,b\n\n1,2\n\n3\n4,5\n", ["line 5"]),
    case("too-long-row", "a,b\n1,2\n3,4,5\n", ["line 3", "3 values where 2"]),
    case("wrong-separator-semicolon", "a;b\n1;2\n", ["';'", "sep="]),
    case("wrong-separator-tab", "a\tb\n1\t2\n", ["tab", "sep="]),
    case("wrong-separator-pipe", "a|b\n1|2\n", ["'|'", "sep="]),
    case("wrong-separator-comma", "a,b\n1,2\n", ["','", "sep="], sep=";"),
    case("wrong-separator-spaces", "a b\n1 2\n", ["spaces"]),
    case("excel-separator-line", "sep=;\na;b\n1;2\n", ["line 1", "delete"]),
    case("decimal-comma", "a;b\n1,5;2\n", ["line 2", "'1,5'", "decimal=','"], sep=";"),
    case("decimal-comma-quoted", 'a,b\n2,1\n"1,5",2\n', ["line 3", "decimal=','"]),
    case("decimal-comma-unquoted", "a,b\n1,5,2,5\n", ["line 2", "decimal marks"]),
    case("decimal-point-for-comma", "a;b\n1.5;2\n", ["decimal='.'"], sep=";", decimal=","),
    case("missing-header", "1,2\n3,4\n", ["numbers only", "header=False"]),
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
    case("empty-column", "a,b\n1,\n2,\n", ["without any value", "'b'", "drop="]),
    case("blank-line-in-one-column", "a\n1\n\n2\n", ["line 3", "'a'", "empty"]),
    case("thousands-separators", 'a,b\n1,2\n"1,234,567",2\n', ["line 3", "thousands"]),
    case("thousands-or-decimal", 'a,b\n"1,234",2\n', ["thousands", "decimal=','"]),
    case("thousands-spaces", "a,b\n1 234,2\n", ["'1 234'", "thousands"]),
    case("dates", "a,d\n1,2020-01-01\n", ["'d'", "line 2", "2020-01-01", "seconds"]),
    case("integer-too-large", "a,b\n1,2\n9007199254740993,3\n", ["line 3", "2**53", "offset"]),
    case("integer-too-large-negative", "a\n-9007199254740993\n", ["line 2", "2**53"]),
    case("integer-too-large-among-decimals", "a\n0.5\n9007199254740993\n", ["line 3", "2**53"]),
    case("integer-beyond-int64", "a\n1\n12345678901234567890\n", ["line 3", "2**53"]),
    case("duplicate-names", "a,a\n1,2\n", ["duplicate", "'a'"]),
    case("duplicate-names-but-for-spaces", "a, a\n1,2\n", ["duplicate", "'a'"]),
    case("unnamed-column", ",a\n0,1\n", ["column 1", "no name", "id_column="]),
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
    case(
        "repeated-header",
        "a,b\n1,2\na,b\n3,4\n",
        ["line 3", "'a'", "2 columns", "repeats the header: delete it"],
    ),
    case("row-of-units", "a,b\nm,kg\n1,2\n3,4\n", ["line 2 ('m', 'kg')", "units, delete it"]),
    case("units-of-one-column", "a,b\n1,kg\n1,2\n", ["line 2", "units"]),
    case("units-below-a-comment", "# x\na,b\nm,kg\n1,2\n", ["line 3 ('m', 'kg')", "units"]),
    case("text-in-the-first-row-only", "a,b\n?,2\n1,2\n", ["line 2", "'?'"]),
    case("comment-in-the-middle", "a,b\n1,2\n# note\n3,4\n", ["line 3", "comment", "delete"]),
    case("comment-at-the-end", "a,b\n1,2\n# the end", ["line 3", "comment", "delete"]),
    case(
        "comment-of-as-many-cells",
        "a,b\n1,2\n# n,3\n3,4\n",
        ["line 3, column 'a'", "comment", "delete"],
    ),
    case("comments-only", "# one\n# two\n", ["line 2", "comment"]),
    case(
        "header-lost-as-a-comment",
        "#id,a\nr1,1,2\nr2,3,4\n",
        ["line 2", "no header", "number '1'"],
    ),
    case("hexadecimal-ids", "a,b\n0xA1,1\n0xB2,2\n", ["line 2", "hexadecimal", "id_column="]),
    case("time-of-day", "a,t\n1,12:30\n2,13:45\n", ["times", "'t'", "'12:30'"]),
    case("german-dates", "a;d\n1;31.12.2020\n", ["times", "'d'"], sep=";"),
    case("unclosed-quote", 'a,b\n1,"2\n3,4\n' + "5,6\n" * 50_000, ["line 2"]),
    case("a-line-without-end", "a,b\n" + "1," * 3_000_000, ["line 2 has 3000001 values"]),
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
    case("comments-above-the-header", "# made by\n# a, b, c\n\na,b\n1,2\n", [[1, 2]]),
    case("comments-above-rows", "# made by\n1,2\n3,4\n", [[1, 2], [3, 4]], header=False),
    case("header-with-a-comment-mark", "#a,b\n1,2\n", [[1, 2]]),
    case("header-with-a-comment-mark-below-one", "# x\n# a,b\n1,2\n", [[1, 2]]),
    case("escaped-names", "'=a,'@b\n1,2\n", [[1, 2]]),
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
    assert repr(table) == "NumericTable(2 rows, 1 features, float64 from 'table.csv')"


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


# ---- rows with missing or infinite values -------------------------------------------------

NAN, INF = np.nan, np.inf


def kept(slug, data, values, bad, **options):
    return pytest.param(data, values, bad, options, id=slug)


KEPT = [
    kept("empty", "a,b\n1,2\n,3\n", [[1, 2], [NAN, 3]], {1: "NaN in column 'a'"}),
    kept(
        "words",
        "a,b\nNA,2\n nan ,3\n5,#N/A\nnull,?\n",
        [[NAN, 2], [NAN, 3], [5, NAN], [NAN] * 2],
        {
            0: "NaN in column 'a'",
            1: "NaN in column 'a'",
            2: "NaN in column 'b'",
            3: "NaN in column 'a' and 1 more",
        },
    ),
    kept(
        "infinite",
        "a,b\n1,-inf\n1e400,2\n",
        [[1, -INF], [INF, 2]],
        {0: "infinity in column 'b'", 1: "infinity in column 'a'"},
    ),
    kept("no-bad-row", "a,b\n1,2\n3,4\n", [[1, 2], [3, 4]], {}),
    kept(
        "empty-column",
        "a,b\n,2\n,3\n",
        [[NAN, 2], [NAN, 3]],
        {0: "NaN in column 'a'", 1: "NaN in column 'a'"},
    ),
    kept(
        "all-missing",
        "a,b\nNA,\n,NA\n",
        [[NAN, NAN], [NAN, NAN]],
        {0: "NaN in column 'a' and 1 more", 1: "NaN in column 'a' and 1 more"},
    ),
    kept("booleans", "a,b\ntrue,1\n,0\n", [[1, 1], [NAN, 0]], {1: "NaN in column 'a'"}),
    kept("one-column", "a\n1\n\n2\n\n\n", [[1], [NAN], [2]], {1: "NaN in column 'a'"}),
    kept(
        "decimal-comma",
        "a;b\nNA;1,5\n+2,5e1;\n",
        [[NAN, 1.5], [25, NAN]],
        {0: "NaN in column 'a'", 1: "NaN in column 'b'"},
        sep=";",
        decimal=",",
    ),
    kept("no-header", "1,2\nNA,3\n", [[1, 2], [NAN, 3]], {1: "NaN in column 'x0'"}, header=False),
    kept("ids", "id,a\n007,NA\n8,1\n", [[NAN], [1]], {0: "NaN in column 'a'"}, id_column="id"),
    kept(
        "largest-integer", "a\nNA\n9007199254740992\n", [[NAN], [2**53]], {0: "NaN in column 'a'"}
    ),
    kept("target-dropped", "a,y\n,x\n", [[NAN]], {0: "NaN in column 'a'"}, drop=["y"]),
]


@pytest.mark.parametrize(("data", "values", "bad", "options"), KEPT)
def test_bad_rows_are_kept_with_what_they_hold(tmp_path, data, values, bad, options):
    path = tmp_path / "table.csv"
    path.write_text(data)
    table = read_table(path, bad_rows="keep", **options)
    np.testing.assert_array_equal(table.values, values)
    assert table.bad == bad
    if bad:
        with pytest.raises(FileError):
            read_table(path, **options)
    if "id_column" in options:
        assert table.ids.tolist() == ["007", "8"]


@pytest.mark.parametrize(
    ("data", "words", "options"),
    [
        case("text", "a,b\n,1\nmuch,2\n", ["line 3", "'a'", "'much'", "1 cell"]),
        case("text-among-missing", "a,b\nNA,1\nNA,much\n", ["line 3", "'b'", "'much'"]),
        case("thousands", 'a,b\nNA,1\n"1,234",2\n', ["line 3", "'1,234'", "decimal=','"]),
        case("dates", "a,d\n,2020-01-01\n", ["'d'", "line 2", "seconds"]),
        case("integer-too-large", "a\n\n9007199254740993\n", ["line 3", "2**53"]),
        case("integer-too-large-among-words", "a\nNA\n9007199254740993\n", ["line 3", "2**53"]),
        case("truncated", "a,b\n,1\n2\n", ["line 3", "1 value where 2"]),
        case("header-only", "a,b\n", ["no rows"]),
        case("point-for-comma", "a;b\nNA;1.5\n", ["'1.5'"], sep=";", decimal=","),
    ],
)
def test_keeping_bad_rows_keeps_nothing_else(tmp_path, data, words, options):
    path = tmp_path / "table.csv"
    path.write_text(data)
    with pytest.raises(FileError) as caught:
        read_table(path, bad_rows="keep", **options)
    assert [w for w in words if w not in str(caught.value)] == []


def test_a_missing_word_far_down_is_kept(tmp_path):
    path = tmp_path / "table.csv"
    rows = [f"{i},{i}.5" for i in range(200_000)]
    rows[150_000] = "NA,1"
    path.write_text("a,b\n" + "\n".join(rows) + "\n")
    table = read_table(path, bad_rows="keep")
    assert table.bad == {150_000: "NaN in column 'a'"}
    assert table.values[199_999].tolist() == [199_999, 199_999.5]


def test_bad_rows_of_parquet_and_npy(tmp_path):
    values = pd.DataFrame(
        {
            "a": pd.array([1, None, 3], dtype="Int64"),
            "b": [0.5, INF, NAN],
            "flag": pd.array([True, None, False], dtype="boolean"),
        },
        index=pd.Index(["p", "q", "r"], name="who"),
    )
    values.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet", bad_rows="keep")
    np.testing.assert_array_equal(table.values, [[1, 0.5, 1], [NAN, INF, NAN], [3, NAN, 0]])
    assert table.bad == {1: "NaN in column 'a' and 2 more", 2: "NaN in column 'b'"}
    assert table.ids.tolist() == ["p", "q", "r"]
    pd.DataFrame({"a": pd.array([None, 2**53 + 1], dtype="Int64")}).to_parquet(
        tmp_path / "i.parquet"
    )
    with pytest.raises(FileError, match=r"row 1 .*2\*\*53"):
        read_table(tmp_path / "i.parquet", bad_rows="keep")
    np.save(tmp_path / "x.npy", np.array([[1.0, NAN], [INF, NAN]], dtype=np.float32))
    table = read_table(tmp_path / "x.npy", bad_rows="keep")
    assert table.bad == {0: "NaN in column 'x1'", 1: "infinity in column 'x0' and 1 more"}
    assert read_table(tmp_path / "x.npy", columns=["x0"], bad_rows="keep").bad == {
        1: "infinity in column 'x0'"
    }
    np.save(tmp_path / "x.npy", np.array([[2**53 + 1]]))
    with pytest.raises(FileError, match=r"2\*\*53"):
        read_table(tmp_path / "x.npy", bad_rows="keep")


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
        pytest.param("a\0b.csv", "is no name of a file", id="zero-byte-in-name"),
        pytest.param("~nobody-of-that-name/a.csv", "is no name of a file", id="no-such-home"),
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


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n")
    # An administrator may read everything, so the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileError, match="no permission to read"):
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
    monkeypatch.setattr("hullwise._core.memory.available_memory", lambda: 1000)
    with pytest.raises(MemoryLimitError, match=r"needs .* \(\d+ bytes\), but about 1000 bytes"):
        read_table(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sep": '"'}, "sep='\\\"'"),
        ({"sep": "\n"}, "sep="),
        ({"sep": "5"}, "sep='5'"),
        ({"sep": "+"}, r"sep='\+'"),
        ({"sep": "é"}, "one ASCII character"),
        ({"decimal": "e"}, "decimal='e'"),
        ({"sep": ",", "decimal": ","}, "the same mark"),
    ],
)
def test_marks_that_would_be_read_in_two_ways(tmp_path, options, words):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=words):
        read_table(path, **options)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_column_that_counts_the_rows_is_noted(tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    table = pd.DataFrame({"Unnamed: 0": range(1, 41), "a": np.arange(40.0) ** 2})
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    words = r"t\.\w+: column 'Unnamed: 0' counts the rows \(1, 2 to 40\)"
    with pytest.warns(DataWarning, match=words):
        assert read_table(path).d == 2
    assert read_table(path, drop=["Unnamed: 0"]).d == 1
    assert read_table(path, id_column="Unnamed: 0").ids.tolist() == list(range(1, 41))


# ---- more than fits -------------------------------------------------------------------------


def limit_memory(monkeypatch, size):
    for module in ("hullwise._core.memory", "hullwise.io._byte_source"):
        monkeypatch.setattr(f"{module}.available_memory", lambda: size)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"a,b\n" + b"1,2\n" * 20_000_000, id="rows"),
        pytest.param(b"a,b\n" + b"1," + b"0" * 80_000_000, id="one-cell"),
        pytest.param(b"a,b\n" + b" " * 80_000_000, id="blanks"),
        pytest.param(b"a,b\n" + b"\n" * 80_000_000, id="empty-lines"),
        pytest.param(b"a,b\n1,2\n" + b"x,y\n" * 20_000_000, id="text"),
        pytest.param(b"0" * 80_000_000, id="header"),
        pytest.param(b'a,b\n1,"' + b"\n" * 80_000_000, id="quoted-lines"),
    ],
)
def test_a_file_that_holds_a_thousand_times_its_size(tmp_path, monkeypatch, text):
    """Refused within the memory there is, before the table is made."""
    path = tmp_path / "bomb.csv"
    path.write_bytes(gzip.compress(text[: len(text) // 2]) + gzip.compress(text[len(text) // 2 :]))
    assert path.stat().st_size * 200 < len(text)
    limit_memory(monkeypatch, 50_000_000)
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    tracemalloc.start()
    with pytest.raises((FileError, MemoryLimitError)) as caught:
        read_table(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert peak < 400_000_000  # a line may have 64 million characters
    assert pool.bytes_allocated() - before < 50_000_000


class EndlessInput:
    """Standard input that never ends."""

    class buffer:
        @staticmethod
        def read(size):
            return b"1,2\n" * (size // 4)


def test_a_pipe_without_end_is_refused(monkeypatch):
    limit_memory(monkeypatch, 600_000_000)
    monkeypatch.setattr(sys, "stdin", EndlessInput)
    with pytest.raises(MemoryLimitError, match=r"standard input: its first .* MiB"):
        read_table("-")


def test_a_device_that_gives_zeros_is_no_text():
    if not os.path.exists("/dev/zero"):
        pytest.skip("no such device")
    with pytest.raises(FileError, match="holds zero bytes"):
        read_table("/dev/zero")


def test_closed_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(FileError, match="standard input: is closed"):
        read_table("-")


def test_files_that_cannot_be_decompressed_give_their_memory_back(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(gzip.compress(os.urandom(9999).hex().encode())[:999])

    def refuse(times):
        for _ in range(times):
            with pytest.raises(FileError, match="truncated"):
                read_table(path)

    refuse(2)
    tracemalloc.start()
    refuse(20)
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert left < 5_000_000
