"""What the report is drawn from: the arrays of a location, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats

if TYPE_CHECKING:
    from ..geometry.location import Location
    from ..geometry.metric import Metric


RULES_WITHOUT_REFERENCE = {
    "core": "inside the hull",
    "unknown": "not inside; there are no training rows to compare with",
}


@dataclass(frozen=True, repr=False)
class ReportInput:
    """Exactly the arrays the report draws, for m queries, d features and n training rows.

    Attributes
    ----------
    verdict : (m,) int, -1 outside, 0 undecided, 1 inside.
    lower, upper : (m,) bracket of the distance to the hull, in the metric's units.
    band : (m,) str, one of core, edge, beyond, far, unknown.
    hull_percentile : (m,) percentile, 0 to 100, of the distance among `reference`; may be NaN.
    queries : (m, d) the rows located, in original units.
    columns : the d names of the features.
    box_minimum, box_maximum : (d,) range of each feature over the training rows.
    reference : (r,) leave-one-out hull distances of sampled training rows; may be empty.
    n_train : number of training rows.
    metric_text : the metric in words.
    tolerance : relative to each feature's range, how near the hull a row counts as inside.
    membership_only : whether the distances were left open.
    residual : (m, d) nearest point of the hull minus query, original units; None when not sought.
    labels, training_labels : names of the rows, (m,) and (n,); None counts them from 0.
    in_range_share, in_ellipsoid, neighbour_percentile : (m,) the other definitions, or None.
    nearest_rows : (m, k) training rows nearest to each query, or None.
    sample : (s, d) training rows for the map, original units, or None for no map.
    axes, axes_share, centre, column_scale : (2, d), (2,), (d,), (d,) of the projection
        ``((x - centre) / column_scale) @ axes.T``; the shares are of the variance, 0 to 1.
    band_limits : distances past which edge, beyond and far begin; None reads them off the rows.
    band_rules : one line for each band; None takes general words.
    off_flat : (m,) whether the row leaves the flat that the training rows span; None for no row.
    chance : probability that rows like the training rows are beyond or far as often; may be NaN.
    metric : the metric itself, for the directions in which a task's counts; None for none.
    """

    verdict: NDArray[Any]
    lower: Floats
    upper: Floats
    band: NDArray[Any]
    hull_percentile: Floats
    queries: Floats
    columns: tuple[str, ...]
    box_minimum: Floats
    box_maximum: Floats
    reference: Floats
    n_train: int
    metric_text: str
    tolerance: float
    membership_only: bool = False
    residual: Floats | None = None
    labels: NDArray[Any] | None = None
    in_range_share: Floats | None = None
    in_ellipsoid: NDArray[Any] | None = None
    neighbour_percentile: Floats | None = None
    nearest_rows: NDArray[Any] | None = None
    training_labels: NDArray[Any] | None = None
    sample: Floats | None = None
    axes: Floats | None = None
    axes_share: Floats | None = None
    centre: Floats | None = None
    column_scale: Floats | None = None
    band_limits: tuple[float, float, float] | None = None
    band_rules: Mapping[str, str] | None = None
    off_flat: NDArray[np.bool_] | None = None
    chance: float = np.nan
    metric: Metric | None = None

    def __repr__(self) -> str:
        m, d = self.queries.shape
        return f"ReportInput({m} queries, {d} features, {self.n_train} training rows)"

    @classmethod
    def from_location(cls, location: Location) -> ReportInput:
        """The arrays of a `Location`, taken and not copied; what was not computed becomes None."""
        plane = location.plane
        names = (
            "verdict lower upper band hull_percentile queries columns box_minimum box_maximum "
            "reference n_train metric_text tolerance membership_only labels training_labels"
        )
        return cls(
            **{name: getattr(location, name) for name in names.split()},
            residual=None if location.membership_only else location.residual,
            in_range_share=location.in_range_share,
            in_ellipsoid=_known(location.in_ellipsoid, location.ellipsoid_distance),
            neighbour_percentile=_known(
                location.neighbour_percentile, location.neighbour_percentile
            ),
            nearest_rows=location.nearest_rows,
            sample=None if plane is None else plane.sample,
            axes=None if plane is None else plane.axes,
            axes_share=None if plane is None else plane.share,
            centre=None if plane is None else plane.centre,
            column_scale=None if plane is None else plane.scale,
            band_limits=_band_limits(location),
            band_rules=None if len(location.reference) else RULES_WITHOUT_REFERENCE,
            off_flat=location.off_flat,
            chance=location.chance(),
            metric=location.metric,
        )


def _known(values: NDArray[Any], source: Floats) -> NDArray[Any] | None:
    return None if np.isnan(source).all() and source.size else values


def _band_limits(location: Location) -> tuple[float, float, float] | None:
    """The distances past which a row is edge, beyond and far; see `data.bands`.

    None where distances alone do not part the bands: training rows that leave the flat of the
    others rank above the rest too.
    """
    from ..geometry.bands import BANDS, BEYOND, EDGE

    r = len(location.reference)
    if not r:
        return None
    ordered = np.sort(location.reference)
    edge, beyond = (float(ordered[min(r - 1, int(r * p / 100))]) for p in (EDGE, BEYOND))
    limits = edge, beyond, float(ordered[-1])
    plain = ~location.off_flat & (location.band != "unknown")
    distance = np.where(location.verdict == 1, 0.0, location.upper)[plain]
    expected = np.array(BANDS, dtype=object)[np.searchsorted(limits, distance)]
    return limits if (expected == location.band[plain]).all() else None
