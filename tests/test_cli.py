"""The command line, as a user and a pipeline meet it."""

import contextlib
import csv
import gzip
import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import hullwise as hw
from hullwise.cli import main

SOURCE = str(Path(hw.__file__).parents[1])
COLUMNS = ["age", "dose", "weight"]


@pytest.fixture(scope="module")
def tables():
    """80 training rows with a target, 20 new ones: 19 like them and one far away."""
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=(80, 3)), rng.normal(size=(20, 3))
    Q[7] = [9.0, -9.0, 0.5]
    return X, rng.normal(size=80), Q


def write_csv(path, names, rows, sep=","):
    text = "\n".join([sep.join(names), *(sep.join(map(str, r)) for r in rows)]) + "\n"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tables, tmp_path):
    X, y, Q = tables
    train = write_csv(tmp_path / "train.csv", [*COLUMNS, "y"], np.c_[X, y].tolist())
    ids = [["id", *COLUMNS], [[f"p{i}", *q] for i, q in enumerate(Q.tolist())]]
    return train, write_csv(tmp_path / "new.csv", *ids)


def run(*args, code=0, stdin=None):
    result = CliRunner().invoke(main, [str(a) for a in args], input=stdin)
    assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    return result


def read_rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def process(*args, **options):
    env = os.environ | {"PYTHONPATH": SOURCE, "PYTHONWARNINGS": "error"} | options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-m", "hullwise", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        **options,
    )


# ---- what comes out ---------------------------------------------------------------------------


def test_one_row_per_new_row_with_every_column(files, tables, tmp_path):
    out, report = tmp_path / "where.csv", tmp_path / "where.html"
    result = run(
        "locate", *files, "--target", "y", "--id", "id", "-o", out, "--report", report, "--verify"
    )
    X, _, Q = tables
    rows = read_rows(out.read_text())
    location = hw.locate(X, Q, metric="std")
    assert [r["id"] for r in rows] == [f"p{i}" for i in range(20)]
    assert list(rows[0]) == ["id", *location.to_dict()]
    needed = "verdict lower upper band hull_percentile in_range_share in_ellipsoid"
    for column in [*needed.split(), "neighbour_percentile", "nearest_rows", "pushed_out_by"]:
        assert column in rows[0]
    assert [r["verdict"] for r in rows] == location.to_dict()["verdict"]
    assert [r["band"] for r in rows] == location.band.tolist()
    assert [float(r["upper"]) for r in rows] == location.upper.tolist()
    assert [float(r["lower"]) for r in rows] == location.lower.tolist()
    assert rows[7]["band"] == "far"
    assert rows[7]["pushed_out_by"].startswith(("age +", "dose -"))
    assert "certificates verified: 20 of 20" in result.stderr
    assert f"20 rows written to {out}" in result.stderr
    page = report.read_text(encoding="utf-8")
    assert page.startswith("<!")
    assert "p7" in page
    assert not list(tmp_path.glob("*.part"))


def test_summary_is_readable_at_80_columns(files):
    result = run("locate", *files, "--target", "y", "--id", "id")
    text = result.stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert "80 rows" in text
    assert "divided by its standard deviation" in text
    for band in ("core", "edge", "beyond", "far"):
        assert f"\n  {band} " in text
    assert "against 80 training rows left out in turn" in text
    assert "farther out than all 80 of them" in text
    farthest = text[text.index("The farthest rows") :]
    assert farthest.splitlines()[2].split()[:2] == ["p7", "far"]
    assert "age 9 to " in farthest
    assert "Other definitions" in text
    assert result.stderr.splitlines()[0].startswith(f"hullwise {hw.__version__}: locating ")


def test_counts_in_the_summary_are_those_of_the_location(files, tables):
    text = run("locate", *files, "--target", "y", "--id", "id").stdout
    X, _, Q = tables
    location = hw.locate(X, Q, metric="std")
    for band in ("core", "edge", "beyond", "far"):
        line = next(x for x in text.splitlines() if x.startswith(f"  {band} "))
        assert int(line.split()[1]) == (location.band == band).sum()
    assert f"outside: {(location.verdict == -1).sum()}" in text


