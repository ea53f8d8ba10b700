"""Small valid files, and ways to damage them."""

from __future__ import annotations

import gzip
import io
import struct
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CSV_TOKENS = [
    *(b",", b";", b"\t", b'"', b'""', b"\n", b"\r", b"\r\n", b"#", b"'", b"\\", b"=", b"sep=;\n"),
    *(b"nan", b"inf", b"-", b"+", b"e", b"1e999", b"0x1", b"1_0", b"true", b"NA", b".", b"1" * 400),
    *(
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"PAR1",
        b"\x93NUMPY",
        b"\x1f\x8b",
        b"PK\x03\x04",
    ),
    *("１".encode(), "é".encode(), "\u00a0".encode(), b" " * 300, b"," * 300, b"\n" * 300),
]
NPY_TOKENS = [
    *(b"'descr'", b"'shape'", b"(", b")", b",", b"{", b"}", b"True", b"None", b"-1", b"9" * 30),
    *(b"'|O'", b"'<U9'", b"'<f16'", b"lambda: 0", b"__import__('os')", b"[", b"\0", b"1" * 5000),
]
INPUTS = 250  # of each kind, in a normal run
INTEGERS = [0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]


def csv_files():
    """(name, bytes) of valid text files."""
    rows = "\n".join(f"r{i},{i / 7:.6f},{i * i},{-i}" for i in range(40))
    yield "a.csv", f"id,a,b,c\n{rows}\n".encode()
    yield "b.tsv", b"a\tb\n1\t2.5\n3\t4\n"
    yield "c.csv", b'"a","b c"\n"1","2"\n"3","4"\n'
    yield "d.csv", b"\xef\xbb\xbf# note\na,b\ntrue,1\nfalse,\n"
    yield "e.csv", b"a\n1\n\n2\n"
    yield "f.csv.gz", gzip.compress(f"id,a,b,c\n{rows}\n".encode())
    yield "g.csv.gz", gzip.compress(b"a,b\n" + b"0,0\n" * 20_000)


def npy_files():
    """(name, bytes) of valid .npy files."""
    for dtype in ("<f8", ">f4", "<i8", "|b1"):
        for order in "CF":
            stream = io.BytesIO()
            np.save(stream, np.asarray(np.arange(24).reshape(6, 4) % 2, dtype=dtype, order=order))
            yield f"x{dtype[1:]}{order}.npy", stream.getvalue()


def parquet_files():
    """(name, bytes) of valid Parquet files."""
    n = 60
    columns = {
        "a": np.arange(n) / 7,
        "b": np.arange(n),
        "c": pa.array([i % 3 == 0 for i in range(n)]),
        "d": pa.array(np.arange(n), pa.float32()),
    }
    for i, options in enumerate(
        (
            {},
            {"compression": "none", "use_dictionary": False, "row_group_size": 7},
            {"compression": "gzip", "row_group_size": 20, "data_page_version": "2.0"},
            {"compression": "zstd", "write_statistics": False, "data_page_size": 64},
        )
    ):
        stream = io.BytesIO()
        pq.write_table(pa.table(columns), stream, **options)
        yield f"t{i}.parquet", stream.getvalue()


def damage(data, rng, tokens=()):
    """The bytes with a few changes of random kinds."""
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, len(data) + 1))
        if not data:
            data += b"x"
        kind = int(rng.integers(0, 9))
        if kind == 0:
            data[at % len(data)] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[at % len(data)] = int(rng.integers(0, 256))
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + int(rng.integers(1, 40))]
        elif kind == 4:
            piece = data[at : at + int(rng.integers(1, 60))]
            data[at:at] = piece * int(rng.integers(1, 20))
        elif kind == 5 and len(data) >= 8:
            value = INTEGERS[int(rng.integers(0, len(INTEGERS)))]
            where = int(rng.integers(0, len(data) - 7))
            data[where : where + 4] = struct.pack("<I", value)
        elif kind == 6:
            data[at:at] = rng.bytes(int(rng.integers(1, 20)))
        elif tokens:
            data[at:at] = tokens[int(rng.integers(0, len(tokens)))]
    return bytes(data)


def damage_gzip(data, rng):
    """A gzip file whose text, or whose bytes, are damaged; sometimes followed by another one."""
    kind = int(rng.integers(0, 3))
    if kind == 0:
        return gzip.compress(damage(gzip.decompress(data), rng, CSV_TOKENS))
    if kind == 1:
        return data + damage(data, rng)
    return damage(data, rng)


def inputs(config, seed):
    """Numbers of inputs, as many as the options say, and a generator for each."""
    seconds = config.getoption("--fuzz-seconds", default=None)
    seed += 1000 * config.getoption("--fuzz-seed", default=0)
    end = None if seconds is None else time.monotonic() + seconds
    number = 0
    while number < INPUTS if end is None else time.monotonic() < end:
        yield number, np.random.default_rng([seed, number])
        number += 1
