"""What the page says of two readings: out of the data, and out of it in what matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError
from ..geometry.bands import BAND_NAMES
from ..geometry.readings import cross_bands, pushes_in_metric, reference_reach, relative_distance
from ..metrics.directions import Directions, directions_from_spread
from ._figures import band_codes, rounded_list, row_name
from .sentences import (
    READINGS_MEANING,
    dimension_sentence,
    readings_expectations,
    readings_sentence,
)
from .words import format_number, printable, printable_names, rows, share, signed

if TYPE_CHECKING:
    from ..geometry.location import Location

MOST_DRAWN = 1200  # rows of the figure
FARTHEST_IN_TASK = 20
MOST_DIRECTIONS = 6
NEGLIGIBLE_PART = 0.005  # of the metric: directions below it are not listed
PUSHES_OF_ROW = 4


def check_same_rows(location: Location, task: Location) -> None:
    """Refuse a second reading that is about other rows.

    Raises
    ------
    DataError
    """
    if location.queries.shape != task.queries.shape or location.columns != task.columns:
        raise DataError(
            f"task is about {len(task.queries):,} rows of {len(task.columns):,} features, location "
            f"about {len(location.queries):,} of {len(location.columns):,}: locate the same rows "
            "in both metrics"
        )
    if task.membership_only or location.membership_only:
        raise DataError(
            "two readings differ in distances, and with membership_only there are none: locate "
            "without it"
        )


def readings_content(location: Location, task: Location, limit: int) -> dict[str, Any]:
    """Everything of the page that compares the two readings; at most `limit` rows drawn."""
    counts = cross_bands(location, task)
    compared = len(task.reference) > 0
    used = [
        i
        for i, band in enumerate(BAND_NAMES)
        if counts[i].any() or counts[:, i].any() or (compared and band != "unknown")
    ]
    return {
        "sentence": readings_sentence(location, task),
        "meaning": READINGS_MEANING,
        "usual": readings_expectations(location, task),
        "metrics": [printable(one.metric_text, 300) for one in (location, task)],
        "used": used,
        "counts": counts.tolist(),
        "chart": _scatter(location, task, min(limit, MOST_DRAWN)),
        "directions": _directions(task),
        "farthest": _farthest(location, task),
    }


def _scatter(location: Location, task: Location, limit: int) -> dict[str, Any] | None:
    m = len(location)
    x, y = relative_distance(location), relative_distance(task)
    chosen = np.flatnonzero(~(np.isnan(x) | np.isnan(y)))
    if not len(chosen) or not limit:
        return None
    if len(chosen) > limit:  # the farthest in either reading, and the rest evenly
        far = np.argsort(-np.maximum(_ranks(x[chosen]), _ranks(y[chosen])), kind="stable")
        most = far[: limit // 2]
        rest = far[limit // 2 :]
        even = rest[np.linspace(0, len(rest) - 1, limit - len(most)).astype(int)]
        chosen = np.sort(chosen[np.concatenate([most, even])])
    return {
        "x": rounded_list(x[chosen]),  # null: off the flat, past every distance
        "y": rounded_list(y[chosen]),
        "plain": band_codes(location)[chosen].tolist(),
        "task": band_codes(task)[chosen].tolist(),
        "label": [row_name(location.labels, int(i)) for i in chosen],
        "yardsticks": [bool(np.isfinite(reference_reach(one))) for one in (location, task)],
        "drawn": "" if len(chosen) == m else f"{len(chosen):,} of {rows(m)} are drawn. ",
        "offFlat": int(np.isinf(x[chosen]).sum()),
    }


def _ranks(values: Floats) -> Floats:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)


def _directions(task: Location) -> dict[str, Any] | None:
    if task.plane is None:
        return None
    spread = np.where(task.box_maximum > task.box_minimum, task.plane.scale, 0.0)
    try:
        directions = directions_from_spread(task.metric, spread, task.columns)
    except DataError:  # every feature is constant
        return None
    listed = [
        i
        for i in range(min(MOST_DIRECTIONS, len(directions)))
        if i == 0 or directions.share[i] >= NEGLIGIBLE_PART
    ]
    return {
        "effective": format_number(directions.effective_dimension, 2),
        "note": (
            f"{dimension_sentence(directions)} Each direction is a step in standard "
            "deviations of its features; its share says how much of the metric it holds."
        ),
        "items": [_direction(directions, i) for i in listed],
    }


def _direction(directions: Directions, i: int) -> dict[str, Any]:
    part = float(directions.share[i])
    return {
        "share": share(round(1e6 * part), 1_000_000),
        "part": float(f"{part:.4g}"),
        "terms": [[printable(name), float(f"{w:.3g}")] for name, w in directions.terms(i)],
        "more": directions.more(i),
    }


def _farthest(location: Location, task: Location) -> list[dict[str, Any]]:
    order = task.summary().farthest[:FARTHEST_IN_TASK]
    names = printable_names(location.columns, 40)
    pushes = pushes_in_metric(task[order], PUSHES_OF_ROW)
    return [
        {
            "label": row_name(location.labels, row),
            "plain": BAND_NAMES.index(str(location.band[row])),
            "task": BAND_NAMES.index(str(task.band[row])),
            "percentiles": [
                format_number(float(p)) if np.isfinite(p) else ""
                for p in (location.hull_percentile[row], task.hull_percentile[row])
            ],
            "pushes": "; ".join(f"{names[name]} {signed(amount)}" for name, amount in pushing),
        }
        for row, pushing in zip(order.tolist(), pushes, strict=True)
    ]
