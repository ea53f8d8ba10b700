"""Half-spaces as one SELECT: rows of a table, and what is proved of each.

Expressions are ANSI SQL where there is one; what DuckDB words its own way is marked. A row's cells
become coordinates, features and sums in turn, each a common table expression; a gap is NULL, and a
sum that weighs it is NULL, which counts as no excess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import DataError
from ..geometry.bands import BANDS
from ..io.mixed_column import ColumnKind
from ..table.columns import CategoryColumn, Column, LevelColumn, PeriodicColumn
from ._rule_features import USABLE_FEATURE
from .half_spaces import LEAST_EXCESS, SHRINKAGE, HalfSpaces

SQL_DIALECTS = ("duckdb",)
CHAINED_TERMS = 100  # of a sum, before brackets
SQL_OUTPUTS = ("proved_outside", "lower", "band_at_least", "rule")
TRUTH = {"True": 1.0, "False": 0.0}
SQL_BLANKS = "' ' || CHR(9) || CHR(10) || CHR(13)"  # around levels
BELOW_LOGARITHMS = -1e300  # stands for the logarithm of what has none: out of every box


def half_spaces_select(
    rules: HalfSpaces, dialect: str, table: str | Sequence[str], keep: Sequence[str]
) -> str:
    """The SELECT; see `HalfSpaces.to_sql`."""
    if dialect not in SQL_DIALECTS:
        raise DataError(f"dialect={dialect!r}: expected {' or '.join(map(repr, SQL_DIALECTS))}.")
    path = ".".join(map(quoted_identifier, [table] if isinstance(table, str) else table))
    passed = list(dict.fromkeys([*keep, *rules.features.coordinates.sources]))
    steps = [
        ("cells", _cells(rules, passed), path),
        ("coordinates", _coordinates(rules), "cells"),
        ("features", _features(rules), "coordinates"),
        ("sums", _sums(rules), "features"),
        ("excesses", _ellipsoid_excess(rules), "sums"),
        ("best", [f"GREATEST({_list(['0e0', *_excesses(rules)])}) AS best"], "excesses"),
    ]
    chain = []
    for number, (name, items, source) in enumerate(steps):
        selected = _list(["p.*", *items] if number else items)
        chain.append(f"{name} AS (\n  SELECT {selected}\n  FROM {source} AS p\n)")
    answers = _list(_answers(rules, passed))
    return f"WITH {', '.join(chain)}\nSELECT {answers}\nFROM best;\n"


def _list(items: Iterable[str]) -> str:
    return ",\n    ".join(items)


def quoted_identifier(name: str) -> str:
    """A name in double quotes, whatever it holds."""
    return '"' + _without_nul(name).replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """A text in single quotes, whatever it holds."""
    return "'" + _without_nul(text).replace("'", "''") + "'"


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise DataError(f"{text!r} holds the character NUL, which SQL has no way to write.")
    return text


def sql_number(value: float) -> str:
    """A number as a DOUBLE: with an exponent, as 0.1 alone would be a DECIMAL."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def _cells(rules: HalfSpaces, passed: Sequence[str]) -> list[str]:
    """The table's own columns, and each cell as a number, a time or a text; NULL where empty."""
    items = [f"p.{quoted_identifier(name)} AS c{i}" for i, name in enumerate(passed)]
    for j, column in enumerate(rules.columns):
        cell = f"p.{quoted_identifier(column.source)}"
        if _is_date(column):
            items.append(f"CAST({cell} AS TIMESTAMP) AS v{j}")
        elif isinstance(column, LevelColumn) and _levels_are_texts(column):
            trimmed = f"TRIM(BOTH {SQL_BLANKS} FROM CAST({cell} AS VARCHAR))"
            gaps = ", ".join(map(quoted_text, ["", *rules.gaps]))
            items.append(f"CASE WHEN {trimmed} IN ({gaps}) THEN NULL ELSE {trimmed} END AS v{j}")
        elif isinstance(column, LevelColumn) and column.kind is ColumnKind.BOOLEAN:
            items.append(f"{_truth(cell)} AS v{j}")
        else:
            number = f"CAST({cell} AS DOUBLE PRECISION)"
            # of DuckDB: NaN is a gap
            items.append(f"CASE WHEN isnan({number}) THEN NULL ELSE {number} END AS v{j}")
    return items


def _truth(cell: str) -> str:
    """1 and 0 for what is true and false however it is stored, -1 for anything else."""
    text = f"LOWER(CAST({cell} AS VARCHAR))"
    return (
        f"CASE WHEN {text} IN ('true', '1', '1.0') THEN 1e0 "
        f"WHEN {text} IN ('false', '0', '0.0') THEN 0e0 "
        f"WHEN {cell} IS NULL OR {text} IN ('', 'nan') THEN NULL ELSE -1e0 END"
    )


