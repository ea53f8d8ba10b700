"""Lengths and energies of polylines in a metric that can differ from place to place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._core.types import Floats
from ._path_metrics import (
    ConstantMetric,
    DataWeightedMetric,
    PathMetric,
    PullbackMetric,
    Slopes,
)

LENGTH_SUBDIVISIONS = 16  # parts of a segment whose lengths are added up
CONTINUATION_RIDGES = (1e4, 1e2, 1.0)  # times the ridge, one after the other


def continuation(path_metric: PathMetric) -> list[PathMetric]:
    """The measure, after kinder ones that lead to it: a pullback with a larger ridge.

    A path of least energy in a kinder one starts the search in the next.
    """
    if isinstance(path_metric, DataWeightedMetric):
        return [path_metric.over(base) for base in continuation(path_metric.base)]
    if isinstance(path_metric, PullbackMetric):
        return [
            replace(path_metric, ridge=path_metric.ridge * more) for more in CONTINUATION_RIDGES
        ]
    return [path_metric]


def piece_lengths(path_metric: PathMetric, path: Floats) -> Floats:
    """The length of each piece (t - 1,) of the polyline through the points (t, d)."""
    if isinstance(path_metric, ConstantMetric):
        return path_metric.metric.norm(np.diff(path, axis=0))
    share = np.linspace(0, 1, LENGTH_SUBDIVISIONS + 1)[:, None, None]
    fine = (1 - share) * path[:-1] + share * path[1:]
    d = path.shape[1]
    squared = path_metric.squared(fine[:-1].reshape(-1, d), fine[1:].reshape(-1, d))
    return np.asarray(np.sqrt(squared).reshape(LENGTH_SUBDIVISIONS, -1).sum(axis=0))


def subdivided_slopes(path_metric: PathMetric, P: Floats, Q: Floats, parts: int) -> Slopes:
    """As `Measure.slopes`, each segment in parts: (length of the polyline)² for equal parts."""
    if parts == 1:
        return path_metric.slopes(P, Q)
    (m, d), at = P.shape, np.linspace(0, 1, parts + 1)[:, None, None]
    points = (1 - at) * P + at * Q
    slopes = path_metric.slopes(points[:-1].reshape(-1, d), points[1:].reshape(-1, d))
    squared = parts * slopes[0].reshape(parts, m).sum(axis=0)
    from_low, from_high = (parts * slope.reshape(parts, m, d) for slope in slopes[1:])
    at_p = ((1 - at[:-1]) * from_low + (1 - at[1:]) * from_high).sum(axis=0)
    at_q = (at[:-1] * from_low + at[1:] * from_high).sum(axis=0)
    return squared, at_p, at_q
