"""The definitions of "within the data" beside the hull, for the same queries and row by row.

One that cannot be computed is NaN, and a note says why: none of them may cost the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .._core.results import Column, scatter
from .._core.types import Array, Floats, Indices, Mask, Objects, Progress
from .bands import Reference, percentile, rank
from .cloud import Cloud
from .ellipsoid import smallest_ellipsoid
from .hull import HullResult
from .neighbours import Neighbours, nearest_rows
from .optional_parts import OptionalParts

NEIGHBOUR_PERCENTILE = 95.0  # up to which a row is as near to others as training rows are
ELLIPSOID_WORK = 2e8  # n d^2 above which the ellipsoid takes more than a few seconds


@dataclass(frozen=True, eq=False)
class Comparison:
    """Bands and the other definitions for m queries; see `Location` for what each one is.

    `notes` are sentences about definitions that could not be computed.
    """

    band: Objects  # (m,)
    hull_percentile: Floats  # (m,)
    ellipsoid_distance: Floats  # (m,)
    mahalanobis: Floats  # (m,)
    neighbours: Neighbours
    neighbour_percentile: Floats  # (m,)
    notes: tuple[str, ...] = ()

    @classmethod
    def empty(cls, m: int) -> Comparison:
        """What a membership run leaves open."""
        nan = np.full(m, np.nan)
        none = Neighbours(np.zeros((m, 0), np.intp), np.zeros((m, 0)))
        return cls(np.full(m, "unknown", dtype=object), nan, nan, nan, none, nan)

    def definitions(self, in_box: Mask, in_hull: Mask) -> dict[str, Mask]:
        """Which queries are within the data by each definition that was computed, by its name."""
        masks = {"box": in_box}
        if not np.isnan(self.ellipsoid_distance).all():
            masks["ellipsoid"] = self.ellipsoid_distance <= 1
        masks["hull"] = in_hull
        if not np.isnan(self.neighbour_percentile).all():
            masks["neighbours"] = self.neighbour_percentile <= NEIGHBOUR_PERCENTILE
        return masks

    def columns(self) -> Mapping[str, Column]:
        """The columns of the table that come of these, in their order."""
        known = ~np.isnan(self.ellipsoid_distance)
        inside = (self.ellipsoid_distance <= 1).tolist()
        return {
            "in_ellipsoid": [bool(v) if k else None for v, k in zip(inside, known.tolist())],
            "ellipsoid_distance": self.ellipsoid_distance,
            "mahalanobis": self.mahalanobis,
            "neighbour_distance": self.neighbours.farthest,
            "neighbour_percentile": self.neighbour_percentile,
        }

    def take(self, rows: Indices) -> Comparison:
        """Those of some of the queries."""
        return Comparison(
            self.band[rows],
            self.hull_percentile[rows],
            self.ellipsoid_distance[rows],
            self.mahalanobis[rows],
            self.neighbours.take(rows),
            self.neighbour_percentile[rows],
            self.notes,
        )

    def scatter(self, where: Mask) -> Comparison:
        """The same for the queries at `where`; nothing is known of the others."""
        return Comparison(
            scatter(self.band, where, "unknown"),
            scatter(self.hull_percentile, where, np.nan),
            scatter(self.ellipsoid_distance, where, np.nan),
            scatter(self.mahalanobis, where, np.nan),
            self.neighbours.scatter(where),
            scatter(self.neighbour_percentile, where, np.nan),
            self.notes,
        )


def compare(
    cloud: Cloud,
    Q: Array,
    hull: HullResult,
    reference: Reference,
    optional: OptionalParts,
    ellipsoid: bool = True,
) -> Comparison:
    """Bands by the reference, and every other definition, for queries Q (m, d).

    What cannot be computed is NaN (or "unknown"), with a note in `optional`.
    """
    m = len(Q)
    nothing = Comparison.empty(m)
    neighbours = optional.compute(
        "the nearest training rows were",
        lambda: nearest_rows(cloud, Q, reference.metric, reference.n_neighbors),
        nothing.neighbours,
    )
    mahalanobis = optional.compute(
        "the Mahalanobis distance, and with it which rows leave the training rows' flat, was",
        lambda: cloud.flat.mahalanobis(Q),
        nothing.mahalanobis,
    )
    band, hull_percentile = optional.compute(
        "the bands were",
        lambda: band_of_hull(hull, mahalanobis, reference),
        (nothing.band, nothing.hull_percentile),
    )
    ellipsoid_distance = nothing.ellipsoid_distance
    if ellipsoid:
        ellipsoid_distance = optional.compute(
            "the smallest ellipsoid was",
            lambda: ellipsoid_distances(cloud, Q, optional.progress),
            nothing.ellipsoid_distance,
        )
    return Comparison(
        band,
        hull_percentile,
        ellipsoid_distance,
        mahalanobis,
        neighbours,
        percentile(neighbours.farthest, reference.gaps, reference.weights),
        tuple(optional.notes),
    )


def band_of_hull(
    hull: HullResult, mahalanobis: Floats, reference: Reference
) -> tuple[Objects, Floats]:
    """Bands and percentiles of queries from the brackets of their distances."""
    if np.isnan(mahalanobis).any():
        raise ArithmeticError("it is not known which rows leave the training rows' flat")
    upper = hull.ranked_distance
    return rank(np.minimum(hull.lower, upper), upper, np.isinf(mahalanobis), reference)


def ellipsoid_distances(cloud: Cloud, Q: Array, progress: Progress | None = None) -> Floats:
    """Distances (m,) of queries in the smallest ellipsoid around a cloud's rows, made once.

    Raises
    ------
    ArithmeticError
        The cloud is so large that the ellipsoid takes more than a few seconds.
    """
    if cloud.n * float(cloud.d) ** 2 > ELLIPSOID_WORK:
        raise ArithmeticError("the data are large")
    ellipsoid = cloud.cached("ellipsoid", lambda: smallest_ellipsoid(cloud, progress=progress))
    return np.asarray(ellipsoid.distance(Q))
