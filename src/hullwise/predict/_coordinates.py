"""Coordinates for interpolation: the flat that the rows span, seen in a metric."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.linalg

from .._core.types import Floats
from ..geometry.cloud import Cloud
from ..geometry.metric import Metric
from ..geometry.scaled_view import ScaledView
from ._batching import map_rowwise

FLAT_METRIC_TOLERANCE = (
    1e-12  # a direction of the flat that the metric shrinks to less of the largest is not seen
)


@dataclass(frozen=True, eq=False)
class FlatCoordinates:
    """A view of full rank, in which the metric is Euclidean; `basis` (k, r) is None for no flat.

    A query has coordinates along the flat only; `off` says how far it is from it.
    """

    view: ScaledView
    metric: Metric
    basis: Floats | None

    @cached_property
    def columns(self) -> Floats:
        """All rows, one in each column, (r, n)."""
        return np.ascontiguousarray(self.view.scaled_rows.T)

    def map(self, Q: Floats) -> Floats:
        """Queries (m, d) along the flat, (m, r), those far out moved in."""
        return map_rowwise(self.view.frame, Q)

    def to_data(self, V: Floats) -> Floats:
        """Differences (m, r) in these coordinates as differences (m, d) in the data's units."""
        if self.basis is not None:
            V = V @ self.basis.T
        return self.metric.preimage(self.view.frame.distance(V))


def flat_coordinates(cloud: Cloud, metric: Metric) -> FlatCoordinates:
    """Coordinates of a cloud's flat in a metric, made once; O(n d^2) to find the flat."""
    return cloud.cached("flat coordinates", lambda: _find_coordinates(cloud, metric), metric)


def _find_coordinates(cloud: Cloud, metric: Metric) -> FlatCoordinates:
    flat = cloud.flat
    if flat.directions is None:
        return FlatCoordinates(cloud.view_in(metric), metric, None)
    frame = cloud.frame(metric)
    # directions of the flat: from columns in their own scale to the metric's coordinates
    along = (
        flat.directions.T
        / flat.frame.factor
        * frame.factor
        * (frame.prescale / flat.frame.prescale)
    )
    if frame.matrix is not None:
        along = along @ frame.matrix
    if not along.size:
        return FlatCoordinates(cloud.view_in(metric), metric, None)
    U, size, _ = scipy.linalg.svd(along.T, full_matrices=False)
    basis = U[:, size > FLAT_METRIC_TOLERANCE * size.max(initial=0.0)]
    if basis.shape[1] == frame.rank:
        return FlatCoordinates(cloud.view_in(metric), metric, None)
    matrix = np.diag(np.ones(frame.rank)) if frame.matrix is None else frame.matrix
    return FlatCoordinates(cloud.view(replace(frame, matrix=matrix @ basis)), metric, basis)
