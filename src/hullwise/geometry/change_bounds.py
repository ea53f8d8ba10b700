"""The smallest changes of queries: what they are, and what proves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.types import Floats, Indices, Mask
from ..errors import DataError
from .cloud import Cloud
from .location_columns import amounts_text
from .metric import Metric

ARRAYS_OF_CHANGES = (
    "queries",
    "free",
    "threshold",
    "changed",
    "upper",
    "lower",
    "distance",
    "direction",
)


@dataclass(frozen=True, eq=False, repr=False)
class ChangeBounds(RowResult):
    """The smallest change for each of m queries: what it is, and a bracket of its length.

    Attributes
    ----------
    queries : (m, d) float64
    free : (m, d) bool
    threshold : (m,) float64
    upper, lower : (m,) float64
        Bracket of the least |z - query| in the metric. Both infinite where it is proved that no
        change of the free features helps; 0 and infinite where neither is known.
    changed : (m, d) float64
        The queries after a change that is a little longer, which brings them 2^-25 of the threshold
        within it; in the data's own units, NaN where none is known.
    distance : (m,) float64
        How far from the hull `changed` is at most: no more than the threshold, up to rounding where
        that is 0. Where no change helps, how near the free features can bring the query.
    weights : csr_array (m, n)
        The point of the hull that is so near, and that the query moves towards: proves `upper`.
    direction : (m, d) float64
        Vectors v that prove `lower`, by the metric's inner product <v, w> = v' M w.
    metric : Metric
    columns : (d,) str
        Names of the features.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> loc = hw.locate(X, [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    >>> change = loc.smallest_change(X, fixed=["x1"])
    >>> change
    ChangeBounds(2 changes, 1 possible)
    >>> change.changed[0].round(1), change.impossible
    (array([ 3.3,  0. , -1.6]), array([False,  True]))
    >>> change.verify(X)
    array([ True,  True])
    """

    queries: Floats
    free: Mask
    threshold: Floats
    changed: Floats
    upper: Floats
    lower: Floats
    distance: Floats
    weights: csr_array
    direction: Floats
    metric: Metric
    columns: tuple[str, ...] = ()
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.upper)

    def __repr__(self) -> str:
        n_possible = int(self.possible.sum())
        return f"ChangeBounds({len(self)} changes, {n_possible} possible)"

    @property
    def possible(self) -> Mask:
        """(m,) whether a change that suffices is known."""
        return np.isfinite(self.upper)

    @property
    def impossible(self) -> Mask:
        """(m,) whether it is proved that none does."""
        return np.isinf(self.lower)

    def verify(self, X: Any, *, exact: bool = False) -> Mask:
        """(m,) whether every claim holds, judged from the training rows alone by other code.

        In float64 with a rounding bound, and in rational arithmetic where that cannot tell, or for
        all with `exact`. One pass, O(m n d).

        Raises
        ------
        DataError
            X cannot be the training rows.
        """
        from ._change_checker import changes_hold

        cloud = X if isinstance(X, Cloud) else Cloud(X, copy=False)
        if (cloud.n, cloud.d) != (self.weights.shape[1], self.queries.shape[1]):
            raise DataError(
                f"X has {cloud.n} rows and {cloud.d} features; these changes were computed against "
                f"{self.weights.shape[1]} rows and {self.queries.shape[1]} features."
            )
        return changes_hold(self, cloud.rows, exact)

    def labelled(self, names: RowNames) -> ChangeBounds:
        """The same changes with names for their rows."""
        return replace(self, row_names=names)

    def _take(self, rows: Indices) -> ChangeBounds:
        picked = {name: getattr(self, name)[rows] for name in ARRAYS_OF_CHANGES}
        weights = csr_array(self.weights[rows])
        return replace(self, **picked, weights=weights, row_names=self.row_names.take(rows))

    def _columns(self) -> dict[str, Column]:
        moves = self.changed - self.queries
        return {
            "enough": np.where(self.impossible, "no", np.where(self.possible, "yes", "open")),
            "lower": self.lower,
            "upper": self.upper,
            "change": [
                amounts_text([(self.columns[j], float(row[j])) for j in np.flatnonzero(row)])
                for row in np.nan_to_num(moves)
            ],
        }


def join_in_order(parts: Sequence[ChangeBounds], order: Indices, metric: Metric) -> ChangeBounds:
    """Changes of several sets of features as one result, in this order."""

    def joined(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    weights = csr_array(vstack([part.weights for part in parts], format="csr")[order])
    arrays = {name: joined(name) for name in ARRAYS_OF_CHANGES}
    return ChangeBounds(**arrays, weights=weights, metric=metric, columns=parts[0].columns)
