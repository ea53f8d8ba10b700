"""What the user declares of the columns of a table, in Python or in a small TOML file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any

from ..errors import DataError, FileError
from ..io.atomic_write import whole_file
from ..io.coercion import format_names
from ..io.paths import readable_path
from .columns import DATE_PARTS

SIMPLE_ROLES = ("number", "log", "category", "id", "target", "group", "segment", "time", "left out")


@dataclass(frozen=True)
class ColumnSpec:
    """Roles of columns that were declared.

    Attributes
    ----------
    roles : dict of str to str
        Column to role.
    ordered : dict of str to tuple of str
        The levels of ordered columns, lowest first.
    periodic : dict of str to (float, float or None)
        Period, and how much counts like one standard deviation.
    dates : dict of str to tuple of str
        Parts of dates: since, year, month, weekday, hour.
    gaps : tuple of str
        Texts that stand for a gap.
    gaps_are_levels : tuple of str
        Categories in which a gap is a level of its own.
    """

    roles: dict[str, str] = field(default_factory=dict)
    ordered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    periodic: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    dates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    gaps_are_levels: tuple[str, ...] = ()

    @classmethod
    def declare(
        cls,
        *,
        numbers: Sequence[str] = (),
        categories: Sequence[str] = (),
        log: Sequence[str] = (),
        ordered: Mapping[str, Sequence[str]] | None = None,
        periodic: Mapping[str, float | Sequence[float]] | None = None,
        dates: Mapping[str, Sequence[str]] | None = None,
        drop: Sequence[str] = (),
        gaps: Sequence[str] = (),
        gaps_are_levels: Sequence[str] = (),
        **single: str | Sequence[str] | None,
    ) -> ColumnSpec:
        """A spec from keyword arguments; `single` are id, target, group, segment and time.

        Raises
        ------
        DataError
            A column is declared twice, or a period or part of a date makes no sense.
        """
        roles: dict[str, str] = {}
        lists: list[tuple[str, Sequence[str]]] = [
            *(("number", numbers), ("category", categories), ("log", log), ("left out", drop)),
            *(("ordered", list(ordered or {})), ("periodic", list(periodic or {}))),
            ("date", list(dates or {})),
            *((role, _names(names)) for role, names in single.items()),
        ]
        for role, names in lists:
            for name in _names(names):
                if roles.get(name, role) != role:
                    raise DataError(f"column {name!r} is declared {roles[name]} and {role}.")
                roles[name] = role
        return cls(
            roles,
            {name: tuple(map(str, levels)) for name, levels in (ordered or {}).items()},
            {name: _period(name, value) for name, value in (periodic or {}).items()},
            {name: _parts(name, value) for name, value in (dates or {}).items()},
            tuple(gaps),
            tuple(_names(gaps_are_levels)),
        )

    def check(self, names: Sequence[str], source: str) -> None:
        """Refuse declared columns that the table lacks."""
        lacking = [name for name in [*self.roles, *self.gaps_are_levels] if name not in names]
        if lacking:
            raise DataError(
                f"{source} has no column {format_names(lacking)}, which was declared; its columns "
                f"are {format_names(list(names))}."
            )

    def without(self, *roles: str) -> ColumnSpec:
        """The same without the columns of these roles."""
        rest = {name: role for name, role in self.roles.items() if role not in roles}
        return replace(self, roles=rest)

    def columns_with(self, role: str) -> tuple[str, ...]:
        """The columns that were declared to have a role, such as "id" or "target"."""
        return tuple(name for name, declared in self.roles.items() if declared == role)

    def merged(self, other: ColumnSpec) -> ColumnSpec:
        """This spec where it declares a column, else the other."""
        return ColumnSpec(
            {**other.roles, **self.roles},
            {**other.ordered, **self.ordered},
            {**other.periodic, **self.periodic},
            {**other.dates, **self.dates},
            tuple(dict.fromkeys([*other.gaps, *self.gaps])),
            tuple(dict.fromkeys([*other.gaps_are_levels, *self.gaps_are_levels])),
        )


def _names(names: str | Sequence[str] | None) -> list[str]:
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)


def _period(name: str, value: Any) -> tuple[float, float | None]:
    try:
        period, scale = value if isinstance(value, Sequence) else (value, None)
        period, scale = float(period), None if scale is None else float(scale)
    except (TypeError, ValueError):
        period, scale = 0.0, None
    if not 0 < period < float("inf") or (scale is not None and not 0 < scale < float("inf")):
        raise DataError(
            f"periodic column {name!r}: expected its period, such as 24, or the period and how "
            f"much counts like one standard deviation, such as (24, 3); got {value!r}."
        )
    return period, scale


def _parts(name: str, value: Any) -> tuple[str, ...]:
    parts = tuple(_names(value))
    wrong = [part for part in parts if part not in DATE_PARTS]
    if wrong or not parts:
        raise DataError(
            f"date column {name!r}: expected some of {', '.join(DATE_PARTS)}; got {value!r}."
        )
    return parts


def read_spec(path: str | PathLike[str]) -> ColumnSpec:
    """Read a file of columns.

    Raises
    ------
    FileError
        It cannot be read, is no TOML, or declares what is no role.

    Notes
    -----
    ::

        gaps = ["?"]
        gaps_are_levels = ["wind_gust"]

        [columns]
        dose = "log"
        job = "category"
        education = {role = "ordered", levels = ["low", "middle", "high"]}
        hour = {role = "periodic", period = 24}
        start = {role = "date", parts = ["since", "month"]}
        note = "left out"
    """
    name = str(path)
    try:
        with readable_path(path).open("rb") as stream:
            content = tomllib.load(stream)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(name, f"is no TOML file ({error})") from None
    except OSError as error:
        raise FileError(name, f"cannot be read ({error.strerror or error})") from None
    unknown = sorted(set(content) - {"columns", "gaps", "gaps_are_levels", "format"})
    if unknown:
        raise FileError(
            name, f"has {format_names(unknown)}; expected columns, gaps and gaps_are_levels"
        )
    try:
        return _from_toml(content)
    except DataError as error:
        raise FileError(name, str(error)) from None


def _from_toml(content: Mapping[str, Any]) -> ColumnSpec:
    lists: dict[str, list[str]] = {role: [] for role in SIMPLE_ROLES}
    ordered: dict[str, Any] = {}
    periodic: dict[str, Any] = {}
    dates: dict[str, Any] = {}
    columns = content.get("columns", {})
    if not isinstance(columns, Mapping):
        raise DataError(f"has columns = {columns!r}; expected [columns] and a line for each column")
    for name, entry in columns.items():
        table = {"role": entry} if isinstance(entry, str) else entry
        role = table.get("role") if isinstance(table, Mapping) else None
        if role == "ordered" and "levels" in table:
            ordered[name] = table["levels"]
        elif role == "periodic" and "period" in table:
            period = table["period"]
            periodic[name] = [period, table["scale"]] if "scale" in table else period
        elif role == "date":
            dates[name] = table.get("parts", ["since"])
        elif role in lists:
            lists[role].append(name)
        else:
            raise DataError(
                f"column {name!r} is declared {entry!r}; expected one of "
                f"{', '.join(SIMPLE_ROLES)}, or ordered with levels, periodic with a period, date "
                "with parts"
            )
    return ColumnSpec.declare(
        numbers=lists.pop("number"),
        categories=lists.pop("category"),
        log=lists.pop("log"),
        drop=lists.pop("left out"),
        ordered=ordered,
        periodic=periodic,
        dates=dates,
        gaps=content.get("gaps", ()),
        gaps_are_levels=content.get("gaps_are_levels", ()),
        **lists,
    )


def write_spec(
    path: str | PathLike[str], declarations: Mapping[str, Any], spec: ColumnSpec, *, force: bool
) -> None:
    """Write what every column was taken for as a file of columns, to be edited and read again."""
    lines = ["# What each column is. Roles: number, log, category, ordered, periodic, date,"]
    lines += ["# id, target, group, segment, time, left out."]
    for key, values in (("gaps", spec.gaps), ("gaps_are_levels", spec.gaps_are_levels)):
        if values:
            lines.append(f"{key} = {_toml(list(values))}")
    lines += ["", "[columns]"]
    lines += [f"{_toml_key(name)} = {_toml(value)}" for name, value in declarations.items()]
    with whole_file(path, force=force) as stream:
        stream.write(("\n".join(lines) + "\n").encode())


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        # JSON's strings are TOML's basic strings, but for the control character DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _toml_key(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if is_bare else _toml(name)
