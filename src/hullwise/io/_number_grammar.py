"""What one cell of a text file says: a number, a missing value, or neither."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ..errors import Hint
from .coercion import LARGEST_INTEGER

NUMBER: Final = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
WORDS: Final = r"(?i:[+-]?(nan|inf|infinity))"
THOUSANDS: Final = "[+-]?\\d{1,3}([,.' \xa0\u202f]\\d{3})+"
MISSING: Final = frozenset(
    ["", "NA", "N/A", "#N/A", "NULL", "NONE", "NAN", "NIL", "?", "-", ".", "#NULL!", "#DIV/0!"]
)


def number_pattern(decimal: str, *, missing: bool = False) -> str:
    """A regular expression for a whole cell that holds a number, or else is `missing`."""
    words = "|".join([_marked(decimal), WORDS])
    if missing:
        words += "|(?i:" + "|".join(map(re.escape, sorted(MISSING))) + ")"
    return rf"^\s*({words})\s*$"


def is_number(text: str) -> bool:
    return re.fullmatch(rf"\s*({NUMBER})\s*", text) is not None


def is_inexact(text: str) -> bool:
    """Whether the cell holds an integer that float64 may round."""
    whole = re.fullmatch(r"\s*([+-]?\d+)\s*", text)
    return whole is not None and abs(int(whole[1])) > LARGEST_INTEGER


def value(text: str, decimal: str) -> float:
    """The number of a cell that `number_pattern` matches; NaN where it is missing."""
    word = text.strip()
    return float("nan") if word.upper() in MISSING else float(word.replace(decimal, "."))


def cell_hint(cells: Sequence[str], decimal: str) -> tuple[str, Hint | None, str]:
    """What to do about cells that hold no number: in words, or as a hint and its value."""
    other = "," if decimal == "." else "."
    present = [c.strip() for c in cells if c.strip().upper() not in MISSING]
    if not present:
        text = "; missing values are never filled in for you: impute them or drop those rows"
        return text, None, ""
    grouped = [re.fullmatch(THOUSANDS, c) is not None for c in present]
    if all(grouped):
        if all(c.count(other) == 1 for c in present):
            return "", Hint.GROUPED_OR_DECIMAL, repr(other)
        marks = sorted({mark for c in present for mark in re.findall(r"[^\d+-]", c)})
        return f"; remove the thousands separators ({' '.join(map(repr, marks))})", None, ""
    number = re.compile(_marked(other))
    if all(g or number.fullmatch(c) for g, c in zip(grouped, present, strict=True)):
        return "", Hint.DECIMAL, repr(other)
    return "", Hint.ENCODE_OR_LEAVE_OUT, ""


def _marked(decimal: str) -> str:
    return NUMBER.replace(r"\.", re.escape(decimal))
