"""The parameters of a box, however it is written: a mapping, an array, a table, a domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ..domain.domain import Domain
from ..errors import DataError, FileError
from ..io.coercion import format_names
from ..io.mixed_table import MixedTable, read_mixed
from ..table.columns import (
    CategoryColumn,
    Column,
    ConstantColumn,
    LevelColumn,
    LogColumn,
    NumberColumn,
    OrderedColumn,
    PeriodicColumn,
)
from .parameters import (
    CategoryParameter,
    IntegerParameter,
    LogParameter,
    OrderedParameter,
    Parameter,
    PeriodicParameter,
)

BOX_COLUMNS = ("name", "low", "high", "role", "levels", "period", "scale")
PARAMETER_ROLES: dict[str, type[Parameter]] = {
    kind.role: kind
    for kind in (
        *(Parameter, IntegerParameter, LogParameter),
        *(OrderedParameter, CategoryParameter, PeriodicParameter),
    )
}
LEVEL_SEPARATOR = "|"


def parameters_of(box: Any) -> tuple[Parameter, ...]:
    """The parameters that a box describes; see `DesignSpace` for the ways to write one.

    Raises
    ------
    DataError, FileError
    """
    if isinstance(box, Domain):
        parameters = _of_domain(box)
    elif isinstance(box, Mapping) and not _is_box_table(list(box)):
        parameters = [_of_entry(str(name), entry) for name, entry in box.items()]
    elif isinstance(box, str | PathLike | Mapping | MixedTable) or _is_table(box):
        parameters = _of_table(read_mixed(box, name="the box"))
    else:
        parameters = _of_array(box)
    names = [p.name for p in parameters]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DataError(f"the box has the parameter {format_names(twice)} twice.")
    if not parameters:
        raise DataError("the box has no parameters: expected at least one.")
    return tuple(parameters)


def _is_box_table(names: Sequence[Any]) -> bool:
    return {"low", "high"} <= {*names} and "name" in names


def _is_table(box: Any) -> bool:
    """Whether it is a frame, or a list of dictionaries."""
    is_list = isinstance(box, list) and bool(box)
    return hasattr(box, "columns") or (is_list and all(isinstance(row, Mapping) for row in box))


def _of_array(box: Any) -> list[Parameter]:
    try:
        ends = np.asarray(box, dtype=np.float64)
    except (TypeError, ValueError):
        ends = np.zeros(0)
    if ends.ndim != 2 or ends.shape[1:] != (2,):
        raise DataError(
            f"the box is {type(box).__name__} of shape {ends.shape}: expected (d, 2) ends, a "
            "mapping of names to (low, high) or levels, a table with name, low and high, or a "
            "fitted Domain."
        )
    return [Parameter(f"x{j}", *pair) for j, pair in enumerate(ends.tolist())]


def _of_entry(name: str, entry: Any) -> Parameter:
    """One parameter of a mapping."""
    if isinstance(entry, Parameter):
        return entry
    if isinstance(entry, Mapping):
        unknown = [key for key in entry if key not in BOX_COLUMNS[1:]]
        if unknown:
            raise DataError(
                f"parameter {name!r} has {format_names(unknown)}; expected some of "
                f"{', '.join(BOX_COLUMNS[1:])}."
            )
        return _parameter(name, **dict(entry))
    values = [entry] if isinstance(entry, str) else list(entry)
    if any(isinstance(value, str | bool) for value in values):
        return _parameter(name, levels=values)
    if len(values) != 2:
        raise DataError(
            f"parameter {name!r} is {entry!r}: expected (low, high), or levels as text, or a "
            'dictionary such as {"low": 1, "high": 9, "role": "integer"}.'
        )
    return _parameter(name, low=values[0], high=values[1])


def _of_table(table: MixedTable) -> list[Parameter]:
    """One parameter for each row of a table."""
    unknown = [column for column in table.names if column not in BOX_COLUMNS]
    if unknown or not _is_box_table(table.names):
        text = (
            f"has the columns {format_names(list(table.names))}; expected name, low and high and, "
            f"where needed, {', '.join(BOX_COLUMNS[3:])}"
        )
        if table.file is None:
            raise DataError(f"{table.source} {text}.")
        raise FileError(table.source, text)
    labels, numbers = {}, {}
    for column in table.names:
        cells = table.column(column)
        if column in ("low", "high", "period", "scale"):
            numbers[column] = cells.numbers()
        else:
            labels[column] = cells.labels(cells.kind).to_pylist()
    parameters = []
    for i in range(table.n):
        entry: dict[str, Any] = {k: v[i] for k, v in labels.items() if v[i] is not None}
        entry |= {k: float(v[i]) for k, v in numbers.items() if not np.isnan(v[i])}
        if "levels" in entry:
            entry["levels"] = [part.strip() for part in entry["levels"].split(LEVEL_SEPARATOR)]
        if "name" not in entry:
            raise DataError(f"{table.place(i)}: a parameter without a name.")
        try:
            parameters.append(_parameter(**entry))
        except DataError as error:
            raise DataError(f"{table.place(i)}: {error}") from None
    return parameters


def _parameter(
    name: str,
    low: Any = None,
    high: Any = None,
    role: str | None = None,
    levels: Any = None,
    period: Any = None,
    scale: Any = 1.0,
) -> Parameter:
    """A parameter from what a box says of it."""
    role = role or ("category" if levels is not None else "number")
    kind = PARAMETER_ROLES.get(role)
    if kind is None:
        raise DataError(
            f"parameter {name!r} has the role {role!r}; expected one of "
            f"{', '.join(PARAMETER_ROLES)}."
        )
    size = _number(name, "scale", scale)
    if issubclass(kind, CategoryParameter):
        if levels is None:
            raise DataError(f"parameter {name!r} is {role}: expected its levels, such as x|y|z.")
        return kind(name, scale=size, levels=_level_labels(levels))
    if levels is not None:
        raise DataError(f"parameter {name!r} is {role} and has levels: expected low and high.")
    ends = _number(name, "low", low), _number(name, "high", high)
    if kind is PeriodicParameter:
        period = ends[1] - ends[0] if period is None else _number(name, "period", period)
        return PeriodicParameter(name, *ends, size, period=period)
    if period is not None:
        raise DataError(f"parameter {name!r} is {role} and has a period: say role periodic.")
    return kind(name, *ends, size)


def _number(name: str, what: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        if value is None:
            raise DataError(f"parameter {name!r} has no {what}: expected a number.") from None
        raise DataError(f"parameter {name!r} has {what} {value!r}: expected a number.") from None


def _level_labels(levels: Any) -> tuple[str, ...]:
    """Levels as a column of labels has them: whole numbers without a point, True and False."""
    column = read_mixed({"levels": [str(level) for level in levels]}).column("levels")
    return tuple(column.labels(column.kind).to_pylist())


def _of_domain(domain: Domain) -> list[Parameter]:
    """The columns of a fitted domain, with the ranges of its training rows."""
    if not hasattr(domain, "fitted_"):
        raise DataError("the box is a Domain that is not fitted: call fit(table) first.")
    coordinates, values = domain.fitted_.coordinates, domain.fitted_.values
    return [
        _of_column(column, values[:, coordinates.coordinates_of(j)])
        for j, column in enumerate(coordinates.columns)
    ]


def _of_column(column: Column, values: Any) -> Parameter:
    if isinstance(column, OrderedColumn):
        return OrderedParameter(column.name, levels=column.levels)
    if isinstance(column, CategoryColumn | ConstantColumn) or (
        isinstance(column, LevelColumn) and not column.width
    ):
        return CategoryParameter(column.name, levels=column.levels)
    if isinstance(column, PeriodicColumn) and not column.part:
        return PeriodicParameter(column.name, 0.0, column.period, period=column.period)
    if isinstance(column, NumberColumn | LogColumn):
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        if isinstance(column, LogColumn):
            ends = [float(f"{10.0**end:.12g}") for end in (low, high)]  # as the cells were written
            return LogParameter(column.name, *ends)
        return (IntegerParameter if column.whole else Parameter)(column.name, low, high)
    raise DataError(
        f"column {column.name!r} of the domain is {column.describe()}: a box cannot hold it; give "
        "a box of low and high ends instead."
    )
