"""Writing: the whole file or none."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hullwise.errors import DataError, FileError
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
