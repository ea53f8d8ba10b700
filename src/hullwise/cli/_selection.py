"""`--fdr`: rows selected at a false discovery rate, in the table, on the terminal and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from ..domain.domain_location import DomainLocation
from ..geometry.location import Location
from ..geometry.row_selection import RowSelection
from ..report.words import printable
from ._layout import section

SELECTED_NAMES = 10  # rows that are named
SELECTED_LISTED = 1000  # in the summary


def selection_of(location: Location | DomainLocation, fdr: float | None) -> RowSelection | None:
    """The rows selected, where a rate is given."""
    return None if fdr is None else location.select(fdr)


def with_selection(columns: dict[str, Any], selection: RowSelection | None) -> dict[str, Any]:
    """The columns of a table with those of a selection, before the sentence of each row."""
    if selection is None:
        return columns
    columns = columns | selection.to_dict()
    return columns | {"status": columns.pop("status")}  # the last, as it was


def print_selection(out: Console, selection: RowSelection | None, where: str = "") -> None:
    """What was selected, and the first of it by name; `where` ends the heading."""
    if selection is None:
        return
    section(out, f"Rows that are not like the training rows{where}")
    out.print(Text(selection.text))
    names = _names(selection)
    if names:
        listed = ", ".join(printable(str(name), 40) for name in names[:SELECTED_NAMES])
        more = ", ..." * (len(names) > SELECTED_NAMES)
        out.print(Text(f"row{'s' * (len(names) != 1)} {listed}{more}"))


def selection_figures(selection: RowSelection | None) -> dict[str, Any] | None:
    """The same for programs."""
    if selection is None:
        return None
    return {
        "fdr": selection.fdr,
        "tested": selection.n_tested,
        "selected": selection.n_selected,
        "n_reference": selection.n_reference,
        "least_p_value": selection.least_p_value,
        "names": _names(selection)[:SELECTED_LISTED],
        "text": selection.text,
    }


def _names(selection: RowSelection) -> list[Any]:
    """The rows selected, the least p-value first."""
    rows = sorted(selection.rows.tolist(), key=lambda row: float(selection.p_values[row]))
    labels = selection.labels
    return rows if labels is None else [labels[row] for row in rows]
