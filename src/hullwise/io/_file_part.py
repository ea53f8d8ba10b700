"""A part of a file, named by where it begins and ends."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from ..errors import FileError

Part = tuple[int, int]


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
