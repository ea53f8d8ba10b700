"""What the columns of a table are, where nobody said.

The rules, in this order, for a column that is not declared:

- nothing in it: left out; one value: constant;
- booleans, and numbers that are only 0 and 1: category;
- whole numbers that count the rows: an id; other numbers: number;
- an ordered categorical: ordered;
- dates: left out, since with one every later row would be beyond;
- text that is a number in nearly every cell: an error with its line;
- text whose levels would go on being new: left out; other text: category.

Every decision that may surprise is noted in words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import DataError, Hint, Note
from ..io.coercion import format_names
from ..io.mixed_column import ColumnKind, MixedColumn
from ..io.mixed_table import MixedTable
from ._column_hints import likely_period, notes_on_levels
from .columns import (
    PERIOD_OF_PART,
    CategoryColumn,
    Column,
    ConstantColumn,
    DateColumn,
    LevelColumn,
    LogColumn,
    NumberColumn,
    OrderedColumn,
    PeriodicColumn,
    SegmentColumn,
    UnusedColumn,
    circle_radius,
)
from .spec import ColumnSpec

MOST_UNSEEN = 0.01  # share of new rows with a level never seen, above which text is left out
DAYS_OF_TWO_YEARS = 730


def infer_columns(
    table: MixedTable, spec: ColumnSpec
) -> tuple[tuple[Column, ...], tuple[UnusedColumn, ...], tuple[str, ...]]:
    """The columns that give coordinates, those that do not, and notes on what may surprise.

    Raises
    ------
    DataError
        A declared column is not in the table, or its cells are not what was declared; a column of
        text is numbers in nearly all cells.
    """
    spec.check(table.names, table.source)
    if not table.n:
        raise DataError(f"{table.source} has no rows.")
    used: list[Column] = []
    unused: list[UnusedColumn] = []
    notes: list[str] = []
    for name in table.names:
        cells = table.column(name)
        role = spec.roles.get(name)
        if role == "segment":
            used.append(level_column(SegmentColumn, cells, "declared", gap_is_level=True))
            continue
        if role in ("left out", "id", "target", "group", "time"):
            unused.append(UnusedColumn(name, role))
            continue
        if role:
            used += _declared(cells, role, spec)
            continue
        column = _inferred(cells, spec, notes)
        if isinstance(column, Column):
            used.append(column)
        else:
            unused.append(column)
    if not any(column.width for column in used):
        raise DataError(
            f"{table.source}: no column is left to locate rows by: "
            f"{_why_nothing_is_left(used, unused)}. Declare those that are features, or give a "
            "table with others."
        )
    return tuple(used), tuple(unused), (*notes, *_near_copies(table, used))


def _why_nothing_is_left(used: Sequence[Column], unused: Sequence[UnusedColumn]) -> str:
    """What became of the columns of a table, where none has a coordinate."""
    constant = format_names([column.name for column in used])
    left_out = [f"{column.name!r} ({column.describe()})" for column in unused]
    texts = [f"always the same: {constant}"] * bool(used)
    texts += [f"no features: {', '.join(left_out[:5])}{', ...' * (len(left_out) > 5)}"] * bool(
        unused
    )
    return "; ".join(texts) or "the table has none"


def _declared(cells: MixedColumn, role: str, spec: ColumnSpec) -> list[Column]:
    name = cells.name
    if role == "number":
        return [NumberColumn(name, name, "declared", cells.whole)]
    if role == "log":
        column = LogColumn(name, name, "declared")
        column.encode(cells)
        return [column]
    if role == "category":
        return [
            level_column(
                CategoryColumn, cells, "declared", gap_is_level=name in spec.gaps_are_levels
            )
        ]
    if role == "ordered":
        return [level_column(OrderedColumn, cells, "declared", levels=spec.ordered.get(name))]
    if role == "periodic":
        period, scale = spec.periodic[name]
        return [_circle(cells, name, period, scale)]
    return [_date_part(cells, part) for part in spec.dates[name]]


def level_column(
    kind: type[LevelColumn],
    cells: MixedColumn,
    reason: str,
    *,
    levels: tuple[str, ...] | None = None,
    gap_is_level: bool = False,
) -> LevelColumn:
    """A column of levels, with the training rows counted at each."""
    import pyarrow.compute as pc

    labels = cells.labels(cells.kind)
    if gap_is_level:
        labels = labels.fill_null(LevelColumn.GAP)
    counted = {
        str(entry["values"]): int(entry["counts"])
        for entry in pc.value_counts(labels.drop_null()).to_pylist()
    }
    if levels is None:
        levels = tuple(sorted(counted))
    unknown = sorted(set(counted) - set(levels))
    if unknown:
        raise DataError(
            f"column {cells.name!r} holds levels that its declared order lacks: "
            f"{format_names(unknown)}."
        )
    counts = tuple(counted.get(level, 0) for level in levels)
    return kind(cells.name, cells.name, reason, levels, counts, cells.kind, gap_is_level)


def _circle(
    cells: MixedColumn, name: str, period: float, scale: float | None, part: str = ""
) -> PeriodicColumn:
    column = PeriodicColumn(name, cells.name, "declared", period, 1.0, scale, part)
    values = column.values(cells)
    radius = (
        circle_radius(values[~np.isnan(values)], period)
        if scale is None
        else period / (2 * np.pi * scale)
    )
    return PeriodicColumn(name, cells.name, "declared", period, radius, scale, part)


def _date_part(cells: MixedColumn, part: str) -> Column:
    name = f"{cells.name} ({part})"
    if part == "since":
        return DateColumn(name, cells.name, "declared")
    if part == "year":
        days = cells.days()
        span = float(np.nanmax(days) - np.nanmin(days))
        if span < DAYS_OF_TWO_YEARS:
            raise DataError(
                f"column {cells.name!r} spans {span:.0f} days: no two years are complete, so the "
                "season cannot be told from the date. Use month, weekday or hour, or more years."
            )
    return _circle(cells, name, PERIOD_OF_PART[part], None, part)


def _inferred(cells: MixedColumn, spec: ColumnSpec, notes: list[str]) -> Column | UnusedColumn:
    name, kind = cells.name, cells.kind
    if kind is ColumnKind.EMPTY:
        notes.append(f"{name!r} is empty in all training rows: left out")
        return UnusedColumn(name, "left out", "empty in all training rows")
    if name in spec.gaps_are_levels:
        return level_column(CategoryColumn, cells, "gaps are a level", gap_is_level=True)
    if kind is ColumnKind.TIME:
        return _unused_dates(cells, notes)
    bad = cells.bad_number()
    if bad is not None:
        raise _nearly_numbers(cells, *bad)
    _refuse_other_notation(cells)
    constant = _constant(cells)
    if constant is not None:
        notes.append(_constant_note(cells, constant))
        return constant
    if kind is ColumnKind.NUMBER:
        return _inferred_number(cells, notes)
    if kind is ColumnKind.BOOLEAN:
        return level_column(CategoryColumn, cells, "true or false")
    if cells.ordered_levels is not None:
        levels = cells.ordered_levels
        return level_column(OrderedColumn, cells, "ordered categorical", levels=levels)
    column = level_column(CategoryColumn, cells, "text")
    notes += notes_on_levels(name, column.levels)
    n, once = sum(column.counts), column.counts.count(1)
    if once > MOST_UNSEEN * n:
        reason = f"text of {len(column.levels)} levels in {n} rows, {once} of them seen once"
        text = (
            f"{name!r} is {reason}: about {100 * once / n:.3g} % of new rows would hold one never "
            "seen, so it is left out"
        )
        notes.append(Note(text, Hint.DECLARE_CATEGORY, repr(name)))
        return UnusedColumn(name, "left out", reason)
    return column


def _refuse_other_notation(cells: MixedColumn) -> None:
    """Refuse text that is numbers in another notation: as levels they would say nothing."""
    place = cells.other_notation()
    if place is None:
        return
    row, cell, advice = place
    raise DataError(
        f"{cells.place(row)}, column {cells.name!r} holds {cell!r}, a number in another notation"
        f"{advice.text}",
        hint=advice.hint,
        value=advice.value,
    ).with_hint(Hint.DECLARE_CATEGORY, repr(cells.name))


def _constant(cells: MixedColumn) -> ConstantColumn | None:
    import pyarrow.compute as pc

    if cells.kind is ColumnKind.NUMBER:  # labels of millions of numbers take long
        values = cells.numbers()
        if np.nanmin(values) < np.nanmax(values):
            return None
    distinct = pc.unique(cells.labels(cells.kind).drop_null())
    if len(distinct) != 1:
        return None
    column = level_column(ConstantColumn, cells, "one value")
    assert isinstance(column, ConstantColumn)
    return column


def _inferred_number(cells: MixedColumn, notes: list[str]) -> Column | UnusedColumn:
    name = cells.name
    values = cells.numbers()
    values = values[~np.isnan(values)]
    if ((values == 0) | (values == 1)).all():
        return level_column(CategoryColumn, cells, "0 and 1")
    whole = cells.whole
    distinct = np.unique(values) if whole else values
    if whole and len(values) > 2 and (np.diff(values) == 1).all() and not cells.empty.any():
        notes.append(f"{name!r} counts the rows: taken for an id and left out")
        return UnusedColumn(name, "id", "counts the rows")
    if whole and len(distinct) == len(values) > 20:
        text = f"{name!r} is a whole number, different in every row"
        notes.append(Note(text, Hint.DECLARE_ID, repr(name)))
    period = likely_period(name, distinct) if whole else None
    if period is not None:
        text = f"{name!r} looks periodic: as a number its ends lie far apart"
        notes.append(Note(text, Hint.DECLARE_PERIOD, f"{name}={period:g}"))
    return NumberColumn(name, name, "numbers", whole)


def _nearly_numbers(cells: MixedColumn, row: int, cell: str, share: float) -> DataError:
    """What is wrong with text that is a number in nearly every cell, and what helps."""
    error = DataError(
        f"{cells.place(row)}, column {cells.name!r} holds {cell!r}, which is no number; "
        f"{100 * share:.3g} % of its cells are. Mend the cell"
    )
    words = cells.gap_words()
    for word in words if cell in words else ():
        error.with_hint(Hint.NAME_AS_GAP, repr(word))
    return error.with_hint(Hint.DECLARE_CATEGORY, repr(cells.name))


def _constant_note(cells: MixedColumn, constant: ConstantColumn) -> str:
    text = f"{cells.name!r} is {constant.describe()}"
    n_gaps = int(cells.empty.sum())
    if not n_gaps:
        return text
    text += f"; it is empty in {n_gaps:,} rows, which says nothing"
    return Note(text, Hint.GAPS_ARE_LEVELS, repr(cells.name))


def _unused_dates(cells: MixedColumn, notes: list[str]) -> UnusedColumn:
    days = cells.days()
    first, last = (
        str(np.datetime64(int(np.floor(d)), "D")) for d in (np.nanmin(days), np.nanmax(days))
    )
    text = (
        f"{cells.name!r} holds dates from {first} to {last}{_zone(cells)}: not used, as every "
        "later row would be beyond"
    )
    notes.append(Note(text, Hint.DECLARE_DATES, f"{cells.name}=month"))
    return UnusedColumn(cells.name, "left out", f"dates from {first} to {last}")


def _zone(cells: MixedColumn) -> str:
    """That days and hours are those of UTC, where the cells have a time zone."""
    return " (in UTC)" if cells.has_time_zone else ""


def _near_copies(table: MixedTable, columns: list[Column]) -> list[str]:
    """A note on pairs of numbers that are nearly the same; they are left in."""
    numbers = [c for c in columns if isinstance(c, NumberColumn)]
    if not 2 <= len(numbers) <= 200:
        return []
    rows = np.unique(np.linspace(0, table.n - 1, min(table.n, 2000)).astype(np.intp))
    values = np.column_stack([table.column(c.source).numbers()[rows] for c in numbers])
    values = values[~np.isnan(values).any(axis=1)]
    values /= np.maximum(np.abs(values).max(axis=0, initial=0.0), 1e-300)  # squares exist
    centred = values - values.mean(axis=0) if len(values) > 3 else np.zeros((1, len(numbers)))
    size = np.sqrt(np.square(centred).sum(axis=0))
    scaled = np.divide(centred, size, out=np.zeros_like(centred), where=size > 0)
    near = np.argwhere(np.triu(np.abs(scaled.T @ scaled), 1) > 0.999)
    pairs = [f"{numbers[i].name!r} and {numbers[j].name!r}" for i, j in near[:3]]
    more = f" and {len(near) - 3} more pairs" if len(near) > 3 else ""
    return [f"nearly copies of each other: {', '.join(pairs)}{more}"] if pairs else []
