"""What the report says of two readings: out of the data, and out of it in what matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..metrics.directions import Directions, directions_from_spread
from ._figures import finite_list, row_name
from .readings import BANDS, MEANING, OUT, both_sentence, cross, in_yardsticks, pushes, yardstick
from .usual import expectation
from .words import format_number, plain, rows, share

if TYPE_CHECKING:
    from ..geometry.location import Location

DRAWN = 1200
FARTHEST = 20
DIRECTIONS = 6
PUSHES = 4


def matching(location: Location, task: Location) -> Location:
    """The second reading, if it is about the same rows."""
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
    return task


def task_content(location: Location, task: Location, limit: int) -> dict[str, Any]:
    """Everything of the page that compares the two readings; at most `limit` rows drawn."""
    counts = cross(location, task)
    r = int(np.isfinite(task.reference).sum())
    used = [
        i
        for i, band in enumerate(BANDS)
        if counts[i].any() or counts[:, i].any() or (r and band != "unknown")
    ]
    told = pushes(task, task.metric, PUSHES)
    return {
        "sentence": both_sentence(location, task),
        "meaning": MEANING,
        "usual": [
            f"{name}: {said}"
            for name, one in (("Plainly", location), ("In what matters", task))
            if (said := _usual(one))
        ],
        "metrics": [plain(one.metric_text, 300) for one in (location, task)],
        "used": used,
        "counts": counts.tolist(),
        "chart": _chart(location, task, min(limit, DRAWN)),
        "directions": _directions(task),
        "farthest": _farthest(location, task, told),
    }


def _usual(one: Location) -> str:
    r = int(np.isfinite(one.reference).sum())
    return expectation(int(np.isin(one.band, OUT).sum()), len(one.band), r, one.chance())


def _chart(location: Location, task: Location, limit: int) -> dict[str, Any] | None:
    m = len(location.band)
    x, y = in_yardsticks(location), in_yardsticks(task)
    known = ~(np.isnan(x) | np.isnan(y))
    chosen = np.flatnonzero(known)
    if not len(chosen) or not limit:
        return None
    if len(chosen) > limit:  # the farthest in either reading, and the rest evenly
        far = np.argsort(-np.maximum(_rank(x[chosen]), _rank(y[chosen])), kind="stable")
        most = far[: limit // 2]
        rest = far[limit // 2 :]
        even = rest[np.linspace(0, len(rest) - 1, limit - len(most)).astype(int)]
        chosen = np.sort(chosen[np.concatenate([most, even])])
    drawn = "" if len(chosen) == m else f"{len(chosen):,} of {rows(m)} are drawn. "
    codes = [_codes(one.band[chosen]) for one in (location, task)]
    return {
        "x": finite_list(x[chosen]),  # null: off the flat, past every distance
        "y": finite_list(y[chosen]),
        "plain": codes[0],
        "task": codes[1],
        "label": [row_name(location.labels, int(i)) for i in chosen],
        "yardsticks": [bool(np.isfinite(yardstick(one))) for one in (location, task)],
        "drawn": drawn,
        "offFlat": int(np.isinf(x[chosen]).sum()),
    }


def _rank(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)


def _codes(bands: NDArray[Any]) -> list[int]:
    return [BANDS.index(str(band)) for band in bands]


def _directions(task: Location) -> dict[str, Any] | None:
    if task.plane is None:
        return None
    spread = np.where(task.box_maximum > task.box_minimum, task.plane.scale, 0.0)
    try:
        found = directions_from_spread(task.metric, spread, task.columns)
    except DataError:  # every feature is constant
        return None
    d = len(found.columns)
    effective = format_number(found.effective_dimension, 2)
    return {
        "effective": effective,
        "note": (
            f"Effective dimension {effective} of {d:,}: as if that "
            "many directions counted alike and no other. Each direction is a step in standard "
            "deviations of its features; its share says how much of the metric it holds."
        ),
        "items": [_direction(found, i) for i in _shown(found)],
    }


def _shown(found: Directions) -> list[int]:
    return [i for i in range(min(DIRECTIONS, len(found))) if i == 0 or found.share[i] >= 0.005]


def _direction(found: Directions, i: int) -> dict[str, Any]:
    return {
        "share": share(round(1e6 * float(found.share[i])), 1_000_000),
        "part": float(f"{found.share[i]:.4g}"),
        "terms": [[plain(name), float(f"{w:.3g}")] for name, w in found.terms(i)],
        "more": found.more(i),
    }


def _farthest(
    location: Location, task: Location, told: list[list[tuple[str, float]]]
) -> list[dict[str, Any]]:
    out = np.flatnonzero(task.verdict != 1)
    distance = np.nan_to_num(np.where(task.verdict == 1, 0.0, task.upper), posinf=0.0)
    order = out[np.lexsort((-distance[out], ~task.off_flat[out]))[:FARTHEST]]
    return [
        {
            "label": row_name(location.labels, int(i)),
            "plain": BANDS.index(str(location.band[i])),
            "task": BANDS.index(str(task.band[i])),
            "percentiles": [
                "" if not np.isfinite(p) else format_number(float(p))
                for p in (location.hull_percentile[i], task.hull_percentile[i])
            ],
            "pushes": "; ".join(f"{plain(n, 40)} {_signed(a)}" for n, a in told[i]),
        }
        for i in order.tolist()
    ]


def _signed(amount: float) -> str:
    return f"{'−' if amount < 0 else '+'}{format_number(abs(amount))}"
