"""The rows of a request as a table, of the columns that the domain knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..domain.domain import Domain
from ..domain.fitted_table import FittedTable
from ..io.coercion import format_names
from ..io.mixed_table import MixedTable

NUMBER_ROLES = ("number", "log", "periodic")
COMMA_NUMBER = re.compile(r"\s*[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?\s*")
UNKNOWN_NAMED = 20
SHOWN_NAME = 80  # letters


@dataclass(frozen=True, eq=False)
class RequestRows:
    """Rows that a client sent.

    Attributes
    ----------
    table : MixedTable
        Its `faults` are rows that cannot be located, and why.
    unknown : tuple of str
        Columns that the domain does not know, the first few of them.
    """

    table: MixedTable
    unknown: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What of the columns may surprise."""
        if not self.unknown:
            return []
        return [f"columns that are not known are ignored: {format_names(list(self.unknown))}"]


class KnownColumns:
    """The columns that rows are read for, and those that are passed over in silence."""

    def __init__(self, domain: Domain) -> None:
        fitted: FittedTable = domain.fitted_
        self.sources = fitted.coordinates.sources
        named = (fitted.column_with("id"), fitted.blocks.column if fitted.blocks else None)
        self.read = frozenset(self.sources) | {name for name in named if name is not None}
        self.expected = self.read | {column.name for column in fitted.unused}
        self.gaps = tuple(domain.spec.gaps)
        has_commas = fitted.csv_marks is not None and fitted.csv_marks[1] == ","
        self.comma_numbers = frozenset(
            column.source
            for column in fitted.coordinates.columns
            if has_commas and column.role in NUMBER_ROLES
        )

    def with_point(self, name: str, cell: Any) -> Any:
        """A cell of text such as 70,5 with a point, where the training file had decimal commas."""
        if name in self.comma_numbers and isinstance(cell, str) and COMMA_NUMBER.fullmatch(cell):
            return cell.replace(",", ".")
        return cell

    def unknown(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of no column of the training table, the first few, fit to be shown."""
        extra: dict[str, None] = {}
        for name in names:
            if name not in self.expected:
                extra[shown_name(name)] = None
                if len(extra) == UNKNOWN_NAMED:
                    break
        return tuple(extra)


def shown_name(name: str) -> str:
    """A name of a column as a message shows it."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= SHOWN_NAME else f"{text[:SHOWN_NAME]}..."
