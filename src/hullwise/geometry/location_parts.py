"""The parts that a location is made of, and each of their numbers by its own name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .._core.results import UNNAMED_ROWS, RowNames, RowResult
from .._core.types import Floats, Indices, Mask, Objects
from .bands import BANDS, band_limits
from .block_floats import float_below, row_norms
from .bounding_box import excess
from .comparison import Comparison
from .hull import HullResult
from .metric import Metric
from .principal_plane import PrincipalPlane
from .training_summary import TrainingSummary
from .verdict import Verdict


@dataclass(frozen=True, eq=False, repr=False)
class LocationParts(RowResult):
    """What `locate` puts together; `Location` says what each name means."""

    queries: NDArray[Any]
    hull: HullResult
    comparison: Comparison
    training: TrainingSummary
    metric: Metric
    tolerance: float
    membership_only: bool
    unusable: Mapping[int, str] = field(default_factory=dict)
    row_names: RowNames = UNNAMED_ROWS

    # ---- the hull -----------------------------------------------------------------------------

    @property
    def verdict(self) -> NDArray[np.int8]:
        """(m,) -1 outside, 0 undecided, 1 inside."""
        return self.hull.verdict

    @property
    def lower(self) -> Floats:
        """(m,) certified lower bound of the distance to the hull."""
        return self.hull.lower

    @property
    def upper(self) -> Floats:
        """(m,) certified upper bound of the distance to the hull."""
        return self.hull.upper

    @property
    def weights(self) -> csr_array:
        """(m, n) the exhibited convex combinations."""
        return self.hull.weights

    @property
    def direction(self) -> Floats:
        """(m, d) the exhibited directions."""
        return self.hull.direction

    @property
    def nearest(self) -> Floats:
        """(m, d) the nearest points of the hull."""
        return self.hull.nearest

    @property
    def residual(self) -> Floats:
        """(m, d) nearest - query."""
        return self.hull.residual

    @property
    def status(self) -> Objects:
        """(m,) `Status` members."""
        return self.hull.status

    @property
    def distance(self) -> Floats:
        """(m,) one number for each query: 0 inside, else `upper`, or `lower` where that is open."""
        outside = np.where(np.isfinite(self.upper), self.upper, self.lower)
        return np.where(self.verdict == Verdict.INSIDE, 0.0, outside)

    @property
    def lower_euclidean(self) -> Floats:
        """(m,) certified lower bound of the plain distance, in the data's units.

        The direction that separates a query in the metric separates it in every other: this is how
        far apart the two sides are without the metric. 0 where `lower` is.
        """
        direction = self.direction.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            rate = self.metric.norm(direction) / row_norms(self.metric.dual(direction))
            gap = np.where(self.lower > 0, self.lower * rate * (1 - 2.0**-40), 0.0)
        return float_below(gap, 0)

    @property
    def upper_euclidean(self) -> Floats:
        """(m,) plain distance to `nearest`, which need not be the nearest one without the metric.

        NaN in a `membership_only` run.
        """
        return row_norms(self.residual)

    # ---- the other definitions ----------------------------------------------------------------

    @property
    def band(self) -> Objects:
        """(m,) core, edge, beyond, far or unknown."""
        return self.comparison.band

    @property
    def hull_percentile(self) -> Floats:
        """(m,) percentile of the distance among those of left-out training rows."""
        return self.comparison.hull_percentile

    @property
    def ellipsoid_distance(self) -> Floats:
        """(m,) 1 on the smallest enclosing ellipsoid."""
        return self.comparison.ellipsoid_distance

    @property
    def in_ellipsoid(self) -> Mask:
        """(m,) whether the smallest enclosing ellipsoid holds the query (False where unknown)."""
        return np.asarray(self.ellipsoid_distance <= 1.0)

    @property
    def mahalanobis(self) -> Floats:
        """(m,) distance from the mean in units of the covariance; inf off the rows' flat."""
        return self.comparison.mahalanobis

    @property
    def off_flat(self) -> Mask:
        """(m,) whether the query leaves the flat that the training rows span.

        It then changes a feature that was constant, or breaks a linear relation, in training.
        False everywhere in a `membership_only` run.
        """
        return np.asarray(np.isinf(self.mahalanobis))

    @property
    def nearest_rows(self) -> Indices:
        """(m, n_neighbors) the nearest training rows."""
        return self.comparison.neighbours.rows

    @property
    def neighbour_distance(self) -> Floats:
        """(m,) distance to the last of the nearest training rows."""
        return self.comparison.neighbours.farthest

    @property
    def neighbour_percentile(self) -> Floats:
        """(m,) its percentile among those of the training rows."""
        return self.comparison.neighbour_percentile

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about definitions that could not be computed."""
        return self.comparison.notes

    @property
    def box_excess(self) -> Floats:
        """(m, d) signed amounts by which features leave the training range, data units."""
        return excess(self.queries, self.box_minimum, self.box_maximum)

    @property
    def in_range_share(self) -> Floats:
        """(m,) share of features inside the training range; NaN for unusable rows."""
        share = np.asarray((self.box_excess == 0).mean(axis=1))
        share[list(self.unusable)] = np.nan
        return share

    @property
    def beyond_or_far(self) -> Mask:
        """(m,) rows farther out than 95 % of the training rows."""
        return np.isin(self.band, BANDS[2:])

    @property
    def usual_out_of_range(self) -> Mask:
        """(m,) rows that are core or edge although a feature is out of its training range."""
        return np.isin(self.band, BANDS[:2]) & (self.in_range_share < 1)

    @property
    def band_limits(self) -> list[float] | None:
        """Distances past which queries are edge, beyond and far; None where other things count."""
        ranked = ~self.off_flat & (self.band != "unknown")
        reference = self.training.reference
        return band_limits(
            self.distance[ranked], self.band[ranked], reference.hull, reference.weights
        )

    @property
    def usable(self) -> Mask:
        """(m,) the queries that could be located: all but those of `unusable`."""
        mask = np.ones(len(self), dtype=bool)
        mask[list(self.unusable)] = False
        return mask

    @property
    def definitions(self) -> dict[str, Mask]:
        """Which queries are within the data by each definition that was computed, (m,) each.

        "box" (every feature in its range), "ellipsoid" (the smallest one), "hull", and
        "neighbours" (as near to the nearest training rows as 95 % of those are to theirs).
        """
        in_box = self.in_range_share == 1
        return self.comparison.definitions(in_box, self.verdict == Verdict.INSIDE)

    # ---- the training rows --------------------------------------------------------------------

    @property
    def columns(self) -> tuple[str, ...]:
        """(d,) names of the features."""
        return self.training.columns

    @property
    def box_minimum(self) -> Floats:
        """(d,) least value of each feature over the training rows."""
        return self.training.minimum

    @property
    def box_maximum(self) -> Floats:
        """(d,) largest value of each feature over the training rows."""
        return self.training.maximum

    @property
    def n_train(self) -> int:
        """How many training rows there are."""
        return self.training.n

    @property
    def training_labels(self) -> Objects | None:
        """(n,) names of the training rows."""
        return self.training.labels

    @property
    def reference(self) -> Floats:
        """(r,) distances of training rows, left out in turn, to the hull of the others."""
        return self.training.reference.hull

    @property
    def plane(self) -> PrincipalPlane | None:
        """What a map of the data needs."""
        return self.training.plane

    @property
    def metric_text(self) -> str:
        """The metric in words."""
        return self.metric.text
