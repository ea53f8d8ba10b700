"""What the page of a domain's location holds beside its summary, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats, Indices
from ..geometry.bands import BAND_NAMES, BEYOND, EDGE, percentile
from ..geometry.verdict import Verdict
from ..table.columns import CategoryColumn
from ._domain_cards import own_text
from ._figures import FAR_CODE, rounded_list, row_name
from .words import NBSP, printable, printable_names, signed

if TYPE_CHECKING:
    from ..domain.domain_location import DomainLocation
    from ..domain.pattern_location import PatternLocation

PERCENTILE_STEP = 2.5
FAR_END = 105.0  # far rows have a bar of their own past 100 %
REASONS_OF_LINE = 4
DETAILED_CELLS = 8000  # of the rows that can be looked at column by column
ROWS_HEAD = ("row", "band", "percentile", "distance", "pushed out by", "located without")


def domain_band_codes(location: DomainLocation) -> Indices:
    """(m,) place of each row's band in `BAND_NAMES`."""
    return np.array([BAND_NAMES.index(str(band)) for band in location.band], dtype=np.intp)


def percentile_distribution(location: DomainLocation) -> dict[str, Any]:
    """Histogram of the outside rows' percentiles, as `_figures.distribution` has distances.

    Distances of rows with different gaps do not compare, but percentiles do: each is among the
    training rows left out with the same gaps. Rows that are far have a bar of their own.
    """
    codes, verdict = domain_band_codes(location), location.verdict
    rank = np.where(codes == FAR_CODE, (100.0 + FAR_END) / 2, location.hull_percentile)
    outside = (verdict == Verdict.OUTSIDE) & np.isfinite(rank)
    edges = np.append(np.arange(0.0, 100.0 + PERCENTILE_STEP, PERCENTILE_STEP), FAR_END)
    training = [_left_out_percentiles(part) for part in location.parts]
    left_out = np.concatenate([np.zeros(0), *(ranks for ranks, _ in training)])
    inside = sum(n_inside for _, n_inside in training)
    bands = range(len(BAND_NAMES))
    return {
        "log": False,
        "edges": edges.tolist(),
        "queries": [np.histogram(rank[outside & (codes == b)], edges)[0].tolist() for b in bands],
        "training": np.histogram(left_out, edges)[0].tolist(),
        "inside": [int(np.sum((verdict == Verdict.INSIDE) & (codes == b))) for b in bands],
        "undecided": len(location) - int(outside.sum() + (verdict == Verdict.INSIDE).sum()),
        "trainingInside": inside,
        "trainingTotal": len(left_out) + inside,
        "total": len(location),
        "measure": "percentile",
        "trainingText": "training rows left out, of each pattern of gaps",
        "offFlat": 0,
        "segments": [
            ("core", 0.0, EDGE),
            ("edge", EDGE, BEYOND),
            ("beyond", BEYOND, 100.0),
            ("far", 100.0, FAR_END),
        ],
    }


def _left_out_percentiles(part: PatternLocation) -> tuple[Floats, int]:
    """Percentiles of the training rows left out that were outside, and how many were inside."""
    distance = part.pattern.reference.hull
    ranks = percentile(distance, distance)
    return np.minimum(ranks[distance > 0], 100.0), int((distance <= 0).sum())


def domain_rows(location: DomainLocation, order: Indices) -> dict[str, Any]:
    """The lines of the table that can be searched: rows in an order, reasons in short."""
    categories = {c.name for c in location.coordinates.columns if isinstance(c, CategoryColumn)}
    names = printable_names([c.name for c in location.coordinates.columns], 40)
    picked = location[order]
    distance = rounded_list(np.where(np.isfinite(picked.upper), picked.upper, picked.lower))
    ranks, codes = rounded_list(picked.hull_percentile), domain_band_codes(picked).tolist()
    lines = [
        [
            row_name(location.labels, int(order[row]), 40),
            codes[row],
            ranks[row],
            distance[row],
            "; ".join([*_never_seen(picked, row), *_reasons(reasons, categories, names)]),
            ", ".join(names[name] for name in picked.located_without(row)),
        ]
        for row, reasons in enumerate(picked.pushed_out_by(REASONS_OF_LINE))
    ]
    n_detailed = min(len(order), DETAILED_CELLS // max(1, len(names)))
    return {
        "head": ROWS_HEAD,
        "lines": lines,
        "columns": list(names.values()),
        "details": [_detail(location, row) for row in order[:n_detailed].tolist()],
    }


def _detail(location: DomainLocation, row: int) -> list[list[str]]:
    """One row column by column: its own cell, the nearest mixture's, and the training rows'."""
    return [
        [own_text(c), *(text and printable(text) for text in (c.nearest, c.training))]
        for c in location.compare_columns(row)
    ]


def _never_seen(location: DomainLocation, row: int) -> list[str]:
    columns = location.coordinates.columns
    return [
        f"{printable(columns[j].name, 40)} {printable(location.cells[row, j], 40)!r} never seen"
        for j in np.flatnonzero(location.unseen[row])
    ]


def _reasons(
    reasons: list[tuple[str, float]], categories: set[str], names: dict[str, str]
) -> list[str]:
    return [
        f"{names[name]} ({100 * amount:.0f}{NBSP}% of other levels)"
        if name in categories
        else f"{names[name]} {signed(amount)}"
        for name, amount in reasons
    ]


def rows_in_order(location: DomainLocation, farthest: Indices) -> Indices:
    """All rows, the farthest first and those inside last."""
    rest = np.setdiff1d(np.arange(len(location)), farthest)
    return np.concatenate([farthest, rest]).astype(np.intp)
