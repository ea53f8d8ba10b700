"""A table of a study as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..data._columns import frame_of

__all__ = ["Table", "beside"]

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
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""

    def __repr__(self) -> str:
        return f"Table({self.name}: {len(self.rows)} rows, {len(self.columns)} columns)"

    def to_dict(self) -> dict[str, list[Any]]:
        """One list for each column."""
        return {c: [row[j] for row in self.rows] for j, c in enumerate(self.columns)}

    def to_frame(self) -> Any:
        """A pandas DataFrame, or polars or pyarrow where pandas is missing."""
        return frame_of(self.to_dict(), None)

    def groups(self) -> list[tuple[str, list[int]]]:
        """Headings of neighbouring columns and their numbers; "" for a column of its own."""
        found: list[tuple[str, list[int]]] = []
        for j, column in enumerate(self.columns):
            group = column.partition(" | ")[0] if " | " in column else ""
            if group and found and found[-1][0] == group:
                found[-1][1].append(j)
            else:
                found.append((group, [j]))
        return found


def beside(
    published: Sequence[float | None] | None, here: Sequence[float | None] | None, *, ratio: bool
) -> Row:
    """Published, computed and their difference (or ratio) for each of several figures."""
    width = len(published if published is not None else here or ())
    cells: list[float | None] = []
    for j in range(width):
        a = None if published is None else published[j]
        b = None if here is None else here[j]
        both = a is not None and b is not None
        if ratio:
            cells += [a, b, a / b if both and b else None]  # type: ignore[operator]
        else:
            cells += [a, b, b - a if both else None]  # type: ignore[operator]
    return tuple(cells)