def test_features_are_counted_with_their_sign():
    from hullwise.cli._text import leading

    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    location = hw.locate(X, [[3.0, 0.5], [-2.0, 0.5], [0.5, 4.0], [0.5, 0.5], [2.0, 2.0]])
    expected = {("x0", True): 2, ("x0", False): 1, ("x1", True): 2}
    assert leading(location) == expected


def test_columns_are_paired_by_name_whatever_their_order(files, tables, tmp_path):
    X, y, Q = tables
    turned = write_csv(tmp_path / "turned.csv", COLUMNS[::-1], Q[:, ::-1].tolist())
    table = pa.table({"y": y, **dict(zip(COLUMNS, X.T))})
    pq.write_table(table, tmp_path / "train.parquet")
    options = ["--target", "y", "-q", "-o", "-"]
    plain = read_rows(run("locate", *files, *options, "--id", "id").stdout)
    for train in (files[0], tmp_path / "train.parquet"):
        rows = read_rows(run("locate", train, turned, *options).stdout)
        assert [r["row"] for r in rows] == [str(i) for i in range(20)]
        for row, other in zip(rows, plain):
            assert list(row.items())[1:] == list(other.items())[1:]


def test_all_kinds_of_files_say_the_same(tables, tmp_path):
    X, _, Q = tables
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "Q.npy", Q)
    names = ["x0", "x1", "x2"]
    for name, values in (("X", X), ("Q", Q)):
        pq.write_table(pa.table(dict(zip(names, values.T))), tmp_path / f"{name}.parquet")
        path = write_csv(tmp_path / f"{name}.csv", names, values.tolist())
        Path(f"{path}.gz").write_bytes(gzip.compress(Path(path).read_bytes()))
    found = {
        run("locate", tmp_path / f"X{a}", tmp_path / f"Q{b}", "-q", "-o", "-").stdout
        for a, b in zip(
            (".npy", ".parquet", ".csv", ".csv.gz"), (".npy", ".csv", ".csv.gz", ".npy")
        )
    }
    assert len(found) == 1


def test_parquet_larger_than_memory_is_read_in_blocks(tables, tmp_path, monkeypatch):
    from hullwise.cli import _input

    X, y, Q = tables
    ids = [f"t{i}" for i in range(80)]
    table = pa.table({"y": y, "id": ids, **dict(zip(COLUMNS, X.T))})
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=30)
    new = write_csv(tmp_path / "new.csv", COLUMNS, Q.tolist())
    args = ["locate", tmp_path / "train.parquet", new, "--target", "y", "--id", "id", "-q"]
    whole = run(*args, "-o", tmp_path / "whole.parquet")
    opened = []
    real = _input.ParquetRows
    monkeypatch.setattr(
        _input, "ParquetRows", lambda *a, **k: opened.append(1) or real(*a, **k)
    )
    monkeypatch.setattr(_input, "available_memory", lambda: 1000)
    run(*args, "-o", tmp_path / "blocks.parquet")
    assert opened
    assert whole.stdout == ""
    one, other = (pq.read_table(tmp_path / f"{n}.parquet") for n in ("whole", "blocks"))
    assert one.equals(other)
    assert one["nearest_rows"][0].as_py().startswith("t")


def test_metrics(files, tables, tmp_path):
    X, _, Q = tables
    M = np.diag([1.0, 4.0, 0.25])
    np.save(tmp_path / "M.npy", M)
    args = ["locate", *files, "--target", "y", "--id", "id", "-q", "-o", "-", "--metric"]
    for option, metric in (("none", None), ("range", "range"), (tmp_path / "M.npy", M)):
        rows = read_rows(run(*args, option).stdout)
        assert [float(r["upper"]) for r in rows] == hw.locate(X, Q, metric=metric).upper.tolist()
    assert "expected std, range, none" in run(*args, "euclid", code=3).stderr
    np.save(tmp_path / "M.npy", M[:2, :2])
    assert "metric has shape (2, 2)" in run(*args, tmp_path / "M.npy", code=3).stderr


