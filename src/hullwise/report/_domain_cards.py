"""The farthest rows of a table on the page: each column by column, in the table's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..geometry.bands import BAND_NAMES
from ._figures import row_name
from ._html import Html, element, joined
from ._page import distance_text
from ._page_parts import bdi, behind, chip, paragraph, text_table
from .words import NBSP, format_number, printable

if TYPE_CHECKING:
    from ..domain.column_comparisons import ColumnComparison
    from ..domain.domain_location import DomainLocation
    from ..domain.domain_summary import DomainSummary

CARDS_OF_PAGE = 20
CHANGES_ON_CARD = 5
COLUMNS_ON_CARD = 40  # of the table behind a card


def farthest_rows(location: DomainLocation, summary: DomainSummary) -> Sequence[Any]:
    """A title, and the rows under it."""
    shown = summary.farthest[:CARDS_OF_PAGE].tolist()
    title = f"The {len(shown)} farthest rows" if len(shown) > 1 else "The farthest rows"
    if not shown:
        return title, paragraph("No row is proved outside the hull.", "note")
    note = (
        "For each, its own cell and that of the nearest mixture of training rows, the columns with "
        "the largest part of the distance first; of a category, the shares of its levels."
    )
    near = location[shown].nearest_rows
    cards = [_card(location, row, place, near[place]) for place, row in enumerate(shown)]
    return title, paragraph(note, "note"), element("ol", {"class": "cards mixed"}, cards)


def _card(location: DomainLocation, row: int, place: int, nearest: list[Any]) -> Html:
    columns = location.compare_columns(row)
    code = BAND_NAMES.index(str(location.band[row]))
    upper = float(location.upper[row])
    distance = distance_text(float(location.lower[row]), upper if np.isfinite(upper) else None)
    about = element(
        "div",
        element("h3", bdi(f"{place + 1}. {row_name(location.labels, row)}")),
        paragraph(joined(chip(code), f", {distance} outside"), "quiet"),
        [_seen_text(column) for column in columns if column.is_unseen],
        [paragraph(bdi(text), "quiet") for text in _card_texts(location, row, columns, nearest)],
    )
    return element("li", about, element("div", _changes_table(columns), _whole_row(columns)))


def _seen_text(column: ColumnComparison) -> Html:
    cell = bdi(f"{printable(column.name, 40)} {printable(column.value, 40)!r}")
    return paragraph(joined(cell, f" {column.unseen_text}"), "seen")


def _card_texts(
    location: DomainLocation, row: int, columns: Sequence[ColumnComparison], nearest: list[Any]
) -> list[str]:
    """How a row ranks, what it lacks, and which training rows are nearest."""
    rank = float(location.hull_percentile[row])
    lacking = [printable(c.name, 40) for c in columns if not c.value]
    texts = []
    if rank >= 100:
        texts.append("farther than every training row left out")
    elif np.isfinite(rank):
        texts.append(f"farther than {format_number(rank)}{NBSP}% of the training rows left out")
    if lacking:
        texts.append(f"located without {', '.join(lacking)}")
    if nearest:
        texts.append(f"nearest: {', '.join(printable(name, 30) for name in nearest[:5])}")
    return texts


def _changes_table(columns: Sequence[ColumnComparison]) -> Html:
    """The columns that push a row out, each with its part of the squared distance."""
    changes = sorted((c for c in columns if c.share > 0), key=lambda c: -c.share)
    lines = [
        element(
            "tr",
            element("th", {"class": "of", "scope": "row"}, bdi(printable(c.name, 40))),
            element("td", {"class": "own"}, bdi(printable(c.value, 40))),
            element("td", {"class": "route"}, "→ ", bdi(printable(c.nearest, 90))),
        )
        for c in changes[:CHANGES_ON_CARD]
    ]
    if not lines:
        return Html("")
    more = len(changes) - CHANGES_ON_CARD
    text = f"and {more:,} smaller change{'s' if more > 1 else ''}" if more > 0 else ""
    label = {"aria-label": "its own cell and the nearest mixture's"}
    return joined(element("table", label, element("tbody", lines)), paragraph(text, "quiet"))


def _whole_row(columns: Sequence[ColumnComparison]) -> Html:
    """Every column of a row, behind a summary."""
    head = ("column", "its own", "nearest mixture", "training rows")
    lines = [
        (
            bdi(printable(c.name, 40)),
            bdi(own_text(c) or "empty"),
            bdi(printable(c.nearest, 90) if c.nearest else ""),
            bdi(printable(c.training, 60) if c.training else ""),
        )
        for c in columns[:COLUMNS_ON_CARD]
    ]
    more = len(columns) - len(lines)
    last = paragraph(f"and {more:,} more columns", "quiet") if more > 0 else Html("")
    return behind("Column by column", joined(text_table(head, lines), last))


def own_text(column: ColumnComparison) -> str:
    """A row's own cell, and whether it was ever seen; "" where it is empty."""
    text = printable(column.value, 60) if column.value else ""
    return f"{text} (never seen)" if column.is_unseen else text
