"""Everything of one row, as `POST /explain` answers it: what the page draws."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .. import __version__
from .._core.results import json_ready
from ..domain.domain_location import DomainLocation
from ..report.row_explanation import nearest_cells, row_sentences_of, row_title
from ..report.row_picture import row_figure


def row_details(location: DomainLocation, notes: list[str]) -> dict[str, Any]:
    """A location of one row: its sentences, columns, nearest rows and picture."""
    columns = () if location.unusable else location.compare_columns(0)
    labels = location.labels
    upper, percentile = float(location.upper[0]), float(location.hull_percentile[0])
    details = {
        "hullwise": __version__,
        "row": 0 if labels is None else labels[0],
        "band": str(location.band[0]),
        "verdict": {-1: "outside", 0: "undecided", 1: "inside"}[int(location.verdict[0])],
        "hull_percentile": percentile,
        "lower": float(location.lower[0]),
        "upper": upper,
        "title": row_title(location, 0),
        "reasons": row_sentences_of(location, 0, columns),
        "columns": [asdict(column) | {"unseen_text": column.unseen_text} for column in columns],
        "nearest": [] if location.unusable else nearest_cells(location, 0),
        "picture": row_figure(location, 0),
        "status": location.status[0],
        "error": location.status[0] if location.unusable else None,
        "notes": [*notes, *map(str, location.notes)],
    }
    return dict(json_ready(details))
