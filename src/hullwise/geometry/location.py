"""Location: where each query stands, with the proofs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .._core.types import Floats, Indices, Mask
from .bands import BANDS, BEYOND, EDGE, Objects, Reference, chance
from .bounding_box import excess
from .metric import Metric, row_norms
from .principal_plane import PrincipalPlane
from .verdict import Status, Verdict

__all__ = ["BANDS", "BEYOND", "EDGE", "Location", "Reference", "Status", "Verdict"]


@dataclass(frozen=True, eq=False)
class Location:
    """Where each of m queries stands against n training rows in d features.

    Distances are in the metric's units, everything with a column for each feature is in the
    data's own units.

    Attributes
    ----------
    verdict : (m,) int8
        `Verdict.OUTSIDE` (-1), `UNDECIDED` (0) or `INSIDE` (1).
    lower, upper : (m,) float64
        Certified bracket of the distance to the hull of the training rows. `lower` is positive
        exactly where the verdict is OUTSIDE.
    weights : csr_array (m, n)
        The exhibited convex combination: ``weights @ X`` lies within `upper` of the query. Rows
        of a `membership_only` run that needed no combination are empty.
    direction : (m, d) float64
        Unit vectors v (in the metric) with ``<v, q - x> >= lower`` for every training row x;
        float32 in a `membership_only` run of float32 queries, where that is precise enough.
    nearest, residual : (m, d) float64
        The combination itself, and nearest - query: the smallest change that brings the query
        inside. NaN in a `membership_only` run.
    status : (m,) object
        `Status` members; their values are sentences.
    band : (m,) object
        core, edge, beyond, far or unknown: where the distance lies among the distances of
        training rows from the hull of the others. A query that leaves the flat which the
        training rows span ranks above all that do not.
    hull_percentile : (m,) float64
        Share of the reference rows strictly nearer to their hull than the query is, in percent.
    reference : (r,) float64
        Those leave-one-out distances.
    ellipsoid_distance : (m,) float64
        1 on the smallest enclosing ellipsoid, NaN where it was not computed.
    mahalanobis : (m,) float64
        Distance from the mean in units of the covariance, NaN where it was not computed.
    neighbour_distance, neighbour_percentile : (m,) float64
        Distance to the k-th nearest training row, and its percentile among those of the training
        rows themselves.
    nearest_rows : (m, k) int
        The nearest training rows, nearest first.
    queries : (m, d)
        The queries: the array given, not a copy, where it was float32 or float64. `labels` (m,)
        are their names or None, `columns` (d,) the feature names.
    box_minimum, box_maximum : (d,) float64
        Range of each feature over the training rows.
    training_labels : (n,) object or None
        Names of the training rows; `n_train` is their number.
    membership_only : bool
        Whether only the verdict was asked for.
    metric : Metric
        The metric in force; `metric.text` says it in words.
    tolerance : float
        Relative to each feature's range: how near to the query the combination must come for the
        verdict INSIDE.
    plane : Plane or None
        What a map of the data needs (none in a `membership_only` run).

    Examples
    --------
    >>> import hullwise as hw
    >>> X = [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]
    >>> loc = hw.locate(X, [[0.5, 0.5], [2.0, 2.0]])
    >>> loc
    Location(2 queries: 1 inside, 1 outside, 0 undecided; 2 core)
    >>> loc.weights.toarray()[1].round(6)
    array([0. , 0.5, 0.5])
    >>> loc.residual[1].round(6)
    array([-1., -1.])
    """

    verdict: NDArray[np.int8]
    lower: Floats
    upper: Floats
    weights: csr_array
    direction: Floats
    nearest: Floats
    residual: Floats
    status: Objects
    band: Objects
    hull_percentile: Floats
    reference: Floats
    ellipsoid_distance: Floats
    mahalanobis: Floats
    neighbour_distance: Floats
    neighbour_percentile: Floats
    nearest_rows: Indices
    queries: NDArray[Any]
    labels: Objects | None
    columns: tuple[str, ...]
    training_labels: Objects | None
    box_minimum: Floats
    box_maximum: Floats
    metric: Metric
    tolerance: float
    membership_only: bool
    n_train: int
    plane: PrincipalPlane | None = None

    def __len__(self) -> int:
        return len(self.verdict)

    def __repr__(self) -> str:
        inside, outside = (self.verdict == 1).sum(), (self.verdict == -1).sum()
        named = ", ".join(
            f"{(self.band == b).sum()} {b}" for b in (*BANDS, "unknown") if (self.band == b).any()
        )
        return (
            f"Location({len(self)} queries: {inside} inside, {outside} outside, "
            f"{len(self) - inside - outside} undecided; {named or 'no rows'})"
        )

    def labelled(self, labels: Objects | None) -> Location:
        """The same location with names for its rows."""
        return replace(self, labels=labels)

    @property
    def metric_text(self) -> str:
        """The metric in words."""
        return self.metric.text

    @property
    def lower_euclidean(self) -> Floats:
        """(m,) certified lower bound of the plain distance, in the data's units.

        The direction that separates a query in the metric separates it in every other: this is how
        far apart the two sides are without the metric. 0 where `lower` is.
        """
        direction = self.direction.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            gap = self.lower * self.metric.norm(direction) / row_norms(self.metric.dual(direction))
        return np.where(self.lower > 0, gap * (1 - 2.0**-40), 0.0)

    @property
    def upper_euclidean(self) -> Floats:
        """(m,) plain distance to `nearest`, which need not be the nearest one without the metric.

        NaN in a `membership_only` run.
        """
        return row_norms(self.residual)

    @property
    def box_excess(self) -> Floats:
        """(m, d) signed amounts by which features leave the training range, data units."""
        return excess(self.queries, self.box_minimum, self.box_maximum)

    @property
    def in_range_share(self) -> Floats:
        """(m,) share of features inside the training range."""
        return np.asarray((self.box_excess == 0).mean(axis=1))

    @property
    def in_ellipsoid(self) -> Mask:
        """(m,) whether the smallest enclosing ellipsoid holds the query (False where unknown)."""
        return np.asarray(self.ellipsoid_distance <= 1.0)

    @property
    def off_flat(self) -> Mask:
        """(m,) whether the query leaves the flat that the training rows span.

        It then changes a feature that was constant, or breaks a linear relation, in training.
        False everywhere in a `membership_only` run.
        """
        return np.asarray(np.isinf(self.mahalanobis))

    def chance(self) -> float:
        """Probability that rows drawn like the training rows are beyond or far as often as these.

        Small values say that the queries come from elsewhere; NaN without a reference.

        Examples
        --------
        >>> import numpy as np, hullwise as hw
        >>> rng = np.random.default_rng(0)
        >>> X, Q = rng.normal(size=(300, 5)), rng.normal(size=(50, 5))
        >>> hw.locate(X, Q).chance() > 0.05, hw.locate(X, Q + 1).chance() < 0.001
        (True, True)
        """
        found = int(np.isin(self.band, BANDS[2:]).sum())
        return chance(found, len(self), len(self.reference))

    def allowed(self, b: int) -> Floats:
        """Per feature, how far the combination may lie from query b for the verdict INSIDE."""
        magnitude = np.maximum(np.abs(self.box_minimum), np.abs(self.box_maximum))
        width = self.box_maximum / 2 - self.box_minimum / 2
        slack = 2.0**-51 * magnitude + 2.0**-50 * np.abs(self.queries[b]) + 2.0**-1070
        return np.asarray(2 * self.tolerance * width + slack)

    def pushed_out_by(self, k: int = 5) -> list[list[tuple[str, float]]]:
        """For each query the features that push it out, most responsible first, (name, amount).

        The amount is query - nearest point of the hull in that feature, in its own units:
        positive means too high. Features are ranked by the amount as a share of their training
        range; amounts below 1e-9 of the range are left out. Empty for inside rows.

        Examples
        --------
        >>> import hullwise as hw
        >>> loc = hw.locate([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0.2, 0.2], [2.0, 0.0]])
        >>> loc.pushed_out_by()
        [[], [('x0', 1.0)]]
        """
        width = self.box_maximum / 2 - self.box_minimum / 2
        unit = np.where(width > 0, 2 * width, np.maximum(1e-300, np.abs(self.box_maximum)))
        out: list[list[tuple[str, float]]] = []
        for b in range(len(self)):
            push = -self.residual[b]
            if self.verdict[b] == Verdict.INSIDE or np.isnan(push).any():
                out.append([])
                continue
            share = np.abs(push) / unit
            first = np.argsort(-share, kind="stable")[:k]
            out.append([(self.columns[j], float(push[j])) for j in first if share[j] > 1e-9])
        return out

    def verify(self, X: Any, *, exact: bool = False) -> Mask:
        """Re-check every row's claims from the training rows alone.

        Parameters
        ----------
        X : array (n, d), data frame, path or Cloud
            The training rows.
        exact : bool
            Judge everything in exact integer arithmetic; otherwise only where float64 with its
            rounding bound cannot tell.

        Returns
        -------
        (m,) bool
            True where the weights, the bracket, the direction and the verdict all hold.

        Notes
        -----
        O(m n d); shares no code with the solver. Exact mode adds about O(d) big-integer products
        for each row within rounding of the maximum, and O(d k^2) for each inside row with a
        support of k <= 64 rows.

        Examples
        --------
        >>> import numpy as np, hullwise as hw
        >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> hw.locate(X, [[0.25, 0.25], [1.0, 1.0]]).verify(X, exact=True)
        array([ True,  True])
        """
        from ..errors import DataError
        from ..io.validation import check_columns
        from .cloud import Cloud
        from .verify import verify_location

        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        if cloud.columns is not None and len(cloud.columns) == len(self.columns):
            check_columns(cloud.columns, self.columns)
        rows = cloud.rows
        if (rows.n, rows.d) != (self.n_train, len(self.columns)):
            raise DataError(
                f"X has {rows.n} rows and {rows.d} features; this location was computed against "
                f"{self.n_train} rows and {len(self.columns)} features."
            )
        return verify_location(self, rows, exact)

    def to_dict(self) -> dict[str, Any]:
        """One list or array for each column of the table, one entry for each query."""
        from .location_columns import columns_of

        return columns_of(self)

    def to_frame(self) -> Any:
        """One row per query: a pandas DataFrame, or polars or pyarrow where pandas is missing.

        Examples
        --------
        >>> import hullwise as hw
        >>> table = hw.locate([[0.0], [1.0]], [[0.5], [3.0]], metric=None).to_frame()
        >>> [round(float(v), 3) for v in table["upper"]]
        [0.0, 2.0]
        """
        from .location_columns import frame_of

        return frame_of(self.to_dict(), self.labels)
