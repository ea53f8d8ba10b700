"""Two readings of the same rows: out of the data, and out of it in the metric of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Ints
from .bands import BAND_NAMES, BEYOND
from .verdict import Verdict

if TYPE_CHECKING:
    from .location import Location

LEAST_PART = 0.01  # of the squared distance: features below it are left out


def cross_bands(plain: Location, task: Location) -> Ints:
    """(5, 5) rows by their plain band (down) and their band in the task's metric (across)."""
    table = np.zeros((len(BAND_NAMES), len(BAND_NAMES)), dtype=np.int64)
    codes = [[BAND_NAMES.index(str(band)) for band in one.band] for one in (plain, task)]
    np.add.at(table, (codes[0], codes[1]), 1)
    return table


def pushes_in_metric(location: Location, n_features: int = 5) -> list[list[tuple[str, float]]]:
    """For each row the features that push it out as its metric sees it, (name, amount).

    v is the least change that the metric cannot tell from query - nearest point of the hull, in the
    features' own units: what does not matter may change much on that way, and is no part of it.
    Features are ranked by their part v_j (M v)_j of the squared distance; those with less than 1 %
    of it are left out.
    """
    metric = location.metric
    away = -np.asarray(location.residual, dtype=np.float64)
    known = np.isfinite(away).all(axis=1) & (location.verdict != Verdict.INSIDE)
    away[known] = metric.preimage(metric.image(away[known]))
    part = np.zeros_like(away)
    part[known] = away[known] * metric.dual(away[known])
    total = part.sum(axis=1)
    out: list[list[tuple[str, float]]] = []
    for b in range(len(away)):
        order = np.argsort(-part[b], kind="stable")[:n_features].tolist()
        pushing = [j for j in order if total[b] > 0 and part[b, j] >= LEAST_PART * total[b]]
        out.append([(location.columns[j], float(away[b, j])) for j in pushing])
    return out


def reference_reach(location: Location) -> float:
    """The distance that 95 % of the left-out training rows keep within; NaN where none is known."""
    ordered = np.sort(location.reference[np.isfinite(location.reference)])
    if not len(ordered) or not ordered[-1] > 0:
        return float("nan")
    limit = float(ordered[min(len(ordered) - 1, int(len(ordered) * BEYOND / 100))])
    return limit if limit > 0 else float(ordered[-1])


def relative_distance(location: Location) -> Floats:
    """(m,) distances, 1 where the outermost 5 % of the training rows begin; inf off their flat.

    In the metric's own units where there are no training rows to compare with.
    """
    reach = reference_reach(location)
    unit = 1.0 if np.isnan(reach) else reach
    return np.where(location.off_flat, np.inf, location.distance / unit)
