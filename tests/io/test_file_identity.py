"""A file that is replaced or changed is never mixed with what it was."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hullwise as hw
from hullwise.errors import FileError
from hullwise.io import _pinned_file
from hullwise.io._pinned_file import FileIdentity, PinnedFile
from hullwise.io.file_rows import ParquetRows, open_rows
from hullwise.io.rows import ArrayRows
from hullwise.io.table_reader import open_table, read_rows

KINDS = ["npy", "npy-fortran", "parquet", "folder"]


def write(path, X, kind):
    """X as a file of this kind; `path` has no suffix."""
    if kind.startswith("npy"):
        path = path.with_suffix(".npy")
        np.save(path, np.asarray(X, order="F" if "fortran" in kind else "C"))
        return path
    table = pa.table(list(X.T), names=[f"x{j}" for j in range(X.shape[1])])
    if kind == "parquet":
        path = path.with_suffix(".parquet")
        pq.write_table(table, path, row_group_size=50, compression="none", use_dictionary=False)
        return path
    path.mkdir(exist_ok=True)
    for i in range(2):
        half = table.slice(i * len(X) // 2, len(X) // 2)
        pq.write_table(
            half, path / f"{i}.parquet", row_group_size=50, compression="none", use_dictionary=False
        )
    return path


def put_in_place(new, path):
    """Give `new` the name `path`, as careful programs replace a file."""
    if not path.is_dir():
        os.replace(new, path)
        return
    for file in new.iterdir():
        os.replace(file, path / file.name)


@pytest.fixture
def two_tables():
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 3)), 3 * rng.normal(size=(200, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_replaced_file_are_those_of_the_old_one(tmp_path, two_tables, kind):
    A, B = two_tables
    path = write(tmp_path / "x", A, kind)
    rows = open_rows(path)
    first = np.array(rows.block(0, 60))
    put_in_place(write(tmp_path / "new", B, kind), path)
    np.testing.assert_array_equal(first, A[:60])
    np.testing.assert_array_equal(rows.block(50, 200), A[50:])
    some = np.array([199, 0, 120])
    np.testing.assert_array_equal(rows.take(some), A[some])
    np.testing.assert_array_equal(np.concatenate([p.block(0, p.n) for p in rows.parts(3)]), A)
    np.testing.assert_array_equal(open_rows(path).block(0, 200), B)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_one_file(tmp_path, two_tables, kind):
    A, B = two_tables
    Q = 2 * np.random.default_rng(1).normal(size=(40, 3))
    path = write(tmp_path / "x", A, kind)
    cloud = hw.Cloud(path)
    put_in_place(write(tmp_path / "new", B, kind), path)
    located = hw.locate(cloud, Q, membership_only=True)
    np.testing.assert_array_equal(located.verdict, hw.locate(A, Q, membership_only=True).verdict)
    assert located.verify(A).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_changed_in_place_is_an_error(tmp_path, two_tables, kind):
    A, B = two_tables
    path = write(tmp_path / "x", A, kind)
    rows = open_rows(path)
    np.testing.assert_array_equal(rows.block(0, 10), A[:10])
    time.sleep(0.02)
    write(tmp_path / "x", B, kind)
    if not kind.startswith("npy"):
        np.testing.assert_array_equal(rows.block(0, 10), A[:10])  # read before, and kept
        rows._groups._reset()
    words = "has changed since it was opened: it was last written"
    for read in (lambda: rows.block(150, 200), lambda: rows.take(np.array([180]))):
        with pytest.raises(FileError, match=words):
            read()
    with pytest.raises(FileError, match="has changed since it was opened"):
        pickle.dumps(rows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["replaced", "in place", "with the old time"])
def test_unpickled_rows_are_of_the_same_file_or_an_error(tmp_path, two_tables, kind, how):
    A, B = two_tables
    path = write(tmp_path / "x", A, kind)
    data = pickle.dumps(open_rows(path))
    np.testing.assert_array_equal(pickle.loads(data).block(0, 200), A)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    times = [f.stat().st_mtime_ns for f in files]
    if how == "replaced":
        put_in_place(write(tmp_path / "new", B, kind), path)
    else:
        time.sleep(0.02)
        write(tmp_path / "x", B, kind)
    if how == "with the old time":
        for file, ns in zip(files, times):
            os.utime(file, ns=(ns, ns))
    words = {
        "replaced": "another file has taken its name",
        "in place": "it was last written .* then, .* now",
        "with the old time": "it has other contents of the same size",
    }[how]
    with pytest.raises(FileError, match=rf"has changed since it was stored: {words}"):
        pickle.loads(data)


def test_a_file_that_is_gone_or_shorter_is_said_to_be(tmp_path, two_tables):
    A, _ = two_tables
    path = write(tmp_path / "x", A, "npy")
    data = pickle.dumps(open_rows(path))
    np.save(path, A[:50])
    with pytest.raises(FileError, match=r"it had 4928 bytes and has 1328 now"):
        pickle.loads(data)
    path.unlink()
    with pytest.raises(FileError, match="is not there any more"):
        pickle.loads(data)


def test_what_another_machine_sees_is_compared_by_contents(tmp_path):
    """Devices and inodes have other numbers there, and copies have other times."""
    here = FileIdentity("a", 1, 2, 3, 100, "same")
    assert here.difference(replace(here, machine="b", device=8, inode=9, mtime_ns=7)) == ""
    assert "other contents" in here.difference(replace(here, machine="b", sample="other"))
    assert "100 bytes" in here.difference(replace(here, machine="b", size=99))
    assert "another file" in here.difference(replace(here, inode=9))


@pytest.mark.parametrize("kind", ["npy", "parquet", "folder"])
def test_files_beyond_those_kept_open_are_opened_again_and_compared(
    tmp_path, two_tables, kind, monkeypatch
):
    A, B = two_tables
    monkeypatch.setattr(_pinned_file, "MAX_KEPT_DESCRIPTORS", 0)
    path = write(tmp_path / "x", A, kind)
    rows = open_rows(path)
    np.testing.assert_array_equal(rows.take(np.array([3, 190])), A[[3, 190]])
    put_in_place(write(tmp_path / "new", B, kind), path)
    with pytest.raises(FileError, match="another file has taken its name"):
        rows.take(np.array([100]))


def test_descriptors_are_given_back(tmp_path, two_tables):
    A, _ = two_tables
    before = len(_pinned_file._KEPT_DESCRIPTORS)
    path = write(tmp_path / "x", A, "folder")
    rows = ParquetRows(path)
    assert len(_pinned_file._KEPT_DESCRIPTORS) == before + 2
    del rows
    assert len(_pinned_file._KEPT_DESCRIPTORS) == before


def test_a_text_file_that_changes_while_it_is_read_is_an_error(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    table = open_table(path)
    time.sleep(0.02)
    path.write_text("a,b\n3,4\n")
    with pytest.raises(FileError, match="has changed since it was opened"):
        read_rows(table)
    table = open_table(path)
    (tmp_path / "new.csv").write_text("a,b\n5,6\n")
    os.replace(tmp_path / "new.csv", path)
    assert read_rows(table).values.tolist() == [[3, 4]]


def test_a_pickled_memory_map_is_of_the_same_file(tmp_path, two_tables):
    A, B = two_tables
    np.save(tmp_path / "x.npy", A)
    rows = ArrayRows(np.load(tmp_path / "x.npy", mmap_mode="r"))
    data = pickle.dumps(rows)
    assert len(data) < 1500
    np.testing.assert_array_equal(pickle.loads(data).values, A)
    np.save(tmp_path / "new.npy", B)
    os.replace(tmp_path / "new.npy", tmp_path / "x.npy")
    with pytest.raises(FileError, match="has changed since it was stored"):
        pickle.loads(data)
    with pytest.raises(FileError, match="does not hold what was mapped from it"):
        pickle.dumps(rows)


def test_a_pipe_is_no_file_to_read_at_any_place(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes")
    for name in ("x.npy", "x.parquet"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(FileError, match="is no regular file"):
            open_rows(tmp_path / name)


CHILD = """
import pickle, sys
rows = pickle.loads(open(sys.argv[1], "rb").read())
print(rows.block(0, rows.n).sum())
"""


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_opens_the_same_file(tmp_path, two_tables, kind):
    A, _ = two_tables
    rows = open_rows(write(tmp_path / "x", A, kind))
    (tmp_path / "rows.pickle").write_bytes(pickle.dumps(rows))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "rows.pickle")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) == rows.block(0, 200).sum()


def test_reading_a_pinned_file_where_there_is_no_read_at_a_place(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(bytes(range(100)))
    file = PinnedFile(tmp_path / "x", "x")
    sample = file.sampled_identity().sample
    monkeypatch.delattr(os, "preadv", raising=False)
    assert _pinned_file._sample(file._fd, 100) == sample
    assert file.stream().read(5) == bytes(range(5))
