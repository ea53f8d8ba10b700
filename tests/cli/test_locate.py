"""The command line, as a user and a pipeline meet it: what comes out, and exit codes."""

import gzip
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cli_input
import hullwise as hw
from cli_input import COLUMNS, read_rows, run, write_csv

# Fixtures are found by their names in the module that uses them.
tables, files = cli_input.tables, cli_input.files


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
    from hullwise.cli import _tables

    X, y, Q = tables
    ids = [f"t{i}" for i in range(80)]
    table = pa.table({"y": y, "id": ids, **dict(zip(COLUMNS, X.T))})
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=30)
    new = write_csv(tmp_path / "new.csv", COLUMNS, Q.tolist())
    args = ["locate", tmp_path / "train.parquet", new, "--target", "y", "--id", "id", "-q"]
    whole = run(*args, "-o", tmp_path / "whole.parquet")
    opened = []
    real = _tables.ParquetRows
    monkeypatch.setattr(_tables, "ParquetRows", lambda *a, **k: opened.append(1) or real(*a, **k))
    monkeypatch.setattr(_tables, "available_memory", lambda: 1000)
    run(*args, "-o", tmp_path / "blocks.parquet")
    assert opened
    assert whole.stdout == ""
    one, other = (pq.read_table(tmp_path / f"{n}.parquet") for n in ("whole", "blocks"))
    assert one.equals(other)
    assert one["nearest_rows"][0].as_py()[0].startswith("t")


def test_metrics(files, tables, tmp_path):
    X, _, Q = tables
    M = np.diag([1.0, 4.0, 0.25])
    np.save(tmp_path / "M.npy", M)
    args = ["locate", *files, "--target", "y", "--id", "id", "-q", "-o", "-", "--metric"]
    for option, metric in (("none", None), ("range", "range"), (tmp_path / "M.npy", M)):
        rows = read_rows(run(*args, option).stdout)
        assert [float(r["upper"]) for r in rows] == hw.locate(X, Q, metric=metric).upper.tolist()
    assert "expected std, range, none" in run(*args, "euclid", code=2).stderr
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


def test_without_reference_no_row_is_called_far(files):
    text = run("locate", *files, "--target", "y", "--id", "id", "--reference", "0").stdout
    assert re.search(r"^  unknown +\d+ .*no training rows to compare with$", text, re.MULTILINE)
    assert not re.search(r"^  far ", text, re.MULTILINE)


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


def test_fail_on_says_why_even_when_quiet(files, tables, tmp_path):
    X, _, Q = tables
    args = ["locate", *files, "--target", "y", "-q", "--fail-on", "far"]
    assert run(*args, "--id", "id", code=1).stderr == "--fail-on far: 1 row is far (row p7)\n"
    bad = [[*row] for row in Q.tolist()]
    bad[2][0] = ""
    bad[9] = [9.0, -9.0, 1.0]
    new = write_csv(tmp_path / "bad.csv", COLUMNS, bad)
    args = ["locate", files[0], new, "--target", "y", "-q", "--bad-rows", "keep", "--fail-on"]
    said = "--fail-on far: 2 rows are far (rows 7, 9), 1 could not be located"
    assert run(*args, "far", code=1).stderr == f"{said}\n"
    assert run(*args, "far", "--allow", "14", code=1).stderr == f"{said}; 14 % of 20 allowed\n"
    assert run(*args, "far", "--allow", "15").stderr == ""
    assert "or worse" in run(*args, "beyond", code=1).stderr


def test_surprises_are_noted(files, tables, tmp_path):
    X, y, Q = tables
    rows = [["a", *Q[0]], ["b", *Q[1]], ["a", *Q[2]]]
    twice = write_csv(tmp_path / "twice.csv", ["id", *COLUMNS], rows)
    text = run(
        "locate", files[0], twice, "--target", "y", "--id", "id", "--n-neighbors", "90"
    ).stdout
    assert "1 new row repeats the id of another row." in text
    assert "--n-neighbors 90 is more than the 80 training rows: all count." in text
    pd.DataFrame(X, columns=COLUMNS, index=[f"t{i}" for i in range(80)]).to_parquet(
        tmp_path / "train.parquet"
    )
    text = run(
        "locate", tmp_path / "train.parquet", write_csv(tmp_path / "q.csv", COLUMNS, Q.tolist())
    ).stdout
    assert "train.parquet: rows are named by the index that pandas" in " ".join(text.split())
    assert "Rows are counted from 0." in text
    text = run("locate", *files, "--target", "y", "--id", "id").stdout
    assert "Rows are counted from 0." not in text


