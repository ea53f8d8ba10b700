"""A column of text as numbers, each cell by the grammar of `_number_grammar`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Floats, Mask
from ._arrow import arrow_values, valid_mask
from ._number_grammar import (
    BLANKS,
    INFINITY_REGEX,
    MISSING_WORDS,
    NAN_REGEX,
    is_rounded_integer,
    marked_number_regex,
)
from .coercion import LARGEST_INTEGER

WORD_VALUES = (
    ("(?i:true)", 1.0),
    ("(?i:false)", 0.0),
    ("-" + INFINITY_REGEX, -np.inf),
    (r"\+?" + INFINITY_REGEX, np.inf),
    ("[+-]?" + NAN_REGEX, np.nan),
)


@dataclass(frozen=True, eq=False)
class TextValues:
    """What the cells of one column say.

    Attributes
    ----------
    values : (n,) float64
        NaN where a cell is missing or no number.
    empty : (n,) bool
        Cells that hold nothing.
    missing_word : (n,) bool
        Cells that hold a word for a missing value other than NaN.
    no_number : (n,) bool
        Cells that hold something else.
    """

    values: Floats
    empty: Mask
    missing_word: Mask
    no_number: Mask


def text_values(column: Any, decimal: str) -> TextValues:
    """Read a column of Arrow strings. O(length of its text)."""
    import pyarrow.compute as pc

    text = pc.utf8_trim(column, BLANKS)
    empty = _matches(text, "") | ~valid_mask(text)
    numeric = _arrow_matches(text, marked_number_regex(decimal))
    is_number = arrow_values(numeric)
    values = np.full(len(text), np.nan)
    values[is_number] = _cast(text.filter(numeric), decimal)
    remaining = ~is_number & ~empty
    if not remaining.any():
        none = np.zeros(len(values), dtype=bool)
        return TextValues(values, empty, none, none)
    for pattern, value in WORD_VALUES:
        mask = remaining & _matches(text, pattern)
        values[mask] = value
        remaining &= ~mask
    missing = "|".join(re.escape(word) for word in sorted(MISSING_WORDS))
    missing_word = remaining & _matches(text, f"(?i:{missing})")
    return TextValues(values, empty, missing_word, remaining & ~missing_word)


def first_rounded_integer(column: Any, values: Floats) -> int | None:
    """The first row whose cell holds an integer that float64 may round."""
    # As a double 2**53 may be a rounded 2**53 + 1, so the text decides.
    for row in np.flatnonzero(np.abs(values) >= LARGEST_INTEGER).tolist():
        if is_rounded_integer(column[row].as_py()):
            return int(row)
    return None


def _cast(text: Any, decimal: str) -> Floats:
    """Cells that are numbers as float64."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if decimal != ".":
        text = pc.replace_substring(text, decimal, ".")
    text = pc.utf8_ltrim(text, "+")
    try:
        return np.asarray(arrow_values(text.cast(pa.float64())), dtype=np.float64)
    except pa.ArrowInvalid:  # some versions refuse numbers beyond float64
        return np.array([float(cell) for cell in text.to_pylist()], dtype=np.float64)


def _matches(text: Any, pattern: str) -> Mask:
    """Where whole cells match; missing ones do not."""
    return arrow_values(_arrow_matches(text, pattern))


def _arrow_matches(text: Any, pattern: str) -> Any:
    # Not equal, is_in or fill_null: pyarrow imports pandas to make a scalar of their argument.
    import pyarrow.compute as pc

    return pc.match_substring_regex(text, f"^({pattern})$")
