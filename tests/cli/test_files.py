"""The command line and its files: rows that cannot be located, hostile files, outputs."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cli_input
import hullwise as hw
from cli_input import COLUMNS, read_rows, run, write_csv

# Fixtures are found by their names in the module that uses them.
tables, files = cli_input.tables, cli_input.files


# ---- rows that cannot be located --------------------------------------------------------------


def bad_table(path, kind, Q):
    values = Q.copy()
    values[3, 1], values[5, 0], values[5, 2] = np.nan, np.inf, np.nan
    if kind == "npy":
        np.save(path.with_suffix(".npy"), values)
        return path.with_suffix(".npy"), ["x0", "x1", "x2"]
    if kind == "csv":
        cells = [["" if np.isnan(v) else v for v in row] for row in values.tolist()]
        return write_csv(path.with_suffix(".csv"), COLUMNS, cells), COLUMNS
    columns = [pa.array([None if np.isnan(v) else v for v in c]) for c in values.T.tolist()]
    pq.write_table(pa.table(dict(zip(COLUMNS, columns))), path.with_suffix(".parquet"))
    return path.with_suffix(".parquet"), COLUMNS


@pytest.mark.parametrize("kind", ["csv", "npy", "parquet"])
def test_bad_rows_are_refused_or_kept_in_their_place(kind, files, tables, tmp_path):
    X, _, Q = tables
    new, names = bad_table(tmp_path / "bad", kind, Q)
    options = ["--target", "y", "-q", "-o", tmp_path / "out.csv"]
    error = run("locate", files[0], new, *options, code=3).stderr
    assert "--bad-rows keep" in error
    assert names[1] in error or names[0] in error
    assert not (tmp_path / "out.csv").exists()
    run("locate", files[0], new, *options, "--bad-rows", "keep")
    rows = read_rows((tmp_path / "out.csv").read_text())
    good = [i for i in range(20) if i not in (3, 5)]
    location = hw.locate(X, Q[good], metric="std")
    assert [r["row"] for r in rows] == [str(i) for i in range(20)]
    assert [float(rows[i]["upper"]) for i in good] == location.upper.tolist()
    assert [rows[i]["band"] for i in good] == location.band.tolist()
    for i, reason in ((3, f"NaN in column {names[1]!r}"), (5, f"infinity in column {names[0]!r}")):
        assert rows[i]["verdict"] == "undecided"
        assert rows[i]["band"] == "unknown"
        assert rows[i]["status"].startswith(f"not located: {reason}")
        assert rows[i]["upper"] == rows[i]["nearest_rows"] == ""
    run(
        "locate",
        files[0],
        new,
        *options,
        "--force",
        "--bad-rows",
        "keep",
        "--fail-on",
        "far",
        code=1,
    )


def test_only_bad_rows(files, tmp_path):
    new = write_csv(tmp_path / "bad.csv", COLUMNS, [["", 1, 2], ["NA", 1, 2]])
    args = ["locate", files[0], new, "--target", "y", "--bad-rows", "keep", "-o", "-"]
    result = run(*args)
    assert [r["verdict"] for r in read_rows(result.stdout)] == ["undecided"] * 2
    assert "No row could be located" in result.stderr


def test_keeping_bad_rows_keeps_no_text(files, tmp_path):
    new = write_csv(tmp_path / "bad.csv", COLUMNS, [["", 1, 2], ["much", 1, 2]])
    error = run("locate", files[0], new, "--target", "y", "--bad-rows", "keep", code=3).stderr
    assert "'much'" in error
    assert "line 3" in error


# ---- hostile files ----------------------------------------------------------------------------

HEADER = b"age,dose,weight\n"
BAD_FILES = {
    "87 truncated row": ("q.csv", HEADER + b"1,2,3\n1,2\n", "line 3 has 2 values where 3"),
    "88 separator": ("q.csv", b"age;dose;weight\n1;2;3\n", "--sep ';'"),
    "89 decimal comma": ("q.csv", b"age\tdose\tweight\n1,5\t2,5\t3,5\n", "--sep"),
    "90 no header": ("q.csv", b"1.5,2,3\n4,5,6\n", "--no-header"),
    "91 header only": ("q.csv", HEADER, "no rows"),
    "91 empty": ("q.csv", b"", "is empty"),
    "92 UTF-16": ("q.csv", HEADER.decode().encode("utf-16"), "UTF-16"),
    "92 Latin-1": ("q.csv", "age,dose,größe\n1,2,3\n".encode("latin-1"), "not UTF-8"),
    "93 text": ("q.csv", HEADER + b"1,2,3\n1,much,3\n", "line 3, column 'dose' holds 'much'"),
    "93 thousands": ("q.csv", HEADER + b'1,2,3\n1,"1,234,567",3\n', "thousands"),
    "94 large integer": ("q.csv", HEADER + b"1,2,9007199254740993\n", "beyond 2**53"),
    "95 empty Parquet": ("q.parquet", b"", "is empty"),
    "95 mislabelled Parquet": ("q.parquet", HEADER, "is not a Parquet file"),
    "95 mislabelled CSV": ("q.csv", b"PAR1" + b"x" * 50, "Parquet file"),
    "98 unknown kind": ("q.xlsx", b"PK\x03\x04", "known are"),
    "101 pickle": ("q.pkl", b"\x80\x04", "is a pickle"),
    "101 joblib": ("q.joblib", b"\x80\x04", "can run any code"),
    "101 torch": ("q.pt", b"PK\x03\x04", "is a pickle"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_one_sentence_with_the_path(case, files, tmp_path):
    name, content, said = BAD_FILES[case]
    path = tmp_path / name
    path.write_bytes(content)
    for args in ([files[0], path, "--target", "y"], [path, files[1], "--id", "id"]):
        error = run("locate", *args, "-o", tmp_path / "out.csv", code=3).stderr
        line = error.splitlines()[-1]
        assert line.startswith(f"hullwise: {path}: ")
        assert said in line
        assert not (tmp_path / "out.csv").exists()


def test_decimal_comma_and_byte_order_mark_are_read(files, tables, tmp_path):
    X, _, Q = tables
    kinds = {"train": X, "new": Q}
    for name, values in kinds.items():
        text = "\n".join([";".join(COLUMNS), *(";".join(map(str, r)) for r in values.tolist())])
        path = tmp_path / f"{name};.csv"
        path.write_text("\ufeff" + text.replace(".", ","), encoding="utf-8")
    paths = [tmp_path / f"{name};.csv" for name in kinds]
    assert "--decimal" in run("locate", *paths, "--sep", ";", code=3).stderr
    args = ["--sep", ";", "--decimal", ",", "-q", "-o", "-"]
    found = run("locate", *paths, *args).stdout
    rows = read_rows(found)
    assert [float(r["upper"]) for r in rows] == hw.locate(X, Q, metric="std").upper.tolist()


def test_files_without_header(tables, tmp_path):
    X, y, Q = tables
    for name, values in (("train", np.c_[X, y]), ("new", Q)):
        np.savetxt(tmp_path / f"{name}.csv", values, delimiter=",", fmt="%.17g")
    args = [tmp_path / "train.csv", tmp_path / "new.csv", "--no-header", "--target", "x3"]
    rows = read_rows(run("locate", *args, "-q", "-o", "-").stdout)
    assert [float(r["upper"]) for r in rows] == hw.locate(X, Q, metric="std").upper.tolist()


def test_nested_and_text_columns_of_parquet_are_listed(files, tmp_path):
    values = {c: [1.0, 2.0] for c in COLUMNS} | {"tags": [["a"], ["b"]], "town": ["x", "y"]}
    pq.write_table(pa.table(values), tmp_path / "q.parquet")
    both = [tmp_path / "q.parquet", tmp_path / "q.parquet"]
    error = run("locate", *both, code=3).stderr
    assert "'tags'" in error
    assert "--drop" in error
    assert "'town'" in run("locate", *both, "--membership-only", code=3).stderr
    run("locate", *both, "--drop", "tags")
    args = ["--columns", "age,dose,weight"]
    run("locate", tmp_path / "q.parquet", tmp_path / "q.parquet", *args)


def test_columns_that_do_not_pair_are_named_with_what_to_do(files, tables, tmp_path):
    train, _ = files
    short = write_csv(tmp_path / "short.csv", ["age", "dose", "height"], [[1, 2, 3]])
    error = run("locate", train, short, "--target", "y", code=3).stderr
    assert "lacks 'weight'" in error
    assert "'height'" in error
    more = write_csv(tmp_path / "more.csv", [*COLUMNS, "predicted"], [[1, 2, 3, 4]])
    error = run("locate", train, more, "--target", "y", "--strict", code=3).stderr
    assert "'predicted'" in error
    assert "--columns age,dose,weight" in error
    text = " ".join(run("locate", train, more, "--target", "y").stdout.split())
    assert f"columns of {more} that {train} has not are ignored: 'predicted'" in text
    run("locate", train, more, "--columns", "age,dose,weight")
    error = run("locate", train, more, "--target", "yy", code=2).stderr
    assert "no column 'yy'; did you mean 'y'? The columns are" in error
    error = run("locate", train, more, "--drop", "age,dose", code=2).stderr
    assert "name 'age', 'dose' one by one" in error
    assert "no column 'nr'" in run("locate", train, more, "--id", "nr", code=2).stderr
    assert "did you mean 'dose'?" in run("locate", train, more, "--columns", "dosis", code=2).stderr
    np.save(tmp_path / "wide.npy", np.zeros((2, 5)))
    error = run("locate", train, tmp_path / "wide.npy", "--target", "y", code=3).stderr
    assert "paired by their place" in error


def test_a_name_with_a_comma(tables, tmp_path):
    X, _, Q = tables
    names = ['"a,b"', "c", "d"]
    paths = [write_csv(tmp_path / n, names, v.tolist()) for n, v in (("t.csv", X), ("q.csv", Q))]
    assert "a,b, c" in run("locate", *paths, "--columns", '"a,b",c').stdout


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nothing.csv", "no such file"),
        ("folder", "is a folder"),
        ("https://example.org/a.csv", "is a web address"),
        ("broken.csv", "is a link to"),
        ("~/no such file at all.csv", "no such file"),
    ],
)
def test_paths_that_lead_nowhere(path, said, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.csv").symlink_to("gone.csv")
    assert said in run("locate", files[0], path, "--target", "y", code=3).stderr


def test_paths_with_spaces_unicode_and_tilde(files, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    odd = tmp_path / "neue Zeilen é 数.csv"
    odd.write_bytes(Path(files[1]).read_bytes())
    args = ["locate", files[0], f"~/{odd.name}", "--target", "y", "--id", "id"]
    assert "20 rows" in run(*args, "-o", "~/out put.csv").stdout
    assert (tmp_path / "out put.csv").is_file()


def test_outputs_are_never_replaced_unasked(files, tmp_path):
    args = ["locate", *files, "--target", "y", "--id", "id"]
    for option, name in (("-o", "o.csv"), ("--report", "r.html")):
        out = tmp_path / name
        out.write_text("mine")
        error = run(*args, option, out, code=3).stderr
        assert "--force" in error
        assert "force=True" not in error
        # refused before anything is computed
        assert "located in" not in error
        assert out.read_text() == "mine"
        run(*args, option, out, "--force")
        assert out.read_text() != "mine"
    for option, name in (("-o", "o.csv"), ("--report", "r.html")):
        error = run(*args, option, tmp_path / "no" / name, code=3).stderr
        assert "there is no folder" in error
    assert (
        "ends in .csv, .parquet or .jsonl" in run(*args, "-o", tmp_path / "o.xlsx", code=2).stderr
    )
    before = Path(files[0]).read_bytes()
    error = run(*args, "-o", files[0], "--force", code=3).stderr
    assert "is an input" in error
    assert Path(files[0]).read_bytes() == before