def test_a_constant_feature_that_moves_is_said_loudly(tables, tmp_path):
    X, _, Q = tables
    X, Q = X.copy(), Q.copy()
    X[:, 1] = Q[:, 1] = 0.001
    Q[:2, 1] = 0.002
    paths = [write_csv(tmp_path / n, COLUMNS, v.tolist()) for n, v in (("t.csv", X), ("q.csv", Q))]
    text = " ".join(run("locate", *paths).stdout.split())
    assert "dose is always 0.001 in the training rows; 2 new rows differ: far, by name." in text


def test_the_report_names_files_options_and_proofs(files, tmp_path):
    out = tmp_path / "r.html"
    args = ["locate", *files, "--target", "y", "--id", "id", "--report", out]
    run(*args, "--verify")
    page = out.read_text(encoding="utf-8")
    assert files[0] in page
    assert files[1] in page
    assert "--metric std --target y --id id --n-neighbors 5 --reference 500" in page
    assert "20 of 20 hold" in page
    run(*args, "--force")
    assert "not checked again (--verify)" in out.read_text(encoding="utf-8")


def test_suggested_columns_can_be_pasted_into_a_shell(tables, tmp_path):
    X, _, Q = tables
    names = ['"a,b"', "c d", "e$"]
    train = write_csv(tmp_path / "t.csv", names, X.tolist())
    more = write_csv(tmp_path / "q.csv", [*names, "z"], np.c_[Q, Q[:, 0]].tolist())
    error = run("locate", train, more, "--strict", code=3).stderr
    words = shlex.split(error[error.index("--columns") :].split(" (or")[0])
    run("locate", train, more, *words)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--allow", "5"], "--allow needs --fail-on"),
        (["--sep", "ab"], "one ASCII character"),
        (["--metric", "euclid"], "expected std, range, none"),
        (["-o", "table.xlsx"], "ends in .csv, .parquet or .jsonl"),
        (["--nonsense"], "No such option"),
        (["--n-neighbors", "0"], "--n-neighbors"),
        (["--reference", "-1"], "--reference"),
        (["--max-seconds", "nan"], "finite number of seconds"),
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
    monkeypatch.setattr("hullwise._core.memory.available_memory", lambda: 100)
    assert (
        "of memory is free" in run("locate", *files, "--target", "y", "--id", "id", code=4).stderr
    )


def test_an_internal_error_is_70_and_one_line_that_says_where(files, monkeypatch):
    def broken(*_args, **_options):
        raise ZeroDivisionError("odd")

    monkeypatch.setattr("hullwise.cli._locate.locate", broken)
    error = run("locate", *files, "--target", "y", "--id", "id", "-q", code=70).stderr
    assert error.count("\n") == 1
    assert "ZeroDivisionError: odd" in error
    assert "please report" in error
    assert "cli/_locate.py:" in error
    assert hw.__version__ in error


@pytest.mark.parametrize(
    ("module", "base", "code"),
    [
        ("numba.core.errors", Exception, 3),
        ("pyarrow.lib", ValueError, 3),
        ("torch", RuntimeError, 3),
        ("numpy._core._exceptions", MemoryError, 4),
    ],
)
def test_errors_of_other_libraries_are_one_sentence(files, monkeypatch, module, base, code):
    foreign = type("Foreign", (base,), {"__module__": module})("in foreign words\nand more")
    names = {"__name__": "hullwise.room", "foreign": foreign}
    exec("def broken(*args, **options): raise foreign", names)
    monkeypatch.setattr("hullwise.cli._locate.locate", names["broken"])
    error = run("locate", *files, "--target", "y", "--id", "id", "-q", code=code).stderr
    assert error.count("\n") == 1
    assert error.startswith("hullwise: ")
    assert "in foreign words" in error


def test_a_failed_certificate_writes_nothing(files, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "hullwise.geometry.location.Location.verify",
        lambda self, X, exact=False: np.arange(len(self)) != 3,
    )
    args = ["locate", *files, "--target", "y", "--id", "id", "--verify", "-o", tmp_path / "o.csv"]
    error = run(*args, code=3).stderr
    assert "certificates verified: 19 of 20" in error
    assert "first in row 3" in error
    assert not (tmp_path / "o.csv").exists()
