"""Why cells of text hold no number, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import Hint
from ._number_grammar import BLANKS, MISSING_WORDS, is_number, marked_number_regex

GROUPED_DIGITS: Final = "[+-]?[0-9]{1,3}([,.'’ \xa0\u2009\u202f][0-9]{3})+"
TIME_REGEX: Final = (
    r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?.*)?"
    r"|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}( .*)?"
    r"|[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
)
# The first that fits says what is wrong with a cell.
CELL_FAULTS: Final = (
    (r"[+-]?0[xX][0-9a-fA-F]+", "a hexadecimal number, or an id"),
    (r"[+-]?[0-9_]*[0-9]_[0-9][0-9_]*(\..*)?", "a number with underscores"),
    (r"[+-]?[0-9]*\.?[0-9]+[dD][+-]?[0-9]+", "a number whose exponent is written with d, not e"),
    (r"[−–‒﹣－][0-9.].*", "a number whose minus sign is not '-'"),
    (r"[+-]?[0-9.,]+ ?[%‰]", "a percentage"),
)


@dataclass(frozen=True)
class CellAdvice:
    """What to do about cells that hold no number: a sentence, or a hint and its value."""

    text: str = ""
    hint: Hint | None = None
    value: str = ""


def is_time(cell: str) -> bool:
    """Whether a cell looks like a date or a time of day."""
    return re.fullmatch(TIME_REGEX, cell.strip(BLANKS)) is not None


def cell_fault(cell: str) -> str:
    """What kind of number the cell would be elsewhere, in words; empty for mere text."""
    text = cell.strip()
    for pattern, words in CELL_FAULTS:
        if re.fullmatch(pattern, text):
            return words
    if any(c.isdigit() and c not in "0123456789" for c in text):
        return "digits other than 0 to 9"
    if text != cell.strip(BLANKS) and is_number(text):
        return "a number between spaces of another kind"
    return ""


def cell_advice(cells: Sequence[str], decimal: str) -> CellAdvice:
    """What to do about these cells, none of which holds a number."""
    other = "," if decimal == "." else "."
    present = [c.strip() for c in cells if c.strip().upper() not in MISSING_WORDS]
    if not present:
        return CellAdvice(
            "; missing values are never filled in for you: impute them or drop those rows"
        )
    grouped = GROUPED_DIGITS.replace(",.", re.escape(",.".replace(decimal, "")))
    fraction = rf"({re.escape(decimal)}[0-9]*)?"
    if all(re.fullmatch(grouped + fraction, c) for c in present):
        if all(c.count(other) == 1 and decimal not in c for c in present):
            return CellAdvice(hint=Hint.GROUPED_OR_DECIMAL, value=repr(other))
        marks = sorted({m for c in present for m in re.findall(r"[^0-9+-]", c)} - {decimal})
        return CellAdvice(f"; remove the thousands separators ({' '.join(map(repr, marks))})")
    elsewhere = re.compile(rf"{marked_number_regex(other)}|{GROUPED_DIGITS}")
    if all(elsewhere.fullmatch(c) for c in present):
        return CellAdvice(hint=Hint.DECIMAL, value=repr(other))
    if any(cell_fault(c) for c in present):
        return CellAdvice(hint=Hint.REWRITE_OR_LEAVE_OUT)
    return CellAdvice(hint=Hint.ENCODE_OR_LEAVE_OUT)