def test_membership_only_says_what_was_left_out(files):
    args = ["locate", *files, "--target", "y", "--id", "id", "--membership-only"]
    text = run(*args).stdout
    assert "Membership only: no distances" in text
    assert "outside" in text
    rows = read_rows(run(*args, "-q", "-o", "-").stdout)
    assert {r["band"] for r in rows} == {"unknown"}
    assert {r["verdict"] for r in rows} <= {"inside", "outside", "undecided"}
    assert rows[0]["neighbour_percentile"] == ""


def test_table_on_standard_output_leaves_it_to_the_table(files):
    result = run("locate", *files, "--target", "y", "--id", "id", "-o", "-")
    assert len(read_rows(result.stdout)) == 20
    assert result.stdout.splitlines()[-1].startswith("p19,")
    assert "Where the new rows stand" in result.stderr


def test_quiet_says_nothing(files):
    result = run("locate", *files, "--target", "y", "--id", "id", "--quiet")
    assert result.stdout == result.stderr == ""


def test_query_from_standard_input(files):
    text = Path(files[1]).read_text()
    result = run(
        "locate", files[0], "-", "--target", "y", "--id", "id", "-q", "-o", "-", stdin=text
    )
    assert len(read_rows(result.stdout)) == 20


def test_names_are_printed_as_they_are(tables, tmp_path):
    X, _, Q = tables
    names = ["[bold red]a[/]", "<script>", ":smile:"]
    train = write_csv(tmp_path / "[x].csv", names, X.tolist())
    text = run("locate", train, write_csv(tmp_path / "q.csv", names, Q.tolist())).stdout
    for name in names:
        assert name in text


# ---- exit codes -------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", ["core", "edge", "beyond", "far", "outside"])
def test_fail_on_is_met_by_a_far_row(files, condition, tmp_path):
    out = tmp_path / "o.csv"
    args = ["locate", *files, "--target", "y", "--id", "id", "-q", "-o", out, "--force"]
    run(*args, "--fail-on", condition, code=1)
    assert len(read_rows(out.read_text())) == 20


def test_fail_on_is_not_met_by_rows_within_the_data(tables, tmp_path):
    X = tables[0]
    train = write_csv(tmp_path / "train.csv", COLUMNS, X.tolist())
    middle = write_csv(tmp_path / "new.csv", COLUMNS, [X.mean(axis=0).tolist()] * 3)
    for condition in ("edge", "beyond", "far", "outside"):
        run("locate", train, middle, "--fail-on", condition)
    run("locate", train, middle, "--membership-only", "--fail-on", "outside")
    run("locate", train, middle, "--fail-on", "core", code=1)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--nonsense"], "No such option"),
        (["--k", "0"], "--k"),
        (["--reference", "-1"], "--reference"),
        (["--budget", "nan"], "finite number of seconds"),
        (["--columns", "a,,b"], "empty name"),
        (["--fail-on", "far", "--membership-only"], "bands need distances"),
        (["--fail-on", "far", "--reference", "0"], "bands need --reference"),
        (["--report", "report.pdf"], "ends in .html"),
        (["-o", "a.html", "--report", "a.html"], "the same file"),
    ],
)
def test_wrong_usage_is_2(files, args, said):
    assert said in run("locate", *files, *args, code=2).stderr


def test_wrong_usage_without_files():
    assert "Missing argument" in run("locate", code=2).stderr
    assert "only one" in run("locate", "-", "-", code=2).stderr
    assert "No such command" in run("find", code=2).stderr


def test_out_of_memory_is_4(files, monkeypatch):
    monkeypatch.setattr("hullwise.rows._memory.available_memory", lambda: 100)
    assert (
        "of memory is free" in run("locate", *files, "--target", "y", "--id", "id", code=4).stderr
    )


def test_an_internal_error_is_70_with_its_traceback(files, monkeypatch):
    def broken(*_args, **_options):
        raise ZeroDivisionError("odd")

    monkeypatch.setattr("hullwise.cli._locate.locate", broken)
    args = ["locate", *files, "--target", "y", "--id", "id"]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 70
    assert "ZeroDivisionError: odd" in result.stderr
    assert "please report" in result.stderr


