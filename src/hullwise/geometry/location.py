"""Location: where each query stands, with the proofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.foreign import own_errors
from .._core.results import Column
from .._core.types import Floats, Indices, Mask, Objects
from ..errors import DataError
from .bands import BANDS, BEYOND, EDGE, Reference, chance, conformal_p_values
from .flat_reasons import broken_relations, flat_reasons
from .location_columns import amounts_text
from .location_parts import LocationParts
from .location_summary import CHANGE_SHARE
from .row_selection import RowSelection, select_rows
from .verdict import Status, Verdict

if TYPE_CHECKING:
    from .change_bounds import ChangeBounds
    from .location_summary import LocationSummary

__all__ = ["BANDS", "BEYOND", "EDGE", "Location", "Reference", "Status", "Verdict"]


@dataclass(frozen=True, eq=False, repr=False)
class Location(LocationParts):
    """Where each of m queries stands against n training rows in d features.

    Distances are in the metric's units, everything with a column for each feature is in the
    data's own units. ``loc[i]``, slices and masks pick queries; ``loc[i]`` is a location of one.

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
        Vectors v of length 1 in the metric with ``<v, q - x> >= lower`` for every training row x,
        by the metric's inner product v' M (q - x); float32 in a `membership_only` run of float32
        queries, where that is precise enough.
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
        Distance to the last of the nearest training rows, and its percentile among those of the
        training rows themselves.
    nearest_rows : (m, n_neighbors) int
        The nearest training rows, nearest first.
    notes : tuple of str
        Sentences about definitions that could not be computed; their columns are NaN.
    queries : (m, d)
        The queries: the array given, not a copy, where it was float32 or float64. `labels` (m,)
        are their names or None, `columns` (d,) the feature names.
    unusable : mapping of int to str
        Queries that could not be located (``bad_rows="keep"``), and what each holds.
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
    plane : PrincipalPlane or None
        What a map of the data needs (none in a `membership_only` run).
    hull, comparison, training : HullResult, Comparison, TrainingSummary
        The three parts that hold the above.

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
    >>> loc[1]
    Location(1 query: 0 inside, 1 outside, 0 undecided; 1 core)
    """

    def __len__(self) -> int:
        return len(self.hull.verdict)

    def plot(self, ax: Any = None) -> Any:
        """Draw the share of rows within each distance, and that of training rows left out."""
        from ..report.location_pictures import draw_location

        return draw_location(self, ax)

    def __repr__(self) -> str:
        inside, outside = (self.verdict == 1).sum(), (self.verdict == -1).sum()
        counts = {band: int((self.band == band).sum()) for band in (*BANDS, "unknown")}
        bands = ", ".join(f"{count} {band}" for band, count in counts.items() if count)
        return (
            f"Location({len(self)} {'query' if len(self) == 1 else 'queries'}: {inside} inside, "
            f"{outside} outside, {len(self) - inside - outside} undecided; {bands or 'no rows'})"
        )

    def _repr_html_(self) -> str:
        from ..report.location_view import location_view

        return location_view(self)

    def _take(self, rows: Indices) -> Location:
        places = {int(row): place for place, row in enumerate(rows)}
        return replace(
            self,
            queries=self.queries[rows],
            hull=self.hull.take(rows),
            comparison=self.comparison.take(rows),
            unusable={places[b]: what for b, what in self.unusable.items() if b in places},
            row_names=self.row_names.take(rows),
        )

    def labelled(self, labels: Objects | None) -> Location:
        """The same location with names for its rows."""
        return replace(self, row_names=replace(self.row_names, labels=labels))

    def chance(self) -> float:
        """Probability that rows drawn like the training rows are beyond or far as often as these.

        Small values say that the queries come from elsewhere; NaN without a reference, and where
        whole groups were left out: rows of one group are not drawn one by one.

        Examples
        --------
        >>> import numpy as np, hullwise as hw
        >>> rng = np.random.default_rng(0)
        >>> X, Q = rng.normal(size=(300, 5)), rng.normal(size=(50, 5))
        >>> hw.locate(X, Q).chance() > 0.05, hw.locate(X, Q + 1).chance() < 0.001
        (True, True)
        """
        if self.training.reference.groups is not None:
            return float("nan")
        n_out = int(self.beyond_or_far.sum())
        return chance(n_out, len(self) - len(self.unusable), len(self.reference))

    @property
    def p_values(self) -> Floats:
        """(m,) probability that a row like the training rows is as far out (conformal p-values).

        (1 + #{left-out rows at least as far out}) / (r + 1): at most t with probability at most t.
        NaN for rows that could not be located, and without a reference.

        Examples
        --------
        >>> import hullwise as hw
        >>> X = [[float(k * k)] for k in range(5)]
        >>> hw.locate(X, [[2.0], [19.0], [40.0]], metric=None).p_values.round(3)
        array([1.   , 0.333, 0.167])
        """
        hull = self.hull
        upper = hull.ranked_distance
        lower = np.minimum(hull.lower, upper)
        p_values = conformal_p_values(lower, upper, self.off_flat, self.training.reference)
        p_values[~self.usable] = np.nan
        return p_values

    def select(self, fdr: float = 0.1) -> RowSelection:
        """The rows that are not like the training rows, at a false discovery rate.

        Parameters
        ----------
        fdr : float, default=0.1
            Of rows selected, the share that may be like the training rows, on average.

        Returns
        -------
        RowSelection
            `mask`, `rows`, the adjusted p-values, and as `text` what was selected, or what size of
            reference it would take.

        Raises
        ------
        DataError
            Whole groups were left out: rows of one group are not drawn one by one.

        Examples
        --------
        >>> import numpy as np, hullwise as hw
        >>> rng = np.random.default_rng(0)
        >>> X, Q = rng.normal(size=(300, 5)), rng.normal(size=(1000, 5))
        >>> print(hw.locate(X, Q + 4 * (np.arange(1000) < 9)[:, None]).select().text)
        None of 1,000 rows selected ... With 300 rows left out at least 34 must be farther out ...
        """
        reference = self.training.reference
        if reference.groups is not None:
            raise DataError(
                "whole groups were left out, so that rows are not selected one by one: "
                "DomainLocation.select selects groups."
            )
        return select_rows(
            self.p_values,
            fdr,
            n_reference=len(reference),
            n_train=self.n_train,
            row_names=self.row_names,
        )

    def at_least(self, condition: str) -> Mask:
        """(m,) whether a row is in this band or a worse one; an open row counts as the worst.

        Parameters
        ----------
        condition : {"core", "edge", "beyond", "far", "outside"}
            A band; or "outside" for rows outside the hull, and those of which it is not known
            although they do not lie on its boundary.

        Examples
        --------
        >>> import hullwise as hw
        >>> loc = hw.locate([[0.0], [1.0], [2.0]], [[0.5], [9.0]])
        >>> loc.at_least("far"), loc.at_least("outside")
        (array([False,  True]), array([False,  True]))
        """
        if condition == "outside":
            boundary = np.array([s is Status.BOUNDARY for s in self.status], dtype=bool)
            undecided = self.verdict == Verdict.UNDECIDED
            return np.asarray((self.verdict == Verdict.OUTSIDE) | (undecided & ~boundary))
        if condition not in BANDS:
            raise DataError(f"condition={condition!r}: expected one of {', '.join(BANDS)}, outside")
        return np.isin(self.band, [*BANDS[BANDS.index(condition) :], "unknown"])

    def summary(self) -> LocationSummary:
        """The location in counts: bands, verdicts, leading features, the farthest rows."""
        from .location_summary import summarize

        return summarize(self)

    def allowed(self, b: int) -> Floats:
        """Per feature, how far the combination may lie from query b for the verdict INSIDE."""
        magnitude = np.maximum(np.abs(self.box_minimum), np.abs(self.box_maximum))
        slack = 2.0**-51 * magnitude + 2.0**-50 * np.abs(self.queries[b]) + 2.0**-1070
        return np.asarray(2 * self.tolerance * self.training.half_width + slack)

    # ---- what there is to say -----------------------------------------------------------------

    def pushed_out_by(self, k: int = 5) -> list[list[tuple[str, float]]]:
        """For each query the features that push it out, most responsible first, (name, amount).

        The amount is query - nearest point of the hull in that feature, in its own units:
        positive means too high. Features are ranked by the amount as a share of their training
        range; amounts below 1e-9 of the range are left out. Empty for inside rows. For a row off
        the flat of the training rows the linear relations that it breaks come first, such as
        ``("c = a + b, off by", 3.0)``.

        Examples
        --------
        >>> import hullwise as hw
        >>> loc = hw.locate([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0.2, 0.2], [2.0, 0.0]])
        >>> loc.pushed_out_by()
        [[], [('x0', 1.0)]]
        """
        broken = broken_relations(self)
        width = self.training.half_width
        unit = np.where(width > 0, 2 * width, np.maximum(1e-300, np.abs(self.box_maximum)))
        out: list[list[tuple[str, float]]] = []
        for b in range(len(self)):
            push = -self.residual[b]
            if self.verdict[b] == Verdict.INSIDE or np.isnan(push).any():
                out.append([])
                continue
            share = np.abs(push) / unit
            pushes = [
                (f"{relation.text(self.columns)}, off by", relation.amount(excess))
                for relation, excess in broken.get(b, [])
            ]
            order = [j for j in np.argsort(-share, kind="stable")[:k] if share[j] > CHANGE_SHARE]
            out.append((pushes + [(self.columns[j], float(push[j])) for j in order])[:k])
        return out

    def status_texts(self) -> list[str]:
        """The sentences of each row: that of its status, or why it could not be located.

        And what else a reader must know: the relation that puts it off the flat of the training
        rows, or the features out of their range although its band is core or edge.
        """
        texts = [status.value for status in self.status]
        for b, reasons in flat_reasons(self).items():
            texts[b] += f" Off the flat of the training rows: {'. '.join(reasons)}."
        excess = self.box_excess
        for b in np.flatnonzero(self.usual_out_of_range).tolist():
            amounts = [(self.columns[j], float(excess[b, j])) for j in np.flatnonzero(excess[b])]
            texts[b] += f" No farther out than usual, yet out of range: {amounts_text(amounts)}."
        for b, what in self.unusable.items():
            texts[b] = f"not located: {what}"
        return texts

    def _columns(self) -> Mapping[str, Column]:
        from .location_columns import location_columns

        return location_columns(self)

    def list_columns(self) -> Mapping[str, Column]:
        """The columns of the table, with lists of (feature, amount) and of training rows.

        Examples
        --------
        >>> import hullwise as hw
        >>> loc = hw.locate([[0.0], [1.0]], [[0.5], [3.0]], n_neighbors=1)
        >>> loc.list_columns()["pushed_out_by"], loc.list_columns()["nearest_rows"]
        ([[], [('x0', 2.0)]], [[0], [1]])
        """
        from .location_columns import location_lists

        return location_lists(self)

    def smallest_change(self, X: Any, *, fixed: Sequence[str] = ()) -> ChangeBounds:
        """The least change of each row that brings it back to the edge band.

        Parameters
        ----------
        X : array (n, d), data frame, path or Cloud
            The training rows.
        fixed : sequence of str
            Features that stay as they are.

        Returns
        -------
        ChangeBounds
            For each row the changed row and a proved bracket of its distance from the row, or the
            proof that no change of the other features is enough. Rows that are edge or core do not
            change; those off the flat of the training rows come back to the hull itself.

        Raises
        ------
        DataError
            There is no such feature or no reference, or X cannot be the training rows.

        Notes
        -----
        O(m n d) for each of about 10 rounds.

        Examples
        --------
        >>> import numpy as np, hullwise as hw
        >>> X = np.random.default_rng(0).normal(size=(300, 3))
        >>> loc = hw.locate(X, [[9.0, 0.0, 0.0]])
        >>> loc.smallest_change(X).changed.round(1) + 0.0
        array([[ 3.3,  0.2, -1.6]])
        """
        from .change_of_rows import changes_of_rows

        return changes_of_rows(self, X, fixed)

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
            True where the weights, the bracket, the direction, the verdict, the nearest point, the
            residual and the band all hold.

        Notes
        -----
        The band is checked against the distances of the left-out rows as they are given. Those
        distances, the ellipsoid, the Mahalanobis distance and the neighbours are not recomputed.

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
        from ..io.validation import check_columns
        from ._derived_claims_checker import derived_claims_hold
        from .cloud import Cloud
        from .verify import verify_location

        with own_errors("verifying certificates"):
            cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
            if cloud.columns is not None and len(cloud.columns) == len(self.columns):
                check_columns(cloud.columns, self.columns)
            rows = cloud.rows
            if (rows.n, rows.d) != (self.n_train, len(self.columns)):
                raise DataError(
                    f"X has {rows.n} rows and {rows.d} features; this location was computed "
                    f"against {self.n_train} rows and {len(self.columns)} features."
                )
            certified = verify_location(self, rows, exact)
            return np.asarray(certified & derived_claims_hold(self, rows))
