"""Rows as JSON: a list of objects, an object of lists, or one object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from itertools import chain
from typing import Any, NoReturn

from ..errors import HullwiseError
from ..io.mixed_column import note_fault
from ..io.mixed_table import MixedTable, RecordTable
from ..io.records import column_table, record_columns
from ._request_errors import RequestError
from ._request_rows import KnownColumns, RequestRows, shown_name

REQUEST_SOURCE = "the request"
FORMS = "a list of objects, one for each row; an object of lists, one for each column; or one row"
MAX_LETTERS_OF_CELL = 10_000


class RepeatedNameError(ValueError):
    """An object has one name twice."""


def json_rows(body: bytes, known: KnownColumns, max_rows: int) -> RequestRows:
    """Read a body.

    Raises
    ------
    RequestError
        It is no JSON, no rows, or too many.
    """
    content = _parsed(body)
    if isinstance(content, dict) and any(isinstance(cell, list) for cell in content.values()):
        return _from_columns(content, known, max_rows)
    records = [content] if isinstance(content, dict) else content
    if not isinstance(records, list):
        raise _refused(f"the body is {_kind(content)}: send {FORMS}")
    if not records:
        raise _refused(f"the body holds no rows: send {FORMS}")
    check_row_count(len(records), max_rows)
    return _from_records(records, known)


def check_row_count(n_rows: int, max_rows: int) -> None:
    """Refuse too many rows."""
    if n_rows > max_rows:
        raise RequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{n_rows:,} rows at once, where this service takes {max_rows:,}: send fewer at a time "
            "(hullwise serve --max-rows)",
        )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RepeatedNameError as error:
        raise _refused(str(error)) from None
    except UnicodeDecodeError:
        raise _bad_request("the body is no text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise _bad_request(
            f"the body is no JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    except RecursionError:
        raise _refused(f"the body is nested too deeply: send {FORMS}") from None
    except ValueError as error:  # a whole number of thousands of digits
        raise _bad_request(f"the body is no JSON that can be read: {str(error)[:200]}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise RepeatedNameError(f"the body holds {name}, which is no JSON: send null for a gap")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RepeatedNameError(f"an object names {shown_name(twice)!r} twice: which one is meant?")
    return record


def _from_records(records: Sequence[Any], known: KnownColumns) -> RequestRows:
    faults: dict[int, str] = {}
    rows = [_known_cells(row, number, known, faults) for number, row in enumerate(records)]
    names = dict.fromkeys(chain.from_iterable(r for r in records if isinstance(r, dict)))
    unknown = known.unknown(names)
    first = dict.fromkeys(known.sources) | rows[0]
    if len(rows) == 1 and not faults:
        return RequestRows(RecordTable(first, known.gaps), unknown)
    rows[0] = first  # a name that a row lacks is a gap in it
    return RequestRows(_table(record_columns(rows, REQUEST_SOURCE), known, faults), unknown)


def _known_cells(
    row: Any, number: int, known: KnownColumns, faults: dict[int, str]
) -> dict[str, Any]:
    """The cells of a row that are looked at; what is no cell is a fault of the row."""
    if not isinstance(row, dict):
        faults[number] = f"the row is {_kind(row)}, not an object of columns and cells"
        return {}
    cells = {name: known.with_point(name, cell) for name, cell in row.items() if name in known.read}
    for name, cell in cells.items():
        fault = _fault(cell)
        if fault:
            note_fault(faults, number, f"column {name!r} holds {fault}")
            cells[name] = None
    return cells


def _fault(cell: Any) -> str:
    """What is wrong of a cell, in words; "" for nothing."""
    if isinstance(cell, str):
        if len(cell) > MAX_LETTERS_OF_CELL:
            return f"a text of {len(cell):,} letters, where {MAX_LETTERS_OF_CELL:,} are read"
        if not cell.isascii() and any("\ud800" <= letter <= "\udfff" for letter in cell):
            return "half a letter (a lone surrogate), which is no text"
    elif isinstance(cell, list | dict):
        return f"{_kind(cell)}, which is no cell"
    elif isinstance(cell, float) and cell in (float("inf"), float("-inf")):
        return "a number that is infinite as float64"
    return ""


def _from_columns(content: dict[str, Any], known: KnownColumns, max_rows: int) -> RequestRows:
    scalars = [name for name, cells in content.items() if not isinstance(cells, list)]
    if scalars:
        raise _refused(
            f"{shown_name(scalars[0])!r} is {_kind(content[scalars[0]])} where other columns are "
            f"lists: send {FORMS}"
        )
    lengths = {name: len(cells) for name, cells in content.items()}
    if len({*lengths.values()}) > 1:
        (a, n), (b, m) = _two_lengths(lengths)
        raise _refused(
            f"the columns {shown_name(a)!r} and {shown_name(b)!r} have {n:,} and {m:,} cells: each "
            "needs one for each row"
        )
    n_rows = next(iter(lengths.values()))
    if not n_rows:
        raise _refused(f"the body holds no rows: send {FORMS}")
    check_row_count(n_rows, max_rows)
    faults: dict[int, str] = {}
    columns = {
        name: [known.with_point(name, cell) for cell in cells]
        for name, cells in content.items()
        if name in known.read
    }
    for name, cells in columns.items():
        for row, cell in enumerate(cells):
            fault = _fault(cell)
            if fault:
                note_fault(faults, row, f"column {name!r} holds {fault}")
                cells[row] = None
    check_columns(columns, known)
    return RequestRows(
        _table(column_table(columns, REQUEST_SOURCE), known, faults), known.unknown(content)
    )


def check_columns(names: Any, known: KnownColumns) -> None:
    """Refuse a table that lacks columns; in one of rows a name may be missing."""
    missing = [name for name in known.sources if name not in names]
    if missing:
        listed = ", ".join(repr(shown_name(name)) for name in missing[:6])
        more = ", ..." * (len(missing) > 6)
        raise _refused(
            f"{'columns are' if len(missing) > 1 else 'a column is'} missing: {listed}{more}. A "
            "column without values may hold nulls, but must be there (GET /domain lists them)"
        )


def _two_lengths(lengths: dict[str, int]) -> tuple[tuple[str, int], tuple[str, int]]:
    first = next(iter(lengths.items()))
    return first, next(item for item in lengths.items() if item[1] != first[1])


def _table(arrow: Any, known: KnownColumns, faults: dict[int, str]) -> MixedTable:
    return MixedTable(arrow, REQUEST_SOURCE, gaps=known.gaps, faults=faults)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", bool: "a truth value", str: "text"}
    return names.get(type(value), "a number")


def _refused(sentence: str) -> RequestError:
    return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, sentence)


def _bad_request(sentence: str) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, sentence)


def refused_table(error: HullwiseError) -> RequestError:
    """A table that the domain cannot read, in its own words."""
    return _refused(str(error))
