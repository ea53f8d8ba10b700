"""`--explain ROW`: everything that is known of one row, in prose and a small table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.console import Console
from rich.text import Text

from ..geometry.location_summary import smallest_change
from ..geometry.verdict import Verdict
from ..report.words import printable, printable_names
from ._layout import RIGHT_ALIGNED, STYLES, grid_of, indented, section, table_of
from ._tables import QueryRows

if TYPE_CHECKING:
    from ..domain.domain_location import DomainLocation
    from ..geometry.location import Location

MIXED_ROWS_NAMED = 5  # training rows of a mixture
NEAREST_NAMED = 10
COLUMNS_SHOWN = 40


def rows_named(texts: Sequence[str], names: Any, m: int) -> list[int]:
    """The rows that --explain names, by their ids or else by their numbers from 0.

    Raises
    ------
    click.BadParameter
        There is no such row.
    """
    labels = [] if names is None else [str(name) for name in names]
    rows: list[int] = []
    for text in texts:
        matching = [i for i, label in enumerate(labels) if label == text]
        if not matching and text.isdecimal() and int(text) < m:
            matching = [int(text)]
        if not matching:
            some = ", ".join(printable(label, 20) for label in labels[:5]) or f"0 to {m - 1}"
            raise click.BadParameter(
                f"there is no new row {text!r}; rows are {some}{', ...' * (len(labels) > 5)}",
                param_hint="--explain",
            )
        rows += matching
    return list(dict.fromkeys(rows))


# ---- in a domain ------------------------------------------------------------------------------


def explain_domain_row(
    out: Console, location: DomainLocation, row: int, fixed: Sequence[str]
) -> None:
    """Band, distance, reasons column by column, nearest rows, proof and smallest change."""
    label = row if location.labels is None else location.labels[row]
    _print_title(out, label, str(location.band[row]))
    lines = [("verdict", _status(location.status[row]))]
    if row not in location.unusable:
        lines += _figures(location, row)
    out.print(grid_of(*lines))
    if row in location.unusable:
        return
    _print_columns_of_row(out, location, row)
    nearest = location.nearest_rows[row][:NEAREST_NAMED]
    proof = _domain_proof(location, row)
    change = location.smallest_change(row, fixed=fixed)
    out.print()
    out.print(
        grid_of(
            ("nearest", "training rows " + ", ".join(printable(one, 20) for one in nearest)),
            ("proof", proof),
            ("change", str(change.text)),
        )
    )


def _print_title(out: Console, label: Any, band: str) -> None:
    section(out, f"Row {printable(label, 40)}")
    out.print(Text(band, style=f"bold {STYLES[band]}"))


def _status(text: Any) -> str:
    return printable(text, 400)


def _figures(location: DomainLocation | Location, row: int) -> list[tuple[str, str]]:
    lower, upper = float(location.lower[row]), float(location.upper[row])
    rank = float(location.hull_percentile[row])
    distance = f"{upper:.6g}" if np.isfinite(upper) else f"at least {lower:.6g}"
    if location.verdict[row] == Verdict.INSIDE:
        distance = "0: inside the hull of the training rows"
    lines = [("distance", f"{distance} (in the metric)")]
    if not np.isnan(rank):
        text = f"farther out than {rank:.4g} % of the training rows left out in turn"
        lines.append(("percentile", text))
    return lines


def _print_columns_of_row(out: Console, location: DomainLocation, row: int) -> None:
    columns = sorted(location.compare_columns(row), key=lambda c: (not c.is_unseen, -c.share))
    table = table_of(
        ("column", {"overflow": "fold"}),
        ("this row", {}),
        ("nearest mixture", {}),
        ("training rows", {}),
    )
    names = printable_names((column.name for column in columns), 30)
    for column in columns[:COLUMNS_SHOWN]:
        value = printable(column.value, 40) if column.value else "(empty)"
        nearest = "never seen" if column.is_unseen else column.nearest or "the same"
        if not column.value:
            nearest = "not used"
        table.add_row(*map(Text, (names[column.name], value, nearest, column.training)))
    section(out, "Column by column, the largest reason first")
    indented(out, table)


def _domain_proof(location: DomainLocation, row: int) -> str:
    unseen = [c.name for c, new in zip(location.coordinates.columns, location.unseen[row]) if new]
    texts = []
    if unseen:
        texts.append(f"No training row has its {', '.join(printable(n, 30) for n in unseen)}.")
    part = next((p for p in location.parts if row in p.rows), None)
    if part is not None:
        place = int(np.flatnonzero(part.rows == row)[0])
        labels = location.training_labels
        numbers = part.pattern.rows
        names = numbers if labels is None else labels[numbers]
        texts.append(_hull_proof(part.location, place, names))
    return " ".join(texts) or "None: the row was not located."


def _hull_proof(location: Location, row: int, names: Any) -> str:
    """What proves on which side of the hull a row is, in words."""
    if location.verdict[row] == Verdict.INSIDE:
        weights = location.weights[[row]].tocoo()
        order = np.argsort(-weights.data, kind="stable")
        rows = weights.coords[1][order]
        named = [
            f"{printable(names[i], 20)} ({100 * w:.3g} %)"
            for i, w in zip(rows[:MIXED_ROWS_NAMED], weights.data[order])
        ]
        more = len(rows) - MIXED_ROWS_NAMED
        text = ", ".join(named) + (f" and {more:,} more" if more > 0 else "")
        return f"It is an average of training rows: {text}."
    if location.verdict[row] == Verdict.OUTSIDE:
        return (
            f"A direction separates it from every training row: it lies at least "
            f"{float(location.lower[row]):.6g} beyond the last of them."
        )
    return "Neither side is proved."


# ---- of numbers -------------------------------------------------------------------------------


def explain_row(out: Console, location: Location, row: int) -> None:
    """Band, distance, features, nearest rows and proof of a row of numbers."""
    label = row if location.labels is None else location.labels[row]
    _print_title(out, label, str(location.band[row]))
    status = location.status_texts()[row]
    out.print(grid_of(("verdict", _status(status)), *_figures(location, row)))
    _print_features_of_row(out, location, row)
    labels = location.training_labels
    nearest = [i for i in location.nearest_rows[row].tolist() if i >= 0][:NEAREST_NAMED]
    names = np.arange(location.n_train) if labels is None else labels
    out.print()
    out.print(
        grid_of(
            ("nearest", "training rows " + ", ".join(printable(names[i], 20) for i in nearest)),
            ("proof", _hull_proof(location, row, names)),
        )
    )


def _print_features_of_row(out: Console, location: Location, row: int) -> None:
    changes = {name: new for name, _, new in smallest_change(location, row)}
    is_inside = location.verdict[row] == Verdict.INSIDE
    order = {name: place for place, name in enumerate(changes)}
    table = table_of(
        ("feature", {"overflow": "fold"}),
        ("this row", RIGHT_ALIGNED),
        ("nearest mixture", RIGHT_ALIGNED),
        ("training rows", {}),
    )
    columns = sorted(enumerate(location.columns), key=lambda c: order.get(c[1], len(order)))
    names = printable_names((name for _, name in columns), 30)
    for j, name in columns[:COLUMNS_SHOWN]:
        new = "the same" if is_inside or name not in changes else f"{changes[name]:.5g}"
        low, high = float(location.box_minimum[j]), float(location.box_maximum[j])
        value = f"{float(location.queries[row, j]):.5g}"
        table.add_row(Text(names[name]), value, new, f"{low:.5g} to {high:.5g}")
    section(out, "Feature by feature, the largest change first")
    indented(out, table)


def usable_row(queries: QueryRows, row: int) -> int | None:
    """The place of a row of the file among those that could be used; None for the others."""
    if not queries.usable[row]:
        return None
    return int(queries.usable[:row].sum())