def test_a_failed_certificate_writes_nothing(files, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "hullwise.data.location.Location.verify",
        lambda self, X, exact=False: np.arange(len(self)) != 3,
    )
    args = ["locate", *files, "--target", "y", "--id", "id", "--verify", "-o", tmp_path / "o.csv"]
    error = run(*args, code=3).stderr
    assert "certificates verified: 19 of 20" in error
    assert "first in row 3" in error
    assert not (tmp_path / "o.csv").exists()


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
    "93 NA": ("q.csv", HEADER + b"1,2,3\n1,NA,3\n", "column 'dose'"),
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
    error = run("locate", tmp_path / "q.parquet", tmp_path / "q.parquet", code=3).stderr
    assert "'tags'" in error
    assert "'town'" in error
    assert "--columns" in error
    args = ["--columns", "age,dose,weight"]
    run("locate", tmp_path / "q.parquet", tmp_path / "q.parquet", *args)


def test_columns_that_do_not_pair_are_named_with_what_to_do(files, tables, tmp_path):
    train, _ = files
    short = write_csv(tmp_path / "short.csv", ["age", "dose", "height"], [[1, 2, 3]])
    error = run("locate", train, short, "--target", "y", code=3).stderr
    assert "lacks 'weight'" in error
    assert "'height'" in error
    more = write_csv(tmp_path / "more.csv", [*COLUMNS, "predicted"], [[1, 2, 3, 4]])
    error = run("locate", train, more, "--target", "y", code=3).stderr
    assert "'predicted'" in error
    assert "--columns age,dose,weight" in error
    run("locate", train, more, "--columns", "age,dose,weight")
    assert "no column 'yy'" in run("locate", train, more, "--target", "yy", code=3).stderr
    assert "no column 'nr'" in run("locate", train, more, "--id", "nr", code=3).stderr
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
        # refused before anything is computed
        assert "located in" not in error
        assert out.read_text() == "mine"
        run(*args, option, out, "--force")
        assert out.read_text() != "mine"
    for option in ("-o", "--report"):
        error = run(*args, option, tmp_path / "no" / f"a{name[-5:]}", code=3).stderr
        assert "there is no folder" in error
    assert "name it .csv or .parquet" in run(*args, "-o", tmp_path / "o.xlsx", code=3).stderr
    before = Path(files[0]).read_bytes()
    error = run(*args, "-o", files[0], "--force", code=3).stderr
    assert "is an input" in error
    assert Path(files[0]).read_bytes() == before


# ---- the process ------------------------------------------------------------------------------


def test_help_and_the_first_line_import_nothing_numeric(files):
    numeric = "{'numpy', 'numba', 'scipy', 'sklearn', 'pyarrow', 'matplotlib', 'pandas'}"
    code = (
        "import sys; from hullwise.cli import main\n"
        "for args in (['--help'], ['locate', '--help'], ['demo', '--help'], ['--version']):\n"
        "    main(args, standalone_mode=False)\n"
        f"found = {numeric} & set(sys.modules)\n"
        "assert not found, found\n"
        "sys.modules['numpy'] = None\n"
        f"main(['locate', {files[0]!r}, {files[1]!r}])\n"
    )
    env = os.environ | {"PYTHONPATH": SOURCE}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 70, done.stderr
    assert "Exit codes:" in done.stdout
    assert f"hullwise, version {hw.__version__}" in done.stdout
    assert done.stderr.startswith(f"hullwise {hw.__version__}: locating ")


def test_second_run_compiles_nothing_and_a_closed_cache_does_no_harm(files):
    args = ["locate", *files, "--target", "y", "--id", "id"]
    run(*args)
    done = process(*args, env={"NUMBA_CACHE_DIR": "/proc/no/such/folder"})
    out, error = done.communicate()
    assert done.returncode == 0, error
    assert "compiling" not in error
    assert "located in" in error
    assert "Where the new rows stand" in out


