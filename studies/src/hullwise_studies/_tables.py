"""A table of a study as plain data, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import narwhals as nw

__all__ = ["Finding", "Table", "beside", "over"]

Row = tuple[Any, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """One table: rows of text and numbers, None where there is nothing to say.

    Attributes
    ----------
    name : str
        What it is called in `Study.tables`.
    title : str
        What it shows, as a heading.
    columns : tuple of str
        Names of the columns, all different. "A | b" is column b of the group A.
    rows : tuple of tuple
    note : str
        What a reader must know.
    keys : int
        How many leading columns name the row.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    keys: int = 1

    def __repr__(self) -> str:
        return f"Table({self.name}: {len(self.rows)} rows, {len(self.columns)} columns)"

    def to_dict(self) -> dict[str, list[Any]]:
        """One list for each column."""
        return {c: [row[j] for row in self.rows] for j, c in enumerate(self.columns)}

    def to_frame(self) -> Any:
        """A pandas DataFrame, or polars or pyarrow where pandas is missing."""
        library = next(name for name in ("pandas", "polars", "pyarrow") if find_spec(name))
        return nw.from_dict(self.to_dict(), backend=library).to_native()

    def groups(self) -> list[tuple[str, list[int]]]:
        """Headings of neighbouring columns and their numbers; "" for a column of its own."""
        groups: list[tuple[str, list[int]]] = []
        for j, column in enumerate(self.columns):
            group = column.partition(" | ")[0] if " | " in column else ""
            if group and groups and groups[-1][0] == group:
                groups[-1][1].append(j)
            else:
                groups.append((group, [j]))
        return groups


@dataclass(frozen=True, eq=False)
class Finding:
    """One difference: a heading, what was found, and a table where there is one."""

    title: str
    text: str
    table: Table | None = None


def beside(
    published: Sequence[float | None] | None,
    here: Sequence[float | None] | None,
    *,
    printed: str,
) -> Row:
    """Published, computed and their difference for each of several figures.

    `printed` is the format of the published figures, as ".2e" for three significant digits: the
    difference is taken from the computed figure in that format, so that it is 0 where the two
    would be printed alike.
    """
    cells: list[float | None] = []
    for a, b in _pairs(published, here):
        apart = None if a is None or b is None else float(format(b, printed)) - a
        cells += [a, b, None if apart is None else float(f"{apart:.6g}")]
    return tuple(cells)


def over(published: Sequence[float | None] | None, here: Sequence[float | None] | None) -> Row:
    """Published, computed and their ratio for each of several figures."""
    cells: list[float | None] = []
    for a, b in _pairs(published, here):
        cells += [a, b, None if a is None or not b else a / b]
    return tuple(cells)


def _pairs(
    published: Sequence[float | None] | None, here: Sequence[float | None] | None
) -> list[tuple[float | None, float | None]]:
    a, b = list(published or ()), list(here or ())
    width = max(len(a), len(b))
    return list(zip(a or [None] * width, b or [None] * width))