def _is_date(column: Column) -> bool:
    return column.role == "date" or (isinstance(column, PeriodicColumn) and column.part != "")


def _levels_are_texts(column: LevelColumn) -> bool:
    return column.kind not in (ColumnKind.NUMBER, ColumnKind.BOOLEAN)


def _coordinates(rules: HalfSpaces) -> list[str]:
    """x: the number of a column, l: the number of its level, -1 for one never seen."""
    items = []
    for j, column in enumerate(rules.columns):
        v = f"p.v{j}"
        if isinstance(column, LevelColumn):
            items.append(f"{_level_number(column, v)} AS l{j}")
        elif isinstance(column, PeriodicColumn):
            value = _date_part(column.part, v) if column.part else v
            turn = f"({value}) / {sql_number(column.period)}"
            items.append(f"{turn} - FLOOR({turn}) AS x{j}")
        elif column.role == "date":
            items.append(f"{_days(v)} AS x{j}")
        elif column.role == "log":
            below = sql_number(BELOW_LOGARITHMS)
            items.append(
                f"CASE WHEN {v} > 0e0 THEN LOG10({v}) WHEN {v} IS NOT NULL THEN {below} END AS x{j}"
            )
        else:
            items.append(f"{v} AS x{j}")
    return items


def _level_number(column: LevelColumn, v: str) -> str:
    names = list(column.levels)
    empty = "NULL"
    if column.gap_is_level and LevelColumn.GAP in names:
        empty = str(names.index(LevelColumn.GAP))
    known = [
        f"WHEN {v} = {key} THEN {number}"
        for number, key in enumerate(_level_key(column, name) for name in names)
        if key is not None
    ]
    return f"CASE WHEN {v} IS NULL THEN {empty} {' '.join(known)} ELSE -1 END"


def _level_key(column: LevelColumn, level: str) -> str | None:
    """What a cell of a level equals; None for the level that a gap is."""
    if column.gap_is_level and level == LevelColumn.GAP:
        return None
    if _levels_are_texts(column):
        return quoted_text(level)
    if column.kind is ColumnKind.BOOLEAN:
        return sql_number(TRUTH[level])
    return sql_number(float(level))


def _days(stamp: str) -> str:
    return f"EXTRACT(EPOCH FROM {stamp}) / 86400e0"


def _date_part(part: str, stamp: str) -> str:
    days = _days(stamp)
    if part == "weekday":
        return f"({days} + 3e0) - 7e0 * FLOOR(({days} + 3e0) / 7e0)"
    if part == "hour":
        return f"({days} - FLOOR({days})) * 24e0"
    if part == "month":  # of DuckDB: LAST_DAY
        day = (
            f"(EXTRACT(DAY FROM {stamp}) - 1) / CAST(EXTRACT(DAY FROM LAST_DAY({stamp})) AS DOUBLE)"
        )
        return f"EXTRACT(MONTH FROM {stamp}) - 1 + {day}"
    return f"EXTRACT(DOY FROM {stamp}) - 1 + ({days} - FLOOR({days}))"


def _features(rules: HalfSpaces) -> list[str]:
    """f: what is weighed; NULL in gaps, for levels never seen and numbers of absurd size."""
    items = []
    for j, column in enumerate(rules.columns):
        at = rules.features.features_of(j)
        k = rules.features.coordinates.coordinates_of(j)
        if isinstance(column, CategoryColumn):
            items += [
                f"CASE WHEN p.l{j} = {level} THEN 1e0 WHEN p.l{j} >= 0 THEN 0e0 END AS f{i}"
                for level, i in enumerate(range(at.start, at.stop))
            ]
        elif isinstance(column, PeriodicColumn):
            angle = f"p.x{j} * {sql_number(2 * np.pi)}"
            items += [f"COS({angle}) AS f{at.start}", f"SIN({angle}) AS f{at.start + 1}"]
        elif column.width:
            x = _number(column, j, "p.")
            centre, scale = rules.features.centre[k][0], rules.features.scale[k][0]
            scaled = f"({x} - {sql_number(centre)}) * {sql_number(scale)}"
            limit = sql_number(USABLE_FEATURE)
            items.append(f"CASE WHEN ABS({scaled}) <= {limit} THEN {scaled} END AS f{at.start}")
    return items or ["0 AS f"]


def _number(column: Column, j: int, alias: str = "") -> str:
    """The coordinate of a column that is a number."""
    if isinstance(column, LevelColumn):
        return f"CASE WHEN {alias}l{j} >= 0 THEN CAST({alias}l{j} AS DOUBLE PRECISION) END"
    return f"{alias}x{j}"


