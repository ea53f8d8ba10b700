"""Damaged files: read, or refused by an error of the library's own, in bounded time and memory.

The damage is drawn from a fixed seed, so a run is the same everywhere. What once went wrong is kept
in `corpus/`. Longer: `pytest tests/fuzz --fuzz-seconds 600 --fuzz-seed 1`; an input that fails is
written to the test's folder, which pytest names.
"""

from __future__ import annotations

import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fuzz.damage import (
    CSV_TOKENS,
    NPY_TOKENS,
    csv_files,
    damage,
    damage_gzip,
    inputs,
    npy_files,
    parquet_files,
)
from hullwise.errors import DataWarning, HullwiseError
from hullwise.io.file_rows import open_rows
from hullwise.io.table_reader import open_table, read_rows

CORPUS = Path(__file__).with_name("corpus")
MAX_SECONDS = 30.0  # for one input, on a machine that has other things to do
MAX_PYTHON_BYTES = 200_000_000
MAX_ARROW_BYTES = 600_000_000


def read_everything(path):
    """Every way to read a file of this name; the number of rows that were read."""
    table = open_table(path)
    n = read_rows(table, bad_rows="keep").n
    if path.name.endswith((".npy", ".parquet")):
        rows = open_rows(path)
        assert rows.block(0, rows.n).shape == (rows.n, rows.d)
        assert np.isfinite(rows.take(np.array([0, rows.n - 1]))).size == 2 * rows.d
    return n


def check(path):
    """Whether the file is read; anything but that and an own error fails."""
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    start = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            read_everything(path)
        except HullwiseError as error:
            text = str(error)
            assert "\n" not in text, text
            assert len(text) < 1500 + 2 * len(str(path)), text
            was_read = False
        else:
            was_read = True
    assert time.monotonic() - start < MAX_SECONDS
    assert pool.bytes_allocated() - before < MAX_ARROW_BYTES
    return was_read


def run(tmp_path, config, seed, files, damaged):
    """Damage files one after the other and check each."""
    files = list(files)
    read = refused = 0
    tracemalloc.start()
    try:
        for number, rng in inputs(config, seed):
            name, data = files[number % len(files)]
            path = tmp_path / f"{seed}-{number}-{name}"
            path.write_bytes(damaged(data, rng))
            if check(path):
                read += 1
            else:
                refused += 1
            path.unlink()
            assert tracemalloc.get_traced_memory()[1] < MAX_PYTHON_BYTES
    finally:
        tracemalloc.stop()
    return read, refused


def test_undamaged_files_are_read(tmp_path):
    for name, data in [*csv_files(), *npy_files(), *parquet_files()]:
        path = tmp_path / name
        path.write_bytes(data)
        if name in ("a.csv", "f.csv.gz"):
            assert read_rows(open_table(path), id_column="id").n == 40
        else:
            assert read_everything(path) > 0


def test_damaged_text(tmp_path, pytestconfig):
    plain = [file for file in csv_files() if not file[0].endswith(".gz")]
    read, refused = run(
        tmp_path, pytestconfig, 1, plain, lambda data, rng: damage(data, rng, CSV_TOKENS)
    )
    assert read > 0
    assert refused > 0


def test_damaged_gzip(tmp_path, pytestconfig):
    packed = [file for file in csv_files() if file[0].endswith(".gz")]
    _, refused = run(tmp_path, pytestconfig, 2, packed, damage_gzip)
    assert refused > 0


def test_damaged_npy(tmp_path, pytestconfig):
    read, refused = run(
        tmp_path, pytestconfig, 3, npy_files(), lambda data, rng: damage(data, rng, NPY_TOKENS)
    )
    assert read > 0
    assert refused > 0


def test_damaged_parquet(tmp_path, pytestconfig):
    _, refused = run(tmp_path, pytestconfig, 4, parquet_files(), damage)
    assert refused > 0


def test_damaged_ends_of_parquet(tmp_path, pytestconfig):
    """The end of the file holds what is said of all the rest."""

    def damage_end(data, rng):
        size = int.from_bytes(data[-8:-4], "little") + 8
        return data[:-size] + damage(data[-size:-8], rng) + data[-8:]

    _, refused = run(tmp_path, pytestconfig, 5, parquet_files(), damage_end)
    assert refused > 0


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_what_once_went_wrong(path):
    check(path)
