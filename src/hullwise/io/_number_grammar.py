"""What one cell of text says: a number, a missing value, or neither.

The text of the cell alone decides, never the other rows. After blanks and tabs around it are taken
away, with ``.`` or another mark for the decimal mark, a cell is

- a number: ``[+-] (digits [mark [digits]] | mark digits) [(e|E) [+-] digits]``, with the digits 0
  to 9 only;
- 1 or 0: ``true`` or ``false``, in any case of letters;
- infinite: ``[+-] (inf | infinity)``, in any case of letters, or a number that no float64 can hold;
- missing: nothing, ``[+-] nan``, or one of `MISSING_WORDS`, in any case of letters;
- an error otherwise: hexadecimal numbers, digits with underscores or thousands separators between
  them, digits of other scripts, exponents written with d, percentages, dates, text.

A whole number beyond 2**53, however it is written in digits, is an error: float64 would round it.
"""

from __future__ import annotations

import math
import re
from typing import Final

from .coercion import LARGEST_INTEGER

BLANKS: Final = " \t"
NUMBER_REGEX: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
INFINITY_REGEX: Final = r"(?i:inf(inity)?)"
NAN_REGEX: Final = r"(?i:nan)"
BOOLEAN_REGEX: Final = r"(?i:true|false)"
MISSING_WORDS: Final = frozenset(
    ["", "NA", "N/A", "#N/A", "NULL", "NONE", "NAN", "NIL", "?", "-", ".", "#NULL!", "#DIV/0!"]
)


def marked_number_regex(decimal: str) -> str:
    """The regular expression of a finite number with this decimal mark, blanks not included."""
    return NUMBER_REGEX.replace(r"\.", re.escape(decimal))


def number_pattern(decimal: str) -> str:
    """A regular expression for a whole cell that holds a number, finite or not, or NaN."""
    words = f"[+-]?({INFINITY_REGEX}|{NAN_REGEX})"
    return rf"^[ \t]*({marked_number_regex(decimal)}|{words})[ \t]*$"


def is_number(text: str, decimal: str = ".") -> bool:
    """Whether the cell holds a finite number in digits."""
    return re.fullmatch(rf"[ \t]*({marked_number_regex(decimal)})[ \t]*", text) is not None


def is_missing(text: str) -> bool:
    """Whether the cell is empty or one of the words for a missing value."""
    return text.strip(BLANKS).upper() in MISSING_WORDS or bool(
        re.fullmatch(f"[+-]?{NAN_REGEX}", text.strip(BLANKS))
    )


def is_rounded_integer(text: str) -> bool:
    """Whether the cell holds an integer that float64 may round."""
    whole = re.fullmatch(r"[ \t]*[+-]?0*([0-9]*)[ \t]*", text)
    if whole is None or len(whole[1]) < 16:
        return False
    # Python refuses to read thousands of digits.
    return len(whole[1]) > 16 or int(whole[1]) > LARGEST_INTEGER


def cell_value(text: str, decimal: str = ".") -> float | None:
    """The value of one cell, NaN where it is missing; None for what is no number.

    Examples
    --------
    >>> [cell_value(cell) for cell in ("+1.5", ".5e2", "TRUE", "-inf", "0x1A", "1_000", "1,5")]
    [1.5, 50.0, 1.0, -inf, None, None, None]
    """
    cell = text.strip(BLANKS)
    if re.fullmatch(marked_number_regex(decimal), cell):
        return float(cell.replace(decimal, "."))
    if re.fullmatch(BOOLEAN_REGEX, cell):
        return float(cell.lower() == "true")
    if re.fullmatch(f"[+-]?{INFINITY_REGEX}", cell):
        return -math.inf if cell.startswith("-") else math.inf
    return math.nan if is_missing(cell) else None