def _sums(rules: HalfSpaces) -> list[str]:
    """e: how far out of its range a number is; g: images of the ellipsoid; s: of a half-space."""
    items = []
    for j in np.flatnonzero(rules.features.is_number):
        x = _number(rules.columns[j], int(j), "p.")
        root, low, high = (
            sql_number(v) for v in (rules.box_root[j], rules.minimum[j], rules.maximum[j])
        )
        least = sql_number(LEAST_EXCESS)
        items.append(
            f"CASE WHEN {x} > {high} THEN GREATEST({x} * {root} - {high} * {root}, {least}) "
            f"WHEN {x} < {low} THEN GREATEST({low} * {root} - {x} * {root}, {least}) "
            f"ELSE 0e0 END AS e{j}"
        )
    if rules.ellipsoid is not None:
        items += [
            f"{_weighed(w)} - {sql_number(c)} AS g{k}"
            for k, (w, c) in enumerate(zip(rules.ellipsoid.matrix, rules.ellipsoid.centre))
        ]
    items += [
        f"COALESCE({_weighed(w)} - {sql_number(b)}, 0e0) AS s{k}"
        for k, (w, b) in enumerate(zip(rules.weights, rules.offsets))
    ]
    return items or ["0 AS s"]


def _weighed(weights: Sequence[float]) -> str:
    return _joined([f"{sql_number(w)} * p.f{i}" for i, w in enumerate(weights) if w], "+") or "0e0"


def _joined(terms: Sequence[str], operator: str) -> str:
    """Terms with an operator between, in brackets: databases limit how deep a chain may go."""
    while len(terms) > CHAINED_TERMS:
        chunks = [terms[i : i + CHAINED_TERMS] for i in range(0, len(terms), CHAINED_TERMS)]
        terms = [f"({f' {operator} '.join(chunk)})" for chunk in chunks]
    return f" {operator} ".join(terms)


def _ellipsoid_excess(rules: HalfSpaces) -> list[str]:
    if rules.ellipsoid is None:
        return ["0e0 AS e"]
    squares = _joined([f"p.g{k} * p.g{k}" for k in range(len(rules.ellipsoid.matrix))], "+")
    filled = [
        f"p.f{rules.features.features_of(j).start} IS NOT NULL"
        for j, column in enumerate(rules.columns)
        if column.width
    ]
    radius = sql_number(rules.ellipsoid.radius)
    return [f"CASE WHEN {_joined(filled, 'AND')} THEN SQRT({squares}) - {radius} ELSE 0e0 END AS e"]


def _excesses(rules: HalfSpaces) -> list[str]:
    numbers = [f"p.e{j}" for j in np.flatnonzero(rules.features.is_number)]
    return [*numbers, "p.e", *(f"p.s{k}" for k in range(len(rules.weights)))]


def _answers(rules: HalfSpaces, passed: Sequence[str]) -> list[str]:
    unseen = [j for j, column in enumerate(rules.columns) if isinstance(column, LevelColumn)]
    is_unseen = _joined([f"l{j} = -1" for j in unseen], "OR") or "FALSE"
    places = [
        *((f"e{j}", int(j)) for j in np.flatnonzero(rules.features.is_number)),
        ("e", len(rules.columns)),
        *((f"s{k}", len(rules.columns) + 1 + k) for k in range(len(rules.weights))),
    ]
    first = " ".join(f"WHEN l{j} = -1 THEN {j}" for j in unseen)
    broken = " ".join(f"WHEN {name} = best THEN {place}" for name, place in places)
    lower = f"best * {sql_number(SHRINKAGE)}"
    taken = [name.lower() for name in passed]
    names = [name + "_" * (name in taken) for name in SQL_OUTPUTS]
    answers = [
        f"best > 0e0 OR COALESCE({is_unseen}, FALSE)",
        lower,
        f"CASE {f'WHEN {is_unseen} THEN {quoted_text(BANDS[3])}'} {_band(rules, lower)} END",
        f"CASE {first} WHEN best <= 0e0 THEN -1 {broken} END",
    ]
    return [
        *(f"c{i} AS {quoted_identifier(name)}" for i, name in enumerate(passed)),
        *(f"{answer} AS {quoted_identifier(name)}" for answer, name in zip(answers, names)),
    ]


def _band(rules: HalfSpaces, lower: str) -> str:
    """The branches of a CASE: each band of each pattern of gaps, worst first."""
    branches = []
    for columns, limits in zip(rules.band_columns, rules.band_limits):
        tests = [
            f"{'l' if isinstance(c, LevelColumn) else 'x'}{j} IS {'NOT ' * bool(used)}NULL"
            for j, (c, used) in enumerate(zip(rules.columns, columns))
            if c.width
        ]
        gaps = _joined(tests, "AND")
        for band, limit in zip(BANDS[:0:-1], limits[::-1]):
            if np.isfinite(limit):
                branches.append(
                    f"WHEN {gaps} AND {lower} > {sql_number(limit)} THEN {quoted_text(band)}"
                )
    return " ".join([*branches, f"ELSE {quoted_text(BANDS[0])}"])
