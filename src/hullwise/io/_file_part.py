"""A part of a file, named by where it begins and ends, and whether the file is still the same."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import FileError

CHANGED = "has changed since it was opened: open it again"

Part = tuple[int, int]
Signature = tuple[int, int, str, int]


class StoredRows(Protocol):
    n: int
    d: int
    dtype: np.dtype[Any]
    path: Path


def read_part(name: str, part: Sequence[int] | None, count: int, what: str) -> Part:
    """(first, last) of `count` groups or rows, last not included; all of them where none is given.

    Raises
    ------
    FileError
        Not two whole numbers with 0 <= first < last <= count.
    """
    if part is None:
        return 0, count
    try:
        first, last = (operator.index(i) for i in part)
    except (TypeError, ValueError):
        first, last = -1, -1
    if not 0 <= first < last <= count:
        raise FileError(
            name,
            f"{what}={part!r}: expected (first, last) with 0 <= first < last <= {count}, where "
            "last is not included",
        )
    return first, last


def edges(count: int, parts: int) -> list[Part]:
    """At most `parts` contiguous parts of nearly equal size, in order."""
    parts = max(1, min(operator.index(parts), count))
    return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def signature(rows: StoredRows, size: int) -> Signature:
    return rows.n, rows.d, rows.dtype.str, size


def refuse_other(rows: StoredRows, now: Signature, then: Signature) -> None:
    """Refuse a file that is not the one whose path was pickled."""
    if now != then:
        raise FileError(
            str(rows.path),
            f"has changed since it was stored: {then[0]} x {then[1]} {then[2]} in {then[3]} "
            f"bytes then, {now[0]} x {now[1]} {now[2]} in {now[3]} bytes now",
        )
