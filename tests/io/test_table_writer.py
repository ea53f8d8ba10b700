"""Writing: the whole file or none."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullwise.errors import DataError, FileError
from hullwise.io import table_writer
from hullwise.io._spreadsheet_text import shown_text, spreadsheet_text
from hullwise.io.table_reader import read_table
from hullwise.io.table_writer import write_table

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
    with pytest.raises(FileError, match="force=True"):
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
    monkeypatch.setattr("hullwise.io.table_writer._write_csv", fail)
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
    for name, words in [("no/out.csv", "no folder"), ("out.xlsx", r"\.csv, \.parquet or \.jsonl")]:
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


@pytest.mark.skipif(os.name != "posix", reason="modes as POSIX has them")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, monkeypatch, mode, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("mine")
    path.chmod(mode)
    modes = []
    real = table_writer._arrow_input if suffix == ".parquet" else table_writer._csv_cell

    def spy(cell):
        modes.extend(p.stat().st_mode & 0o777 for p in tmp_path.glob(".*.part"))
        return real(cell)

    monkeypatch.setattr(table_writer, real.__name__, spy)
    write_table(COLUMNS, path, force=True)
    assert path.stat().st_mode & 0o777 == mode
    assert set(modes) == ({0o600} if modes else set())  # while it is written, its owner's alone
    assert modes or suffix == ".parquet"


@pytest.mark.skipif(os.name != "posix", reason="modes as POSIX has them")
def test_a_new_file_has_the_mode_of_new_files(tmp_path):
    write_table(COLUMNS, tmp_path / "out.csv")
    (tmp_path / "other").touch()
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "other").stat().st_mode


HOSTILE_TEXT = [
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "+1+1",
    "-2+3",
    "\t=1",
    "\r=1",
    "＝1",
    "'=1",
    "''@x",
    "'quoted'",
    "-",
    "a=b",
    "",
]


def test_text_that_a_spreadsheet_would_run_is_escaped_and_comes_back(tmp_path):
    path = tmp_path / "out.csv"
    numbers = np.arange(-2.0, len(HOSTILE_TEXT) - 2)
    write_table({"=id": np.array(HOSTILE_TEXT, object), "+x": numbers, "@y": [1] * 13}, path)
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["'=id", "'+x", "'@y"]
    first = [row[0] for row in rows[1:]]
    assert not [cell for cell in first if cell[:1] in ("=", "@", "+", "-", "\t", "\r", "＝")]
    assert [row[1] for row in rows[1:3]] == ["-2.0", "-1.0"]  # numbers are no formulas
    table = read_table(path, id_column="=id")
    assert table.ids.tolist() == HOSTILE_TEXT
    assert table.columns == ("+x", "@y")
    np.testing.assert_array_equal(table.values[:, 0], numbers)


@given(st.text(alphabet="'=@+-\t\r 1aé＝", max_size=6))
def test_every_text_comes_back_from_a_spreadsheet(text):
    assert shown_text(spreadsheet_text(text)) == text


CLOSED = """
import os, sys
from hullwise.errors import FileError
from hullwise.io.table_writer import write_table
os.close(1)
try:
    write_table({"a": [1]}, "-")
except FileError as error:
    print(error, file=sys.stderr)
"""


def test_closed_standard_output_is_one_sentence():
    done = subprocess.run(
        [sys.executable, "-c", CLOSED], capture_output=True, text=True, check=True
    )
    assert done.stderr.startswith("standard output: ")
    assert len(done.stderr.splitlines()) == 1


def test_standard_output_that_is_not_there(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(FileError, match="standard output: is closed"):
        write_table({"a": [1]}, "-")


def test_standard_output(capsys):
    write_table({"a": [1, None], "b": np.array([0.5, np.nan])}, "-")
    assert capsys.readouterr().out == "a,b\n1,0.5\n,nan\n"


LAZY = """
import sys, numpy as np
from hullwise.io.file_rows import ParquetRows
from hullwise.io.table_reader import read_table
folder = sys.argv[1]
for name in ("a.csv", "b.csv", "c.parquet"):
    table = read_table(f"{folder}/{name}", bad_rows="keep")
    print(np.nan_to_num(table.values, nan=-1).tolist())
print(ParquetRows(f"{folder}/c.parquet", columns=["flag"]).block(0, 3).tolist())
print("pandas" in sys.modules)
"""


def test_reading_imports_no_pandas(tmp_path):
    """Its import inside pyarrow swallows Ctrl-C."""
    (tmp_path / "a.csv").write_text("a,flag\n1,true\n2,false\n")
    (tmp_path / "b.csv").write_text("a,b\n1,0.5\n2,\n")
    columns = {
        "a": pa.array([1, None, 3], pa.int64()),
        "x": pa.array([0.5, None, 2.5], pa.float32()),
        "flag": pa.array([True, False, True]),
    }
    pq.write_table(pa.table(columns), tmp_path / "c.parquet")
    done = subprocess.run(
        [sys.executable, "-c", LAZY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "[[1.0, 1.0], [2.0, 0.0]]",
        "[[1.0, 0.5], [2.0, -1.0]]",
        "[[1.0, 0.5, 1.0], [-1.0, -1.0, 0.0], [3.0, 2.5, 1.0]]",
        "[[True], [False], [True]]",
        "False",
    ]
