"""Headers of .npy files that lie, are damaged, or would run something."""

from __future__ import annotations

import struct
import time

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import FileError
from hullwise.io.file_rows import NpyRows
from hullwise.io.table_reader import read_table

PLAIN = {"descr": "'<f8'", "fortran_order": "False", "shape": "(2, 4)"}


def npy(text=None, data=b"\0" * 64, version=(1, 0), length=None, **fields):
    """A file with this header, or with some of its fields changed."""
    if text is None:
        text = "{" + ", ".join(f"'{k}': {v}" for k, v in (PLAIN | fields).items()) + ", }"
    header = text.encode("latin-1")
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    width = "<H" if version[0] == 1 else "<I"
    size = len(header) if length is None else length
    return b"\x93NUMPY" + bytes(version) + struct.pack(width, size) + header + data


REFUSED = {
    "shape beyond 64 bits": (npy(shape="(18446744073709551616, 4)"), "truncated"),
    "shape of bool": (npy(shape="(True, 4)"), "no tuple of sizes"),
    "negative shape": (npy(shape="(-1, 4)"), "no tuple of sizes"),
    "shape whose product wraps": (npy(shape="(4611686018427387904, 8)"), "truncated"),
    "shape of 4,400 digits": (npy(shape=f"({'9' * 4400}, 4)"), "no Python literal"),
    "shape of 4,000 digits": (npy(shape=f"({'9' * 4000}, 4)"), "truncated"),
    "shape of floats": (npy(shape="(2.0, 4.0)"), "no tuple of sizes"),
    "shape as a list": (npy(shape="[2, 4]"), "no tuple of sizes"),
    "three dimensions": (npy(shape="(2, 2, 2)"), "2D"),
    "no rows": (npy(shape="(0, 4)"), "2D"),
    "more rows than bytes": (npy(shape="(3, 4)"), "truncated"),
    "objects": (npy(descr="'|O'"), "Python objects"),
    "text": (npy(descr="'<U4'"), "text"),
    "huge text": (npy(descr="'<U999999999'"), "unknown type"),
    "bytes": (npy(descr="'|S8'"), "text"),
    "times": (npy(descr="'<M8[ns]'"), "times"),
    "complex": (npy(descr="'<c16'"), "Complex"),
    "long double": (npy(descr="'<f16'"), "float64"),
    "raw bytes": (npy(descr="'|V8'"), "no numbers"),
    "fields": (npy(descr="[('a', '<f8'), ('b', '|O')]"), "fields"),
    "subarray": (npy(descr="'(3,)f8'"), "unknown type"),
    "unknown type": (npy(descr="'nonsense'"), "unknown type"),
    "type that warns": (npy(descr="'a8'"), "unknown type"),
    "type of no text": (npy(descr="8"), "fields"),
    "order of no bool": (npy(fortran_order="1"), "fortran_order"),
    "code": (npy("__import__('os').system('touch pwned')"), "no Python literal"),
    "deep nest": (npy("(" * 4000 + ")" * 4000), "no Python literal"),
    "deep unary": (npy("-" * 9000 + "1"), "no Python literal"),
    "list": (npy("[1, 2]"), "must hold descr"),
    "another key": (npy("{'descr': '<f8', 'shape': (2, 4), 'x': 1}"), "must hold descr"),
    "missing key": (npy("{'descr': '<f8', 'shape': (2, 4)}"), "must hold descr"),
    "empty header": (npy(""), "no Python literal"),
    "zero bytes": (npy("\0" * 100), "no Python literal"),
    "length beyond the file": (npy(length=9000), "truncated"),
    "length of 4 GB": (npy(version=(2, 0), length=2**32 - 1), "4294967295 bytes"),
    "no version": (b"\x93NUMPY", "truncated"),
    "version 9": (npy(version=(9, 0)), "version 9"),
    "not UTF-8": (npy("'\xff'", version=(3, 0)), "UTF-8"),
    "empty": (b"", "empty"),
}


@pytest.mark.parametrize("reader", [NpyRows, read_table, hw.Cloud])
@pytest.mark.parametrize("slug", REFUSED)
def test_headers_that_are_refused(tmp_path, slug, reader):
    data, words = REFUSED[slug]
    path = tmp_path / "rows.npy"
    path.write_bytes(data)
    start = time.monotonic()
    with pytest.raises(FileError, match=words) as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).removeprefix(f"{path}: ")) < 400
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<i8", ">i2", "|u1", "|b1", "<f2", "?"])
def test_headers_that_are_read(tmp_path, version, order, dtype):
    X = np.asarray(np.arange(12).reshape(3, 4) % 2, dtype=dtype, order=order)
    data = npy(
        descr=repr(dtype),
        shape="(3, 4)",
        fortran_order=str(order == "F"),
        version=version,
        data=X.tobytes(order) + b"what follows does not matter",
    )
    (tmp_path / "x.npy").write_bytes(data)
    rows = NpyRows(tmp_path / "x.npy")
    np.testing.assert_array_equal(rows.block(0, 3), X)
    assert rows.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(rows.take(np.array([2, 0])), X[[2, 0]])


def test_what_numpy_writes_is_read(tmp_path):
    for dtype in (float, np.float32, np.float16, int, np.uint8, bool, ">f8"):
        for order in "CF":
            X = np.asarray(np.random.default_rng(0).normal(size=(5, 3)), dtype, order)
            np.save(tmp_path / "x.npy", X)
            np.testing.assert_array_equal(NpyRows(tmp_path / "x.npy").block(0, 5), X)
