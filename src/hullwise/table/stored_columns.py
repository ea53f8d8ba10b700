"""Columns out of a file, which may hold anything: is each one as the library writes it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any

from ..io.mixed_column import ColumnKind
from .columns import DATE_PARTS, Column, LevelColumn, PeriodicColumn, column_from_json
from .output_columns import OutputBlock, output_column_from_json


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _all(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: isinstance(values, tuple) and all(map(is_one, values))


# What the fields of columns hold, by the types that they are declared with.
HOLDS: dict[str, Callable[[Any], bool]] = {
    "str": lambda value: type(value) is str,
    "bool": lambda value: type(value) is bool,
    "int": lambda value: type(value) is int,
    "float": _is_number,
    "float | None": lambda value: value is None or _is_number(value),
    "ColumnKind": lambda value: isinstance(value, ColumnKind),
    "tuple[str, ...]": _all(lambda value: type(value) is str),
    "tuple[int, ...]": _all(lambda value: type(value) is int),
    "tuple[float, ...]": _all(_is_number),
}


def stored_columns(stored: Sequence[dict[str, Any]], *, transformed: bool) -> tuple[Column, ...]:
    """The columns that their `to_json` stored; `transformed` ones are outputs of a transformer.

    Raises
    ------
    DataError, ValueError
        One of them is not as it would be stored.
    """
    read = output_column_from_json if transformed else column_from_json
    columns = tuple(read(dict(column)) for column in stored)
    for column in columns:
        for field in fields(column):
            if not HOLDS[str(field.type)](getattr(column, field.name)):
                raise ValueError(f"column {str(column.name)[:60]!r}: {field.name}")
        _check_values(column)
    if len({column.name for column in columns}) < len(columns):
        raise ValueError("two columns of one name")
    return columns


def _check_values(column: Column) -> None:
    holds = True
    if isinstance(column, LevelColumn):
        holds = len(set(column.levels)) == len(column.levels)
        # half-spaces are kept without the counts
        holds &= (
            len(column.counts) in (0, len(column.levels)) and min(column.counts, default=0) >= 0
        )
    if isinstance(column, PeriodicColumn):
        holds = (
            column.period > 0 and column.radius > 0 and (column.scale is None or column.scale > 0)
        )
        holds &= column.part in ("", *DATE_PARTS[1:])
    if isinstance(column, OutputBlock):
        holds &= len(column.outputs) == len(column.places) == len(column.limits)
        holds &= all(
            -1 <= place < len(column.levels) for place in (*column.places, column.off_level)
        )
    if not holds:
        raise ValueError(f"column {column.name[:60]!r} holds what no column can")
