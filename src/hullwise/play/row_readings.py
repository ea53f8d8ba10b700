"""What the training rows alone say of a point: hull, band, nearest rows, Delaunay simplex.

Prepared once a data set; a point then takes about a millisecond.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from .._core.types import Floats
from ..geometry.bands import BAND_NAMES, Reference
from ..geometry.cloud import Cloud
from ..geometry.left_out import reference_for
from ..geometry.locate import locate_by_hull
from ..geometry.location import Location
from ..geometry.location_columns import VERDICT_WORDS
from ..geometry.neighbours import nearest_rows
from ..geometry.optional_parts import OptionalParts
from ..predict.delaunay import DelaunayRegressor
from .data_sets import DataSet

__all__ = ["RowReadings"]

PROBE_NEIGHBOURS = 5
SHOWN_NEW_ROWS = 500
PROBE_REFERENCE_ROWS = 500


class RowReadings:
    """Hull, bands, neighbours and simplices of the training rows of a data set.

    Distances are plain, in the units of the network's columns; `hull` takes another metric.

    Parameters
    ----------
    data : DataSet

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise.play.data_sets import draw_data_set
    >>> readings = RowReadings(draw_data_set("xor", 100, 0.0, seed=0))
    >>> hull = readings.hull(np.array([2.0, 0.0]))
    >>> hull["verdict"], hull["band"]
    ('outside', 'far')
    """

    def __init__(self, data: DataSet) -> None:
        self.data = data
        self._task_reference: tuple[bytes, Reference] | None = None
        self._last_location: tuple[bytes, Location] | None = None

    @property
    def has_rows(self) -> bool:
        """Without rows there is no hull, no neighbour and no simplex."""
        return len(self.data.X) > 0

    @cached_property
    def cloud(self) -> Cloud:
        return Cloud(self.data.X)

    @cached_property
    def reference(self) -> Reference:
        """Rows left out in turn, in the plain metric; 15 to 50 ms, once."""
        return reference_for(
            self.cloud, None, PROBE_NEIGHBOURS, PROBE_REFERENCE_ROWS, OptionalParts()
        )

    @cached_property
    def usual_gap(self) -> float:
        """The median distance of a training row from the nearest other one; 0 for a single row."""
        if self.cloud.n < 2:
            return 0.0
        rows = self.cloud.take(self.cloud.sample(PROBE_REFERENCE_ROWS))
        gaps = nearest_rows(self.cloud, rows, self.cloud.metric(None), 2).distances[:, 1]
        return float(np.median(gaps))

    @cached_property
    def _interpolant(self) -> DelaunayRegressor:
        # equal rows have equal targets here: no warning of what is not predicted
        return DelaunayRegressor(metric=None).fit(self.data.X, np.zeros(len(self.data.X)))

    def location(self, row: Floats) -> Location:
        """Where a row (d,) stands, in the plain metric; the last one is remembered.

        A pointer that rests is answered with every frame.
        """
        key = row.tobytes()
        if self._last_location is None or self._last_location[0] != key:
            self._last_location = key, locate_by_hull(self.cloud, row[None], self.reference)
        return self._last_location[1]

    def hull(self, row: Floats, metric: Floats | None = None, band: bool = True) -> dict[str, Any]:
        """The bracket of the distance of a row (d,) to the hull, its band, the nearest point.

        In a matrix `metric` (d, d) the band takes rows left out in that metric, which costs as much
        as the first time: `band=False` leaves it out.
        """
        if metric is None:
            return self.hull_of(self.location(row))
        if band:
            return self.hull_of(locate_by_hull(self.cloud, row[None], self._reference_in(metric)))
        without = Reference.empty(self.cloud.metric(metric), PROBE_NEIGHBOURS)
        return self.hull_of(locate_by_hull(self.cloud, row[None], without))

    def _reference_in(self, metric: Floats) -> Reference:
        key = metric.tobytes()
        if self._task_reference is None or self._task_reference[0] != key:
            reference = reference_for(
                self.cloud, metric, PROBE_NEIGHBOURS, PROBE_REFERENCE_ROWS, OptionalParts()
            )
            self._task_reference = key, reference
        return self._task_reference[1]

    def hull_of(self, location: Location) -> dict[str, Any]:
        """The hull's part of a location of one row."""
        nearest = location.nearest
        return {
            "verdict": VERDICT_WORDS[int(location.verdict[0])],
            "lower": float(location.lower[0]),
            "upper": float(location.upper[0]),
            "band": str(location.band[0]),
            "percentile": float(location.hull_percentile[0]),
            "nearest": self.data.plane_points(nearest)[0],
        }

    def neighbours(self, location: Location) -> dict[str, Any]:
        """The nearest training rows of a location of one row, nearest first, with distances."""
        nearest = location.comparison.neighbours
        rows = nearest.rows[0]
        return {
            "rows": rows,
            "distances": nearest.distances[0],
            "points": self.data.plane_points(self.data.X[rows]),
            "targets": self.data.targets[rows],
        }

    @cached_property
    def new_rows(self) -> dict[str, Any]:
        """New rows on the plane, each with its band; at most 500, spread evenly through them.

        Cost: as `locate` of so many queries, once a data set.
        """
        n_new = len(self.data.new_X)
        if not n_new or not self.has_rows:
            return {"points": [], "targets": [], "bands": [], "sentence": "There are no new rows."}
        rows = np.unique(np.linspace(0, n_new - 1, min(n_new, SHOWN_NEW_ROWS)).round().astype(int))
        new = self.data.new_X[rows]
        bands = locate_by_hull(self.cloud, new, self.reference).band
        counts = [f"{(bands == name).sum():,} {name}" for name in BAND_NAMES if name in bands]
        return {
            "points": self.data.plane_points(new),
            "targets": self.data.new_targets[rows],
            "bands": bands.tolist(),
            "sentence": f"Of {len(rows):,} new rows there are {', '.join(counts)}.",
        }

    def simplex(self, row: Floats) -> dict[str, Any]:
        """The Delaunay simplex around a row (d,): its corners, their weights, what they average.

        Of a row outside the hull that around the nearest point of the hull.
        """
        simplices = self._interpolant.simplices(row[None])
        weights = simplices.weights[[0]].toarray()[0]
        corners = np.asarray([corner for corner in simplices.corners[0] if corner >= 0])
        targets = self.data.targets[corners]
        n_classes = self.data.n_classes
        shares = np.bincount(targets, weights[corners], n_classes) if n_classes else None
        return {
            "rows": corners,
            "weights": weights[corners],
            "points": self.data.plane_points(self.data.X[corners]),
            "status": simplices.status[0].name.lower(),
            "value": None if n_classes else float(weights[corners] @ targets),
            "shares": shares,
        }