def test_compiling_is_announced_before_it_happens():
    from numba import njit
    from numba.core import event

    from hullwise.data._warm import _First, warm_up

    warm_up()
    said = []
    assert warm_up(lambda: said.append("again")) == 0.0
    assert said == []

    @njit
    def add(x):
        return x + 1

    with event.install_listener("numba:compile", _First(lambda: said.append("now"))):
        add(1)
        add(1.5)
    assert said == ["now"]


def test_no_folder_for_compiled_code_is_one_sentence(files, monkeypatch):
    def refuse(_say):
        raise RuntimeError("cannot cache function 'f': no locator available for file 'x.py'")

    monkeypatch.setattr("hullwise.cli._locate.warm_up", refuse)
    args = ["locate", *files, "--target", "y", "--id", "id"]
    assert "set NUMBA_CACHE_DIR" in run(*args, code=3).stderr


def test_closed_pipe_and_full_disk(files, tmp_path):
    Q = np.random.default_rng(0).normal(size=(1500, 3))
    new = write_csv(tmp_path / "many.csv", COLUMNS, Q.tolist())
    env = os.environ | {"PYTHONPATH": SOURCE}
    command = f"{sys.executable} -m hullwise locate {files[0]} {new} --target y -q"
    shell = f"set -o pipefail; {command} -o - | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=env)
    assert done.returncode == 141, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("row,verdict,band,")
    if Path("/dev/full").exists():
        for target in ("-o - > /dev/full", "-o /dev/full"):
            shell = f"{command} {target}"
            done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=env)
            assert done.returncode == 3, done.stderr
            assert "No space left on device" in done.stderr
            assert "Traceback" not in done.stderr


def test_ascii_terminals_get_ascii(files):
    env = {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    done = process("locate", *files, "--target", "y", "--id", "id", env=env)
    out, error = done.communicate()
    assert done.returncode == 0, error
    assert out.isascii()
    assert "###" in out


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_progress_is_drawn_on_a_terminal_only(files):
    import pty

    args = ["locate", *files, "--target", "y", "--id", "id"]
    assert "of 20" not in run(*args).stderr
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "hullwise", *args],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=os.environ | {"PYTHONPATH": SOURCE, "TERM": "xterm", "COLUMNS": "90"},
    )
    os.close(theirs)
    seen = b""
    # Linux says by an error that the other end has gone.
    with os.fdopen(ours, "rb", buffering=0) as stream, contextlib.suppress(OSError):
        while part := stream.read(65536):
            seen += part
    assert running.wait() == 0, seen
    assert re.search(rb"\d+ of \d+", seen)
    assert b"\x1b[?25h" in seen  # the cursor is back


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_stops_at_once_and_leaves_no_file(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "X.npy", rng.normal(size=(30_000, 60)))
    np.save(tmp_path / "Q.npy", rng.normal(size=(20_000, 60)))
    out = tmp_path / "out.csv"
    running = process("locate", tmp_path / "X.npy", tmp_path / "Q.npy", "-o", out)
    assert running.stderr is not None
    assert running.stderr.readline().startswith("hullwise ")
    time.sleep(2.5)
    assert running.poll() is None, "the job is too small for this test"
    running.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, error = running.communicate(timeout=30)
    assert time.monotonic() - start < 3
    assert running.returncode == 130
    assert "stopped; nothing was written" in error
    assert "Traceback" not in error
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".npy"] == []


def test_demo_shows_what_a_random_split_hides(tmp_path):
    report = tmp_path / "demo.html"
    text = run("demo", "--report", report).stdout
    shares = {
        line.split("  ")[1].strip() or line.split()[0]: float(line.split()[-2])
        for line in text.splitlines()
        if line.strip().startswith(("a random split", "8 new patients"))
    }
    assert len(shares) == 2
    low, high = shares.values()
    assert high > 2 * low
    assert "hullwise locate train.csv new.csv --target COL" in text
    assert " ".join(text.split()).count("CC BY 4.0") == 2
    assert max(map(len, text.splitlines())) <= 80
    assert report.stat().st_size <= 1_000_000
    assert "--force" in run("demo", "--report", report, code=3).stderr
