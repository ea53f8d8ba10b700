"""The header of a .npy file, read without trusting it.

The format is that of NEP 1: a magic string, a version, the length of a header, and a Python literal
``{'descr': ..., 'fortran_order': ..., 'shape': ...}``. Nothing is allocated before the shape is
known to fit into the file.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import numpy as np

from ..errors import FileError
from .coercion import TIME_ADVICE

NPY_MAGIC: Final = b"\x93NUMPY"
NPY_TYPE: Final = re.compile(r"[<>=|]?[?bBhHiIuUlLqQefdgcFDGSVOMm][0-9]{0,9}(\[\w+\])?")
MAX_NPY_HEADER_BYTES: Final = 10_000  # as numpy's own limit


@dataclass(frozen=True)
class NpyHeader:
    """What a header says: where n x d numbers begin, and how they lie."""

    dtype: np.dtype[Any]
    fortran_order: bool
    shape: tuple[int, int]
    offset: int


def parse_npy_header(start: bytes, size: int, name: str) -> NpyHeader:
    """Parse the header of a file of `size` bytes from its first bytes.

    Raises
    ------
    FileError
        No .npy file, a damaged or truncated one, Python objects, no table of real numbers.
    """
    if not start:
        raise FileError(name, "the file is empty")
    if not start.startswith(NPY_MAGIC):
        zipped = " (it is an .npz archive: save one array with numpy.save)"
        raise FileError(name, f"is not a .npy file{zipped if start[:2] == b'PK' else ''}")
    offset, text = _header_text(start, name)
    fields = _literal(text, name)
    dtype = _dtype(fields["descr"], name)
    shape = _shape(fields["shape"], name)
    order = fields["fortran_order"]
    if type(order) is not bool:
        _refuse(name, f"fortran_order is {_excerpt(order)}, neither True nor False")
    if offset + math.prod(shape) * dtype.itemsize > size:
        raise FileError(name, "is truncated: it ends before the array does")
    return NpyHeader(dtype, order, shape, offset)


def _header_text(start: bytes, name: str) -> tuple[int, str]:
    """Where the data begin, and the text of the header."""
    if len(start) < 8:
        raise FileError(name, "is truncated: it ends before the array does")
    major = start[6]
    if major not in (1, 2, 3):
        _refuse(name, f"it has the version {major}; 1, 2 and 3 are known")
    width = 2 if major == 1 else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    if length > MAX_NPY_HEADER_BYTES:
        _refuse(name, f"it says that it has {length} bytes, more than {MAX_NPY_HEADER_BYTES}")
    offset = 8 + width + length
    if len(start) < offset:
        raise FileError(name, "is truncated: it ends before the array does")
    try:
        return offset, start[8 + width : offset].decode("utf-8" if major == 3 else "latin-1")
    except UnicodeDecodeError:
        _refuse(name, "it is not UTF-8 text")


def _literal(text: str, name: str) -> dict[str, Any]:
    try:
        fields = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        _refuse(name, f"it is no Python literal: {_excerpt(text)}")
    if type(fields) is not dict or set(fields) != {"descr", "fortran_order", "shape"}:
        _refuse(name, "it must hold descr, fortran_order and shape, and nothing else")
    return fields


def _dtype(descr: Any, name: str) -> np.dtype[Any]:
    if type(descr) is not str:
        _refuse(name, f"the array has fields ({_excerpt(descr)}); save one plain array")
    if not NPY_TYPE.fullmatch(descr):
        _refuse(name, f"it has the unknown type {_excerpt(descr)}")
    try:
        dtype = np.dtype(descr)
    except (TypeError, ValueError, SyntaxError, OverflowError):
        _refuse(name, f"it has the unknown type {_excerpt(descr)}")
    if dtype.hasobject:
        raise FileError(
            name, "holds Python objects, which are not loaded (they can run code); save numbers"
        )
    if dtype.kind in "SU":
        raise FileError(name, f"holds text ({dtype}); save numbers")
    if dtype.kind in "mM":
        raise FileError(name, f"holds times ({dtype}): {TIME_ADVICE}")
    if dtype.kind == "c":
        raise FileError(
            name, f"Complex data not supported: {dtype}; save real and imaginary parts as columns"
        )
    if dtype.kind == "f" and dtype.itemsize > 8:
        raise FileError(name, f"holds {dtype} numbers; save them as float64")
    if dtype.kind not in "biuf" or dtype.itemsize == 0:
        raise FileError(name, f"has the dtype {dtype}, which holds no numbers")
    return dtype


def _shape(shape: Any, name: str) -> tuple[int, int]:
    if type(shape) is not tuple or not all(type(k) is int and k >= 0 for k in shape):
        _refuse(name, f"the shape {_excerpt(shape)} is no tuple of sizes")
    if len(shape) != 2 or 0 in shape:
        raise FileError(
            name,
            "Expected 2D array with at least one row and one column, found shape "
            f"{_excerpt(shape)}",
        )
    return shape[0], shape[1]


def _refuse(name: str, problem: str) -> NoReturn:
    raise FileError(name, f"has a damaged .npy header: {problem}")


def _excerpt(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # an integer of too many digits, a deep nest
        return "of a size that nothing has"
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
